package main

import (
	"errors"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// A run whose turn was revoked has its own exit code, though it was interrupted too.
func TestExitCodeWithoutATurn(t *testing.T) {
	err := control.ErrorOf(control.FaultOf(store.ErrTurnTaken, store.FaultOf), store.ErrorOf)
	if code := exitCode(errors.Join(jobs.ErrInterrupted, err)); code != exitLocked {
		t.Errorf("exit %d: %v", code, err)
	}
}
