package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// maintain keeps the store to its limits of age and size.
func (d *daemon) maintain(ctx context.Context, c *daemonConfig, job string) error {
	a := c.app
	p := kv.Prune{Progress: func(kv.Progress) { d.moved.Add(1) }}
	now := a.now().UTC()
	if c.keepEvents > 0 {
		p.EventsBefore = ttpcron.DayOf(now.Add(-time.Duration(c.keepEvents)))
	}
	if c.keepTags > 0 {
		p.TagsBefore = ttpcron.DayOf(now.Add(-time.Duration(c.keepTags)))
	}
	err := d.leavesSome(ctx, a, p)
	if err == nil {
		err = d.prune(ctx, a, p, "older than keep-events or keep-tags")
	}
	if err == nil && c.maxSize > 0 {
		err = d.shrink(ctx, c, p)
	}
	if err != nil {
		if ctx.Err() != nil {
			return jobs.ErrInterrupted
		}
		d.health.troubled(job, fmt.Sprintf("%s failed: %v", job, err))
		return err
	}
	d.health.troubled(job, "")
	return nil
}

// leavesSome refuses to take out every event there is because of its age: years
// of history would be gone when a clock jumps ahead.
func (d *daemon) leavesSome(ctx context.Context, a *app, p kv.Prune) error {
	s, err := d.db.Stats(ctx)
	if err != nil {
		return err
	}
	all := 0
	for _, k := range s.Kinds {
		if all += k.Events; k.Events > 0 && ttpcron.DayOf(k.Latest) >= p.EventsBefore {
			return nil
		}
	}
	if all == 0 {
		return nil
	}
	return fmt.Errorf("nothing was taken out: keep-events would leave none of %s, and this machine's clock says %s; ttpcron db prune --force does it",
		plural(all, "event", "events"), shown(a.now()))
}

// prune takes out days, and says so.
func (d *daemon) prune(ctx context.Context, a *app, p kv.Prune, why string) error {
	if p.EventsBefore == 0 && p.TagsBefore == 0 {
		return nil
	}
	r, err := d.db.Prune(ctx, p)
	events := 0
	for _, k := range r.Kinds {
		events += k.Events
	}
	if events+r.Tags > 0 {
		a.log.Info("days taken out", "why", why, "events_before", p.EventsBefore.String(), "events", events, "tags_before", p.TagsBefore.String(), "tags", r.Tags)
	}
	return err
}

// shrink takes out the oldest days, their events and tags together, while the
// store holds more than it may. Today stays.
func (d *daemon) shrink(ctx context.Context, c *daemonConfig, p kv.Prune) error {
	today := ttpcron.DayOf(c.app.now())
	for {
		s, err := d.db.Stats(ctx)
		if err != nil {
			return err
		}
		used := s.FileBytes - s.FreeBytes
		if used <= int64(c.maxSize) {
			return nil
		}
		first, days := today, 0
		for _, k := range s.Kinds {
			if k.Events > 0 {
				first, days = min(first, ttpcron.DayOf(k.Earliest)), max(days, k.Days)
			}
		}
		if first >= today {
			return errors.New("the store holds more than max-size, and all of it is of today")
		}
		// A fiftieth of the days at once: each step costs a look at all of them.
		p.EventsBefore = min(first+1+ttpcron.Day(days/50), today)
		p.TagsBefore = p.EventsBefore
		if err := d.prune(ctx, c.app, p, fmt.Sprintf("the store holds %s of max-size %s", bytesText(used), bytesText(int64(c.maxSize)))); err != nil {
			return err
		}
	}
}
