package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
)

// nativeEvent is a line with an event that the test rules tag.
func nativeEvent(at time.Time, i int) string {
	return fmt.Sprintf(`{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; echo %d"}}`+"\n", at.UTC().Format(time.RFC3339), i)
}

// A job that has more to import than half its time allows tags what it has, and
// comes to every input in later runs.
func TestImportTakesHalfOfMaxRuntime(t *testing.T) {
	b := newBench(t, everySecond+"max-runtime = \"60m\"\n")
	const files = 20
	if err := os.Mkdir(b.n.path("logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		b.n.write(fmt.Sprintf("logs/%02d", i), nativeEvent(b.n.base.Add(-time.Hour), i))
	}
	b.d.conf.jobs[0].inputs = []string{b.n.path("logs")}
	// Each look at the clock takes a minute.
	b.d.conf.app.now = func() time.Time { b.clock = b.clock.Add(time.Minute); return b.clock }
	runs, before := 0, 0
	for ; before < files && runs < files; runs++ {
		b.run("often")
		s := b.stats()
		if got := events(s); got == before || tags(s) != got {
			t.Fatalf("run %d: %d events, %d before, %d tags", runs, got, before, tags(s))
		}
		before = events(s)
	}
	log := b.n.stderr.String()
	if n := strings.Count(log, "importing had its part of max-runtime"); runs < 2 || n < runs-1 {
		t.Errorf("%d runs, of which %d say that they stopped:\n%s", runs, n, log)
	}
}

// Whatever a folder is full of, what is passed over is a line for each reason, once.
func TestPassedOverIsALine(t *testing.T) {
	b := newBench(t, everySecond)
	strays := func(folder string, n int) {
		t.Helper()
		if err := os.MkdirAll(b.n.path("logs/"+folder), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			b.n.write(fmt.Sprintf("logs/%s/\x1b[31m%03d", folder, i), "hello\n")
		}
	}
	strays("strays", 300)
	b.n.write("logs/strays/events.jsonl", nativeEvent(b.n.base, 1))
	b.n.event(1, 0)
	b.d.conf.jobs[0].inputs = []string{b.n.path("logs"), b.n.path("events.jsonl")}
	said := func() (lines []string) {
		for line := range strings.Lines(b.n.stderr.String()) {
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
	if len(lines) != 2 || !strings.Contains(lines[0], `: files=300 reason="no format recognises it" first="`) || strings.Count(lines[0], `\x1b[31m`) != maxPassedNamed ||
		!strings.Contains(lines[1], "events.jsonl holds ttpcron's own events") {
		t.Fatalf("%d lines:\n%s", len(lines), lines)
	}
	// A run that does not come to everything forgets nothing of what it said.
	maxRuntime := &b.d.conf.jobs[0].maxRuntime
	*maxRuntime = time.Hour
	b.d.conf.app.now = func() time.Time { b.clock = b.clock.Add(time.Minute); return b.clock }
	b.run("often")
	*maxRuntime = 0
	strays("more", 1)
	b.run("often")
	if lines = said(); len(lines) != 3 || !strings.Contains(lines[2], "more/") {
		t.Errorf("%d lines:\n%s", len(lines), lines)
	}
	// By hand the log has a line, and the table every file.
	code, stdout, stderr := b.n.run("", "import", "--db", "other.db", "logs")
	if code != exitDone || strings.Count(stderr, "passed over") != 2 || strings.Count(stdout, "passed over") != 302 || strings.Contains(stdout+stderr, "\x1b") {
		t.Errorf("%d, %d lines of %d rows:\n%s", code, strings.Count(stderr, "passed over"), strings.Count(stdout, "passed over"), stderr)
	}
	code, _, stderr = b.n.run("", "run-once", "--db", "other.db", "--input", "logs")
	if code != exitDone || strings.Count(stderr, "passed over") != 2 {
		t.Errorf("%d\n%s", code, stderr)
	}
}

// However many reasons there are, there are few lines, and all files are counted.
func TestFewReasons(t *testing.T) {
	var log lockedBuffer
	a := newApp(strings.NewReader(""), os.Stdout, &log, nil)
	a.log = hclog.New(&hclog.LoggerOptions{Output: &log})
	notes := fileNotes{app: a}
	for i := range 1000 {
		name := fmt.Sprint("f", i)
		notes.add(jobs.FileReport{ImportReport: ttpcron.ImportReport{File: name}, Passed: true, Err: fmt.Errorf("%w: %s: damaged at %d", jobs.ErrPassedOver, name, i)})
	}
	notes.end()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != maxPassedReasons+1 || !strings.Contains(lines[maxPassedReasons], fmt.Sprintf("files=%d", 1000-maxPassedReasons)) {
		t.Errorf("%d lines:\n%s", len(lines), log.String())
	}
}
