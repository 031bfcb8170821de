package main

import (
	"os"
	"testing"
)

// The daemon lives on, runs and stops although its log goes into a pipe that is
// full.
func TestDaemonWithFullLog(t *testing.T) {
	n := newNode(t, everySecond)
	n.Event(1, 0)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fill(t, w)
	n.errs = w
	n.start("--log-level", "debug")
	n.told(`\AREADY=1`)
	n.told(`STATUS=.*last run .*: 1 new event, 1 new tag`)
	n.Event(2, 0)
	n.told(`STATUS=.*last run .*: 1 new event, 1 new tag`)
	n.told(`\AWATCHDOG=1\z`)
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}
