package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// What is taken out because of its age goes by a clock, and clocks are wrong at
// times. So no more than a share goes at once, unless all of it is of the last
// days before the line: that is what retention does every day.
const (
	shareAtOnce = 4 // a quarter
	regularDays = 2
	secondLook  = 24 * time.Hour
)

// whyHeld says why a pruning is not to go on unasked, "" when nothing is against
// it. r counts what it would take out of a store with the counts st.
func whyHeld(p kv.Prune, r kv.PruneReport, st kv.Stats) kv.HeldReason {
	h := heldCounts(p, r, st)
	much := h.Events*shareAtOnce > h.OfEvents && r.FirstDay < p.EventsBefore-regularDays
	muchTags := h.Tags*shareAtOnce > h.OfTags && r.FirstTagDay < p.TagsBefore-regularDays
	switch {
	case h.Events > 0 && h.Events == h.OfEvents:
		return kv.HeldAll
	case much || muchTags:
		return kv.HeldShare
	}
	return ""
}

// heldCounts says what of a pruning counts. Events that are dated in the future
// are none that it leaves.
func heldCounts(p kv.Prune, r kv.PruneReport, st kv.Stats) kv.Held {
	h := kv.Held{EventsBefore: p.EventsBefore, TagsBefore: p.TagsBefore, Tags: r.Tags}
	for _, k := range r.Kinds {
		h.Events += k.Events
	}
	for _, k := range st.Kinds {
		h.OfEvents += k.Events - k.Future
		h.OfTags += k.Tags
	}
	h.OfEvents = max(h.OfEvents, h.Events) // by hand what is dated in the future can go too
	h.OfTags = max(h.OfTags, h.Tags)       // retired ones do not count in st
	return h
}

// retention keeps to keep-events and keep-tags.
type retention struct {
	d     *daemon
	app   *app
	keep  func(at time.Time) kv.Prune // the lines, where age counts from at
	now   time.Time
	clock kv.Clock
	stats kv.Stats
}

// byAge takes out what is older than it is kept, as far as the clock can be
// trusted, and returns what is held back.
func (d *daemon) byAge(ctx context.Context, c *daemonConfig) (held kv.Held, err error) {
	r := retention{d: d, app: c.app, keep: c.lines, now: c.app.now().UTC()}
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
func (c *daemonConfig) lines(at time.Time) (p kv.Prune) {
	line := func(keep age) ttpcron.Day {
		if keep == 0 {
			return 0
		}
		return max(0, ttpcron.DayOf(at.Add(-time.Duration(keep))))
	}
	return kv.Prune{EventsBefore: line(c.keepEvents), TagsBefore: line(c.keepTags)}
}

func (r *retention) prune(ctx context.Context) (held kv.Held, err error) {
	today := ttpcron.DayOf(r.now)
	day, known := r.clock.Present(r.now)
	wanted, p := r.keep(r.now), kv.Prune{}
	if known {
		p = r.keep(r.now.AddDate(0, 0, int(day-today)))
	}
	more, err := r.look(ctx, wanted)
	if err != nil {
		return held, err
	}
	now := more
	if p.EventsBefore != wanted.EventsBefore || p.TagsBefore != wanted.TagsBefore {
		if now, err = r.look(ctx, p); err != nil {
			return held, err
		}
	}
	if why := whyHeld(p, now, r.stats); why != "" {
		held = r.hold(why, p, now)
		if why != kv.HeldShare || r.now.Sub(held.Since) < secondLook {
			return held, nil
		}
		held = kv.Held{}
	}
	if err := r.d.prune(ctx, r.app, p, "older than keep-events or keep-tags"); err != nil {
		return held, err
	}
	if a, b := heldCounts(wanted, more, r.stats), heldCounts(p, now, r.stats); a.Events > b.Events || a.Tags > b.Tags {
		why := kv.HeldClock
		if !known {
			why = kv.HeldYoung
		}
		held = r.hold(why, wanted, more)
	}
	return held, nil
}

func (r *retention) look(ctx context.Context, p kv.Prune) (kv.PruneReport, error) {
	p.DryRun = true
	return r.d.db.Prune(ctx, p)
}

// hold notes what is held back, and since when: a line that has moved on with the
// clock is the same.
func (r *retention) hold(why kv.HeldReason, p kv.Prune, found kv.PruneReport) kv.Held {
	h := heldCounts(p, found, r.stats)
	h.Why, h.Since = why, r.now
	old := r.clock.Held
	gone := ttpcron.Day(r.now.Sub(old.Since)/(24*time.Hour)) + regularDays
	if old.Why != why || h.EventsBefore > old.EventsBefore+gone || h.TagsBefore > old.TagsBefore+gone {
		return h
	}
	if why == kv.HeldShare {
		return old // its lines are what was looked at first
	}
	h.Since = old.Since
	return h
}

// heldText says what is held back, why, until when, and what does it now.
func heldText(h kv.Held, c *kv.Clock, now time.Time) string {
	why, then := "", ""
	switch h.Why {
	case kv.HeldYoung:
		why = fmt.Sprintf("the clock was seen on %s so far, and age counts once it was on %d", plural(c.Seen(now), "day", "days"), kv.MinSeenDays)
	case kv.HeldClock:
		day, _ := c.Present(now)
		then = "if the clock is right, "
		why = fmt.Sprintf("the clock says %s, and until it was seen on %d days of a week age counts from %s", ttpcron.DayOf(now), kv.MinSeenDays, day)
	case kv.HeldShare:
		why = fmt.Sprintf("that is much at once, and waits for a second look from %s UTC on", shown(h.Since.Add(secondLook)))
	case kv.HeldAll:
		then = "if the clock is right, "
		why = fmt.Sprintf("nothing would be left, and the clock says %s; this is never done unasked", ttpcron.DayOf(now))
	}
	return fmt.Sprintf("kept although old: %s: %s; %s%s takes it out now", heldWhat(h), why, then, pruneCommand(h, now))
}

// heldWhat counts what a pruning would take out.
func heldWhat(h kv.Held) string {
	var parts []string
	if h.Events > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s before %s", count(h.Events), plural(h.OfEvents, "event", "events"), h.EventsBefore))
	}
	if h.Tags > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s before %s", count(h.Tags), plural(h.OfTags, "tag", "tags"), h.TagsBefore))
	}
	return strings.Join(parts, " and ")
}

// heldJSON is what is held back, as status shows it.
type heldJSON struct {
	Why          kv.HeldReason `json:"why"` // young, clock, share or all
	Since        time.Time     `json:"since"`
	Until        *time.Time    `json:"until"` // of share: maintenance goes ahead from then on
	EventsBefore string        `json:"events_before"`
	TagsBefore   string        `json:"tags_before"`
	Events       int           `json:"events"`
	Tags         int           `json:"tags"`
	Command      string        `json:"command"` // does it now
	Text         string        `json:"text"`
}

func heldOf(c *kv.Clock, now time.Time) *heldJSON {
	h := c.Held
	if h.Why == "" {
		return nil
	}
	out := &heldJSON{
		Why: h.Why, Since: h.Since.UTC(), EventsBefore: h.EventsBefore.String(), TagsBefore: h.TagsBefore.String(), Events: h.Events, Tags: h.Tags,
		Command: pruneCommand(h, now), Text: heldText(h, c, now),
	}
	if h.Why == kv.HeldShare {
		out.Until = timeOrNull(h.Since.Add(secondLook))
	}
	return out
}

// pruneCommand is the command that takes out what is held back.
func pruneCommand(h kv.Held, now time.Time) string {
	var b strings.Builder
	b.WriteString("ttpcron db prune")
	for _, line := range []struct {
		flag string
		day  ttpcron.Day
	}{{"--keep-events", h.EventsBefore}, {"--keep-tags", h.TagsBefore}} {
		if line.day > 0 {
			fmt.Fprintf(&b, " %s %dd", line.flag, max(1, ttpcron.DayOf(now)-line.day))
		}
	}
	return b.String() + " --yes"
}
