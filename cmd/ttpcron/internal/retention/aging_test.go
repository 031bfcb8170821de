package retention

import (
	"context"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// A store with an event a day, all kept for 30 days, is decided on under clocks that are
// more or less trustworthy.
func TestDecide(t *testing.T) {
	day := func(n int) ttpcron.Day {
		return ttpcron.DayOf(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)) + ttpcron.Day(n)
	}
	at := func(n int) time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	seen := func(days ...int) (c kv.Clock) {
		for _, n := range days {
			c.Days = append(c.Days, day(n))
		}
		return c
	}
	waiting := func(c kv.Clock, why kv.HeldReason, line, since int) kv.Clock {
		c.Held = kv.Held{Why: why, EventsBefore: day(line), Since: at(since)}
		return c
	}
	for _, tt := range []struct {
		name       string
		first, now int // the first day with an event, and today; there is one on every day between
		clock      kv.Clock
		before     int // what goes: the events of the days before that; -1 for none
		why        kv.HeldReason
	}{
		{"as every day", 29, 60, seen(58, 59, 60), 30, ""},
		{"nothing is old", 40, 60, seen(58, 59, 60), 30, ""},
		{"a clock seen on one day", 20, 60, seen(60), -1, kv.HeldYoung},
		{"a clock that is years ahead", 29, 900, seen(58, 59, 60, 900), 29, kv.HeldClock},
		{"much at once", 0, 60, seen(58, 59, 60), -1, kv.HeldShare},
		{"much at once, for an hour", 0, 60, waiting(seen(58, 59, 60), kv.HeldShare, 30, 60), -1, kv.HeldShare},
		{"much at once, a second look", 0, 60, waiting(seen(58, 59, 60), kv.HeldShare, 29, 58), 30, ""},
		{"all there is", 0, 900, seen(898, 899, 900), -1, kv.HeldAll},
		{"all there is, a second look", 0, 900, waiting(seen(898, 899, 900), kv.HeldAll, 870, 800), -1, kv.HeldAll},
	} {
		last := min(tt.now, 60)
		count := func(_ context.Context, p kv.Prune) (r kv.PruneReport, err error) {
			if n := min(int(p.EventsBefore-day(tt.first)), last-tt.first+1); p.EventsBefore > 0 && n > 0 {
				r.Kinds, r.LooseDays, r.FirstLooseDay = []kv.PrunedKind{{Kind: ttpcron.Command, Days: n, Events: n}}, n, day(tt.first)
			}
			return r, nil
		}
		a := Aging{
			Keep: func(from time.Time) kv.Prune { return kv.Prune{EventsBefore: ttpcron.DayOf(from) - 30} }, Now: at(tt.now), Clock: tt.clock,
			Stats: kv.Stats{Kinds: []kv.KindStats{{Kind: ttpcron.Command, Events: last - tt.first + 1, Newest: at(last)}}}, Count: count,
		}
		do, held, err := a.Decide(t.Context())
		want := ttpcron.Day(0)
		if tt.before >= 0 {
			want = day(tt.before)
		}
		if err != nil || do.EventsBefore != want || held.Why != tt.why {
			t.Errorf("%s: takes out what is before %s, want %s; holds back for %q, want %q; %v", tt.name, do.EventsBefore, want, held.Why, tt.why, err)
		}
	}
}

// Some events of the days up to the line have tags, and stay: what goes is less than the
// days have, and is decided as if it were all.
func TestReasonWithTags(t *testing.T) {
	day := func(n int) ttpcron.Day { return 20000 + ttpcron.Day(n) }
	stats := func(newest int) kv.Stats {
		return kv.Stats{Kinds: []kv.KindStats{{Kind: ttpcron.Command, Events: 100, Tags: 100, Newest: day(newest).Start()}}}
	}
	both := kv.Prune{TagsBefore: day(10), EventsBefore: day(50)}
	for _, tt := range []struct {
		name   string
		found  kv.PruneReport
		events int
		newest int
		want   kv.HeldReason
	}{
		{"the last days before either line", kv.PruneReport{Days: 1, FirstDay: day(9), LooseDays: 2, FirstLooseDay: day(48)}, 60, 52, ""},
		{"much of days that lost theirs long ago", kv.PruneReport{LooseDays: 9, FirstLooseDay: day(40)}, 26, 52, kv.HeldShare},
		{"much of days that go wholly", kv.PruneReport{Days: 9, FirstDay: day(1)}, 26, 52, kv.HeldShare},
		{"much of 1970", kv.PruneReport{Days: 1}, 26, 52, kv.HeldShare},
		{"no great share", kv.PruneReport{Days: 9, FirstDay: day(1), LooseDays: 9, FirstLooseDay: day(40)}, 25, 52, ""},
		{"all that is loose, and nothing is newer", kv.PruneReport{LooseDays: 1, FirstLooseDay: day(49)}, 1, 49, kv.HeldAll},
		{"all have tags", kv.PruneReport{}, 0, 49, ""},
	} {
		if tt.events > 0 {
			tt.found.Kinds = []kv.PrunedKind{{Kind: ttpcron.Command, Events: tt.events}}
		}
		if got := Reason(both, tt.found, stats(tt.newest)); got != tt.want {
			t.Errorf("%s: held back for %q, want %q", tt.name, got, tt.want)
		}
	}
}
