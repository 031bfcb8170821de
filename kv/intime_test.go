package kv_test

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestEventsInTime: events of sensors that arrived one after another come in order of
// time, each once; those of one sensor come as they arrived.
func TestEventsInTime(t *testing.T) {
	db := kvtest.Open(t)
	g := newGenerator(5)
	g.pace = 30 * time.Second
	day := ttpcron.DayOf(g.now)
	events := g.events(2400)
	events = slices.DeleteFunc(events, func(e ttpcron.Event) bool { return ttpcron.DayOf(e.Time) != day })
	sensors := make([][]ttpcron.Event, 3)
	for i, e := range events {
		sensors[i%3] = append(sensors[i%3], e)
	}
	importAll(t, db, sensors[0])
	if _, scattered, err := db.EventsInTime(t.Context(), ttpcron.Command, day, 0, math.MaxUint64); scattered || err != nil {
		t.Errorf("one sensor: %v, %v", scattered, err)
	}
	importAll(t, db, sensors[1])
	importAll(t, db, sensors[2])
	for _, r := range [][2]uint64{{0, math.MaxUint64}, {100, uint64(len(events)) - 100}, {300, 301 + uint64(len(events))/2}} {
		pages, scattered, err := db.EventsInTime(t.Context(), ttpcron.Command, day, r[0], r[1])
		if !scattered || err != nil {
			t.Fatalf("three sensors: %v, %v", scattered, err)
		}
		var got []ttpcron.Event
		for page, err := range pages {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
		}
		if !slices.IsSortedFunc(got, func(a, b ttpcron.Event) int { return a.Time.Compare(b.Time) }) {
			t.Errorf("events in %v are not in the order of time", r)
		}
		var want []uint64
		for page, err := range db.Events(t.Context(), ttpcron.Command, day, r[0], r[1]) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range page {
				want = append(want, page[i].Seq)
			}
		}
		slices.SortFunc(got, func(a, b ttpcron.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		seqs := make([]uint64, len(got))
		for i := range got {
			seqs[i] = got[i].Seq
		}
		if !slices.Equal(seqs, want) {
			t.Errorf("in %v: %d events, want %d, or others", r, len(seqs), len(want))
		}
	}
}
