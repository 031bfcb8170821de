package retention

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// Aging decides what a store that is kept to an age may take out now.
type Aging struct {
	Keep  func(at time.Time) kv.Prune // the lines when age counts from at
	Now   time.Time
	Clock kv.Clock // of the store
	Stats kv.Stats // of the store
	// Count says what a pruning would remove.
	Count func(ctx context.Context, p kv.Prune) (kv.PruneReport, error)
}

// Decide returns the pruning to do, the zero one for none, and what is held back,
// the zero value for nothing. Errors are those of Count.
func (a *Aging) Decide(ctx context.Context) (do kv.Prune, held kv.Held, err error) {
	today := ttpcron.DayOf(a.Now)
	day, known := a.Clock.Present(a.Now)
	wanted := a.Keep(a.Now)
	if known {
		do = a.Keep(a.Now.AddDate(0, 0, int(day-today)))
	}
	foundWanted, err := a.Count(ctx, wanted)
	if err != nil {
		return kv.Prune{}, held, err
	}
	found := foundWanted
	if do.EventsBefore != wanted.EventsBefore || do.TagsBefore != wanted.TagsBefore {
		if found, err = a.Count(ctx, do); err != nil {
			return kv.Prune{}, held, err
		}
	}
	if why := Reason(do, found, a.Stats); why != "" {
		held = a.hold(why, do, found)
		if why != kv.HeldShare || a.Now.Sub(held.Since) < secondLook {
			return kv.Prune{}, held, nil
		}
		held = kv.Held{}
	}
	if all, some := Counts(wanted, foundWanted, a.Stats), Counts(do, found, a.Stats); all.Events > some.Events || all.Tags > some.Tags {
		why := kv.HeldClock
		if !known {
			why = kv.HeldYoung
		}
		held = a.hold(why, wanted, foundWanted)
	}
	return do, held, nil
}

// hold records what is held back, and since when: a line that has only moved on with the
// clock counts as the same.
func (a *Aging) hold(why kv.HeldReason, p kv.Prune, found kv.PruneReport) kv.Held {
	h := Counts(p, found, a.Stats)
	h.Why, h.Since = why, a.Now
	old := a.Clock.Held
	gone := ttpcron.Day(a.Now.Sub(old.Since)/(24*time.Hour)) + regularDays
	if old.Why != why || h.EventsBefore > old.EventsBefore+gone || h.TagsBefore > old.TagsBefore+gone {
		return h
	}
	if why == kv.HeldShare {
		return old // its lines are what was looked at first
	}
	h.Since = old.Since
	return h
}
