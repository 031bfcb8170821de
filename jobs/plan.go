package jobs

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// selection says which events of a kind a run looks at: those of a window of
// event time, or those that arrived after the cursor.
type selection struct {
	window  ttpcron.Window
	resumed bool   // arrival after cursor decides, and window is not looked at
	cursor  uint64 // 0 when there is none
	whole   bool   // ignore coverage: look at every event, as a dry run does
}

// plan is the work of a run for one kind of event. It is made a day at a time during the
// run, since a history may have any number of days.
type plan struct {
	history History
	kind    ttpcron.SourceKind
	sel     selection
	upTo    uint64 // events that arrive later belong to the next run
	ruleSet string
	again   bool // covered events are looked at again
	// choose decides whether and from where a day is read. It adds what else it learns to
	// the second argument.
	choose func(context.Context, ttpcron.DayHistory, *planned) (part, bool, error)

	parts int // days to read, and their events, as far as is known beforehand
	total int

	planned // so far
}

// planned is what planning yields besides the parts to read.
type planned struct {
	// settled counts the results of earlier runs with the same rules for selected events
	// that need not be read again.
	settled counts
	// missed: events after the cursor are outside the window, so the cursor must stay.
	missed bool
	stale  bool // a day was covered by other rules
}

func (p *planned) add(o planned) {
	p.settled.add(o.settled)
	p.missed = p.missed || o.missed
	p.stale = p.stale || o.stale
}

// part is a day of one kind to be read.
type part struct {
	day   ttpcron.Day
	after uint64 // read what arrived after this
	upTo  uint64 // and up to this
	total int    // events expected, for progress
	// filter: only some events of the day are in the window.
	filter bool
	// base is the day's coverage before the part is read; adds is what reading it has
	// added so far.
	base []ttpcron.Coverage
	adds ttpcron.Coverage
	last uint64 // arrival number of the day's last event
	// before is the last coverage before after, if adds may continue it.
	before ttpcron.Coverage

	// byTime: the events are read in order of time, so their coverage is known only at the
	// end.
	byTime bool

	// stale are the parts of base that other rules covered. Their events are reviewed: tags
	// that they have from the rules of review, and that are not made again, are removed.
	stale            []ttpcron.Coverage
	review           []string
	earliest, latest time.Time // of the day's events

	// again: only the events in stale are looked at, with only the new or changed rules.
	// If rules is nil, no rule looks at them, and all events in stale are reviewed. fresh
	// are the events that the run has looked at with all rules.
	again bool
	rules *subset
	fresh ttpcron.Coverage
}

// counts is the result of tagging some events.
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

// Days yields the days on which there are events of a kind, ascending. An error
// ends the sequence.
func Days(ctx context.Context, h History, kind ttpcron.SourceKind) iter.Seq2[ttpcron.DayHistory, error] {
	return func(yield func(ttpcron.DayHistory, error) bool) {
		for from := ttpcron.Day(0); ; {
			page, err := h.DayPage(ctx, kind, from)
			if err != nil {
				yield(ttpcron.DayHistory{}, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
			from = page[len(page)-1].Day + 1
		}
	}
}

func (r *run) plan(ctx context.Context, h History, kind ttpcron.SourceKind, sel selection, upTo uint64) (*plan, error) {
	p := &plan{history: h, kind: kind, sel: sel, upTo: upTo, ruleSet: r.ruleSet}
	p.choose = func(ctx context.Context, d ttpcron.DayHistory, found *planned) (t part, ok bool, err error) {
		found.stale = found.stale || slices.ContainsFunc(d.Coverage, func(c ttpcron.Coverage) bool { return c.RuleSet != r.ruleSet })
		if sel.resumed {
			t, ok = p.resume(d)
		} else {
			t, ok = p.selectDay(d, found)
		}
		if !ok {
			return t, false, nil
		}
		c, err := r.compare(ctx, kind, &t, d)
		t.review = c.review()
		return t, true, err
	}
	return p, p.measure(ctx)
}

// measure counts what there is to read. Days that get new events meanwhile are decided
// again when their turn comes.
func (p *plan) measure(ctx context.Context) error {
	for d, err := range Days(ctx, p.history, p.kind) {
		if err != nil {
			return err
		}
		t, ok, err := p.choose(ctx, d, &planned{})
		if err != nil {
			return err
		}
		if ok {
			p.parts++
			p.total += t.total
		}
	}
	return nil
}

// selectDay plans a day of a window.
func (p *plan) selectDay(d ttpcron.DayHistory, found *planned) (part, bool) {
	w := p.sel.window
	if !w.Overlaps(d.Day) || !w.Since.IsZero() && d.Latest.Before(w.Since) || !w.Until.IsZero() && !d.Earliest.Before(w.Until) {
		if d.LastSeq > p.sel.cursor {
			found.missed = true
		}
		return part{}, false
	}
	t := p.part(d, 0)
	if !w.Contains(d.Earliest) || !w.Contains(d.Latest) {
		t.filter, t.adds.Since = true, w.Since
		return t, true
	}
	c, ok := prefix(d.Coverage, p.ruleSet)
	if !ok || c.Uncounted || p.sel.whole {
		return t, true
	}
	found.settled.add(countsOf(c))
	t.after, t.total, t.adds = c.UpTo, rest(d, c.UpTo), c
	return t, c.UpTo < d.LastSeq
}

// part plans to read what arrived on a day after a number.
func (p *plan) part(d ttpcron.DayHistory, after uint64) part {
	t := part{day: d.Day, after: after, upTo: p.upTo, total: rest(d, after), base: d.Coverage, last: d.LastSeq, earliest: d.Earliest, latest: d.Latest}
	t.adds = ttpcron.Coverage{Kind: p.kind, Day: d.Day, RuleSet: p.ruleSet, After: after, UpTo: after}
	if after < d.FirstSeq {
		t.adds.After = 0
	}
	return t
}

// resume plans a day for a run that takes what arrived after the cursor.
func (p *plan) resume(d ttpcron.DayHistory) (part, bool) {
	after := p.sel.cursor
	if c, ok := prefix(d.Coverage, p.ruleSet); ok {
		after = max(after, c.UpTo)
	}
	if d.LastSeq <= after {
		return part{}, false
	}
	t := p.part(d, after)
	if t.adds.After == 0 {
		return t, true
	}
	for _, c := range d.Coverage {
		if c.Since.IsZero() && c.UpTo <= after && (c.UpTo > t.before.UpTo || c.UpTo == t.before.UpTo && c.RuleSet == p.ruleSet) {
			t.before = c
		}
	}
	return t, true
}

// continued makes a part continue the coverage before it, also where that touches it by
// other rules, unless there is an event between that no run has looked at.
func (p *plan) continued(ctx context.Context, t *part) error {
	if t.before.UpTo == 0 {
		return nil
	}
	gap, err := arrived(ctx, p.history, p.kind, t.day, t.before.UpTo, t.after)
	switch {
	case err != nil || gap:
	case t.before.RuleSet == p.ruleSet:
		t.adds = t.before
	default:
		t.adds.After = t.before.UpTo
	}
	return err
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

// rest estimates how many of a day's events arrived after a number: exact if it is all or
// none, and otherwise an upper bound.
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
	exact = true
	for d, err := range Days(ctx, h, kind) {
		if err != nil {
			return 0, false, err
		}
		if d.LastSeq <= cursor {
			continue
		}
		events += rest(d, cursor)
		exact = exact && d.FirstSeq > cursor
	}
	return events, exact, nil
}
