package kv_test

import (
	"runtime/debug"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// However many matches a day has, adding them, reading them and taking all of a stream out
// takes a bounded amount of memory.
func TestMatchesTakeBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it stores a million and a half matches")
	}
	look, most := taken(t)
	db, _ := openMemory(t)
	const events = 500_000
	l := newLoginMatches(50_000_000, 23*time.Hour, events)
	for range events / 5000 {
		if _, err := db.Commit(t.Context(), l.commit(5000)); err != nil {
			t.Fatal(err)
		}
		look("while matches are added")
	}
	n := 0
	for _, err := range db.BaseMatches(t.Context(), ttpcron.MatchQuery{Grouping: l.streams[0].Grouping()}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%100_000 == 0 {
			look("while they are read")
		}
	}
	day := ttpcron.DayOf(benchStart)
	review := ttpcron.Review{
		Kind: ttpcron.AuthAttempt, Day: day, Events: []ttpcron.SeqRange{{First: 1, Last: events}},
		Earliest: day.Start(), Latest: (day + 1).Start().Add(-1), Rules: []string{l.streams[1].ID},
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Reviews: []ttpcron.Review{review}}); err != nil {
		t.Fatal(err)
	}
	look("when a stream was taken out")
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil || n != 2*events || len(days) != 1 || days[0].Matches != 2*events {
		t.Errorf("%d matches are read, days %+v, %v", n, days, err)
	}
	groups := 0
	for g, err := range db.Touched(t.Context(), day, days[0].Last) {
		if err != nil {
			t.Fatal(err)
		}
		if groups++; g.Went != (g.Grouping == l.streams[1].Grouping()) {
			t.Fatalf("touched: %+v", g)
		}
	}
	look("when touched groups were read")
	if *most > 96<<20 {
		t.Errorf("%d MiB were taken, of %d groups", *most>>20, groups)
	}
}

// taken measures a test's memory under a limit like that of a run: the highest value since
// the call, in bytes, among the moments when look is called.
func taken(t *testing.T) (look func(when string), most *int) {
	limit := debug.SetMemoryLimit(64 << 20)
	t.Cleanup(func() { debug.SetMemoryLimit(limit) })
	debug.FreeOSMemory()
	before := int(rssAnon())
	most = new(int)
	return func(when string) {
		if n := int(rssAnon()) - before; n > *most {
			*most = n
			t.Logf("%d MiB %s", n>>20, when)
		}
	}, most
}
