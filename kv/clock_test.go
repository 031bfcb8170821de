package kv_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// What the clock showed, in days, and the day from which age counts in the end.
func TestPresent(t *testing.T) {
	for _, tt := range []struct {
		name string
		seen []int // days after 2026-11-20
		want string
	}{
		{"young", []int{0}, "0 false"},
		{"young, ahead", []int{0, 3650}, "0 false"},
		{"young, back again", []int{0, 3650, 0}, "0 false"},
		{"three days", []int{0, 1, 2}, "2 true"},
		{"three days of a week", []int{0, 3, 6}, "6 true"},
		{"once a week", []int{0, 7, 14}, "0 true"},
		{"ahead", []int{0, 1, 2, 3650}, "1 true"},
		{"ahead, over midnight", []int{0, 1, 2, 3650, 3651}, "2 true"},
		{"ahead, and back", []int{0, 1, 2, 3650, 2}, "2 true"},
		{"ahead three times", []int{0, 1, 2, 3650, 3, 3651, 4, 3652, 5, 3653}, "4 true"},
		{"ahead for days", []int{0, 1, 2, 3650, 3651, 3652}, "3652 true"},
		{"ahead for days, and back", []int{0, 1, 2, 3650, 3651, 3652, 3}, "3 true"},
		{"ahead for weeks, and back", []int{0, 1, 2, 3650, 3651, 3652, 3653, 3654, 3655, 3656, 3657, 3658, 3659, 3, 4, 5}, "5 true"},
		{"behind", []int{0, 1, 2, -3650}, "-3650 false"},
		{"behind, and right again", []int{0, 1, 2, -3650, 2}, "2 true"},
		{"in 1970 at each start", []int{-20000, 0, -20000, 1, -20000, 2}, "2 true"},
		{"off for months", []int{0, 1, 2, 200}, "1 true"},
		{"off for months, three days ago", []int{0, 1, 2, 200, 201, 202}, "202 true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
			now := base
			db := kvtest.OpenWith(t, filepath.Join(t.TempDir(), "t.db"), kv.Options{Now: func() time.Time { return now }})
			var c kv.Clock
			for _, n := range tt.seen {
				now = base.AddDate(0, 0, n)
				var err error
				if c, err = db.SeeClock(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			day, known := c.Present(now)
			if got := fmt.Sprint(int(day-ttpcron.DayOf(base)), known); got != tt.want {
				t.Errorf("got %s, want %s: seen %v", got, tt.want, c.Days)
			}
			if len(c.Days) > 17 {
				t.Errorf("%d days are kept", len(c.Days))
			}
			stored, err := db.Clock(t.Context())
			if err != nil || fmt.Sprint(stored.Days) != fmt.Sprint(c.Days) {
				t.Errorf("stored %v, %v", stored.Days, err)
			}
		})
	}
}

// An import that brings something new sees the clock, another does not.
func TestImportSeesClock(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	db := kvtest.OpenWith(t, filepath.Join(t.TempDir(), "t.db"), kv.Options{Now: func() time.Time { return now }})
	e := ttpcron.Event{Kind: ttpcron.Command, Time: now, AttackerIP: "203.0.113.7", Payload: ttpcron.Payload{{Name: "command_text", Text: "id"}}}
	for i, want := range []int{1, 1} {
		if _, err := db.Import(t.Context(), ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil {
			t.Fatal(err)
		}
		if c, err := db.Clock(t.Context()); err != nil || len(c.Days) != want {
			t.Errorf("import %d: %v, %v", i, c.Days, err)
		}
		now = now.AddDate(0, 0, 1)
	}
}

// A step back starts a new second look; a correction by a second does not; a pruning that
// removes what is held back forgets it.
func TestHeld(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenWith(t, path, kv.Options{Now: func() time.Time { return now }})
	want := kv.Held{Why: kv.HeldShare, Since: now, EventsBefore: 100, TagsBefore: 50, Events: 7, Tags: 3, OfEvents: 9, OfTags: 4}
	check := func(when string, want kv.Held) {
		t.Helper()
		c, err := db.SeeClock(t.Context())
		if err != nil || c.Held != want {
			t.Errorf("%s: %+v, %v", when, c.Held, err)
		}
	}
	set := func() {
		t.Helper()
		if err := db.SetHeld(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	prune := func(events, tags ttpcron.Day) {
		t.Helper()
		if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: events, TagsBefore: tags}); err != nil {
			t.Fatal(err)
		}
	}
	check("at first", kv.Held{})
	set()
	now = now.Add(-time.Second)
	check("a second back", want)
	prune(100, 49)
	check("after a smaller pruning", want)
	if err := doctor.Backup(t.Context(), db, path+".copy", true, nil); err != nil { // which is checked
		t.Error(err)
	}
	prune(100, 50)
	check("after the pruning", kv.Held{})
	set()
	now = now.Add(-time.Hour)
	check("an hour back", kv.Held{})
}

// Events that are dated in the future are kept, and are not the newest.
func TestFutureEvents(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	db := kvtest.OpenWith(t, filepath.Join(t.TempDir(), "t.db"), kv.Options{Now: func() time.Time { return now }})
	var events []ttpcron.Event
	for i, days := range []int{-2, 0, 1, 2, 2, 3650} {
		events = append(events, ttpcron.Event{Kind: ttpcron.Command, Time: now.AddDate(0, 0, days), AttackerIP: "203.0.113.7",
			Payload: ttpcron.Payload{{Name: "command_text", Text: strings.Repeat("x", i+1)}}})
	}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		back int // days
		want string
	}{
		{0, "6 3 2 2026-11-21"},
		{-3650, "6 0 0 2036-11-17"},
		{10, "6 6 5 0001-01-01"},
	} {
		now = now.AddDate(0, 0, -tt.back)
		s, err := db.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k := s.Kinds[0]
		if got := fmt.Sprint(k.Events, k.Future, k.FutureDays, k.Newest.Format(" 2006-01-02")); got != tt.want {
			t.Errorf("%d days back: %s, want %s", tt.back, got, tt.want)
		}
		now = now.AddDate(0, 0, tt.back)
	}
}

// What was pruned comes in again once its horizon is forgotten, whether its
// source gave it an id or not.
func TestForgetHorizon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenWith(t, path, kv.Options{})
	var events []ttpcron.Event
	for i := range 10 {
		for _, kind := range []ttpcron.SourceKind{ttpcron.Command, "payload"} {
			e := ttpcron.Event{Kind: kind, Time: time.Unix(int64(i+1)*86400, 0), AttackerIP: "203.0.113.7", Payload: ttpcron.Payload{{Name: "command_text", Text: fmt.Sprint(i)}}}
			events = append(events, e)
			e.ID = fmt.Sprint("given-", i)
			events = append(events, e)
		}
	}
	imports := func(fresh, known, before int) {
		t.Helper()
		r, err := db.Import(t.Context(), ttpcron.Batch{Events: events})
		if err != nil || r.New != fresh || r.Known != known || r.BeforeHorizon != before {
			t.Errorf("%+v, %v; want %d new, %d known, %d before the horizon", r, err, fresh, known, before)
		}
		if err := doctor.Backup(t.Context(), db, path+".copy", true, nil); err != nil { // which is checked
			t.Error(err)
		}
	}
	forget := func(kind ttpcron.SourceKind, want string) {
		t.Helper()
		gone, err := db.ForgetHorizon(t.Context(), kind)
		if err != nil || fmt.Sprint(gone) != want {
			t.Errorf("%v, %v, want %s", gone, err, want)
		}
	}
	forget("", "[]")
	imports(40, 0, 0)
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: 6}); err != nil {
		t.Fatal(err)
	}
	imports(0, 20, 20)
	forget("no such kind", "[]")
	forget(ttpcron.Command, "[{command 1970-01-07}]")
	imports(10, 20, 10)
	forget("", "[{payload 1970-01-07}]")
	imports(10, 30, 0)
	if h, err := db.Horizons(t.Context()); err != nil || len(h) > 0 {
		t.Errorf("%v, %v", h, err)
	}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: 3}); err != nil {
		t.Fatal(err)
	}
	imports(0, 32, 8)
}

// A record of a run from before there were events before a horizon still reads,
// and one with them too.
func TestRunBeforeHorizon(t *testing.T) {
	db := kvtest.Open(t)
	for i, before := range []int{0, 5} {
		run := ttpcron.Run{ID: fmt.Sprint("run", i), Imported: ttpcron.ImportReport{New: 3, BeforeHorizon: before}, Sources: []ttpcron.SourceReport{{Source: "command", Events: 3}}}
		if before > 0 {
			run.Imported.Horizon = 77
		}
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Run: &run}); err != nil {
			t.Fatal(err)
		}
		got, err := db.Runs(t.Context(), 1)
		if err != nil || !reflect.DeepEqual(got[0].Imported, run.Imported) || got[0].Sources[0] != run.Sources[0] {
			t.Errorf("%+v, %v", got, err)
		}
	}
}
