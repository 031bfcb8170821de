package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestKillReport kills reports with SIGKILL at random moments. The file is the old page or
// the whole new one, and the next report removes what was left next to it.
func TestKillReport(t *testing.T) {
	t.Parallel()
	size, kills := 20_000, 8
	if testing.Short() {
		size, kills = 5_000, 4
	}
	k := newKiller(t, size)
	k.rnd = rand.New(rand.NewPCG(2, 9))
	db := k.store("killed.db")
	k.run(db, "run-once", "--embedded", "--input", k.log)
	to := filepath.Join(t.TempDir(), "report.html")
	read := func() []byte {
		page, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		return timeMade.ReplaceAll(page, nil)
	}
	report := []string{"report", "-o", to}
	few := append(report, "--sensor", "nobody")
	k.run(db, few...)
	before := read()
	whole := k.time(db, append(report, "--output", to+".new")...)
	k.run(db, report...)
	after := read()
	k.run(db, few...)
	if bytes.Equal(before, after) {
		t.Fatal("the pages are alike")
	}
	left := 0
	for range kills {
		k.kill(db, whole, report...)
		if now := read(); !bytes.Equal(now, before) && !bytes.Equal(now, after) {
			t.Fatalf("%d bytes, which are neither the %d of before nor the %d of after", len(now), len(before), len(after))
		}
		left += len(scratches(t, filepath.Dir(to)))
	}
	if left == 0 {
		t.Error("no kill landed while a page was made")
	}
	k.run(db, report...)
	if now := read(); !bytes.Equal(now, after) {
		t.Errorf("%d bytes in the end, want %d", len(now), len(after))
	}
	if s := scratches(t, filepath.Dir(to)); len(s) > 0 {
		t.Errorf("left behind: %v", s)
	}
}

// timeMade are today's times, such as when a page was made.
var timeMade = regexp.MustCompile(`20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?|\d{1,2} [A-Z][a-z]+ 20\d\d`)
