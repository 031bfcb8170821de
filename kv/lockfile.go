package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ttpcron/ttpcron"
)

// lockFile opens a file for reading and takes the lock that readers of a store
// take, so that nobody writes to it meanwhile, or the exclusive one of a writer.
// Closing the file gives it back.
func lockFile(ctx context.Context, path string, timeout time.Duration, exclusive bool) (*os.File, error) {
	deadline := time.Now().Add(timeout)
	for {
		f, _, err := ttpcron.OpenRegular(path)
		if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) {
			return nil, &NotStoreError{Path: path, Reason: "it is no regular file"}
		}
		if err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
		locked, err := tryLock(f, exclusive)
		if locked && err == nil && !sameFile(f, path) {
			f.Close() // replaced while the lock was waited for
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
			pid, command := lockHolder(path)
			return nil, &LockedError{Path: path, PID: pid, Command: command}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for store %s: %w", path, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// sameFile reports whether an open file is still the one at its path: compacting
// and restoring put another in its place, and a lock of the old one guards
// nothing.
func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	return err == nil && sameAs(a, path)
}

func sameAs(a os.FileInfo, path string) bool {
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
