package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
	"github.com/ttpcron/ttpcron/metrics"
	"github.com/ttpcron/ttpcron/scheduler"
)

// bench is a daemon within the test, with a clock that can be set.
type bench struct {
	t     *testing.T
	n     *node
	d     *daemon
	clock time.Time
	since time.Duration // what has passed since the daemon began
}

func newBench(t *testing.T, config string, args ...string) *bench {
	t.Helper()
	b := &bench{t: t, n: newNode(t, config)}
	b.clock = b.n.base
	a := newApp(strings.NewReader(""), os.Stdout, &b.n.stderr, environment(b.n.env))
	a.now = func() time.Time { return b.clock }
	c, err := a.daemonConfigOf(append([]string{"daemon"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	rules, _, err := c.app.loadRules()
	if err != nil {
		t.Fatal(err)
	}
	b.d = &daemon{db: localStore{kvtest.OpenWith(t, b.n.path("t.db"), kv.Options{Now: a.now})}, notify: &notifier{}, conf: c, rules: rules, began: b.clock, passed: func() time.Duration { return b.since }, times: map[string]time.Time{},
		observer: &observer{Metrics: metrics.New()}, runEnded: make(chan struct{}, 1)}
	return b
}

// run runs a job of the configuration once.
func (b *bench) run(name string) {
	b.t.Helper()
	for _, j := range b.d.conf.jobs {
		if j.name == name {
			if err := b.d.job(j)(b.t.Context()); err != nil {
				b.t.Fatalf("%s: %v\n%s", name, err, b.n.stderr.String())
			}
			return
		}
	}
	b.t.Fatalf("no job %q", name)
}

func (b *bench) stats() kv.Stats {
	b.t.Helper()
	s, err := b.d.db.Stats(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// cursor is the checkpoint of commands.
func (b *bench) cursor() uint64 {
	b.t.Helper()
	all, err := b.d.db.Cursors(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		if c.Kind == ttpcron.Command {
			return c.Seq
		}
	}
	return 0
}

// A configuration that names no job runs and maintains.
func TestDefaultJobs(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{"", "import run @every 5m 1, maintenance maintenance @daily 1"},
		{everySecond, "often run @every 1s 1, maintenance maintenance @daily 1"},
		{"[[job]]\nname = \"weekly\"\nschedule = \"@weekly\"\ntask = \"maintenance\"\n", "weekly maintenance @weekly 1, import run @every 5m 1"},
		{"[[job]]\nname = \"cowrie\"\nschedule = \"0 * * * *\"\ninputs = [\"cowrie:a\", \"b\"]\nsource = \"command\"\nmax-runtime = \"5m\"\n", "cowrie run 0 * * * * 2, maintenance maintenance @daily 1"},
		{"[[job]]\nname = \"tag\"\nschedule = \"0 * * * *\"\ninputs = []\n", "tag run 0 * * * * 0, maintenance maintenance @daily 1"},
	} {
		b := newBench(t, tt.config)
		var got []string
		for _, j := range b.d.conf.jobs {
			got = append(got, fmt.Sprintf("%s %s %s %d", j.name, j.task, j.schedule, len(j.inputs)))
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.config, text, tt.want)
		}
	}
}

// A job that says nothing of it ends after an hour, so that one that hangs does
// not keep the others waiting.
func TestMaxRuntime(t *testing.T) {
	for value, want := range map[string]time.Duration{"": time.Hour, `max-runtime = "5m"`: 5 * time.Minute, `max-runtime = "none"`: 0, `max-runtime = "0"`: 0} {
		b := newBench(t, "[[job]]\nname = \"cowrie\"\nschedule = \"0 * * * *\"\n"+value+"\n")
		if got := b.d.conf.jobs[0].maxRuntime; got != want || b.d.conf.jobs[1].maxRuntime != time.Hour {
			t.Errorf("%q: %s, and %s by default", value, got, b.d.conf.jobs[1].maxRuntime)
		}
	}
}

// What stays the same is said once, however much of it there is.
func TestSaidOnce(t *testing.T) {
	s := &saidOnce{}
	for run := range 3 {
		s.next()
		news := 0
		for i := range 20_000 {
			if s.news(fmt.Sprintf("%d is a FIFO", i)) {
				news++
			}
		}
		if want := map[bool]int{true: 20_000}[run == 0]; news != want {
			t.Errorf("run %d says %d things, want %d", run, news, want)
		}
	}
}

// What was missed while the power was off is one run, which takes everything
// since the checkpoint, each day on its own.
func TestMissedRunsBecomeOne(t *testing.T) {
	b := newBench(t, "[[job]]\nname = \"five\"\nschedule = \"*/5 * * * *\"\n")
	b.n.event(0, 0)
	b.run("five")
	for i := 1; i <= 9; i++ {
		b.n.event(i, i)
	}
	if err := b.d.db.SetJobTimes(t.Context(), map[string]time.Time{"five": b.clock.Add(-72 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := b.d.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.d.sched.Run(ctx) }()
	b.n.wait("the run", func() bool { return b.d.sched.Status()[0].Runs == 1 })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := b.d.sched.Status()[0]; s.Missed < 862 || s.Missed > 864 {
		t.Errorf("missed %d, want those of 72 hours", s.Missed)
	}
	if s := b.stats(); s.Runs != 2 || events(s) != 10 || tags(s) != 10 {
		t.Errorf("%d runs, %d events, %d tags", s.Runs, events(s), tags(s))
	}
	if b.cursor() != 10 {
		t.Errorf("the checkpoint is %d, want 10", b.cursor())
	}
}

// A clock that is set back never moves the checkpoint back, and hides nothing.
func TestClockSetBack(t *testing.T) {
	b := newBench(t, everySecond)
	b.n.event(1, 0)
	b.run("often")
	for i, back := range []time.Duration{time.Minute, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		before := b.cursor()
		b.clock = b.clock.Add(-back)
		b.run("often")
		if got := b.cursor(); got != before {
			t.Errorf("nothing new: the checkpoint went from %d to %d", before, got)
		}
		b.n.event(i+2, 3*i)
		b.run("often")
		if got := b.cursor(); got != before+1 {
			t.Errorf("one event: the checkpoint went from %d to %d", before, got)
		}
	}
	if s := b.stats(); events(s) != 4 || tags(s) != 4 {
		t.Errorf("%d events, %d tags, want 4 and 4", events(s), tags(s))
	}
}

// A clock that was ten years ahead when jobs ran does not keep them from running,
// however short the machine is on.
func TestJobTimesOfAWrongClock(t *testing.T) {
	b := newBench(t, everySecond+"[[job]]\nname = \"nightly\"\nschedule = \"0 3 * * *\"\n")
	b.n.event(0, 0)
	b.clock = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	future := b.clock.AddDate(10, 0, 0)
	if err := b.d.db.SetJobTimes(t.Context(), map[string]time.Time{"often": future, "nightly": future}); err != nil {
		t.Fatal(err)
	}
	if err := b.d.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	times, err := b.d.db.JobTimes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !times["nightly"].Equal(b.clock) || !times["often"].IsZero() {
		t.Errorf("times of jobs: %v, want that nightly counts from now and often has none", times)
	}
	// The machine is off at three, and on the next day.
	b.clock = b.clock.AddDate(0, 0, 1)
	if err := b.d.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.d.sched.Run(ctx) }()
	b.n.wait("both jobs", func() bool { s := b.d.sched.Status(); return s[0].Runs > 0 && s[1].Runs > 0 })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// Health goes by the time that passes: a clock that was ahead when a run ended well
// does not vouch for the years until then, and one that jumps ahead is no illness.
func TestHealthUnderAWrongClock(t *testing.T) {
	b := newBench(t, everySecond)
	b.n.event(0, 0)
	b.since = time.Hour
	if why, _ := b.d.unhealthy(); why == "" {
		t.Error("healthy without a run")
	}
	b.clock = b.clock.AddDate(10, 0, 0)
	b.run("often")
	for _, step := range []struct {
		years int
		after time.Duration
		well  bool
	}{{-10, time.Minute, true}, {0, time.Hour, false}, {20, 0, false}} {
		b.clock = b.clock.AddDate(step.years, 0, 0)
		b.since += step.after
		if why, _ := b.d.unhealthy(); (why == "") != step.well {
			t.Errorf("%+v: %q", step, why)
		}
	}
	b.run("often")
	b.clock = b.clock.AddDate(50, 0, 0)
	if why, _ := b.d.unhealthy(); why != "" {
		t.Error(why)
	}
}

func TestRetention(t *testing.T) {
	const daily = "[[job]]\nname = \"often\"\nschedule = \"@every 1s\"\nmax-runtime = \"1h\"\n[daemon]\n"
	for _, tt := range []struct {
		config       string
		events, tags int
	}{
		{"", 20, 20},
		{`keep-events = "10d"`, 11, 20}, // today and ten days
		{"keep_events = \"5d\"\nkeep_tags = \"15d\"", 6, 16},
		{`keep-events = "0"`, 20, 20},
	} {
		b := newBench(t, daily+tt.config)
		b.seen(2, 1, 0)
		b.n.event(0, 0)
		b.run("often")
		for i := 1; i < 20; i++ {
			b.n.event(i, i)
		}
		b.run("often")
		b.run("maintenance")
		if tt.events < 20 {
			if s := b.stats(); events(s) != 20 { // much at once: there is a second look
				t.Errorf("%q: %d events after one look", tt.config, events(s))
			}
			if err := b.d.db.SetHeld(t.Context(), b.heldADayAgo()); err != nil {
				t.Fatal(err)
			}
			b.run("maintenance")
		}
		if s := b.stats(); events(s) != tt.events || tags(s) != tt.tags {
			t.Errorf("%q: %d events, %d tags, want %d and %d\n%s", tt.config, events(s), tags(s), tt.events, tt.tags, b.n.stderr.String())
		}
		b.run("often") // what was taken out does not come back
		if s := b.stats(); events(s) != tt.events || tags(s) != tt.tags {
			t.Errorf("%q: %d events, %d tags after another run", tt.config, events(s), tags(s))
		}
	}
}

// The oldest days make room, never today.
func TestMaxSize(t *testing.T) {
	b := newBench(t, everySecond+"[daemon]\nmax-size = \"300KiB\"\n")
	b.n.event(0, 0)
	b.run("often")
	var text strings.Builder
	for i := range 40 {
		for k := range 40 {
			at := b.clock.AddDate(0, 0, -i).Format(time.RFC3339)
			fmt.Fprintf(&text, `{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; echo %d-%d-%s"}}`+"\n", at, i, k, strings.Repeat(fmt.Sprint(i*k), 20))
		}
	}
	b.n.write("events.jsonl", text.String())
	b.run("often")
	before := b.stats()
	b.run("maintenance")
	after := b.stats()
	used := after.FileBytes - after.FreeBytes
	if used > 300<<10 {
		t.Errorf("%d bytes are used", used)
	}
	if events(after) == 0 || events(after) >= events(before) || tags(after) != events(after) {
		t.Errorf("%d events and %d tags, of %d before", events(after), tags(after), events(before))
	}
	if latest := after.Kinds[0].Latest; ttpcron.DayOf(latest) != ttpcron.DayOf(b.clock) {
		t.Errorf("the latest event is of %v", latest)
	}
}

// An input that cannot be read is said once, keeps nothing else from being read,
// and is no failure that would make the job pause.
func TestUnreadableInput(t *testing.T) {
	b := newBench(t, everySecond, "--input", "nowhere.json", "--input", "events.jsonl")
	b.d.conf.jobs[0].inputs = []string{b.n.path("nowhere.json"), b.n.path("events.jsonl")}
	for i := range 3 {
		b.n.event(i, 0)
		b.run("often")
	}
	if s := b.stats(); events(s) != 3 {
		t.Errorf("%d events, want 3", events(s))
	}
	if n := strings.Count(b.n.stderr.String(), "nowhere.json"); n != 2 { // the file, and the error
		t.Errorf("named %d times:\n%s", n, b.n.stderr.String())
	}
	if text := b.d.health.text(); !strings.Contains(text, "TROUBLE: 1 input could not be read") {
		t.Errorf("status: %s", text)
	}
}

// The watchdog is fed while the daemon is idle, and while a job shows progress.
func TestWatchdog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	notify, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "7"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{notify: notify, turns: &turns{}}
	if d.wake() != 30*time.Second {
		t.Errorf("looks every %v", d.wake())
	}
	fed := func() bool {
		notify.say("end")
		found := false
		for b := make([]byte, 1000); ; {
			n, err := socket.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			if string(b[:n]) == "end" {
				return found
			}
			found = found || string(b[:n]) == "WATCHDOG=1"
		}
	}
	idle, busy := []scheduler.Status{{Name: "a"}}, []scheduler.Status{{Name: "a", Running: true}}
	for i, step := range []struct {
		status []scheduler.Status
		moves  bool
		want   bool
	}{{idle, false, true}, {busy, true, true}, {busy, false, false}, {busy, false, false}, {busy, true, true}, {idle, false, true}} {
		if step.moves {
			d.moved.Add(1)
		}
		d.awake(step.status)
		if got := fed(); got != step.want {
			t.Errorf("step %d: fed %v", i, got)
		}
	}
	// The watchdog of another process is not ours to feed.
	other, err := newNotifier(map[string]string{"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "8"}, 7)
	if err != nil || other.watchdog != 0 {
		t.Errorf("%v, %v", other.watchdog, err)
	}
	if n, err := newNotifier(map[string]string{"NOTIFY_SOCKET": "/nowhere/at/all"}, 7); err == nil || n == nil {
		t.Error("no error of a socket that is not there")
	}
}

func TestSizeAndAge(t *testing.T) {
	for text, want := range map[string]string{"512MiB": "512MiB", "1024MiB": "1GiB", "2G": "2GiB", "1000": "1000", "1kB": "1000", "0": "", "3 KiB": "3KiB", "-1": "!", "x": "!", "9999999999TiB": "!", "": "!"} {
		var z size
		got := "!"
		if err := z.Set(text); err == nil {
			got = z.String()
		}
		if got != want {
			t.Errorf("size %q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"90d": "90d", "2w": "14d", "36h": "36h0m0s", "0": "", "1d12h": "36h0m0s", "-1d": "!", "x": "!"} {
		var a age
		var got string
		if err := a.Set(text); err != nil {
			got = "!"
		} else {
			got = a.String()
		}
		if got != want {
			t.Errorf("age %q: %q, want %q", text, got, want)
		}
	}
}

// The example is right, and it and the documentation name every key.
func TestExampleConfig(t *testing.T) {
	example, err := os.ReadFile("../../packaging/ttpcron.toml")
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := invoke(t, nil, "config", "check", "../../packaging/ttpcron.toml", "--embedded=false", "--rules", "testdata/rules", "--db", t.TempDir()+"/t.db")
	if code != exitFailed || !strings.HasSuffix(stderr, "1 fault\n") || !strings.Contains(stdout, "no job has inputs") {
		t.Errorf("more than inputs is missing in it: %s%s", stdout, stderr)
	}
	doc, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(strings.NewReader(""), os.Stdout, os.Stderr, nil)
	a.root = a.rootCommand()
	for _, key := range append(a.configKeys(), prefixed("job.", jobKeys)...) {
		command, name, nested := strings.Cut(key, ".")
		if !nested {
			name = key
		} else if command != "daemon" && command != "job" {
			continue
		}
		if !strings.Contains(string(example), name+" = ") {
			t.Errorf("the example lacks %s", key)
		}
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/config.md lacks %s", key)
		}
	}
}

// The units of systemd say where the state belongs.
func TestDefaultStore(t *testing.T) {
	for _, tt := range []struct{ state, want string }{{"/var/lib/ttpcron", "/var/lib/ttpcron/ttpcron.db"}, {"/a:/b", "/a/ttpcron.db"}} {
		if got, _ := defaultDB(map[string]string{"STATE_DIRECTORY": tt.state, "HOME": "/h"}, 1000); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.state, got, tt.want)
		}
	}
	if got, _ := defaultDB(map[string]string{"STATE_DIRECTORY": "relative", "HOME": "/h"}, 1000); strings.Contains(got, "relative") {
		t.Error(got)
	}
}

// What one job leaves to be seen to stays until that job has run well; the runs
// of another neither hide it nor say theirs again.
func TestTroubleOfEachJob(t *testing.T) {
	b := newBench(t, everySecond+"[[job]]\nname = \"other\"\nschedule = \"@every 1s\"\n")
	b.d.conf.jobs[0].inputs, b.d.conf.jobs[1].inputs = []string{b.n.path("nowhere.json")}, nil
	b.n.event(1, 0)
	for range 3 {
		b.run("often")
		b.run("other")
	}
	if text := b.d.health.text(); !strings.Contains(text, "TROUBLE: 1 input could not be read") {
		t.Errorf("status: %s", text)
	}
	if n := strings.Count(b.n.stderr.String(), "not read to its end"); n != 1 {
		t.Errorf("said %d times:\n%s", n, b.n.stderr.String())
	}
	if err := os.Rename(b.n.path("events.jsonl"), b.n.path("nowhere.json")); err != nil {
		t.Fatal(err)
	}
	b.run("often")
	if text := b.d.health.text(); strings.Contains(text, "TROUBLE") {
		t.Errorf("status: %s", text)
	}
	b.d.health.troubled("gone", "bad")
	b.d.health.keep(b.d.conf.jobs)
	if text := b.d.health.text(); strings.Contains(text, "bad") {
		t.Errorf("status: %s", text)
	}
}
