package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// nativeEvent is a line with an event that the test rules tag.
func nativeEvent(at time.Time, i int) string {
	return fmt.Sprintf(`{"source_kind":"command","time":%q,"attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a; echo %d"}}`+"\n", at.UTC().Format(time.RFC3339), i)
}

// A job that has more to import than half its time allows tags what it has, and
// comes to every input in later runs.
func TestImportTakesHalfOfMaxRuntime(t *testing.T) {
	b := newBench(t, everySecond+"max-runtime = \"60s\"\n")
	const files = 20
	if err := os.Mkdir(b.n.path("logs"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		b.n.write(fmt.Sprintf("logs/%02d", i), nativeEvent(b.n.base.Add(-time.Hour), i))
	}
	b.d.conf.jobs[0].inputs = []string{b.n.path("logs")}
	// Each look at the clock takes a second.
	b.d.conf.app.now = func() time.Time { b.clock = b.clock.Add(time.Second); return b.clock }
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
