package kv_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestPruneKeepsTagged prunes the events of days whose tags stay, in steps that are
// repeated, stopped and undone: an event is removed once it has no tag, and not before.
func TestPruneKeepsTagged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	g := newGenerator(5)
	g.pace = 2 * time.Minute
	importAll(t, db, g.events(2500)) // three days and a bit
	events := eventsOf(t, db)
	first := ttpcron.DayOf(events[0].Time)
	var tags []ttpcron.Tag
	for i := range events {
		if ttpcron.DayOf(events[i].Time) != first+1 && (i%7 == 0 || i%300 < 10) {
			tags = append(tags, tagOf(&events[i], 1), tagOf(&events[i], 3))
		}
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	tagged := map[uint64]bool{}
	for _, g := range tags {
		tagged[g.Seq] = true
	}
	prune := func(p kv.Prune, stays func(day ttpcron.Day, tagged bool) bool) {
		t.Helper()
		var want []ttpcron.Event
		for _, e := range events {
			if stays(ttpcron.DayOf(e.Time), tagged[e.Seq]) {
				want = append(want, e)
			}
		}
		gone := len(events) - len(want)
		for range 2 {
			r, err := db.Prune(t.Context(), p)
			n := 0
			for _, k := range r.Kinds {
				n += k.Events
			}
			if err != nil || n != gone {
				t.Fatalf("%+v took out %d events, want %d: %v", p, n, gone, err)
			}
			gone = 0
		}
		if events = eventsOf(t, db); !reflect.DeepEqual(events, want) {
			t.Fatalf("%+v left %d events that differ from the %d wanted", p, len(events), len(want))
		}
		closed(t, db)
		checked(t, path)
		db = kvtest.OpenAt(t, path)
	}
	before := func(n ttpcron.Day) func(ttpcron.Day, bool) bool {
		return func(day ttpcron.Day, tagged bool) bool { return day >= first+n || tagged }
	}
	prune(kv.Prune{EventsBefore: first + 1}, before(1))
	prune(kv.Prune{EventsBefore: first + 3}, before(3)) // a day without tags among them

	// What the horizon kept out comes in again, and goes again.
	if _, err := db.ForgetHorizon(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	again := newGenerator(5)
	again.pace = 2 * time.Minute
	importAll(t, db, again.events(2500))
	events = eventsOf(t, db)
	if len(events) != 2500 {
		t.Fatalf("%d events", len(events))
	}
	prune(kv.Prune{EventsBefore: first + 3}, before(3))

	// Stopped once the tags of the first day are gone, another pruning removes the events
	// that they held.
	ctx, cancel := context.WithCancel(t.Context())
	_, err := db.Prune(ctx, kv.Prune{TagsBefore: first + 1, EventsBefore: first + 3, Progress: func(kv.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s, err := db.Stats(t.Context()); err != nil || s.Kinds[0].Events != len(events) || s.Kinds[0].Tags >= len(tags) {
		t.Fatalf("stopped between tags and events: %+v, %v", s, err)
	}
	for _, e := range events {
		if ttpcron.DayOf(e.Time) == first {
			delete(tagged, e.Seq)
		}
	}
	prune(kv.Prune{EventsBefore: first + 3}, before(3))

	// A recovered store has the same events, with their tags.
	closed(t, db)
	to := filepath.Join(t.TempDir(), "recovered.db")
	if r, err := doctor.Recover(t.Context(), path, to, doctor.Options{}); err != nil || !r.Whole() || r.Events != len(events) || r.Tags != 2*len(tagged) {
		t.Fatalf("recovered: %+v, %v", r, err)
	}
	checked(t, to)
	path = to
	db = kvtest.OpenAt(t, path)
	prune(kv.Prune{TagsBefore: first + 2, EventsBefore: first + 3}, before(3))
	for seq := range tagged {
		delete(tagged, seq)
	}
	prune(kv.Prune{TagsBefore: first + 9, EventsBefore: first + 9}, before(9))
	closed(t, db)
}

func eventsOf(t *testing.T, db *kv.DB) (all []ttpcron.Event) {
	t.Helper()
	kinds, err := db.Kinds(t.Context())
	for _, kind := range kinds {
		for from := ttpcron.Day(0); ; {
			days, derr := db.DayPage(t.Context(), kind, from)
			if derr != nil {
				t.Fatal(derr)
			}
			if len(days) == 0 {
				break
			}
			for _, d := range days {
				for page, perr := range db.Events(t.Context(), kind, d.Day, 0, d.LastSeq) {
					if perr != nil {
						t.Fatal(perr)
					}
					all = append(all, page...)
				}
				from = d.Day + 1
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
