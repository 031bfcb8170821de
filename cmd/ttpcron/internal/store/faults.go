package store

import (
	"bytes"
	"encoding/gob"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/scheduler"
)

// Errors of runs while a daemon runs.
var (
	// ErrOtherRules says that the daemon cannot do a run: it has other rules.
	ErrOtherRules = errors.New("the daemon that has the store tags with other rules than this command would")
	// ErrNoTurn says that a command has no turn for a run, or none any more.
	ErrNoTurn = errors.New("the turn for a run is over")
	// ErrTurnTaken says that the daemon gave it to somebody else.
	ErrTurnTaken = errors.New("the daemon has taken the turn back, since this command was not heard of for " + Lease.String())
)

// Lease is how long a daemon leaves a turn to a command that it does not hear of.
const Lease = 20 * time.Second

// sameErrors are errors that the daemon and its callers both know, by name. A command's
// message and exit code must not depend on which of them met the error.
var sameErrors = map[string]error{
	"interrupted": jobs.ErrInterrupted,
	"no-rules":    jobs.ErrNoRules,
	"stopped":     scheduler.ErrStopped,
	"queue-full":  scheduler.ErrQueueFull,
	"not-exist":   fs.ErrNotExist,
	"permission":  fs.ErrPermission,
	"no-space":    syscall.ENOSPC,
	"other-rules": ErrOtherRules,
	"no-turn":     ErrNoTurn,
	"turn-taken":  ErrTurnTaken,
}

// Kinds of faults whose detail holds the error.
const (
	kindLocked        = "locked"
	kindUnknownSource = "unknown-source"
)

// FaultOf gives an error its name, nil when it has none. It is for the servers of
// a store.
func FaultOf(err error) *control.Fault {
	var locked *kv.LockedError
	if errors.As(err, &locked) {
		return detailed(kindLocked, err, locked)
	}
	var unknown *jobs.UnknownSourceError
	if errors.As(err, &unknown) {
		return detailed(kindUnknownSource, err, unknown)
	}
	for name, known := range sameErrors {
		if errors.Is(err, known) {
			return &control.Fault{Kind: name, Text: err.Error()}
		}
	}
	return nil
}

// detailed is the fault of an error that travels as a whole.
func detailed(kind string, err error, whole any) *control.Fault {
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(whole) != nil {
		return nil
	}
	return &control.Fault{Kind: kind, Text: err.Error(), Detail: b.Bytes()}
}

// ErrorOf makes an error of what FaultOf made, nil of what has no name. It is for
// the clients of a store.
func ErrorOf(f *control.Fault) error {
	detail := gob.NewDecoder(bytes.NewReader(f.Detail))
	switch f.Kind {
	case kindLocked:
		var locked kv.LockedError
		if detail.Decode(&locked) == nil {
			return cli.Hint(&locked, "a run of the daemon is in progress: wait until it has finished, or wait longer with --lock-timeout 60s")
		}
	case kindUnknownSource:
		var unknown jobs.UnknownSourceError
		if detail.Decode(&unknown) == nil {
			return &unknown
		}
	}
	if known := sameErrors[f.Kind]; known != nil {
		return control.Known(f.Text, known)
	}
	return nil
}
