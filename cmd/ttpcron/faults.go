package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"syscall"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/scheduler"
)

// sameErrors are errors that the daemon and its callers know, by name. What a
// command says of an error, and its exit code, must not depend on who met it.
var sameErrors = map[string]error{
	"interrupted": jobs.ErrInterrupted,
	"no-rules":    jobs.ErrNoRules,
	"stopped":     scheduler.ErrStopped,
	"queue-full":  scheduler.ErrQueueFull,
	"not-exist":   fs.ErrNotExist,
	"permission":  fs.ErrPermission,
	"no-space":    syscall.ENOSPC,
	"other-rules": errOtherRules,
	"no-turn":     errNoTurn,
	"turn-taken":  errTurnTaken,
}

// faultOf gives an error its name.
func faultOf(err error) *control.Fault {
	var locked *kv.LockedError
	if errors.As(err, &locked) {
		detail, _ := json.Marshal(locked)
		return &control.Fault{Kind: "locked", Text: err.Error(), Detail: detail}
	}
	for name, known := range sameErrors {
		if errors.Is(err, known) {
			return &control.Fault{Kind: name, Text: err.Error()}
		}
	}
	return nil
}

// errorOf makes an error of what faultOf made.
func errorOf(f *control.Fault) error {
	if f.Kind == "locked" {
		var locked kv.LockedError
		if json.Unmarshal(f.Detail, &locked) == nil {
			return hinted{&locked, "a run of the daemon is in progress: wait until it has finished, or wait longer with --lock-timeout 60s"}
		}
	}
	if known := sameErrors[f.Kind]; known != nil {
		return control.Known(f.Text, known)
	}
	return nil
}
