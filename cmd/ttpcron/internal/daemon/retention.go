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

// byAge removes what is older than the configuration allows, as far as the clock can be
// trusted, and returns what is held back.
func (d *runner) byAge(ctx context.Context, c *settings.Daemon) (held kv.Held, err error) {
	a := retention.Aging{Keep: func(at time.Time) kv.Prune { return lines(c, at) }, Now: d.now().UTC(), Count: d.wouldPrune}
	if a.Clock, err = d.db.SeeClock(ctx); err != nil {
		return held, err
	}
	if a.Stats, err = d.db.Stats(ctx); err != nil {
		return held, err
	}
	p, held, err := a.Decide(ctx)
	if err == nil {
		err = d.prune(ctx, p, "older than keep-events or keep-tags")
	}
	if err != nil {
		return kv.Held{}, err
	}
	return held, d.db.SetHeld(ctx, held)
}

// wouldPrune counts what a pruning would remove.
func (d *runner) wouldPrune(ctx context.Context, p kv.Prune) (kv.PruneReport, error) {
	p.DryRun = true
	return d.db.Prune(ctx, p)
}

// lines are the days that go if age counts from an instant.
func lines(c *settings.Daemon, at time.Time) (p kv.Prune) {
	line := func(keep cli.Age) ttpcron.Day {
		if keep == 0 {
			return 0
		}
		return max(0, ttpcron.DayOf(at.Add(-time.Duration(keep))))
	}
	return kv.Prune{EventsBefore: line(c.KeepEvents), TagsBefore: line(c.KeepTags)}
}
