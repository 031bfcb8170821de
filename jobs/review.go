package jobs

import (
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// reviewed is the reviewed events of a day: ranges of arrival numbers, which may span
// events of other kinds and days.
type reviewed struct {
	ranges           []ttpcron.SeqRange
	earliest, latest time.Time
	// from the first event that was read, and up to the last
	whole, open bool
	began       bool
}

// add notes that the next event has been reviewed.
func (v *reviewed) add(e *ttpcron.Event) {
	if v.open {
		v.ranges[len(v.ranges)-1].Last = e.Seq
	} else {
		v.ranges = append(v.ranges, ttpcron.SeqRange{First: e.Seq, Last: e.Seq})
	}
	if !v.began {
		v.whole = true
	}
	v.began, v.open = true, true
	v.span(e.Time, e.Time)
}

// pass notes that the next event has not been reviewed.
func (v *reviewed) pass() { v.began, v.open = true, false }

func (v *reviewed) span(earliest, latest time.Time) {
	if v.earliest.IsZero() || earliest.Before(v.earliest) {
		v.earliest = earliest
	}
	if latest.After(v.latest) {
		v.latest = latest
	}
}

// join adds the events that were read next.
func (v *reviewed) join(o *reviewed) {
	if !o.began {
		return
	}
	ranges := o.ranges
	if v.open && o.whole {
		v.ranges[len(v.ranges)-1].Last = ranges[0].Last
		ranges = ranges[1:]
	}
	v.ranges = append(v.ranges, ranges...)
	v.began, v.open = true, o.open
	if len(o.ranges) > 0 {
		v.span(o.earliest, o.latest)
	}
}

// allOf returns the events of some parts of a day's coverage that arrived up to a
// number.
func allOf(t *part) reviewed {
	v := reviewed{earliest: t.earliest, latest: t.latest, began: true}
	list := slices.Clone(t.stale)
	slices.SortFunc(list, func(a, b ttpcron.Coverage) int {
		switch {
		case a.After < b.After:
			return -1
		case a.After > b.After:
			return 1
		}
		return 0
	})
	for _, c := range list {
		r := ttpcron.SeqRange{First: c.After + 1, Last: min(c.UpTo, t.upTo)}
		switch n := len(v.ranges); {
		case r.First > r.Last:
		case n > 0 && r.First <= v.ranges[n-1].Last+1:
			v.ranges[n-1].Last = max(v.ranges[n-1].Last, r.Last)
		default:
			v.ranges = append(v.ranges, r)
		}
	}
	return v
}

// review adds a part's reviewed events to the group.
func (g *group) review(kind ttpcron.SourceKind, t *part, v *reviewed) {
	if len(t.review) == 0 || len(v.ranges) == 0 && g.reviewing != t {
		return
	}
	if g.reviewing != t {
		g.settleReview()
		g.ranges += len(g.seen.ranges)
		g.reviewing, g.seen = t, reviewed{}
		g.reviews = append(g.reviews, ttpcron.Review{Kind: kind, Day: t.day, Rules: t.review})
	}
	g.seen.join(v)
}

// settleReview completes the last review.
func (g *group) settleReview() {
	if n := len(g.reviews); n > 0 {
		r := &g.reviews[n-1]
		r.Events, r.Earliest, r.Latest = g.seen.ranges, g.seen.earliest, g.seen.latest
	}
}

// ofRules returns reviews without the streams among their rules, which have no tags.
func ofRules(list []ttpcron.Review) (out []ttpcron.Review) {
	for _, v := range list {
		if slices.ContainsFunc(v.Rules, ttpcron.IsStream) {
			v.Rules = slices.DeleteFunc(slices.Clone(v.Rules), ttpcron.IsStream)
		}
		if len(v.Rules) > 0 {
			out = append(out, v)
		}
	}
	return out
}
