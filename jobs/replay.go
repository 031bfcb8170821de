package jobs

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
)

// The size of a group of tags that is committed at once. A commit waits for the disk, so a
// group holds many batches of the requested size. It ends at the first of these limits that
// is reached once a batch is full. At maxGroupEvents, maxGroupBytes, maxGroupDays or
// maxGroupNames it ends even if no batch is full.
//
// A commit after which tags of a day are gone counts the day anew, so a group of
// events that are looked at again is larger.
const (
	groupTags      = 20_000
	groupTime      = time.Second
	againTime      = 10 * time.Second
	maxGroupEvents = 50_000
	maxAgainEvents = 1_000_000
	maxGroupSets   = 64
	maxGroupRanges = 100_000 // of events that were looked at again
	maxGroupBytes  = 16 << 20
	maxGroupDays   = 4096
	maxGroupNames  = 4096    // attackers and sessions: each is counted somewhere in its day
	maxGroupMatch  = 4 << 20 // bytes of base matches
)

// maxUnit is the number of events that a worker gets at once.
const maxUnit = 512

// unit is a run of events of one day, tagged by one worker.
type unit struct {
	part   *part           // nil in the unit that ends the plan
	events []ttpcron.Event // none in the unit that ends a part
	plan   planned         // what planning has found out since the unit before

	counts
	out    []ttpcron.Tag
	bytes  int // text that out keeps in memory, roughly
	base   baseMatches
	missed bool // an event after the cursor lies outside the window
	failed []failure
	again  reviewed
	made   map[string]int // tags of events that were looked at again, by rule
	done   chan struct{}
}

// failure is a tagger that panicked over an event.
type failure struct {
	event string
	cause any
}

// group is what will be committed together.
type group struct {
	counts
	out      []ttpcron.Tag
	bytes    int
	matches  []ttpcron.BaseMatch
	base     int // bytes of these
	coverage []dayCoverage
	reviews  []ttpcron.Review
	names    map[string]struct{} // of attackers and sessions
	sets     map[string]struct{} // rule sets that the coverage names
	made     map[string]int      // tags of events that were looked at again, by rule
	began    time.Time

	reviewing *part    // of the last review
	seen      reviewed // and its events
	ranges    int      // of the reviews before
}

func newGroup(began time.Time, out []ttpcron.Tag, matches []ttpcron.BaseMatch) group {
	return group{began: began, out: out, matches: matches, names: map[string]struct{}{}, sets: map[string]struct{}{}, made: map[string]int{}}
}

type dayCoverage struct {
	day  ttpcron.Day
	list []ttpcron.Coverage
}

// replay tags one plan's events: a reader, some workers, and a collector that
// takes the results in the order of the events and commits them in groups. One
// group is committed while the next is being tagged.
type replay struct {
	job    *run
	plan   *plan
	source *ttpcron.SourceReport
	group  group
	read   int          // events of parts, for progress
	commit chan outcome // of the commit in flight
	flying group        // in flight
	broken bool         // a commit failed: nothing more may be committed

	// Slices of tags and matches are large, so they are reused: a unit's go from the
	// worker to the collector and back, a group's from the collector to the commit and
	// back.
	units  chan unitLoads
	groups loads
}

// unitLoads are the slices of a unit.
type unitLoads struct {
	tags    []ttpcron.Tag
	matches []keptMatch
}

// loads are the slices of a group.
type loads struct {
	tags    []ttpcron.Tag
	matches []ttpcron.BaseMatch
}

// emptied returns them for others to fill. They must not hold on to the memory of pages.
func (l loads) emptied() loads {
	clear(l.tags)
	clear(l.matches)
	return loads{l.tags[:0], l.matches[:0]}
}

// outcome is the result of a commit.
type outcome struct {
	ttpcron.Committed
	err error
}

// run reads and tags everything in the plan, and commits all groups but the last, which
// stays in rp.group for the caller to finish. It returns ErrInterrupted if ctx was
// cancelled; what was tagged until then is valid.
func (rp *replay) run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	rp.group = newGroup(rp.job.now(), nil, nil)

	work := make(chan *unit)
	ordered := make(chan *unit, 2*rp.job.workers)
	rp.units = make(chan unitLoads, 4*rp.job.workers)
	var wg sync.WaitGroup
	for range rp.job.workers {
		wg.Go(func() {
			taggers := map[*subset]Tagger{}
			var text []byte // of matches
			for u := range work {
				if len(u.events) == 0 {
					close(u.done)
					continue
				}
				t := taggers[u.part.rules]
				if t == nil {
					t = rp.rules(u.part).Tagger()
					taggers[u.part.rules] = t
				}
				text = rp.tag(t, u, text)
				close(u.done)
			}
		})
	}
	var readErr error
	wg.Go(func() {
		defer close(ordered)
		defer close(work)
		readErr = rp.reads(inner, work, ordered)
	})

	var commitErr error
	for u := range ordered {
		<-u.done
		if commitErr != nil {
			continue
		}
		rp.collect(u)
		if rp.due() {
			if commitErr = rp.flush(ctx); commitErr != nil {
				stop()
			}
		}
	}
	wg.Wait()
	if commitErr == nil {
		commitErr = rp.settle()
	}
	if commitErr != nil {
		rp.broken = true
		rp.uncount(&rp.group)
		return commitErr
	}
	return interruptedOr(ctx, readErr)
}

// rules returns the rules for a part.
func (rp *replay) rules(t *part) Rules {
	if t.rules != nil {
		return t.rules.rules
	}
	return rp.job.rules
}

// reads sends out the plan's events in units, each to the workers and to the collector.
func (rp *replay) reads(ctx context.Context, work, ordered chan<- *unit) error {
	var found planned
	give := func(t *part, events []ttpcron.Event) error {
		u := &unit{part: t, events: events, plan: found, done: make(chan struct{})}
		found = planned{}
		return send(ctx, u, work, ordered)
	}
	for d, err := range Days(ctx, rp.plan.history, rp.plan.kind) {
		if err != nil {
			return err
		}
		t, ok, err := rp.plan.choose(ctx, d, &found)
		if err == nil && ok {
			err = rp.plan.continued(ctx, &t)
		}
		if err != nil {
			return err
		}
		if ok {
			if err := rp.readPart(ctx, &t, give); err != nil {
				return err
			}
		}
	}
	return give(nil, nil)
}

// readPart sends out a part's events.
func (rp *replay) readPart(ctx context.Context, t *part, give func(*part, []ttpcron.Event) error) error {
	if t.again && t.rules == nil { // rules leave, none looks
		return give(t, nil)
	}
	pages, err := rp.pages(ctx, t)
	if err != nil {
		return err
	}
	for page, err := range pages {
		if err != nil {
			return fmt.Errorf("read %s events of %s: %w", rp.plan.kind, t.day, err)
		}
		for len(page) > 0 {
			n := min(len(page), maxUnit)
			if err := give(t, page[:n]); err != nil {
				return err
			}
			page = page[n:]
		}
	}
	return give(t, nil)
}

// inTimeFrom is the number of events from which a part is read in order of time if they
// arrived in another order. Fewer are committed at once, so their order does not matter.
const inTimeFrom = 4096

// pages returns a part's events, in the order in which they are tagged.
func (rp *replay) pages(ctx context.Context, t *part) (iter.Seq2[[]ttpcron.Event, error], error) {
	h := rp.job.history
	if in, ok := h.(TimeOrder); ok && t.total >= inTimeFrom && !t.again && len(t.stale) == 0 {
		pages, scattered, err := in.EventsInTime(ctx, rp.plan.kind, t.day, t.after, t.upTo)
		if t.byTime = scattered; err != nil || scattered {
			return pages, err
		}
	}
	return h.Events(ctx, rp.plan.kind, t.day, t.after, t.upTo), nil
}

// send gives a unit to the collector, which waits for it, and to the workers.
func send(ctx context.Context, u *unit, work, ordered chan<- *unit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case ordered <- u:
		work <- u
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tag is a worker's share of the replay. text is memory for the text of matches; it
// returns the memory for the next unit.
func (rp *replay) tag(t Tagger, u *unit, text []byte) []byte {
	select {
	case l := <-rp.units:
		u.out, u.base.list = l.tags, l.matches
	default:
	}
	u.base.text = text
	for next := 0; next < len(u.events); {
		next = rp.tagFrom(t, u, next)
	}
	return u.base.settle()
}

// tagFrom tags a unit's events from the i-th on. It returns where it ended: after the last
// event, or after one over which the tagger panicked. That event gets no tags.
func (rp *replay) tagFrom(t Tagger, u *unit, i int) (next int) {
	before := len(u.out)
	defer func() {
		if p := recover(); p != nil {
			u.out = u.out[:before]
			u.failed = append(u.failed, failure{u.events[i].SourceID(), p})
			next = i + 1
		}
	}()
	w, filter, now := rp.plan.sel.window, u.part.filter, rp.job.now().UTC().Truncate(time.Second)
	for ; i < len(u.events); i++ {
		e := &u.events[i]
		if filter && !w.Contains(e.Time) {
			u.again.pass()
			u.missed = u.missed || e.Seq > rp.plan.sel.cursor
			continue
		}
		again := slices.ContainsFunc(u.part.stale, func(c ttpcron.Coverage) bool { return holds(&c, e) })
		if u.part.again && (!again || holds(&u.part.fresh, e)) {
			u.again.pass()
			continue
		}
		if again {
			u.again.add(e)
		} else {
			u.again.pass()
		}
		u.counts.events++
		before = len(u.out)
		var v ttpcron.Verdict
		u.out, v = t.Tag(e, u.out)
		u.out = distinct(u.out, before)
		if !rp.job.DryRun {
			u.base.add(i, t.Matches())
		}
		for k := before; k < len(u.out); k++ {
			u.out[k].CreatedAt = now
			u.bytes += len(u.out[k].Match.Literal) + len(u.out[k].Match.Evidence)
			if again {
				u.remade(u.out[k].RuleID)
			}
		}
		u.tags += len(u.out) - before
		if len(u.out) > before {
			u.tagged++
			u.bytes += textBytes(e)
		}
		if v.Skipped {
			u.skipped++
		}
		if v.Bounded {
			u.bounded++
		}
	}
	return i
}

// remade counts a tag of a reviewed event.
func (u *unit) remade(ruleID string) {
	if u.made == nil {
		u.made = map[string]int{}
	}
	u.made[ruleID]++
}

// distinct drops an event's tags that are too weak to be written. Of tags with the same
// identity, which a rule makes if it claims a technique under two tactics, it keeps the
// most confident.
func distinct(tags []ttpcron.Tag, from int) []ttpcron.Tag {
	n := from
next:
	for i := from; i < len(tags); i++ {
		t := &tags[i] // which is large
		if t.Confidence < ttpcron.MinConfidence {
			continue
		}
		for k := from; k < n; k++ {
			if o := &tags[k]; o.RuleID == t.RuleID && o.RuleVersion == t.RuleVersion && o.TechniqueID == t.TechniqueID && o.SubTechniqueID == t.SubTechniqueID {
				if t.Confidence > o.Confidence {
					*o = *t
				}
				continue next
			}
		}
		if n < i {
			tags[n] = *t
		}
		n++
	}
	return tags[:n]
}

func textBytes(e *ttpcron.Event) int {
	n := 0
	for i := range e.Payload {
		n += len(e.Payload[i].Text) + len(e.Payload[i].Raw)
	}
	return n
}

func (rp *replay) collect(u *unit) {
	g := &rp.group
	g.out = append(g.out, u.out...)
	g.name(u.out)
	g.counts.add(u.counts)
	g.bytes += u.bytes
	g.matches = u.base.appendTo(g.matches, u.events)
	g.base += u.base.bytes()
	rp.plan.add(u.plan)
	rp.plan.missed = rp.plan.missed || u.missed
	rp.count(u.plan.settled)
	rp.source.Known += u.plan.settled.tags
	if u.part == nil {
		return
	}
	for _, f := range u.failed {
		rp.job.log.Warn("tagger failed on an event, its tags are lost", "source", rp.source.Source, "event", f.event, "cause", fmt.Sprint(f.cause))
	}
	rp.count(u.counts)
	for id, n := range u.made {
		g.made[id] += n
	}
	clear(u.out)
	select {
	case rp.units <- unitLoads{u.out[:0], u.base.list[:0]}:
	default:
	}
	rp.cover(u)
	rp.read += len(u.events)
	at := Progress{Stage: StageTag, Name: rp.source.Source, Done: int64(rp.read), Total: int64(max(rp.plan.total, rp.read)), Tags: rp.source.Tags}
	if rp.plan.again {
		at.Stage, at.Tags = StageRetag, rp.source.RetagTags
	}
	rp.job.progress(at)
}

// name collects the names of attackers and sessions in tags.
func (g *group) name(tags []ttpcron.Tag) {
	var session, attacker string
	for i := range tags {
		if t := &tags[i]; t.SessionID != session || t.AttackerUUID != attacker {
			session, attacker = t.SessionID, t.AttackerUUID
			g.names[session] = struct{}{}
			g.names[attacker] = struct{}{}
		}
	}
}

// count adds to the source's report.
func (rp *replay) count(c counts) {
	s := rp.source
	if rp.plan.again {
		s.Retagged += c.events
		s.RetagTags += c.tags
		return
	}
	s.Events += c.events
	s.Tagged += c.tagged
	s.Tags += c.tags
	s.Skipped += c.skipped
	s.Bounded += c.bounded
	if rp.plan.kind == ttpcron.Command {
		s.Commands += c.events - c.skipped
	}
}

// uncount takes a group that is not committed from the source's report.
func (rp *replay) uncount(g *group) {
	c := g.counts
	rp.count(counts{-c.events, -c.tagged, -c.tags, -c.skipped, -c.bounded})
}

// cover extends the day's coverage to the unit's last event, and at the end of the part to
// the last event that the plan knows.
func (rp *replay) cover(u *unit) {
	t := u.part
	upTo := t.upTo
	if n := len(u.events); n > 0 {
		upTo = u.events[n-1].Seq
	}
	c := dayCoverage{day: t.day}
	switch {
	case t.again:
		c.list = rp.job.sets.retagged(t, upTo)
		if t.rules == nil {
			u.again = allOf(t)
		}
	default:
		total := countsOf(t.adds)
		total.add(u.counts)
		setCounts(&t.adds, total)
		var covers ttpcron.Coverage
		if t.byTime && len(u.events) > 0 {
			// Rules have looked at some of the events: if the run ends here, the next one
			// must not count them as new.
			covers = t.adds.By("")
			covers.After, covers.UpTo = t.after, t.upTo
		} else {
			t.adds.UpTo = upTo
			covers = t.adds
		}
		c.list = rp.job.sets.covered(t.base, covers, t.last)
		if !t.freshens() {
			rp.job.changes.looked(kindDay{rp.plan.kind, t.day}, t.adds)
		}
	}
	g := &rp.group
	g.review(rp.plan.kind, t, &u.again)
	for i := range c.list {
		g.sets[c.list[i].RuleSet] = struct{}{}
	}
	if n := len(g.coverage); n > 0 && g.coverage[n-1].day == c.day {
		g.coverage[n-1] = c
		return
	}
	g.coverage = append(g.coverage, c)
}

// due reports whether the group should be committed now.
func (rp *replay) due() bool {
	g := &rp.group
	events, wait := maxGroupEvents, groupTime
	if rp.plan.again {
		events, wait = maxAgainEvents, againTime
	}
	if g.events >= events || g.bytes >= maxGroupBytes || g.base >= maxGroupMatch || len(g.coverage) >= maxGroupDays || len(g.names) >= maxGroupNames || len(g.sets) > maxGroupSets || g.ranges+len(g.seen.ranges) > maxGroupRanges {
		return true
	}
	return len(g.out) >= rp.job.batch && (len(g.out) >= groupTags || rp.job.now().Sub(g.began) >= wait)
}

// flush waits for the commit in flight and starts that of the group.
func (rp *replay) flush(ctx context.Context) error {
	if err := rp.settle(); err != nil {
		return err
	}
	g := rp.group
	rp.group = newGroup(rp.job.now(), rp.groups.tags, rp.groups.matches)
	rp.groups = loads{}
	c := rp.commitOf(&g)
	rp.commit, rp.flying = make(chan outcome, 1), g
	go func(done chan<- outcome) {
		n, err := rp.job.ledger.Commit(context.WithoutCancel(ctx), c)
		done <- outcome{n, err}
	}(rp.commit)
	return nil
}

func (rp *replay) commitOf(g *group) ttpcron.Commit {
	c := ttpcron.Commit{Tags: g.out, Matches: g.matches, Run: rp.job.record()}
	for _, d := range g.coverage {
		c.Coverage = append(c.Coverage, d.list...)
	}
	g.settleReview()
	c.Reviews = g.reviews
	c.RuleSets = rp.job.sets.unstored(c.Coverage)
	return c
}

// settle waits for the commit in flight, if any.
func (rp *replay) settle() error {
	if rp.commit == nil {
		return nil
	}
	err := rp.credit(<-rp.commit, &rp.flying)
	rp.commit, rp.groups = nil, loads{rp.flying.out, rp.flying.matches}.emptied()
	rp.flying = group{}
	return err
}

// credit counts what a group's commit did.
func (rp *replay) credit(o outcome, g *group) error {
	known := len(g.out) - o.Inserted
	if o.err != nil {
		rp.uncount(g)
		rp.count(counts{tags: o.Inserted})
		known = 0
	} else {
		rp.job.found.add(g.out)
		for id, n := range g.made {
			rp.job.changes.made[id] += n
		}
	}
	rp.job.changes.tags.Add(o.Committed)
	rp.source.Removed += o.Removed
	rp.source.Replaced += o.Replaced
	if rp.plan.again {
		rp.source.RetagInserted += o.Inserted
	} else {
		rp.source.Inserted += o.Inserted
		rp.source.Known += known
	}
	if o.err != nil {
		return fmt.Errorf("commit %d tags: %w", len(g.out), o.err)
	}
	return nil
}

// finish commits the last group, with the cursor if it moves.
func (rp *replay) finish(ctx context.Context, cursors []ttpcron.Cursor) error {
	g := &rp.group
	if len(g.out) == 0 && len(g.coverage) == 0 && len(cursors) == 0 {
		return nil
	}
	c := rp.commitOf(g)
	c.Cursors = cursors
	n, err := rp.job.ledger.Commit(ctx, c)
	err = rp.credit(outcome{n, err}, g)
	rp.group = group{}
	return err
}
