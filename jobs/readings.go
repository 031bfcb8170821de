package jobs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A block of days is judged in readings. In each, a family of correlations judges some
// days, in all groups or in some. The cheaper way depends on how much has changed; the
// tags are the same.

// reading is the work of one worker.
type reading struct {
	family *family
	aims   []aim
	// groups are the groups to judge, with what came or went in them; nil: all.
	groups map[ttpcron.Group]*touch
	// since and until limit the time of the matches that are read.
	since, until time.Time
	// own is the time of the days that the reading judges. No other reading of the family
	// judges them, so figures of their matches are counted once.
	own ttpcron.Window
	// removing says that tags of the slots may have to go; keep says that the store needs
	// a list of those that stay.
	removing bool
}

// aim is what a reading looks for, for one correlation.
type aim struct {
	*judged
	index       int       // of the rule
	first, last int64     // slots
	again       bool      // days are judged that the rule has not judged as it is
	from        time.Time // when tags may begin that are to go

	judge        Judge
	since, until time.Time // of the matches that matter
	began        bool      // the judge has a match of the group
	failed       bool
}

// touch is what came or went of a group.
type touch struct {
	earliest, latest time.Time
	went, seen       bool
}

// plan sends out a block's readings.
func (p *pass) plan(ctx context.Context, days []matchDay, give func(*reading) error) error {
	for _, span := range p.spans {
		of := func(d *matchDay) ttpcron.Day { return d.day - d.day%ttpcron.Day(span) }
		for from := 0; from < len(days); {
			to := from + 1
			for to < len(days) && of(&days[to]) == of(&days[from]) {
				to++
			}
			if err := p.planSpan(ctx, span, days, days[from:to], give); err != nil {
				return err
			}
			from = to
		}
	}
	return nil
}

// planSpan sends out the readings of the families that read some days together.
func (p *pass) planSpan(ctx context.Context, span int, block, days []matchDay, next func(*reading) error) error {
	give := func(r *reading) error {
		r.own = ttpcron.Window{Since: days[0].day.Start(), Until: (days[len(days)-1].day + 1).Start()}
		return next(r)
	}
	var some []*family // for which it is still open
	for _, f := range p.families {
		if f.days != span {
			continue
		}
		switch p.choose(f, block, days) {
		case judgeAll:
			if r := p.rest(p.whole(f, block, days)); r != nil {
				if err := give(r); err != nil {
					return err
				}
			}
		case judgeTouched:
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		return nil
	}
	groups, err := p.touched(ctx, some, days)
	if err != nil {
		return err
	}
	for _, f := range some {
		var r *reading
		if g, ok := groups[f.grouping]; ok && p.fewTouched(f, near(f, block, days), g) {
			r = p.some(f, g)
		} else {
			r = p.rest(p.whole(f, block, days))
		}
		if r == nil || r.groups != nil && len(r.groups) == 0 {
			continue
		}
		if err := give(r); err != nil {
			return err
		}
	}
	return nil
}

// What is to be judged of some days.
const (
	judgeNone = iota
	judgeTouched
	judgeAll
)

// choose decides what a family judges on some days, as far as possible before the changed
// groups are read.
func (p *pass) choose(f *family, block, days []matchDay) int {
	touched := 0
	for i := range days {
		d := &days[i]
		if d.lacks != nil && slices.ContainsFunc(f.rules, func(rule int) bool { return d.lacks[rule] }) {
			return judgeAll
		}
		touched += d.touched
	}
	switch {
	case touched == 0:
		return judgeNone
	case touched >= near(f, block, days)/4:
		return judgeAll
	}
	return judgeTouched
}

// near counts the matches to read if all changed groups are judged.
func near(f *family, block, days []matchDay) (n int) {
	first, last := ttpcron.Day(math.MaxInt32), ttpcron.Day(0)
	for i := range days {
		if d := &days[i]; d.touched > 0 {
			first, last = min(first, d.day), max(last, d.day)
		}
	}
	reach := ttpcron.Day((f.reach + 24*time.Hour - 1) / (24 * time.Hour))
	for i := range block {
		if d := block[i].day; d >= first-reach && d <= last+reach {
			n += block[i].matches
		}
	}
	return n
}

// touched reads the changed groups of some days. Groupings with too many have none.
func (p *pass) touched(ctx context.Context, families []*family, days []matchDay) (map[string]map[ttpcron.Group]*touch, error) {
	groups := map[string]map[ttpcron.Group]*touch{}
	for _, f := range families {
		groups[f.grouping] = map[ttpcron.Group]*touch{}
	}
	n := 0
	for i := range days {
		if days[i].touched == 0 {
			continue
		}
		for t, err := range p.matches.Touched(ctx, days[i].day, days[i].last) {
			if err != nil {
				return nil, fmt.Errorf("groups that were touched on %s: %w", days[i].day, err)
			}
			g, ok := groups[t.Grouping]
			if !ok {
				continue
			}
			if old := g[t.Group]; old != nil {
				old.went = old.went || t.Went
				if t.Earliest.Before(old.earliest) {
					old.earliest = t.Earliest
				}
				if t.Latest.After(old.latest) {
					old.latest = t.Latest
				}
				continue
			}
			if n++; n > cmp.Or(p.job.limits.touched, maxTouched) {
				return nil, nil
			}
			g[ttpcron.Group(strings.Clone(string(t.Group)))] = &touch{earliest: t.Earliest, latest: t.Latest, went: t.Went}
		}
	}
	return groups, nil
}

// fewTouched reports whether it is better to judge some groups by name than all.
func (p *pass) fewTouched(f *family, near int, groups map[ttpcron.Group]*touch) bool {
	if len(groups) > max(64, near/32) {
		return false
	}
	gone := 0
	for _, t := range groups {
		if !t.went {
			continue
		}
		for _, i := range f.rules {
			if j := p.rules[i]; j.made {
				gone += int((t.latest.Sub(t.earliest)+j.reach)/j.timespan) + 2
			}
		}
		if gone > maxGoneSlots {
			return false
		}
	}
	return true
}

// lastSlot is the slot of the last instant at which an event can happen.
func (j *judged) lastSlot() int64 {
	return ttpcron.Slot(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), j.timespan)
}

// between sets the slots to judge: those that overlap a span of time and are not frozen.
// It is false if there are none.
func (a *aim) between(first, last time.Time) bool {
	a.begin(max(a.judged.first, ttpcron.Slot(first, a.timespan)))
	a.last = min(ttpcron.Slot(last, a.timespan), a.lastSlot())
	a.until = ttpcron.SlotStart(a.last+1, a.timespan)
	return a.first <= a.last
}

// begin sets the first slot that is judged.
func (a *aim) begin(slot int64) {
	a.first, a.since = slot, ttpcron.SlotStart(slot, a.timespan).Add(-a.reach)
	if epoch := time.Unix(0, 0).UTC(); a.since.Before(epoch) {
		a.since = epoch
	}
}

// whole returns the reading of all groups of some days, nil if there is nothing to find.
func (p *pass) whole(f *family, block, days []matchDay) *reading {
	r := &reading{family: f}
	var first, last *matchDay
	touched, went := false, false
	for i := range days {
		d := &days[i]
		lacks := d.lacks != nil && slices.ContainsFunc(f.rules, func(rule int) bool { return d.lacks[rule] })
		if !lacks && d.touched == 0 {
			continue
		}
		if first == nil {
			first = d
		}
		last = d
		touched = touched || d.touched > 0
		// If as many matches of a fresh day changed as it has, nothing was removed.
		went = went || d.touched > 0 && !(d.fresh && d.touched <= d.matches)
	}
	for _, i := range f.rules {
		a := aim{judged: p.rules[i], index: i}
		a.again = slices.ContainsFunc(days, func(d matchDay) bool { return d.lacks != nil && d.lacks[i] })
		if !touched && !a.again {
			continue
		}
		until := (last.day + 1).Start().Add(-time.Second)
		if touched && !p.covers(a.index, block, last.day, ttpcron.DayOf(until.Add(a.reach))) {
			until = until.Add(a.reach)
		}
		if a.between(first.day.Start(), until) {
			if a.from = ttpcron.SlotStart(a.first, a.timespan); a.again {
				// Slots of the earlier version of the rule may have begun on days without
				// any match.
				if from := max(first.before+1, first.day-maxSpan, 0).Start(); from.Before(a.from) {
					a.from = from
				}
				if a.from.Before(a.thawed) {
					a.from = a.thawed
				}
			}
			r.add(a)
			r.removing = r.removing || a.made && (went || a.again)
		}
	}
	if len(r.aims) == 0 {
		return nil
	}
	return r
}

// judgedTo is how far readings of all groups have judged a correlation.
type judgedTo struct {
	slot     int64
	removing bool
}

// rest removes from a reading of all groups the slots over midnight that the reading
// before it has judged. It returns nil if none are left.
func (p *pass) rest(r *reading) *reading {
	if r == nil {
		return nil
	}
	aims := r.aims
	r.aims, r.since, r.until = nil, time.Time{}, time.Time{}
	for _, a := range aims {
		was, ok := p.judgedTo[a.index]
		if ok && was.slot >= a.first && (was.removing || !r.removing || !a.made) {
			a.begin(was.slot + 1)
			if from := ttpcron.SlotStart(a.first, a.timespan); a.from.Before(from) {
				a.from = from
			}
		}
		if a.first <= a.last {
			p.judgedTo[a.index] = judgedTo{a.last, r.removing}
			r.add(a)
		}
	}
	if len(r.aims) == 0 {
		return nil
	}
	return r
}

// covers reports whether windows that end on the days after one, up to another, are judged
// with these days anyway: all that is there is new to the correlation.
func (p *pass) covers(rule int, block []matchDay, after, upTo ttpcron.Day) bool {
	if p.blockOf(upTo) != p.blockOf(after) {
		return false
	}
	return !slices.ContainsFunc(block, func(d matchDay) bool {
		return d.day > after && d.day <= upTo && !d.fresh && (d.lacks == nil || !d.lacks[rule])
	})
}

// some returns the reading of some groups.
func (p *pass) some(f *family, groups map[ttpcron.Group]*touch) *reading {
	r := &reading{family: f, groups: groups}
	var first, last time.Time
	for _, t := range groups {
		if first.IsZero() || t.earliest.Before(first) {
			first = t.earliest
		}
		if t.latest.After(last) {
			last = t.latest
		}
	}
	for _, i := range f.rules {
		a := aim{judged: p.rules[i], index: i}
		if a.between(first, last.Add(a.reach)) {
			r.add(a)
		}
	}
	if len(r.aims) == 0 {
		return nil
	}
	return r
}

func (r *reading) add(a aim) {
	if len(r.aims) == 0 || a.since.Before(r.since) {
		r.since = a.since
	}
	if a.until.After(r.until) {
		r.until = a.until
	}
	r.aims = append(r.aims, a)
}

// narrow limits what is judged of a changed group. If nothing was removed from it, windows
// that end before the new matches are unchanged and need not be judged.
func (a *aim) narrow(t *touch) bool {
	if !a.between(t.earliest, t.latest.Add(a.reach)) {
		return false
	}
	if from := t.earliest.Add(-a.reach); !t.went && from.After(a.since) {
		a.since = from
	}
	if to := t.latest.Add(a.reach + 1); !t.went && to.Before(a.until) {
		a.until = to
	}
	return true
}
