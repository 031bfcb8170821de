package daemon

import (
	"context"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/kv"
)

// aging keeps to keep-events and keep-tags.
type aging struct {
	d     *runner
	keep  func(at time.Time) kv.Prune // the lines when age counts from at
	now   time.Time
	clock kv.Clock
	stats kv.Stats
}

// byAge takes out what is older than the configuration allows, as far as the clock
// can be trusted, and returns what is held back.
func (d *runner) byAge(ctx context.Context, c *settings.Daemon) (held kv.Held, err error) {
	r := aging{d: d, keep: func(at time.Time) kv.Prune { return lines(c, at) }, now: d.now().UTC()}
	if r.clock, err = d.db.SeeClock(ctx); err != nil {
		return held, err
	}
	if r.stats, err = d.db.Stats(ctx); err != nil {
		return held, err
	}
	if held, err = r.prune(ctx); err != nil {
		return held, err
	}
	return held, d.db.SetHeld(ctx, held)
}

// lines says what goes when age counts from an instant.
func lines(c *settings.Daemon, at time.Time) (p kv.Prune) {
	line := func(keep cli.Age) ttpcron.Day {
		if keep == 0 {
			return 0
		}
		return max(0, ttpcron.DayOf(at.Add(-time.Duration(keep))))
	}
	return kv.Prune{EventsBefore: line(c.KeepEvents), TagsBefore: line(c.KeepTags)}
}

func (r *aging) prune(ctx context.Context) (held kv.Held, err error) {
	today := ttpcron.DayOf(r.now)
	day, known := r.clock.Present(r.now)
	wanted, p := r.keep(r.now), kv.Prune{}
	if known {
		p = r.keep(r.now.AddDate(0, 0, int(day-today)))
	}
	foundWanted, err := r.look(ctx, wanted)
	if err != nil {
		return held, err
	}
	found := foundWanted
	if p.EventsBefore != wanted.EventsBefore || p.TagsBefore != wanted.TagsBefore {
		if found, err = r.look(ctx, p); err != nil {
			return held, err
		}
	}
	if why := retention.Why(p, found, r.stats); why != "" {
		held = r.hold(why, p, found)
		if why != kv.HeldShare || r.now.Sub(held.Since) < retention.SecondLook {
			return held, nil
		}
		held = kv.Held{}
	}
	if err := r.d.prune(ctx, p, "older than keep-events or keep-tags"); err != nil {
		return held, err
	}
	if a, b := retention.Counts(wanted, foundWanted, r.stats), retention.Counts(p, found, r.stats); a.Events > b.Events || a.Tags > b.Tags {
		why := kv.HeldClock
		if !known {
			why = kv.HeldYoung
		}
		held = r.hold(why, wanted, foundWanted)
	}
	return held, nil
}

func (r *aging) look(ctx context.Context, p kv.Prune) (kv.PruneReport, error) {
	p.DryRun = true
	return r.d.db.Prune(ctx, p)
}

// hold notes what is held back, and since when: a line that has only moved on with
// the clock counts as the same.
func (r *aging) hold(why kv.HeldReason, p kv.Prune, found kv.PruneReport) kv.Held {
	h := retention.Counts(p, found, r.stats)
	h.Why, h.Since = why, r.now
	old := r.clock.Held
	gone := ttpcron.Day(r.now.Sub(old.Since)/(24*time.Hour)) + retention.RegularDays
	if old.Why != why || h.EventsBefore > old.EventsBefore+gone || h.TagsBefore > old.TagsBefore+gone {
		return h
	}
	if why == kv.HeldShare {
		return old // its lines are what was looked at first
	}
	h.Since = old.Since
	return h
}
