// Package retention decides what may be taken out of a store because of its age,
// and puts into words what is held back. Clocks are wrong at times, so age alone is
// not reason enough. Start with [Aging], which
// decides for a daemon; [Reason] says what is against a pruning by hand. The package
// takes nothing out itself.
package retention

import (
	"fmt"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
)

// Removal by age depends on a clock, and clocks are sometimes wrong. So only a share goes
// at once, unless all of it is from the last days before the line: that is what retention
// does every day.
const (
	shareAtOnce = 4 // a quarter
	regularDays = 2
	secondLook  = 24 * time.Hour
)

// Reason says why a pruning must not go ahead unasked, "" when nothing is against it.
// r counts what it would remove of a store with the counts st.
func Reason(p kv.Prune, r kv.PruneReport, st kv.Stats) kv.HeldReason {
	h := Counts(p, r, st)
	regular := (r.Days == 0 || r.FirstDay >= p.TagsBefore-regularDays) && (r.LooseDays == 0 || r.FirstLooseDay >= p.EventsBefore-regularDays)
	much := h.Events*shareAtOnce > h.OfEvents && !regular
	muchTags := h.Tags*shareAtOnce > h.OfTags && r.FirstTagDay < p.TagsBefore-regularDays
	switch {
	case h.Events > 0 && (h.Events == h.OfEvents || newest(st) < p.EventsBefore):
		return kv.HeldAll
	case much || muchTags:
		return kv.HeldShare
	}
	return ""
}

// newest returns the latest day with events that are not dated in the future.
func newest(st kv.Stats) (day ttpcron.Day) {
	for _, k := range st.Kinds {
		if !k.Newest.IsZero() {
			day = max(day, ttpcron.DayOf(k.Newest))
		}
	}
	return day
}

// Counts sets what a pruning would remove against what there is. Events that are
// dated in the future do not count as there.
func Counts(p kv.Prune, r kv.PruneReport, st kv.Stats) kv.Held {
	h := kv.Held{EventsBefore: p.EventsBefore, TagsBefore: p.TagsBefore, Tags: r.Tags}
	for _, k := range r.Kinds {
		h.Events += k.Events
	}
	for _, k := range st.Kinds {
		h.OfEvents += k.Events - k.Future
		h.OfTags += k.Tags
	}
	h.OfEvents = max(h.OfEvents, h.Events) // db prune may take out what is dated in the future, too
	h.OfTags = max(h.OfTags, h.Tags)       // retired ones do not count in st
	return h
}

// Explain says what is held back, why, until when, and which command takes it out now.
func Explain(h kv.Held, c *kv.Clock, now time.Time) string {
	why, then := "", ""
	switch h.Why {
	case kv.HeldYoung:
		why = fmt.Sprintf("the clock was seen on %s so far, and age counts once it was on %d", term.Plural(c.Seen(now), "day", "days"), kv.MinSeenDays)
	case kv.HeldClock:
		day, _ := c.Present(now)
		then = "if the clock is right, "
		why = fmt.Sprintf("the clock says %s, and until it was seen on %d days of a week age counts from %s", ttpcron.DayOf(now), kv.MinSeenDays, day)
	case kv.HeldShare:
		why = fmt.Sprintf("that is much at once, and waits for a second look from %s UTC on", term.Time(h.Since.Add(secondLook)))
	case kv.HeldAll:
		then = "if the clock is right, "
		why = fmt.Sprintf("there are no later ones, and the clock says %s; this is never done unasked", ttpcron.DayOf(now))
	}
	return fmt.Sprintf("kept although old: %s: %s; %s%s takes it out now", Amount(h), why, then, pruneCommand(h, now))
}

// Amount counts what a pruning would remove.
func Amount(h kv.Held) string {
	var parts []string
	if h.Events > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s before %s", term.Count(h.Events), term.Plural(h.OfEvents, "event", "events"), h.EventsBefore))
	}
	if h.Tags > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s before %s", term.Count(h.Tags), term.Plural(h.OfTags, "tag", "tags"), h.TagsBefore))
	}
	return strings.Join(parts, " and ")
}

// Held is what is held back, as status shows it.
type Held struct {
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

// Describe returns what is held back in a store with a clock, nil for nothing.
func Describe(c *kv.Clock, now time.Time) *Held {
	h := c.Held
	if h.Why == "" {
		return nil
	}
	out := &Held{
		Why: h.Why, Since: h.Since.UTC(), EventsBefore: h.EventsBefore.String(), TagsBefore: h.TagsBefore.String(), Events: h.Events, Tags: h.Tags,
		Command: pruneCommand(h, now), Text: Explain(h, c, now),
	}
	if h.Why == kv.HeldShare {
		out.Until = term.TimeOrNull(h.Since.Add(secondLook))
	}
	return out
}

// pruneCommand is the command that removes what is held back.
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
