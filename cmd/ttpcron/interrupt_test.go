package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/daemon"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
)

// waiter is a command that waits for something.
type waiter struct {
	cmd    *exec.Cmd
	stderr nodetest.Buffer
	ended  chan error
}

func (n *node) begin(stdin io.Reader, args ...string) *waiter {
	n.T.Helper()
	n.run("", "version") // makes the link to the program
	w := &waiter{cmd: exec.Command(n.Path("ttpcron"), args...), ended: make(chan error, 1)}
	w.cmd.Dir, w.cmd.Env, w.cmd.Stdin, w.cmd.Stderr = n.Dir, n.Env, stdin, &w.stderr
	if err := w.cmd.Start(); err != nil {
		n.T.Fatal(err)
	}
	go func() { w.ended <- w.cmd.Wait() }()
	n.T.Cleanup(func() { w.cmd.Process.Kill() })
	return w
}

// obeys sends one signal, which is to end the command.
func (w *waiter) obeys(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := w.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Errorf("%v: it does not obey the first %v\n%s", w.cmd.Args[1:], sig, w.stderr.String())
		return
	}
	// A signal that comes before the program handles signals ends it too.
	ws := w.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if code := w.cmd.ProcessState.ExitCode(); code != exitInterrupted && !ws.Signaled() {
		t.Errorf("%v: exit %d\n%s", w.cmd.Args[1:], code, w.stderr.String())
	}
}

// Whatever a command waits for, it obeys the first signal.
func TestWaitsObeyTheFirstSignal(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=", "TTPCRON_LOCK_TIMEOUT=1h")
	if err := os.MkdirAll(n.Path("own"), 0o700); err != nil {
		t.Fatal(err)
	}
	n.Write("own/own.yaml", ownRule)
	n.serving()

	// Standard input.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, args := range [][]string{{"import", "-"}, {"explain", "-"}} {
		c := n.begin(r, args...)
		time.Sleep(200 * time.Millisecond)
		c.obeys(t, syscall.SIGINT)
	}

	// The turn for a run, which somebody else has.
	client := control.Dial(n.Path("t.db.sock"), control.ClientOptions{Fault: store.ErrorOf})
	turn, err := daemon.AskTurn(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	held, leave := context.WithCancel(t.Context())
	kept := make(chan bool)
	go func() {
		turn.Keep(held, func(error) {})
		close(kept)
	}()
	for _, wait := range []struct {
		args, until string
		sig         syscall.Signal
	}{
		{"run-once", "waiting for the run in progress", syscall.SIGINT},
		{"run-once", "waiting for the run in progress", syscall.SIGTERM},
		{"run-once --rules own", "the daemon has other rules", syscall.SIGINT},
		{"checkpoint set end", "", syscall.SIGINT},
		{"db prune --keep-events 90d --yes", "", syscall.SIGTERM},
	} {
		c := n.begin(nil, strings.Fields(wait.args)...)
		n.wait(wait.args, func() bool { return strings.Contains(c.stderr.String(), wait.until) })
		time.Sleep(200 * time.Millisecond)
		c.obeys(t, wait.sig)
	}
	leave()
	<-kept

	// A daemon that does not answer, and the store that it holds.
	n.signal(syscall.SIGSTOP)
	for _, args := range []string{"status", "run-once", "tags", "db backup b.db", "status --lock-timeout 30m", "db compact"} {
		c := n.begin(nil, strings.Fields(args)...)
		time.Sleep(200 * time.Millisecond)
		c.obeys(t, syscall.SIGINT)
	}
	n.signal(syscall.SIGCONT)
	if code := n.stop(); code != exitDone {
		t.Errorf("the daemon exits with %d", code)
	}
}

// A command in the middle of a run, next to a daemon that stops answering, obeys too.
func TestRunObeysBesideASuspendedDaemon(t *testing.T) {
	t.Parallel()
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.serving()
	var events strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&events, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", events.String())
	if code, _, errs := n.run("", "import", "many.jsonl"); code != exitDone {
		t.Fatal(errs)
	}
	c := n.begin(nil, "run-once", "--since-days", "3650", "--batch-size", "1", "--workers", "1")
	n.logged("run on request: job=run-once")
	n.signal(syscall.SIGSTOP)
	c.obeys(t, syscall.SIGINT)
	n.signal(syscall.SIGCONT)
}

// A signal is obeyed although nobody reads stderr.
func TestSignalWithFullStderr(t *testing.T) {
	n := newNode(t, rarely)
	n.run("", "version")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fill(t, w)
	in, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	cmd := exec.Command(n.Path("ttpcron"), "import", "-", "--log-level", "off")
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = n.Dir, n.Env, in, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The store is there once it reads.
	n.wait("the store", func() bool { _, err := os.Stat(n.Path("t.db")); return err == nil })
	for range 2 { // the second, since what it says in the end goes nowhere either
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("it does not end")
		cmd.Process.Kill()
	}
}

// fill fills a pipe, so that a write to it blocks.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	if err := w.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}
