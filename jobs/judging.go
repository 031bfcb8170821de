package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A block of days is judged in readings: each is what the correlations of a family have
// to judge of some days, all groups or some of them. Which of the two costs less is
// decided by how much has been touched; tags are the same.

// reading is one of them, for one worker.
type reading struct {
	family *family
	aims   []aim
	// groups are those that are judged, and what came or went of them; nil: all.
	groups map[ttpcron.Group]*touch
	// since and until are when the matches happened that are read.
	since, until time.Time
	// removing says that tags of the slots may have to go; keep that the store has to be
	// told which stay.
	removing bool
}

// aim is what a reading is to find of one correlation.
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

// found is what a worker hands over.
type found struct {
	tags       []ttpcron.Tag
	bytes      int
	gone       []ttpcron.TagKey
	judgements []ttpcron.Judgement
	kept       []ttpcron.UUID

	matches, groups, bounded, leftOut int
	made                              map[string]int // tags of days that were judged again, by rule
	failed                            []failure
}

// judge judges what there is to judge of a block.
func (p *pass) judge(ctx context.Context, days []matchDay) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	for len(p.workers) < p.job.workers {
		p.workers = append(p.workers, &judging{pass: p, judges: map[*judged]Judge{}, spare: make(chan []ttpcron.Tag, 1)})
	}
	work, results := make(chan *reading), make(chan handed)
	var wg sync.WaitGroup
	var planErr error
	errs := make([]error, len(p.workers))
	wg.Go(func() {
		defer close(work)
		planErr = p.plan(inner, days, func(r *reading) error {
			select {
			case work <- r:
				return nil
			case <-inner.Done():
				return inner.Err()
			}
		})
		if planErr != nil {
			stop()
		}
	})
	for i, w := range p.workers {
		wg.Go(func() {
			for r := range work {
				if errs[i] == nil {
					errs[i] = w.do(inner, r, results)
				}
				if errs[i] != nil {
					stop()
				}
			}
		})
	}
	go func() {
		wg.Wait()
		close(results)
	}()
	var commitErr error
	for h := range results {
		if commitErr == nil {
			p.collect(h.found)
			if p.due() {
				if commitErr = p.flush(ctx, false); commitErr != nil {
					stop()
				}
			}
		}
		h.by.take(h.found)
	}
	if commitErr != nil {
		return commitErr
	}
	for _, err := range append(errs, planErr) {
		if err != nil && !errors.Is(err, context.Canceled) { // by that of another
			return err
		}
	}
	return ctx.Err()
}

// handed is something that was found, and by whom.
type handed struct {
	*found
	by *judging
}

// plan gives out the readings of a block.
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

// planSpan gives out the readings of the families that read some days at once.
func (p *pass) planSpan(ctx context.Context, span int, block, days []matchDay, give func(*reading) error) error {
	var some []*family // for which it is still open
	for _, f := range p.families {
		if f.days != span {
			continue
		}
		switch p.choose(f, block, days) {
		case judgeAll:
			if r := p.whole(f, block, days); r != nil {
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
		r := p.whole(f, block, days)
		if g, ok := groups[f.grouping]; ok && p.fewTouched(f, near(f, block, days), g) {
			r = p.some(f, g)
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

// choose says what a family is to judge of some days, as far as that is known before the
// groups that were touched are read.
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

// near counts the matches that are read to judge all of what was touched.
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

// touched reads which groups of some days were touched. Groupings of which there are too
// many have none.
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

// lastSlot is that of the last instant of which there can be an event.
func (j *judged) lastSlot() int64 {
	return ttpcron.Slot(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), j.timespan)
}

// between sets which slots are judged: those that have an instant in common with a span
// of time. Frozen ones are not. It is false when none is left.
func (a *aim) between(first, last time.Time) bool {
	a.first = max(a.judged.first, ttpcron.Slot(first, a.timespan))
	a.last = min(ttpcron.Slot(last, a.timespan), a.lastSlot())
	a.since = ttpcron.SlotStart(a.first, a.timespan).Add(-a.reach)
	if epoch := time.Unix(0, 0).UTC(); a.since.Before(epoch) {
		a.since = epoch
	}
	a.until = ttpcron.SlotStart(a.last+1, a.timespan)
	return a.first <= a.last
}

// whole returns the reading of all groups of some days, nil when there is nothing to find.
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
		// On a fresh day of which as much was touched as is there, nothing went.
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
				// Slots of what the rule was may have begun on days without any match.
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

// narrow sets what is judged of a group that was touched. Where nothing of it went, a
// window that ends before what came is as it was, and what is there need not be found.
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

// judging is a worker.
type judging struct {
	pass   *pass
	judges map[*judged]Judge
	spare  chan []ttpcron.Tag // that were handed over and are free again

	ctx    context.Context
	to     chan<- handed
	found  *found
	slots  []int64
	tags   []ttpcron.Tag
	now    time.Time
	silent bool // what is found is not handed over
	share  share
}

// share is of which tags a worker notes that they stay.
type share struct {
	ttpcron.Judgement // its part
	keep              bool
	tags              int // that stay, whether they are noted or not
}

// take takes back what was handed over.
func (w *judging) take(f *found) {
	clear(f.tags)
	select {
	case w.spare <- f.tags[:0]:
	default:
	}
}

// fill begins with what is to be handed over next.
func (w *judging) fill() {
	w.found = &found{}
	select {
	case w.found.tags = <-w.spare:
	default:
	}
}

// hand hands over what was found.
func (w *judging) hand() error {
	f := w.found
	w.fill()
	select {
	case w.to <- handed{f, w}:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// do carries out a reading.
func (w *judging) do(ctx context.Context, r *reading, to chan<- handed) error {
	w.ctx, w.to, w.now = ctx, to, w.pass.job.now().UTC().Truncate(time.Second)
	w.silent, w.share = false, share{keep: r.removing}
	w.fill()
	if err := w.read(r); err != nil {
		return err
	}
	if !r.removing {
		return w.hand()
	}
	most := cmp.Or(w.pass.job.limits.kept, maxKept)
	if w.share.tags <= most {
		w.judged(r)
		return w.hand()
	}
	// Too many tags stay to be named at once: they are found again, a part at a time.
	w.silent = true
	parts := uint32(w.share.tags/most*2 + 1)
	for part := range parts {
		w.found.kept = nil
		w.share = share{keep: true, Judgement: ttpcron.Judgement{Part: part, Parts: parts}}
		if err := w.read(r); err != nil {
			return err
		}
		w.judged(r)
		if err := w.hand(); err != nil {
			return err
		}
	}
	return nil
}

// judged says that what is not kept of a reading goes.
func (w *judging) judged(r *reading) {
	for i := range r.aims {
		a := &r.aims[i]
		if !a.made {
			continue
		}
		j := w.share.Judgement
		j.Rule, j.Since, j.Until = a.def.ID, a.from, ttpcron.SlotStart(a.last+1, a.timespan)
		w.found.judgements = append(w.found.judgements, j)
	}
}

// target is a correlation that looks at a stream.
type target struct {
	aim    *aim
	stream int
}

// read feeds the matches of a reading to its correlations.
func (w *judging) read(r *reading) error {
	for i := range r.aims {
		a := &r.aims[i]
		if w.judges[a.judged] == nil {
			w.judges[a.judged] = a.Judge()
		}
		a.judge = w.judges[a.judged]
	}
	targets := map[*ttpcron.Stream][]target{}
	var group ttpcron.Group
	var last ttpcron.BaseMatch // as far as copies of it are told by
	open, idle := false, false
	n := 0
	for m, err := range w.matches(r) {
		if err != nil {
			return fmt.Errorf("base matches by %q from %s: %w", r.family.grouping, r.since.Format(time.RFC3339), err)
		}
		if n++; n%4096 == 0 {
			if err := w.ctx.Err(); err != nil {
				return err
			}
		}
		if !open || m.Group != string(group) {
			if open && !idle {
				if err := w.end(r, group); err != nil {
					return err
				}
			}
			group, open, last = ttpcron.Group(strings.Clone(m.Group)), true, ttpcron.BaseMatch{}
			idle = !w.begin(r, group)
		}
		if idle || m.Stream == last.Stream && m.Seq == last.Seq && m.Time.Equal(last.Time) {
			continue
		}
		last.Stream, last.Seq, last.Time = m.Stream, m.Seq, m.Time
		w.found.matches++
		to, ok := targets[m.Stream]
		if !ok {
			for i := range r.aims {
				if k, ok := r.aims[i].streams[m.Stream.ID]; ok {
					to = append(to, target{&r.aims[i], k})
				}
			}
			targets[m.Stream] = to
		}
		for _, t := range to {
			if a := t.aim; !m.Time.Before(a.since) && m.Time.Before(a.until) {
				w.match(a, group, t.stream, m)
			}
		}
	}
	if open && !idle {
		if err := w.end(r, group); err != nil {
			return err
		}
	}
	return w.rest(r)
}

// matches yields the matches of a reading.
func (w *judging) matches(r *reading) iter.Seq2[*ttpcron.BaseMatch, error] {
	if !slices.ContainsFunc(r.aims, func(a aim) bool { return len(a.streams) > 0 }) {
		return func(func(*ttpcron.BaseMatch, error) bool) {} // it makes no tags, but may have made some
	}
	q := ttpcron.MatchQuery{Grouping: r.family.grouping, Since: r.since, Until: r.until}
	for g := range r.groups {
		q.Groups = append(q.Groups, g)
	}
	for i := range r.aims {
		for id := range r.aims[i].streams {
			q.Streams = append(q.Streams, id)
		}
	}
	slices.Sort(q.Streams)
	q.Streams = slices.Compact(q.Streams)
	slices.Sort(q.Groups)
	return w.pass.matches.BaseMatches(w.ctx, q)
}

// begin begins with a group. It is false for one of which nothing is to be judged.
func (w *judging) begin(r *reading, g ttpcron.Group) bool {
	for i := range r.aims {
		r.aims[i].began, r.aims[i].failed = false, false
	}
	if r.groups == nil {
		return true
	}
	t := r.groups[g]
	if t == nil {
		return false
	}
	t.seen = true
	w.narrow(r, t)
	return true
}

func (w *judging) narrow(r *reading, t *touch) {
	for i := range r.aims {
		a := &r.aims[i]
		a.failed = !a.narrow(t)
	}
}

// match gives a match to a judge.
func (w *judging) match(a *aim, g ttpcron.Group, stream int, m *ttpcron.BaseMatch) {
	if a.failed {
		return
	}
	defer w.caught(a)
	if !a.began {
		a.began = true
		a.judge.Begin(g)
	}
	a.judge.Match(stream, m)
}

// caught notes that a judge panicked. What it has found of the group is lost.
func (w *judging) caught(a *aim) {
	if cause := recover(); cause != nil {
		w.found.failed = append(w.found.failed, failure{a.def.ID, cause})
		a.failed = true
		a.judge = a.Judge()
		w.judges[a.judged] = a.judge
	}
}

// end asks the judges what they have found of a group.
func (w *judging) end(r *reading, g ttpcron.Group) error {
	for i := range r.aims {
		a := &r.aims[i]
		w.slots = w.slots[:0]
		if a.began && !a.failed {
			w.ask(a)
		}
		for _, slot := range w.slots {
			if slot < a.first || slot > a.last {
				continue
			}
			if err := w.finding(r, a, g, slot); err != nil {
				return err
			}
		}
		if t := r.groups[g]; t != nil && t.went && a.first <= a.last {
			if err := w.gone(a, g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *judging) ask(a *aim) {
	defer w.caught(a)
	slots, bounded := a.judge.End(w.slots)
	w.slots = slots
	if w.silent {
		return
	}
	w.found.groups++
	w.found.leftOut += a.judge.LeftOut()
	if bounded {
		w.found.bounded++
	}
}

// finding takes the tags of a slot in which a window ends.
func (w *judging) finding(r *reading, a *aim, g ttpcron.Group, slot int64) error {
	w.make(a, g, slot)
	w.tags = distinct(w.tags, 0)
	for i := range w.tags {
		t := &w.tags[i]
		t.CreatedAt = w.now
		if w.share.keep && a.made {
			if u := t.UUID(); w.share.Holds(u) {
				if w.share.tags++; w.silent || w.share.tags <= cmp.Or(w.pass.job.limits.kept, maxKept) {
					w.found.kept = append(w.found.kept, u)
				}
			}
		}
	}
	if w.silent {
		return nil
	}
	f := w.found
	for i := range w.tags {
		f.bytes += len(w.tags[i].Match.Literal) + len(w.tags[i].Match.Evidence) + len(w.tags[i].Evidence)
	}
	f.tags = append(f.tags, w.tags...)
	if a.again {
		if f.made == nil {
			f.made = map[string]int{}
		}
		f.made[a.def.ID] += len(w.tags)
	}
	if len(f.tags) < cmp.Or(w.pass.job.limits.tags, foundTags) {
		return nil
	}
	kept := f.kept // they go with the judgement
	f.kept = nil
	err := w.hand()
	w.found.kept = kept
	return err
}

// make makes the tags of a slot.
func (w *judging) make(a *aim, g ttpcron.Group, slot int64) {
	w.tags = w.tags[:0]
	defer w.caught(a)
	w.tags = a.Tags(g, slot, w.tags)
}

// gone takes out the tags of the slots of a group in which no window ends any more.
func (w *judging) gone(a *aim, g ttpcron.Group) error {
	if !a.made || a.failed && a.began {
		return nil
	}
	k := 0
	for slot := a.first; slot <= a.last; slot++ {
		for k < len(w.slots) && w.slots[k] < slot {
			k++
		}
		if k < len(w.slots) && w.slots[k] == slot {
			continue
		}
		w.make(a, g, slot)
		for i := range w.tags {
			w.found.gone = append(w.found.gone, ttpcron.TagKey{EventTime: w.tags[i].EventTime, UUID: w.tags[i].UUID()})
		}
		if len(w.found.gone) >= groupGone {
			if err := w.hand(); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest takes out the tags of groups of which nothing is left.
func (w *judging) rest(r *reading) error {
	for g, t := range r.groups {
		if t.seen || !t.went {
			continue
		}
		w.begin(r, g)
		if err := w.end(r, g); err != nil {
			return err
		}
	}
	return nil
}
