package daemon

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/retention"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

// maintain keeps the store to its limits of age and size.
func (d *runner) maintain(ctx context.Context, c *settings.Daemon, job string) error {
	said := d.saidBy(job)
	said.next()
	held, err := d.byAge(ctx, c)
	if err == nil && c.MaxSize > 0 {
		err = d.shrink(ctx, c)
	}
	if err != nil {
		if ctx.Err() != nil {
			return jobs.ErrInterrupted
		}
		return err
	}
	trouble, err := d.sayHeld(ctx, held, said)
	d.health.troubled(job, trouble)
	return err
}

// sayHeld logs what is held back, once as long as it is, and returns the part that is
// trouble. A young store is none.
func (d *runner) sayHeld(ctx context.Context, h kv.Held, said *saidOnce) (trouble string, err error) {
	if h.Why == "" {
		return "", nil
	}
	c, err := d.db.Clock(ctx)
	if err != nil {
		return "", err
	}
	text := retention.Explain(h, &c, d.now())
	log := d.log.Warn
	if h.Why == kv.HeldYoung {
		log = d.log.Info
	} else {
		trouble = text
	}
	if said.news(fmt.Sprint(h.Why, h.Since)) {
		log(text)
	}
	return trouble, nil
}

// prune takes out days, and says so.
func (d *runner) prune(ctx context.Context, p kv.Prune, why string) error {
	if p.EventsBefore == 0 && p.TagsBefore == 0 {
		return nil
	}
	p.Progress = func(kv.Progress) { d.moved.Add(1) }
	r, err := d.db.Prune(ctx, p)
	events := 0
	for _, k := range r.Kinds {
		events += k.Events
	}
	if events+r.Tags > 0 {
		d.log.Info("days taken out", "why", why, "events_before", p.EventsBefore.String(), "events", events, "tags_before", p.TagsBefore.String(), "tags", r.Tags)
	}
	return err
}

// shrink removes the oldest days, events and tags together, while the store is larger than
// allowed. Whatever may be today's stays under any clock: the day from which age counts,
// all later ones, and the newest day with events.
func (d *runner) shrink(ctx context.Context, c *settings.Daemon) error {
	for {
		s, err := d.db.Stats(ctx)
		if err != nil {
			return err
		}
		used := s.FileBytes - s.FreeBytes
		if used <= int64(c.MaxSize) {
			return nil
		}
		day, _ := s.Clock.Present(d.now())
		first, newest, days, future := day, ttpcron.Day(0), 0, 0
		for _, k := range s.Kinds {
			if k.Events > 0 {
				first, days = min(first, ttpcron.DayOf(k.Earliest)), max(days, k.Days)
				future += k.Future
			}
			if !k.Newest.IsZero() {
				newest = max(newest, ttpcron.DayOf(k.Newest))
			}
		}
		until := min(day, newest)
		if first >= until {
			return tooMuch(until, ttpcron.DayOf(d.now()), future)
		}
		// A fiftieth of the days at once: each step reads all of them.
		p := kv.Prune{EventsBefore: min(first+1+ttpcron.Day(days/50), until)}
		p.TagsBefore = p.EventsBefore
		if err := d.prune(ctx, p, fmt.Sprintf("the store holds %s of max-size %s", term.Bytes(used), term.Bytes(int64(c.MaxSize)))); err != nil {
			return err
		}
	}
}

// tooMuch says that the rest is larger than max-size.
func tooMuch(until, today ttpcron.Day, future int) error {
	also := ""
	if future > 0 {
		also = fmt.Sprintf(", and %s dated later than tomorrow", term.Plural(future, "event is", "events are"))
	}
	return fmt.Errorf("the store holds more than max-size, and what is left is of %s or later, which stays; this machine's clock says %s%s", until, today, also)
}
