// Package nodetest sets up, for tests, the folder of a node: its configuration,
// rules and logs, and the environment that leads to them. Beside it is what tests
// of daemons wait with.
package nodetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Node is the folder of a node.
type Node struct {
	T    *testing.T
	Dir  string
	Base time.Time // when events of today happen
	Env  []string
}

// New makes a folder with a configuration and a copy of a folder of rules.
func New(t *testing.T, config, rules string) *Node {
	t.Helper()
	n := &Node{T: t, Dir: t.TempDir(), Base: time.Now().UTC()}
	rules, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(n.Path("rules"), os.DirFS(rules)); err != nil {
		t.Fatal(err)
	}
	n.Write("ttpcron.toml", config)
	n.Write("events.jsonl", "")
	n.Env = []string{"HOME=" + n.Dir, "TTPCRON_EMBEDDED=false", "TTPCRON_CONFIG=" + n.Path("ttpcron.toml"), "TTPCRON_DB=" + n.Path("t.db"),
		"TTPCRON_RULES=" + n.Path("rules"), "TTPCRON_INPUT=" + n.Path("events.jsonl"), "TTPCRON_SPREAD=0s", "TTPCRON_LOCK_TIMEOUT=100ms"}
	return n
}

// Vars is Env, by name.
func (n *Node) Vars() map[string]string {
	vars := map[string]string{}
	for _, v := range n.Env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	return vars
}

// Path is that of a file of the folder.
func (n *Node) Path(name string) string { return filepath.Join(n.Dir, name) }

// Write writes a file of the folder.
func (n *Node) Write(name, text string) {
	n.T.Helper()
	if err := os.WriteFile(n.Path(name), []byte(text), 0o666); err != nil {
		n.T.Fatal(err)
	}
}

// Event appends an event that the rules of tests tag, of some days ago.
func (n *Node) Event(i, days int) {
	n.T.Helper()
	n.add(EventLine(n.Base.AddDate(0, 0, -days), i))
}

// Untagged appends an event that the rules of tests do not tag, of some days ago.
func (n *Node) Untagged(i, days int) {
	n.T.Helper()
	n.add(strings.ReplaceAll(EventLine(n.Base.AddDate(0, 0, -days), i), "uname -a; ", ""))
}

func (n *Node) add(line string) {
	n.T.Helper()
	f, err := os.OpenFile(n.Path("events.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		n.T.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(line); err != nil {
		n.T.Fatal(err)
	}
}

// EventLine is a line with an event that the rules of tests tag.
func EventLine(at time.Time, i int) string {
	return fmt.Sprintf(`{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; echo %d"}}`+"\n", at.UTC().Format(time.RFC3339), i)
}

// Configurations of tests: with a job that always runs, and with jobs that do not
// run while a test does.
const (
	EverySecond = `
[[job]]
name = "often"
schedule = "@every 1s"
`
	Rarely = `
[[job]]
name = "rarely"
schedule = "0 0 29 2 *"

[[job]]
name = "maintenance"
task = "maintenance"
schedule = "0 0 29 2 *"
`
)

// Patience is how long something that is bound to happen is waited for.
const Patience = 30 * time.Second

// Soon fails the test when do does not return.
func Soon(t testing.TB, what string, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatalf("%s: it waits", what)
	}
}

// Buffer keeps what is written to it, by whatever goroutine.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written.
func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Reset forgets what was written.
func (l *Buffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}
