package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// lockPoll is how often a store that is locked is tried again.
const lockPoll = 50 * time.Millisecond

// LockFile opens a store's file for reading and takes a reader's lock, so that nobody
// writes to it meanwhile, or a writer's exclusive lock. [storefile.Release] gives it back.
// Errors are *[LockedError], *[NotStoreError], or the system's.
func LockFile(ctx context.Context, path string, timeout time.Duration, exclusive bool) (*os.File, error) {
	deadline := time.Now().Add(timeout)
	for {
		f, _, err := ttpcron.OpenRegular(path)
		if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) {
			return nil, &NotStoreError{Path: path, Reason: "it is no regular file"}
		}
		if err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
		locked, err := storefile.TryLock(f, exclusive)
		if locked && err == nil && !storefile.Same(f, path) {
			_ = storefile.Release(f) // replaced while the lock was waited for
			continue
		}
		if locked || err != nil {
			if err != nil {
				f.Close()
				return nil, fmt.Errorf("lock store %s: %w", path, err)
			}
			return f, nil
		}
		f.Close()
		wait := min(lockPoll, time.Until(deadline))
		if wait <= 0 {
			pid, command := storefile.Holder(path)
			return nil, &LockedError{Path: path, PID: pid, Command: command}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for store %s: %w", path, ctx.Err())
		case <-time.After(wait):
		}
	}
}
