package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledDryRun kills a dry run that waits for its input. What it leaves in the
// temporary folder holds no data, and is gone after the next one.
func TestKilledDryRun(t *testing.T) {
	n := newNode(t, "")
	tmp := t.TempDir()
	env := append(n.Env, "TMPDIR="+tmp, "TTPCRON_INPUT=-")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := n.Path("ttpcron")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run-once", "--dry-run")
	cmd.Env = append(env, os.Getenv("TESTSCRIPT_MAIN"))
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	left := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(tmp, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	// Two: there is no store, so an empty one stands in.
	for len(left()) < 2 {
		if cmd.ProcessState != nil {
			t.Fatal("the dry run has ended")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if len(left()) == 0 {
		t.Fatal("nothing is left, which is no test")
	}
	again := exec.Command(program, "run-once", "--dry-run")
	again.Env, again.Stdin = env, strings.NewReader("")
	if out, err := again.CombinedOutput(); err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	if found := left(); len(found) > 0 {
		t.Errorf("left are %v", found)
	}
}
