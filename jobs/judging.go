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
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// found is what a worker passes to the collector.
type found struct {
	tags       []ttpcron.Tag
	bytes      int
	gone       []ttpcron.TagKey
	judgements []ttpcron.Judgement
	kept       []ttpcron.UUID

	matches, leftOut int
	made             map[string]int // tags of days that were judged again, by rule
	failed           []failure
}

// judge judges a block.
func (p *pass) judge(ctx context.Context, days []matchDay) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	for len(p.workers) < p.job.workers {
		p.workers = append(p.workers, &judging{pass: p, judges: map[*judged]Judge{}, groups: groupHashes{of: p.groups}, spare: make(chan []ttpcron.Tag, 1)})
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

// judging is a worker.
type judging struct {
	pass   *pass
	judges map[*judged]Judge
	groups groupHashes
	spare  chan []ttpcron.Tag // that were handed over and are free again

	ctx      context.Context
	to       chan<- handed
	found    *found
	slots    []int64
	tags     []ttpcron.Tag
	names    []string         // of the fields of the groups of a reading
	of       *ttpcron.Subject // the group at hand; nil until tags of it are made
	now      time.Time
	silent   bool           // what is found is not handed over
	own      ttpcron.Window // see reading
	grouping uint64         // its hash
	share    share
	held     holding
	begun    []*aim // that have a match of the group at hand
}

// share is the part of the kept tags that a worker may note.
type share struct {
	ttpcron.Judgement // its part
	keep              bool
	tags              int // that stay, whether they are noted or not
}

// take reclaims the memory of findings.
func (w *judging) take(f *found) {
	clear(f.tags)
	select {
	case w.spare <- f.tags[:0]:
	default:
	}
}

// fill starts the next bundle to hand over.
func (w *judging) fill() {
	w.found = &found{}
	select {
	case w.found.tags = <-w.spare:
	default:
	}
}

// hand passes the findings to the collector.
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
	err := w.read(r)
	w.groups.settle()
	if err != nil {
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

// judged says that the tags of a reading go unless they are kept.
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
	w.own, w.grouping = r.own, hashOfGrouping(r.family.grouping)
	for i := range r.aims {
		a := &r.aims[i]
		if w.judges[a.judged] == nil {
			w.judges[a.judged] = a.Judge()
		}
		a.judge = w.judges[a.judged]
		a.judge.CountLeftOut(r.own)
	}
	w.names = ttpcron.GroupingFields(r.family.grouping)
	targets := map[*ttpcron.Stream][]target{}
	w.held.most = r.hold()
	var text []byte // of the group
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
			text = append(text[:0], m.Group...)
			group, open, last = ttpcron.Group(unsafe.String(unsafe.SliceData(text), len(text))), true, ttpcron.BaseMatch{}
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
		if w.held.takes(m, to) {
			continue
		}
		w.release(group, math.MaxInt)
		w.give(group, m, to, math.MaxInt)
	}
	if open && !idle {
		if err := w.end(r, group); err != nil {
			return err
		}
	}
	return w.rest(r)
}

// give passes a match to the correlations that read its stream and for which this many
// matches of the group may be enough.
func (w *judging) give(g ttpcron.Group, m *ttpcron.BaseMatch, to []target, enough int) {
	for _, t := range to {
		if a := t.aim; a.least <= enough && !m.Time.Before(a.since) && m.Time.Before(a.until) {
			w.match(a, g, t.stream, m)
		}
	}
}

// holding has the first matches of a group. Most groups have few, and then most
// correlations need not be asked.
type holding struct {
	list   []heldMatch
	values []byte
	most   int
	over   bool // the group has more
}

type heldMatch struct {
	ttpcron.BaseMatch
	to   []target
	from int // where its values begin
}

// maxHeld is how many matches of a group are held back.
const maxHeld = 8

// hold is the largest number of matches of a group that are too few for some correlation
// of the reading.
func (r *reading) hold() (n int) {
	for i := range r.aims {
		n = max(n, r.aims[i].least-1)
	}
	return min(n, maxHeld)
}

// takes holds a match back, unless there are enough.
func (h *holding) takes(m *ttpcron.BaseMatch, to []target) bool {
	if h.over || len(h.list) == h.most {
		return false
	}
	x := heldMatch{BaseMatch: *m, to: to, from: len(h.values)}
	x.Group, x.Values = "", ""
	h.values = append(h.values, m.Values...)
	h.list = append(h.list, x)
	return true
}

// release passes the held matches to the correlations for which this many may be enough.
func (w *judging) release(g ttpcron.Group, enough int) {
	h := &w.held
	if h.over {
		return
	}
	h.over = true
	upTo := len(h.values)
	values := unsafe.String(unsafe.SliceData(h.values), upTo)
	for i := range h.list {
		x := &h.list[i]
		end := upTo
		if i+1 < len(h.list) {
			end = h.list[i+1].from
		}
		x.Values = values[x.from:end]
		w.give(g, &x.BaseMatch, x.to, enough)
	}
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

// begin starts a group. It returns false if nothing in the group is to be judged.
func (w *judging) begin(r *reading, g ttpcron.Group) bool {
	for _, a := range w.begun {
		a.began, a.failed = false, false
	}
	w.begun = w.begun[:0]
	w.held.list, w.held.values, w.held.over = w.held.list[:0], w.held.values[:0], false
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
		w.begun = append(w.begun, a)
		a.judge.Begin(g)
	}
	a.judge.Match(stream, m)
}

// caught notes that a judge panicked. Its findings in the group are lost.
func (w *judging) caught(a *aim) {
	if cause := recover(); cause != nil {
		w.found.failed = append(w.found.failed, failure{a.def.ID, cause})
		a.failed = true
		a.judge = a.Judge()
		a.judge.CountLeftOut(w.own)
		w.judges[a.judged] = a.judge
	}
}

// end collects the judges' findings in a group.
func (w *judging) end(r *reading, g ttpcron.Group) error {
	w.of = nil
	hash := hashOf(g, w.grouping)
	if !w.silent && (w.held.over || len(w.held.list) > 0) {
		w.groups.add(hash)
	}
	w.release(g, len(w.held.list))
	t := r.groups[g]
	if t != nil && t.went {
		for i := range r.aims {
			if a := &r.aims[i]; !a.began {
				w.begun = append(w.begun, a)
			}
		}
	}
	for _, a := range w.begun {
		w.slots = w.slots[:0]
		if a.began && !a.failed {
			w.ask(a, hash)
		}
		for _, slot := range w.slots {
			if slot < a.first || slot > a.last {
				continue
			}
			if err := w.finding(r, a, g, slot); err != nil {
				return err
			}
		}
		if t != nil && t.went && a.first <= a.last {
			if err := w.gone(a, g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *judging) ask(a *aim, group uint64) {
	defer w.caught(a)
	slots, bounded := a.judge.End(w.slots)
	w.slots = slots
	if w.silent {
		return
	}
	w.found.leftOut += a.judge.LeftOut()
	if bounded {
		w.pass.bounded.add([]uint64{group})
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
	f.bytes += findingBytes + groupCost*len(g)
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
	if w.of == nil {
		w.of = ttpcron.NewSubject(ttpcron.Group(strings.Clone(string(g))), w.names) // tags hold on to it
	}
	w.tags = a.Tags(w.of, slot, w.tags)
}

// gone removes the tags of a group's slots in which no window ends any more.
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

// rest removes the tags of groups that have no matches left.
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
