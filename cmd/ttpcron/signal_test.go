package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignals: a first signal ends a run at a batch with exit 130 and keeps what was done,
// and the next run continues.
func TestSignals(t *testing.T) {
	t.Parallel()
	k := newKiller(t, 60_000)
	imported := k.store("t.db")
	k.run(imported, "import", k.log)
	db := k.copy(imported)
	whole := k.time(db, "run-once", "--since-days", "3650")
	// A signal may come before the run has begun; then there is no run to record.
	recorded := func() bool { return strings.Contains(k.run(db, "status", "--json"), `"outcome":"interrupted"`) }
	interrupted, stopped := 0, 0
	for try := 1; try <= 6 && stopped < 2; try++ {
		db = k.copy(imported)
		var stderr strings.Builder
		cmd := k.command(db, "run-once", "--since-days", "3650")
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(try) / 8)
		sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[try%2]
		cmd.Process.Signal(sig)
		var exit *exec.ExitError
		err := cmd.Wait()
		if err == nil {
			continue // it had finished
		}
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if exit.ExitCode() != exitInterrupted {
			// The signal came before main had asked for signals.
			if ws := exit.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != sig {
				t.Fatalf("%v: %v\n%s", sig, err, stderr.String())
			}
			continue
		}
		interrupted++
		if recorded() {
			stopped++
		}
		if !strings.Contains(stderr.String(), "stopping as soon as what is done is safe") || !strings.Contains(stderr.String(), "what was done is kept") {
			t.Errorf("stderr:\n%s", stderr.String())
		}
	}
	if interrupted == 0 {
		t.Skip("every run had finished before the signal")
	}
	if stopped == 0 {
		t.Errorf("%d were interrupted, and no run is recorded as that", interrupted)
	}
	k.run(db, "run-once", "--since-days", "3650")
	undisturbed := k.store("other.db")
	k.run(undisturbed, "import", k.log)
	k.run(undisturbed, "run-once", "--since-days", "3650")
	if got, want := k.tags(db), k.tags(undisturbed); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d tags, want %d, or others", len(got), len(want))
	}
}

// TestSignalEndsStalledOutput has a signal end a command whose output nobody takes, such as
// the one before a pager that was stopped: it would keep the store for as long.
func TestSignalEndsStalledOutput(t *testing.T) {
	t.Parallel()
	k := newKiller(t, 4_000)
	db := k.store("t.db")
	k.run(db, "run-once", "--since-days", "3650", "--input", k.log)
	fifo := k.store("fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, args := range []string{"export-events", "tags --json --limit 0", "export --format csv --output " + fifo} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := k.command(db, strings.Fields(args)...)
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out.Close()
		taken := in
		if strings.HasSuffix(args, fifo) {
			taken = reader
		}
		if _, err := taken.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted {
			t.Errorf("%s: %v", args, err)
		}
		in.Close()
	}
	reader.Close()
	if out, err := k.command(db, "report", "--output", fifo).CombinedOutput(); err == nil || !strings.Contains(string(out), "start its reader first") {
		t.Errorf("a pipe that nobody reads: %v\n%s", err, out)
	}
}
