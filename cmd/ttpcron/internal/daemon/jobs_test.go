package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// What was missed while the power was off is one run, which takes everything
// since the checkpoint, each day on its own.
func TestMissedRunsBecomeOne(t *testing.T) {
	b := newBench(t, "[[job]]\nname = \"five\"\nschedule = \"*/5 * * * *\"\n")
	b.n.Event(0, 0)
	b.run("five")
	for i := 1; i <= 9; i++ {
		b.n.Event(i, i)
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
	b.wait("the run", func() bool { return b.d.sched.Status()[0].Runs == 1 })
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
	b := newBench(t, nodetest.EverySecond)
	b.n.Event(1, 0)
	b.run("often")
	for i, back := range []time.Duration{time.Minute, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		before := b.cursor()
		b.clock = b.clock.Add(-back)
		b.run("often")
		if got := b.cursor(); got != before {
			t.Errorf("nothing new: the checkpoint went from %d to %d", before, got)
		}
		b.n.Event(i+2, 3*i)
		b.run("often")
		if got := b.cursor(); got != before+1 {
			t.Errorf("one event: the checkpoint went from %d to %d", before, got)
		}
	}
	if s := b.stats(); events(s) != 4 || tags(s) != 4 {
		t.Errorf("%d events, %d tags, want 4 and 4", events(s), tags(s))
	}
}

// A clock that was ten years ahead when jobs ran does not keep them from running now,
// however short the machine is on.
func TestJobTimesOfAWrongClock(t *testing.T) {
	b := newBench(t, nodetest.EverySecond+"[[job]]\nname = \"nightly\"\nschedule = \"0 3 * * *\"\n")
	b.n.Event(0, 0)
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
	b.wait("both jobs", func() bool { s := b.d.sched.Status(); return s[0].Runs > 0 && s[1].Runs > 0 })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// An unreadable input is reported once, does not affect the others, and is not a failure
// that would pause the job.
func TestUnreadableInput(t *testing.T) {
	b := newBench(t, nodetest.EverySecond)
	b.d.conf.Jobs[0].Inputs = []string{b.n.Path("nowhere.json"), b.n.Path("events.jsonl")}
	for i := range 3 {
		b.n.Event(i, 0)
		b.run("often")
	}
	if s := b.stats(); events(s) != 3 {
		t.Errorf("%d events, want 3", events(s))
	}
	if n := strings.Count(b.stderr.String(), "nowhere.json"); n != 1 {
		t.Errorf("named %d times:\n%s", n, b.stderr.String())
	}
	if text := b.d.health.text(); !strings.Contains(text, "TROUBLE: 1 input could not be read") {
		t.Errorf("status: %s", text)
	}
}

// Trouble in one job stays until that job has run well; the runs of another neither hide
// nor repeat it.
func TestTroubleOfEachJob(t *testing.T) {
	b := newBench(t, nodetest.EverySecond+"[[job]]\nname = \"other\"\nschedule = \"@every 1s\"\n")
	b.d.conf.Jobs[0].Inputs, b.d.conf.Jobs[1].Inputs = []string{b.n.Path("nowhere.json")}, nil
	b.n.Event(1, 0)
	for range 3 {
		b.run("often")
		b.run("other")
	}
	if text := b.d.health.text(); !strings.Contains(text, "TROUBLE: 1 input could not be read") {
		t.Errorf("status: %s", text)
	}
	if n := strings.Count(b.stderr.String(), "no such file or folder"); n != 1 {
		t.Errorf("said %d times:\n%s", n, b.stderr.String())
	}
	if err := os.Rename(b.n.Path("events.jsonl"), b.n.Path("nowhere.json")); err != nil {
		t.Fatal(err)
	}
	b.run("often")
	if text := b.d.health.text(); strings.Contains(text, "TROUBLE") {
		t.Errorf("status: %s", text)
	}
	b.d.health.troubled("gone", "bad")
	b.d.health.keep(b.d.conf.Jobs)
	if text := b.d.health.text(); strings.Contains(text, "bad") {
		t.Errorf("status: %s", text)
	}
}

// A job with more to import than half its time allows tags what it has, and reaches every
// input in later runs.
func TestImportTakesHalfOfMaxRuntime(t *testing.T) {
	b := newBench(t, nodetest.EverySecond+"max-runtime = \"60m\"\n")
	const files = 20
	if err := os.Mkdir(b.n.Path("logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		b.n.Write(fmt.Sprintf("logs/%02d", i), nodetest.EventLine(b.n.Base.Add(-time.Hour), i))
	}
	b.d.conf.Jobs[0].Inputs = []string{b.n.Path("logs")}
	b.slow()
	runs, before := 0, 0
	for ; before < files && runs < files; runs++ {
		b.run("often")
		s := b.stats()
		if got := events(s); got == before || tags(s) != got {
			t.Fatalf("run %d: %d events, %d before, %d tags", runs, got, before, tags(s))
		}
		before = events(s)
	}
	log := b.stderr.String()
	if n := strings.Count(log, "importing had its part of max-runtime"); runs < 2 || n < runs-1 {
		t.Errorf("%d runs, of which %d say that they stopped:\n%s", runs, n, log)
	}
}

// Whatever a folder contains, skipped files are one line for each reason, once.
func TestPassedOverIsALine(t *testing.T) {
	b := newBench(t, nodetest.EverySecond)
	strays := func(folder string, n int) {
		t.Helper()
		if err := os.MkdirAll(b.n.Path("logs/"+folder), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			b.n.Write(fmt.Sprintf("logs/%s/\x1b[31m%03d", folder, i), "hello\n")
		}
	}
	strays("strays", 300)
	b.n.Write("logs/strays/events.jsonl", nodetest.EventLine(b.n.Base, 1))
	b.n.Event(1, 0)
	b.d.conf.Jobs[0].Inputs = []string{b.n.Path("logs"), b.n.Path("events.jsonl")}
	said := func() (lines []string) {
		for line := range strings.Lines(b.stderr.String()) {
			if strings.Contains(line, "passed over") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	for range 3 {
		b.run("often")
	}
	lines := said()
	if len(lines) != 2 || !strings.Contains(lines[0], `: files=300 reason="no format recognises it" first="`) || strings.Count(lines[0], `\x1b[31m`) != 5 ||
		!strings.Contains(lines[1], "it contains ttpcron's own events") {
		t.Fatalf("%d lines:\n%s", len(lines), lines)
	}
	// A run that does not reach everything forgets nothing that was logged.
	maxRuntime := &b.d.conf.Jobs[0].MaxRuntime
	*maxRuntime = time.Hour
	b.slow()
	b.run("often")
	*maxRuntime = 0
	strays("more", 1)
	b.run("often")
	if lines = said(); len(lines) != 3 || !strings.Contains(lines[2], "more/") {
		t.Errorf("%d lines:\n%s", len(lines), lines)
	}
}

// stuck is an input that gives nothing until it is let go.
type stuck struct {
	jobs.File
	reads, wait chan struct{}
}

func (s stuck) Batches(context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		close(s.reads)
		<-s.wait
		yield(ttpcron.Batch{}, nil)
	}
}

// An input that hangs, such as one on a lost server, is no reason to kill the daemon: it
// would hang again.
func TestInputThatHangs(t *testing.T) { synctest.Test(t, testInputThatHangs) }

func testInputThatHangs(t *testing.T) {
	d := &daemon{notify: &notifier{}, turns: &turns{}}
	f := stuck{reads: make(chan struct{}), wait: make(chan struct{})}
	in := d.input.Over([]jobs.Input{{Name: "/mnt/log", Open: func(context.Context, jobs.Known) (jobs.File, error) { return f, nil }}})
	open, err := in[0].Open(t.Context(), jobs.Known{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() {
		for range open.Batches(t.Context()) {
			if d.input.Name() != "" {
				t.Error("what is done with a batch counts as waiting for the input")
			}
		}
		close(ended)
	}()
	<-f.reads
	if d.input.Name() != "/mnt/log" {
		t.Errorf("it waits for %q", d.input.Name())
	}
	time.Sleep(3 * time.Minute)
	if text := d.state([]scheduler.Status{{Name: "a", Running: true}}); !strings.Contains(text, "TROUBLE: waiting for input /mnt/log since 3m") {
		t.Errorf("status: %s", text)
	}
	close(f.wait)
	<-ended
	if text := d.state(nil); strings.Contains(text, "TROUBLE") {
		t.Errorf("status: %s", text)
	}
}

// An unknown kind that is not stored gives a warning, and is not refused.
func TestReloadWarnsOfKinds(t *testing.T) {
	b := newBench(t, nodetest.Rarely)
	for kinds, want := range map[string]bool{`["canary", "tunnel"]`: false, `["command", "login"]`: true} {
		b.stderr.Reset()
		b.n.Write("ttpcron.toml", "kinds = "+kinds+"\n"+nodetest.Rarely)
		c, err := b.d.read()
		if err == nil {
			err = errors.Join(c.File.Err(), b.d.checkSources(t.Context(), c))
		}
		if said := strings.Contains(b.stderr.String(), "neither known nor stored: kinds=login "); err != nil || said != want {
			t.Errorf("%s: %v\n%s", kinds, err, b.stderr.String())
		}
	}
}

// A reload with a job whose source is neither known nor stored leaves the old
// configuration in force.
func TestReloadChecksSources(t *testing.T) {
	const config = nodetest.Rarely
	b := newBench(t, config)
	for source, want := range map[string]string{"tunnel": "", "emails": `job "rarely": source is "emails", want command, canary, all`} {
		b.n.Write("ttpcron.toml", strings.Replace(config, "[[job]]\n", "[[job]]\nsource = \""+source+"\"\n", 1))
		c, err := b.d.read()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.File.Err(), b.d.checkSources(t.Context(), c)); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", source, err)
		}
	}
}
