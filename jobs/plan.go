package jobs

import (
	"context"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// selection says which events of a kind a run looks at: those of a window of
// event time, or those that arrived after the cursor.
type selection struct {
	window  ttpcron.Window
	resumed bool   // arrival after cursor decides, and window is not looked at
	first   bool   // no cursor yet and no window asked for: window is the default
	cursor  uint64 // 0 when there is none
	whole   bool   // ignore coverage: look at every event, as a dry run does
}

// plan is what a run has to do for one kind of event.
type plan struct {
	kind  ttpcron.SourceKind
	sel   selection
	upTo  uint64 // events that arrive later belong to the next run
	parts []part
	again bool // covered events are looked at again
	// settled counts what earlier runs with the same rules made of events that
	// are selected and need not be read again.
	settled counts
	left    int // older events that a first run leaves out
	missed  bool
	stale   bool // a day was covered by other rules
	// missed: events after the cursor lie outside the window, so that the
	// cursor must stay where it is.
}

// part is one day of a kind that has to be read.
type part struct {
	day   ttpcron.Day
	after uint64 // read what arrived after this
	upTo  uint64 // and up to this
	total int    // events expected, for progress
	// filter: only some events of the day lie in the window.
	filter bool
	// base is the day's coverage before the part is read, adds what reading it
	// adds, as far as it has come.
	base []ttpcron.Coverage
	adds ttpcron.Coverage
	last uint64 // arrival number of the day's last event

	// again are the parts of base that other rules covered: just their events
	// are looked at, with just the rules that are new or changed. Nil in an
	// ordinary part, for which rules is nil too.
	again []ttpcron.Coverage
	rules *subset
}

// counts is what tagging made of some events.
type counts struct {
	events, tagged, tags, skipped, bounded int
}

func (c *counts) add(o counts) {
	c.events += o.events
	c.tagged += o.tagged
	c.tags += o.tags
	c.skipped += o.skipped
	c.bounded += o.bounded
}

// makePlan decides for every day of a kind whether and from where it is read.
func makePlan(ctx context.Context, h History, kind ttpcron.SourceKind, ruleSet string, sel selection, upTo uint64) (*plan, error) {
	days, err := h.Days(ctx, kind)
	if err != nil {
		return nil, err
	}
	p := &plan{kind: kind, sel: sel, upTo: upTo}
	for _, d := range days {
		p.stale = p.stale || slices.ContainsFunc(d.Coverage, func(c ttpcron.Coverage) bool { return c.RuleSet != ruleSet })
		if sel.resumed {
			err = p.resume(ctx, h, d, ruleSet)
		} else {
			p.selectDay(d, ruleSet)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// total is how many events there are to read, as far as is known beforehand.
func (p *plan) total() int {
	n := 0
	for i := range p.parts {
		n += p.parts[i].total
	}
	return n
}

// selectDay plans a day of a window.
func (p *plan) selectDay(d ttpcron.DayHistory, ruleSet string) {
	w := p.sel.window
	if !w.Overlaps(d.Day) || !w.Since.IsZero() && d.Latest.Before(w.Since) || !w.Until.IsZero() && !d.Earliest.Before(w.Until) {
		if d.LastSeq > p.sel.cursor {
			p.missed = true
		}
		if p.sel.first && d.Earliest.Before(w.Since) {
			p.left += d.Events
		}
		return
	}
	t := p.part(d, ruleSet, 0)
	if !w.Contains(d.Earliest) || !w.Contains(d.Latest) {
		t.filter, t.adds.Since = true, w.Since
		p.parts = append(p.parts, t)
		return
	}
	c, ok := prefix(d.Coverage, ruleSet)
	if !ok || c.Uncounted || p.sel.whole {
		p.parts = append(p.parts, t)
		return
	}
	p.settled.add(countsOf(c))
	if c.UpTo < d.LastSeq {
		t.after, t.total, t.adds = c.UpTo, rest(d, c.UpTo), c
		p.parts = append(p.parts, t)
	}
}

// part plans to read what arrived on a day after a number.
func (p *plan) part(d ttpcron.DayHistory, ruleSet string, after uint64) part {
	t := part{day: d.Day, after: after, upTo: p.upTo, total: rest(d, after), base: d.Coverage, last: d.LastSeq}
	t.adds = ttpcron.Coverage{Kind: p.kind, Day: d.Day, RuleSet: ruleSet, After: after, UpTo: after}
	if after < d.FirstSeq {
		t.adds.After = 0
	}
	return t
}

// resume plans a day for a run that takes what arrived after the cursor.
func (p *plan) resume(ctx context.Context, h History, d ttpcron.DayHistory, ruleSet string) error {
	after := p.sel.cursor
	if c, ok := prefix(d.Coverage, ruleSet); ok {
		after = max(after, c.UpTo)
	}
	if d.LastSeq <= after {
		return nil
	}
	t := p.part(d, ruleSet, after)
	// A part that was covered before is continued, unless an event that no run
	// with these rules has looked at lies between.
	var before ttpcron.Coverage
	for _, c := range d.Coverage {
		if c.RuleSet == ruleSet && c.Since.IsZero() && c.UpTo <= after && c.UpTo > before.UpTo {
			before = c
		}
	}
	if before.UpTo > 0 && t.adds.After > 0 {
		gap, err := arrived(ctx, h, p.kind, d.Day, before.UpTo, after)
		if err != nil {
			return err
		}
		if !gap {
			t.adds = before
		}
	}
	p.parts = append(p.parts, t)
	return nil
}

// arrived reports whether any event of a day arrived in (after, upTo].
func arrived(ctx context.Context, h History, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) (bool, error) {
	if after >= upTo {
		return false, nil
	}
	for events, err := range h.Events(ctx, kind, day, after, upTo) {
		if err != nil {
			return false, err
		}
		if len(events) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// rest estimates how many of a day's events arrived after a number: exact for
// none and all, a bound otherwise.
func rest(d ttpcron.DayHistory, after uint64) int {
	if after < d.FirstSeq {
		return d.Events
	}
	return int(min(uint64(d.Events), d.LastSeq-after))
}

// Waiting counts the events of a kind that arrived after a cursor. The count is
// exact unless a day holds events from both sides of the cursor: then it may be
// too high, and exact is false.
func Waiting(ctx context.Context, h History, kind ttpcron.SourceKind, cursor uint64) (events int, exact bool, err error) {
	days, err := h.Days(ctx, kind)
	if err != nil {
		return 0, false, err
	}
	exact = true
	for _, d := range days {
		if d.LastSeq <= cursor {
			continue
		}
		events += rest(d, cursor)
		exact = exact && d.FirstSeq > cursor
	}
	return events, exact, nil
}
