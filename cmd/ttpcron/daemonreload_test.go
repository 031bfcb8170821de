package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// reload writes a configuration, and waits for the daemon's message.
func (n *node) reload(config, want string) {
	n.T.Helper()
	n.Write("ttpcron.toml", config)
	n.mu.Lock()
	n.said = nil
	n.mu.Unlock()
	n.signal(syscall.SIGHUP)
	got := n.told(`(?s)\AREADY=1\nSTATUS=.*`)
	if !regexp.MustCompile(want).MatchString(got) {
		n.T.Errorf("after a reload:\n%s\nwant %s", got, want)
	}
}

func (n *node) exists(name string) bool {
	_, err := os.Stat(n.Path(name))
	return err == nil
}

// A reload reports what came and went, leaves nothing behind, and refuses an emptied file.
func TestReloadSaysWhatChanged(t *testing.T) {
	n := newNode(t, "")
	n.Env = append(n.Env, "TTPCRON_INPUT=", "TTPCRON_RULES=")
	const address = "127.0.0.1:38471"
	whole := "inputs = [\"" + n.Path("events.jsonl") + "\"]\nrules = [\"" + n.Path("rules") + "\"]\n" + everySecond +
		"[[job]]\nname = \"nightly\"\nschedule = \"0 3 * * *\"\n[daemon]\nkeep-events = \"90d\"\nmax-size = \"1GiB\"\nhttp = \"" + address + "\"\nmetrics-file = \"" + n.Path("m.prom") + "\"\n"
	n.Write("ttpcron.toml", whole)
	n.start()
	n.told(`\AREADY=1`)
	n.wait("the file of metrics", func() bool { return n.exists("m.prom") })
	healthy := func() bool {
		r, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	}
	if !healthy() {
		t.Error("nobody listens")
	}
	n.reload(" \n", `TROUBLE: reload: config .*ttpcron.toml is empty`)
	n.Event(1, 0)
	n.told(`STATUS=.*1 new event, 1 new tag`)
	n.reload(whole+"socket = 1", `TROUBLE: reload: `)
	n.reload(everySecond+"[daemon]\nkeep-events = \"60d\"\n", `reloaded \S+ UTC: gone input \S*/events.jsonl, job nightly, rules \S*/rules, http 127.0.0.1:38471, metrics-file \S*/m.prom; changed keep-events 90d to 60d, max-size 1GiB to none, job often; TROUBLE: the reload left no input, nothing is imported any more; it took away \S*/events.jsonl`)
	n.logged("[WARN]  ttpcron: the reload left no input")
	n.logged("no longer listening")
	if healthy() {
		t.Error("it still listens")
	}
	n.wait("the end of the file of metrics", func() bool { return !n.exists("m.prom") })
	n.reload(whole, `added input \S*/events.jsonl, job nightly, rules \S*/rules, http`)
	if text := n.messages(); strings.Contains(text, "TROUBLE") {
		t.Errorf("trouble is left:\n%s", text)
	}
	n.wait("the file of metrics", func() bool { return n.exists("m.prom") })
	if !healthy() {
		t.Error("nobody listens any more")
	}
	n.reload("own-networks = [\"192.0.2.0/24\"]\n"+whole, `reloaded \S+ UTC: added own-networks 192\.0\.2\.0/24`)
	n.reload(whole, `reloaded \S+ UTC: gone own-networks 192\.0\.2\.0/24`)
	n.reload(whole, `\A[^;]*(; next [^;]*)?(; last run [^;]*)?\z`) // no change, nothing to say

	// The port of another process is refused, and the old one still served.
	n.reload(strings.Replace(whole, address, "203.0.113.1:1", 1)+"http-exposed = true\n", `TROUBLE: reload: http: `)
	if !healthy() {
		t.Error("nobody listens after a reload that was refused")
	}
	// What needs a restart says so each time.
	for i := range 2 {
		n.reload("log-json = true\n"+whole, ``)
		n.wait("a warning", func() bool {
			return strings.Count(n.stderr.String(), "a change of this needs a restart: setting=log-json") == i+1
		})
	}
	if strings.Contains(n.stderr.String(), "metrics are not written") {
		t.Errorf("log:\n%s", n.stderr.String())
	}
	if code := n.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, n.stderr.String())
	}
}
