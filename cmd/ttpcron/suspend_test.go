package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/kv"
)

// otherRules makes a folder with a node's rules and one more, which never matches: a run
// with them is the command's own, and makes the same tags.
func (n *node) otherRules() {
	n.T.Helper()
	if err := os.CopyFS(n.Path("own"), os.DirFS(n.Path("rules"))); err != nil {
		n.T.Fatal(err)
	}
	n.Write("own/own.yaml", "rule_id: OWN9\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {program: no-such-program}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n")
}

const hasOtherRules = "the daemon has other rules"

// A command that is suspended while it has the turn, and another while it waits, hold up
// others no longer than a lease. The watchdog is fed all the time, and what the first
// command sends later is refused.
func TestSuspendedCommands(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes as long as a lease")
	}
	n := newNode(t, "")
	n.otherRules()
	n.Write("ttpcron.toml", everySecond)
	var many strings.Builder
	for i := range busyEvents() {
		fmt.Fprintf(&many, `{"source_kind":"command","time":"2026-05-04T05:49:05Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; %d"}}`+"\n", i)
	}
	n.Write("many.jsonl", many.String())
	if code, _, errs := n.run("", "import", "many.jsonl"); code != exitDone {
		t.Fatal(errs)
	}
	n.run("", "checkpoint", "set", "end")
	n.start()
	n.told(`\AREADY=1`)
	turns := func() int { return strings.Count(n.stderr.String(), `job="run-once with other rules"`) }
	holds := n.begin(nil, "run-once", "--rules", "own", "--since-days", "3650", "--batch-size", "1", "--workers", "1")
	n.wait("the turn", func() bool { return turns() == 1 })
	holds.signal(t, syscall.SIGSTOP)
	waits := n.begin(nil, "run-once", "--rules", "own")
	n.wait("another command", func() bool { return strings.Contains(waits.stderr.String(), hasOtherRules) })
	waits.signal(t, syscall.SIGSTOP)
	for range 10 {
		n.told(`\AWATCHDOG=1\z`)
	}
	n.Event(1, 0)
	n.told(`STATUS=.*last run .*: 1 new event, 1 new tag`)
	if !strings.Contains(n.stderr.String(), "was taken back") {
		t.Errorf("a job ran beside the turn of a command:\n%s", n.stderr.String())
	}
	holds.signal(t, syscall.SIGCONT)
	if code := holds.wait(t); code != exitLocked || !strings.Contains(holds.stderr.String(), "taken the turn back") || !strings.Contains(holds.stderr.String(), "is kept") {
		t.Errorf("the suspended command: exit %d\n%s", code, holds.stderr.String())
	}
	waits.signal(t, syscall.SIGCONT)
	if code := waits.wait(t); code != exitLocked && code != exitDone {
		t.Errorf("the command that waited: exit %d\n%s", code, waits.stderr.String())
	}
	if code, _, errs := n.run("", "run-once", "--rules", "own", "--since-days", "3650"); code != exitDone {
		t.Errorf("run again: exit %d\n%s", code, errs)
	}
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	if _, s := n.store(); events(s) != busyEvents()+1 || tags(s) != busyEvents()+1 {
		t.Errorf("%d events, %d tags", events(s), tags(s))
	}
}

func (w *waiter) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := w.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%v: %v\n%s", w.cmd.Args[1:], err, w.stderr.String())
	}
}

// wait returns the exit code, -1 after a signal.
func (w *waiter) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Fatalf("%v: it does not end\n%s", w.cmd.Args[1:], w.stderr.String())
	}
	return w.cmd.ProcessState.ExitCode()
}

// callers are commands that run during a soak, and are suspended, resumed and killed at
// random.
type callers struct {
	n    *node
	rnd  *rand.Rand
	live []*waiter

	begun, suspended, killed int
	exits                    map[int]int
}

// act does something to one of them, or starts one.
func (c *callers) act() {
	for i := 0; i < len(c.live); i++ {
		w := c.live[i]
		select {
		case <-w.ended:
			c.exits[w.cmd.ProcessState.ExitCode()]++
			c.live = slices.Delete(c.live, i, i+1)
			i--
		default:
		}
	}
	if len(c.live) < 3 && c.rnd.IntN(30) == 0 {
		args := [][]string{{"run-once", "--rules", c.n.Path("own")}, {"run-once", "--rules", c.n.Path("own"), "--batch-size", "1", "--workers", "1"}, {"run-once"}, {"tags"}, {"db", "stats"}}[c.rnd.IntN(5)]
		c.live = append(c.live, c.n.begin(nil, args...))
		c.begun++
	}
	if len(c.live) == 0 {
		return
	}
	w := c.live[c.rnd.IntN(len(c.live))]
	switch c.rnd.IntN(40) {
	case 0, 1:
		_ = w.cmd.Process.Signal(syscall.SIGSTOP) // one that has ended feels nothing
		c.suspended++
	case 2:
		if c.rnd.IntN(20) == 0 { // mostly it may stay for longer than a lease
			_ = w.cmd.Process.Signal(syscall.SIGCONT)
		} else if c.rnd.IntN(20) == 0 {
			_ = w.cmd.Process.Kill()
			c.killed++
		}
	}
}

// daemonGone ends the commands that could open the store themselves, now that no daemon
// has it; those that have its turn will notice.
func (c *callers) daemonGone() {
	c.live = slices.DeleteFunc(c.live, func(w *waiter) bool {
		if strings.Contains(w.stderr.String(), hasOtherRules) {
			return false
		}
		_ = w.cmd.Process.Kill()
		w.wait(c.n.T)
		return true
	})
}

// end lets all go on, and waits for them.
func (c *callers) end() {
	for _, w := range c.live {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
	}
	for _, w := range c.live {
		c.exits[w.wait(c.n.T)]++
	}
	c.live = nil
}

// A store that a suspended command holds is free only when that command continues or ends.
func TestSuspendedHolder(t *testing.T) {
	holder := exec.Command("sleep", "600")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	pid := holder.Process.Pid
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	locked := &kv.LockedError{Path: "t.db", PID: pid, Command: "ttpcron"}
	if got := hintOf(locked); !strings.Contains(got, "wait until it has finished") {
		t.Errorf("hint for a holder at work: %q", got)
	}
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatal(err, status)
	}
	if got, want := hintOf(locked), fmt.Sprintf("kill -CONT %d", pid); !strings.Contains(got, want) {
		t.Errorf("hint for a suspended holder: %q, want %q in it", got, want)
	}
}
