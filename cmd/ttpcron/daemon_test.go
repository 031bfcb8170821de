package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// node is a daemon that runs, and the systemd that it thinks it has.
type node struct {
	*nodetest.Node
	cmd    *exec.Cmd
	stderr nodetest.Buffer
	errs   *os.File // in place of stderr
	socket *net.UnixConn
	ended  chan error

	mu   sync.Mutex
	said []string // messages to the socket
}

// newNode makes a node that does not run yet.
func newNode(t *testing.T, config string) *node {
	t.Helper()
	return &node{Node: nodetest.New(t, config, "testdata/rules")}
}

// start runs the program itself, with a notify socket.
func (n *node) start(args ...string) {
	n.T.Helper()
	self, err := os.Executable()
	if err != nil {
		n.T.Fatal(err)
	}
	program := n.Path("ttpcron")
	if _, err := os.Lstat(program); err != nil {
		if err := os.Symlink(self, program); err != nil {
			n.T.Fatal(err)
		}
	}
	socket, err := os.MkdirTemp("", "ttpcron") // the path of a socket must be short
	if err != nil {
		n.T.Fatal(err)
	}
	n.T.Cleanup(func() { os.RemoveAll(socket) })
	address := &net.UnixAddr{Name: filepath.Join(socket, "notify"), Net: "unixgram"}
	if n.socket, err = net.ListenUnixgram("unixgram", address); err != nil {
		n.T.Fatal(err)
	}
	n.cmd = exec.Command(program, append([]string{"daemon"}, args...)...)
	n.cmd.Dir, n.cmd.Stderr = n.Dir, &n.stderr
	if n.errs != nil {
		n.cmd.Stderr = n.errs
	}
	n.cmd.Env = append(n.Env, "NOTIFY_SOCKET="+address.Name, "WATCHDOG_USEC=300000")
	go n.listen()
	if err := n.cmd.Start(); err != nil {
		n.T.Fatal(err)
	}
	n.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(n.cmd, n.ended)
	n.T.Cleanup(func() { n.cmd.Process.Kill() })
}

func (n *node) listen() {
	b := make([]byte, 64<<10)
	for {
		k, err := n.socket.Read(b)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.said = append(n.said, string(b[:k]))
		n.mu.Unlock()
	}
}

// forget drops messages and log.
func (n *node) forget() {
	n.mu.Lock()
	n.said = nil
	n.mu.Unlock()
	n.stderr.Reset()
}

// patience is how long a test waits before it fails.
const patience = nodetest.Patience

func (n *node) wait(what string, done func() bool) {
	n.T.Helper()
	for until := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			n.T.Fatalf("%s: not in %s\nsaid %q\nlog:\n%s", what, patience, n.messages(), n.stderr.String())
		}
	}
}

func (n *node) messages() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.said, "\n--\n")
}

// told waits for a message, and drops everything up to it.
func (n *node) told(pattern string) string {
	n.T.Helper()
	var found string
	re := regexp.MustCompile(pattern)
	n.wait("message "+pattern, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for i, m := range n.said {
			if found = re.FindString(m); found != "" {
				n.said = n.said[i+1:]
				return true
			}
		}
		return false
	})
	return found
}

func (n *node) logged(text string) {
	n.T.Helper()
	n.wait("log "+text, func() bool { return strings.Contains(n.stderr.String(), text) })
}

func (n *node) signal(s syscall.Signal) {
	n.T.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.T.Fatal(err)
	}
	if s == syscall.SIGSTOP { // which takes a moment, in which it may still answer
		n.wait("the daemon is stopped", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
			return err != nil || strings.Contains(string(stat), ") T ")
		})
	}
}

// stop ends the daemon and returns its exit code.
func (n *node) stop() int {
	n.T.Helper()
	n.signal(syscall.SIGTERM)
	return n.exit()
}

func (n *node) exit() int {
	n.T.Helper()
	select {
	case <-n.ended:
	case <-time.After(patience):
		n.T.Fatalf("it does not end\n%s", n.stderr.String())
	}
	n.socket.Close()
	return n.cmd.ProcessState.ExitCode()
}

// store opens the store of a daemon that has ended.
func (n *node) store() (*kv.DB, kv.Stats) {
	n.T.Helper()
	db := kvtest.OpenAt(n.T, n.Path("t.db"))
	s, err := db.Stats(n.T.Context())
	if err != nil {
		n.T.Fatal(err)
	}
	return db, s
}

const everySecond = nodetest.EverySecond

// TestDaemonSpeaksToSystemd is a life of the daemon, as the service manager sees
// it.
func TestDaemonSpeaksToSystemd(t *testing.T) {
	t.Parallel()
	n := newNode(t, everySecond)
	n.Event(1, 0)
	n.start()
	n.told(`(?m)\AREADY=1\nSTATUS=`)
	n.told(`STATUS=.*last run \d\d:\d\d:\d\d UTC: 1 new event, 1 new tag`)
	n.told(`\AWATCHDOG=1\z`)
	n.Event(2, 0)
	n.Event(3, 0)
	n.told(`STATUS=.*2 new events, 2 new tags`)
	n.told(`\AWATCHDOG=1\z`)

	// A broken configuration changes nothing.
	n.Write("ttpcron.toml", everySecond+"max_runtime = \"soon\"\n")
	n.signal(syscall.SIGHUP)
	n.told(`\ARELOADING=1\nMONOTONIC_USEC=\d+\z`)
	n.told(`\AREADY=1\nSTATUS=.*TROUBLE: reload: .*max-runtime is "soon" \(line 5\)`)
	n.logged(`reload: what is broken stays as it was`)
	n.Event(4, 0)
	n.told(`STATUS=.*1 new event, 1 new tag`)

	// Neither does a broken rule, which is seen without a signal too.
	n.Write("ttpcron.toml", everySecond)
	n.Write("rules/broken.yaml", "rule_id: [")
	n.signal(syscall.SIGHUP)
	n.told(`\AREADY=1\nSTATUS=.*TROUBLE: rules: .*broken.yaml`)
	n.Event(5, 0)
	n.Event(6, 0) // a run with one event has been told of before, perhaps again since
	n.told(`STATUS=.*2 new events, 2 new tags`)

	if err := os.Remove(n.Path("rules/broken.yaml")); err != nil {
		t.Fatal(err)
	}
	n.Write("ttpcron.toml", everySecond+"[[job]]\nname = \"nightly\"\nschedule = \"0 3 * * *\"\n")
	n.signal(syscall.SIGHUP)
	n.told(`\AREADY=1`)
	n.logged("reloaded: jobs=3")

	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	n.told(`\ASTOPPING=1`)
	db, s := n.store()
	if events(s) != 6 || tags(s) != 6 {
		t.Errorf("%d events, %d tags, want 6 and 6", events(s), tags(s))
	}
	times, err := db.JobTimes(t.Context())
	if err != nil || len(times) != 3 || times["often"].IsZero() {
		t.Errorf("times of jobs: %v, %v", times, err)
	}
}

// A second daemon, an agent, and a broken start are refused.
func TestDaemonRefuses(t *testing.T) {
	n := newNode(t, everySecond)
	n.start()
	n.told(`READY=1`)
	second := &node{Node: n.Node}
	second.start()
	if code := second.exit(); code != exitLocked {
		t.Errorf("a second daemon: exit %d\n%s", code, second.stderr.String())
	}
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	for _, tt := range []struct {
		args  []string
		code  int
		wants string
	}{
		{[]string{"--role", "agent"}, exitFailed, "this host is an agent"},
		{[]string{"--keep-tags", "10d"}, exitUsage, "keep-tags is shorter than keep-events"},
		{[]string{"--keep-events", "20d", "--keep-tags", "10d"}, exitUsage, "keep-tags is shorter than keep-events"},
		{[]string{"--max-size", "much"}, exitUsage, "want a size such as"},
		{[]string{"--spread", "48h"}, exitUsage, "spread is 48h"},
		{[]string{"now"}, exitUsage, "unexpected argument"},
	} {
		n := newNode(t, everySecond)
		n.start(tt.args...)
		if code := n.exit(); code != tt.code || !strings.Contains(n.stderr.String(), tt.wants) {
			t.Errorf("%v: exit %d, want %d with %q\n%s", tt.args, code, tt.code, tt.wants, n.stderr.String())
		}
	}
}

// With too little free disk, nothing is imported, and stored events are tagged.
func TestDaemonWithoutFreeDisk(t *testing.T) {
	n := newNode(t, everySecond)
	n.Event(1, 0)
	if code, _, stderr := invoke(t, n.Env, "import", n.Path("events.jsonl")); code != exitDone {
		t.Fatal(stderr)
	}
	n.Event(2, 0)
	n.start("--min-free", "1000000TiB")
	n.told(`STATUS=.*0 new events, 1 new tag; TROUBLE: disk nearly full`)
	n.told(`STATUS=.*0 new events, 0 new tags; TROUBLE: disk nearly full`)
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	if strings.Count(n.stderr.String(), "too little free disk") != 1 {
		t.Errorf("said more than once, or never:\n%s", n.stderr.String())
	}
	if _, s := n.store(); events(s) != 1 || tags(s) != 1 {
		t.Errorf("%d events, %d tags, want 1 and 1", events(s), tags(s))
	}
}

// The log in the journal carries priorities; elsewhere it does not.
func TestDaemonLogsToTheJournal(t *testing.T) {
	n := newNode(t, everySecond)
	f, err := os.Create(n.Path("journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	n.Env = append(n.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino), "TTPCRON_ROLE=standalone")
	n.Write("rules/broken.yaml", "rule_id: [")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, n.Path("ttpcron")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(n.Path("ttpcron"), "run-once", "--log-level", "debug")
	cmd.Env, cmd.Stderr = n.Env, f
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("<4>[WARN]  ttpcron: rule refused")) {
		t.Errorf("log:\n%s", text)
	}
	n.start()
	n.logged("[WARN]  ttpcron: rule refused")
	n.stop()
	if strings.Contains(n.stderr.String(), "<4>") {
		t.Errorf("log:\n%s", n.stderr.String())
	}
}

// TestDaemonSeesRulesChange edits the rule folder of a running daemon. A new version looks
// again at history, a broken file keeps its earlier rules, and no signal is needed.
func TestDaemonSeesRulesChange(t *testing.T) {
	t.Parallel()
	rule := func(version, program string) string {
		return "rule_id: OWN\nrule_version: " + version + "\nname: own\napplies_to: [command]\nmatch: {program: " + program + "}\nemits: [{tactic: TA0007, technique_id: T1082, confidence: 0.8}]\n"
	}
	n := newNode(t, everySecond)
	n.Event(1, 0)
	n.start()
	n.logged("new=1 known=0 rejected=0 inserted=1")
	n.Write("rules/own.yaml", rule("1", "uname"))
	n.logged("new_or_changed=1 ids=OWN")
	n.logged("looked again at events: source=command rules=1 events=1 tags=1 inserted=1")
	n.Write("rules/own.yaml", "rule_id: [")
	n.logged("rules: what is broken stays as it was")
	n.told(`STATUS=.*TROUBLE: rules: .*own.yaml`)
	n.Event(2, 0)
	n.logged("new=1 known=0 rejected=0 inserted=2")
	n.Write("rules/own.yaml", rule("2", "[uname]"))
	n.logged("looked again at events: source=command rules=1 events=2 tags=2 inserted=2 replaced=0 removed=2")
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	if _, s := n.store(); events(s) != 2 || tags(s) != 4 {
		t.Errorf("%d events, %d tags, want 2 and 4", events(s), tags(s))
	}
}

// Stopped during a long run, once or twice, it loses nothing and continues.
func TestDaemonStoppedInARun(t *testing.T) {
	t.Parallel()
	n := newNode(t, everySecond)
	var log bytes.Buffer
	if err := workload.WriteEvents(&log, workload.Options{Commands: 40_000, Seed: 3, Start: n.Base.AddDate(0, 0, -3), Days: 2}); err != nil {
		t.Fatal(err)
	}
	n.Write("events.jsonl", log.String())
	for i, signals := range []int{1, 2, 1, 2} {
		n.start()
		n.told(`READY=1`)
		time.Sleep(time.Duration(50*i) * time.Millisecond)
		n.signal(syscall.SIGTERM)
		if signals == 2 { // the first may have ended it already
			if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
		if code := n.exit(); code != exitDone && !(signals == 2 && code == exitInterrupted) {
			t.Fatalf("exit %d\n%s", code, n.stderr.String())
		}
		kvtest.Check(t, n.Path("t.db"))
		n.forget()
	}
	n.start()
	n.told(`STATUS=.*: 0 new events, 0 new tags`)
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
	k := &killer{t: t, dir: n.Dir, binary: n.Path("ttpcron"), env: n.Env}
	k.run(n.Path("clean.db"), "run-once", "--since-days", "3650")
	differ(t, "events", allEvents(t, n.Path("t.db")), allEvents(t, n.Path("clean.db")))
	differ(t, "tags", k.tags(n.Path("t.db")), k.tags(n.Path("clean.db")))
}
