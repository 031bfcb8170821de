package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// ward is a sound installation that a test makes ill.
type ward struct {
	t       *testing.T
	dir     string
	config  string
	now     time.Time
	machine machine
	env     map[string]string
}

const doctorEvents = `{"source_kind":"command","time":"2026-05-05T00:00:00Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a"}}
`

// newWard makes one, with a store that a run has been to.
func newWard(t *testing.T) *ward {
	w := &ward{t: t, dir: t.TempDir(), now: time.Now().UTC().Truncate(time.Second), env: map[string]string{}}
	w.write("log/events.jsonl", doctorEvents)
	w.write("rules/one.yaml", ownRule)
	w.config = fmt.Sprintf("db = %q\ninputs = [%q]\nembedded = false\nrules = [%q]\n", w.path("t.db"), "events:"+w.path("log/events.jsonl"), w.path("rules"))
	w.write("ttpcron.toml", w.config)
	w.env["TTPCRON_CONFIG"] = w.path("ttpcron.toml")
	w.env["HOME"] = w.dir
	w.machine = machine{
		user:          host.User{Name: "root", ID: 0},
		free:          func(string) (int64, error) { return 1 << 40, nil },
		filesystem:    func(string) (host.Filesystem, bool) { return host.Filesystem{Name: "ext4"}, true },
		synchronised:  func() (bool, bool) { return true, true },
		memoryLimit:   func() (int64, bool) { return 0, false },
		fileSizeLimit: func() (int64, bool) { return 0, false },
		largestStore:  func() int64 { return 0 },
		units: func(context.Context) ([]unit, bool) {
			return readUnits([]byte("Id=ttpcron.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\nExecMainStatus=0\nNRestarts=0\n\nId=ttpcron-run.timer\nLoadState=not-found\nActiveState=inactive\n")), true
		},
	}
	return w
}

func (w *ward) path(name string) string { return filepath.Join(w.dir, name) }

func (w *ward) write(name, text string) {
	w.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(w.path(name)), 0o700), os.WriteFile(w.path(name), []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

// token has the report ask for a token.
func (w *ward) token() {
	w.write("token", "0123456789abcdef")
	w.write("ttpcron.toml", w.config+"[daemon]\nhttp = \"127.0.0.1:9847\"\nhttp-report = true\nhttp-token-file = \""+w.path("token")+"\"\n")
}

// run makes a run.
func (w *ward) run() {
	w.t.Helper()
	if code, _, errs := invoke(w.t, []string{"TTPCRON_CONFIG=" + w.path("ttpcron.toml")}, "run-once"); code != exitDone {
		w.t.Fatal(errs)
	}
}

func (w *ward) examine() []examined {
	var out strings.Builder
	s := &session{
		out: term.NewOutput(&out, &out, w.env), log: hclog.NewNullLogger(), now: func() time.Time { return w.now }, env: w.env,
		reader: &settings.Reader{Env: w.env, Commands: tables}, given: settings.Given{},
	}
	return examine(w.t.Context(), s, w.machine)
}

// units has systemd answer with these properties.
func (w *ward) units(text string) {
	w.machine.units = func(context.Context) ([]unit, bool) { return readUnits([]byte(text)), true }
}

const goodUnit = "Id=ttpcron.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\n"

// illnesses are the faults that the doctor finds, at least one for each examination.
var illnesses = []struct {
	name, check string
	verdict     verdict
	text        string // in what is said, or in what to do
	ill         func(*ward)
}{
	{"unknown key", "config", isWrong, "unknown key colour", func(w *ward) { w.write("ttpcron.toml", w.config+"colour = 1\n") }},
	{"no TOML", "config", isWrong, "config ", func(w *ward) { w.write("ttpcron.toml", "[") }},
	{"no config", "config", isDoubtful, "there is no /etc/ttpcron/ttpcron.toml", func(w *ward) { delete(w.env, "TTPCRON_CONFIG") }},
	{"config of everybody", "config", isDoubtful, "everybody may write", func(w *ward) {
		w.must(os.Chmod(w.path("ttpcron.toml"), 0o666))
	}},
	{"a token that everybody can read", "config", isWrong, "open to everybody", func(w *ward) {
		w.token()
		w.must(os.Chmod(w.path("token"), 0o644))
	}},
	{"a token that the service cannot read", "config", isWrong, "http-token-file", func(w *ward) {
		w.token()
		w.machine.user = host.User{Name: "nobody", ID: 65534, Groups: []int{65534}}
	}},
	{"no store", "store", isDoubtful, "there is no store yet", func(w *ward) { w.must(os.Remove(w.path("t.db"))) }},
	{"another file", "store", isWrong, "t.db", func(w *ward) { w.write("t.db", strings.Repeat("no store\n", 1000)) }},
	{"a store that runs cannot write", "store", isWrong, "runs cannot write the store", func(w *ward) {
		w.machine.user = host.User{Name: "nobody", ID: 65534, Groups: []int{65534}}
	}},
	{"a store for everybody", "store", isDoubtful, "captured passwords", func(w *ward) { w.must(os.Chmod(w.path("t.db"), 0o644)) }},
	{"read-only", "filesystem", isWrong, "read-only", func(w *ward) { w.lies(host.Filesystem{Name: "xfs", ReadOnly: true}) }},
	{"nfs", "filesystem", isWrong, "network", func(w *ward) { w.lies(host.Filesystem{Name: "nfs", Network: true}) }},
	{"tmpfs", "filesystem", isWrong, "in memory", func(w *ward) { w.lies(host.Filesystem{Name: "tmpfs", Memory: true}) }},
	{"container", "filesystem", isDoubtful, "mount a volume", func(w *ward) { w.lies(host.Filesystem{Name: "overlay", Layered: true}) }},
	{"fuse", "filesystem", isDoubtful, "synced", func(w *ward) { w.lies(host.Filesystem{Name: "fuse", Foreign: true}) }},
	{"full", "disk", isWrong, "nothing is imported", func(w *ward) { w.machine.free = func(string) (int64, error) { return 1 << 20, nil } }},
	{"no room for a copy", "disk", isDoubtful, "db compact", func(w *ward) {
		w.write("ttpcron.toml", w.config+"[daemon]\nmin-free = \"1KiB\"\n")
		w.machine.free = func(string) (int64, error) { return 4 << 10, nil }
	}},
	{"no TMPDIR", "temp", isWrong, "no such file", func(w *ward) { w.env["TMPDIR"] = w.path("nowhere") }},
	{"little TMPDIR", "temp", isDoubtful, "temporary files", func(w *ward) {
		w.machine.free = func(string) (int64, error) { return 1 << 20, nil }
	}},
	{"little memory", "limits", isDoubtful, "64.0 MiB of memory", func(w *ward) { w.machine.memoryLimit = func() (int64, bool) { return 64 << 20, true } }},
	{"small files", "limits", isWrong, "ulimit -f", func(w *ward) { w.machine.fileSizeLimit = func() (int64, bool) { return 1024, true } }},
	{"a store that cannot be mapped", "limits", isWrong, "a 32-bit process can map at most 4.0 KiB", func(w *ward) { w.machine.largestStore = func() int64 { return 4 << 10 } }},
	{"a store that can hardly grow", "limits", isDoubtful, "cannot grow beyond that", func(w *ward) {
		info, err := os.Stat(w.path("t.db"))
		w.must(err)
		w.machine.largestStore = func() int64 { return info.Size() }
	}},
	{"a max-size that cannot be mapped", "limits", isDoubtful, "max-size is 2.0 GiB", func(w *ward) {
		w.write("ttpcron.toml", w.config+"[daemon]\nmax-size = \"2GiB\"\n")
		w.machine.largestStore = func() int64 { return 1 << 31 }
	}},
	{"no max-size on 32 bits", "limits", isDoubtful, "there is no max-size", func(w *ward) { w.machine.largestStore = func() int64 { return 1 << 31 } }},
	{"a clock behind", "clock", isWrong, "it is behind", func(w *ward) { w.now = w.now.Add(-48 * time.Hour) }},
	{"a clock that nobody set", "clock", isWrong, "set the clock", func(w *ward) { w.now = time.Unix(0, 0) }},
	{"a clock alone", "clock", isDoubtful, "nothing keeps the clock set", func(w *ward) { w.machine.synchronised = func() (bool, bool) { return false, true } }},
	{"broken rule", "rules", isWrong, "broken.yaml", func(w *ward) { w.write("rules/broken.yaml", "rule_id: [\n") }},
	{"no rules", "rules", isWrong, "no rule is in force", func(w *ward) { w.must(os.Remove(w.path("rules/one.yaml"))) }},
	{"no folder of rules", "rules", isWrong, "rules", func(w *ward) { w.must(os.RemoveAll(w.path("rules"))) }},
	{"overdue rule", "rules", isDoubtful, "past next_review", func(w *ward) {
		w.write("rules/one.yaml", ownRule+"last_reviewed: 2020-01-01\nnext_review: 2021-01-01\n")
	}},
	{"no inputs", "inputs", isDoubtful, "no inputs are configured", func(w *ward) { w.inputs() }},
	{"an input that is gone", "inputs", isWrong, "no such file", func(w *ward) { w.inputs(w.path("gone.json")) }},
	{"an input rotated away", "inputs", isWrong, "rotated away", func(w *ward) {
		w.write("log/gone.json.1", doctorEvents)
		w.inputs(w.path("log/gone.json"))
	}},
	{"an empty folder", "inputs", isDoubtful, "nothing to read there", func(w *ward) {
		w.must(os.Mkdir(w.path("empty"), 0o700))
		w.inputs(w.path("empty"))
	}},
	{"an input of no format", "inputs", isWrong, "import --explain", func(w *ward) {
		w.write("log/what.txt", "\x1b[31mhello\nhello\n")
		w.inputs(w.path("log/what.txt"))
	}},
	{"an input that the service cannot read", "inputs", isWrong, "SupplementaryGroups", func(w *ward) {
		w.machine.user = host.User{Name: "nobody", ID: 65534, Groups: []int{65534}}
	}},
	{"a sensor that stopped", "inputs", isDoubtful, "does the sensor still run", func(w *ward) {
		old := w.now.Add(-30 * 24 * time.Hour)
		w.must(os.Chtimes(w.path("log/events.jsonl"), old, old))
	}},
	{"a socket that is a file", "daemon", isWrong, "is no socket", func(w *ward) { w.write("t.db.sock", "") }},
	{"a socket that nobody has", "daemon", isDoubtful, "nobody answers", func(w *ward) {
		l, err := net.Listen("unix", w.path("t.db.sock"))
		w.must(err)
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		w.must(l.Close())
	}},
	{"a daemon that is not well", "daemon", isWrong, "no run has ended well", func(w *ward) { w.answers(http.StatusServiceUnavailable, "no run has ended well for 3h\n") }},
	{"a daemon in trouble", "daemon", isDoubtful, "import failed", func(w *ward) { w.answers(http.StatusOK, "ok\nTROUBLE: import failed\n") }},
	{"nothing installed", "systemd", isDoubtful, "docs/systemd.md", func(w *ward) { w.units("Id=ttpcron.service\nLoadState=not-found\n") }},
	{"nothing enabled", "systemd", isDoubtful, "systemctl enable", func(w *ward) {
		w.units("Id=ttpcron.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n")
	}},
	{"a unit that failed", "systemd", isWrong, "ttpcron.service failed: exit-code", func(w *ward) {
		w.units("Id=ttpcron.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\nResult=exit-code\nExecMainStatus=1\n")
	}},
	{"daemon and timer", "systemd", isDoubtful, "one of them is enough", func(w *ward) {
		w.units(goodUnit + "\nId=ttpcron-run.timer\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\n")
	}},
	{"a unit that does not start again", "systemd", isDoubtful, "does not start with the machine", func(w *ward) {
		w.units(strings.Replace(goodUnit, "=enabled", "=disabled", 1))
	}},
	{"restarts", "systemd", isDoubtful, "again 7 times", func(w *ward) { w.units(goodUnit + "NRestarts=7\n") }},
	{"no run for long", "runs", isDoubtful, "the last run ended", func(w *ward) { w.now = w.now.Add(24 * time.Hour) }},
	{"events that wait", "runs", isDoubtful, "wait for a run", func(w *ward) {
		w.write("more.jsonl", strings.ReplaceAll(doctorEvents, "uname", "uname -m"))
		w.imports("more.jsonl")
		w.now = w.now.Add(24 * time.Hour)
	}},
	{"a kind without rules", "kinds", isDoubtful, "no rule looks at events of the kind odd_kind", func(w *ward) {
		w.write("more.jsonl", strings.ReplaceAll(doctorEvents, `"command"`, `"odd_kind"`))
		w.imports("more.jsonl")
		w.run()
	}},
	{"events dated ahead", "kinds", isDoubtful, "dated ahead", func(w *ward) {
		w.write("more.jsonl", strings.ReplaceAll(doctorEvents, "2026-", "2199-"))
		w.imports("more.jsonl")
	}},
}

func (w *ward) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) lies(on host.Filesystem) {
	w.machine.filesystem = func(string) (host.Filesystem, bool) { return on, true }
}

func (w *ward) inputs(paths ...string) {
	var quoted []string
	for _, p := range paths {
		quoted = append(quoted, fmt.Sprintf("%q", p))
	}
	lines := strings.Split(w.config, "\n")
	lines[1] = "inputs = [" + strings.Join(quoted, ", ") + "]"
	w.write("ttpcron.toml", strings.Join(lines, "\n"))
}

func (w *ward) imports(name string) {
	w.t.Helper()
	if code, _, errs := invoke(w.t, []string{"TTPCRON_CONFIG=" + w.path("ttpcron.toml")}, "import", "events:"+w.path(name)); code != exitDone {
		w.t.Fatal(errs)
	}
}

// answers has something answer at the socket that is no daemon of ours.
func (w *ward) answers(code int, text string) {
	l, err := net.Listen("unix", w.path("t.db.sock"))
	w.must(err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.WriteHeader(code)
		fmt.Fprint(out, text)
	})}
	go func() { _ = server.Serve(l) }() // ends with the test
	w.t.Cleanup(func() { server.Close() })
}

// TestDoctor breaks a sound installation, and checks the doctor's report.
func TestDoctor(t *testing.T) {
	tried := map[string]bool{}
	for _, tt := range illnesses {
		tried[tt.check] = true
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			w.run()
			before := w.examine()
			tt.ill(w)
			found := w.examine()
			if !slices.ContainsFunc(found, func(e examined) bool {
				return e.Check == tt.check && e.Verdict == tt.verdict && strings.Contains(e.Text+"\n"+e.Do, tt.text)
			}) {
				t.Errorf("no %s %s with %q:%s", tt.verdict, tt.check, tt.text, said(found))
			}
			if slices.ContainsFunc(before, func(e examined) bool { return e.Check == tt.check && e.Verdict != isRight }) {
				t.Errorf("before it was ill:%s", said(before))
			}
		})
	}
	for _, e := range examinations() {
		if !tried[e.name] {
			t.Errorf("nothing makes %s fail", e.name)
		}
	}
}

func said(found []examined) (text string) {
	for _, e := range found {
		text += fmt.Sprintf("\n%s %s: %s", e.Verdict, e.Check, e.Text)
	}
	return text
}

// TestDoctorBesideDaemon asks a daemon that has the store, and finds it well.
func TestDoctorBesideDaemon(t *testing.T) {
	n := newNode(t, rarely)
	n.Write("events.jsonl", doctorEvents)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.serving()
	if code, _, errs := n.run("", "import", "events:events.jsonl"); code != exitDone {
		t.Fatal(errs)
	}
	_, out, errs := n.run("", "doctor", "--json")
	for _, want := range []string{`{"check":"daemon","verdict":"right","text":"it answers at `, `{"check":"store","verdict":"right"`, "1 event, 0 tags"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s:\n%s%s", want, out, errs)
		}
	}
}

// TestReadUnits reads what systemctl prints.
func TestReadUnits(t *testing.T) {
	units := readUnits([]byte("Id=a.service\nUser=ann\nX=y=z\n\n\nId=b.timer\nLoadState=loaded\n\nId=a.service\nUser=bob\n\nnonsense\n"))
	if len(units) != 2 || units[0].facts["User"] != "ann" || units[0].facts["X"] != "y=z" || !units[1].loaded() || units[0].loaded() {
		t.Errorf("%v", units)
	}
}
