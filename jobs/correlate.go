package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Correlations are judged in a pass of their own, after a run has looked at events. The
// pass reads the base matches that taggers found, in this run and earlier ones. For each
// day, the store remembers which correlations have judged it, and which groups have
// changed since. So a pass makes the same tags as one over everything, and the next pass
// can continue from any commit.
//
// A day is fresh if no pass has judged it. Then all its matches count as changed, and no
// correlation needs to catch up there. Before it adds or removes any tag, a pass records
// that it has begun on the fresh days, and on those that a since edited correlation has
// judged. If a rule is edited again, or reverted, before the pass ends, the next pass
// knows that there may be tags of another version.

// Limits and sizes of a pass.
const (
	minSpan      = 1       // days over which one reading goes at least: its tags lie all over them, by group
	maxSpan      = 64      // and at most
	markDays     = 1024    // days that one commit says something of
	groupGone    = 20_000  // tags that one commit removes by name
	maxKept      = 250_000 // tags that one commit leaves by name
	maxTouched   = 32_768  // groups that are judged by name
	maxGoneSlots = 200_000 // slots of which tags are removed by name
	findingBytes = 256     // of memory that a finding takes beside its tags and its group
	groupCost    = 8       // as many bytes for each byte of its group: tags of long groups fill pages, and each lies on another
	foundTags    = 1_000   // tags that a worker hands over at once
	passTags     = 16_000  // tags of a commit: each lies among others of its day, whose pages are written anew
	passNames    = 8192    // attackers and sessions of a commit
)

// passLimits are the limits that tests set.
type passLimits struct{ kept, touched, tags, span int }

// judged is a correlation in force.
type judged struct {
	Correlation
	def             ttpcron.RuleDef
	timespan, reach time.Duration
	least           int
	streams         map[string]int // by id
	first           int64          // the first slot that is not frozen
	thawed          time.Time      // its start, if slots began at any instant
	made            bool           // the store may have had tags of it when the pass began
	changed         bool           // there are days that it has not judged as it is
}

// family is the correlations that share one reading: same grouping, and windows of about
// the same length.
type family struct {
	grouping string
	days     int // over which a reading goes
	rules    []int
	reach    time.Duration // of all of them
}

// pass is the judging of a run.
type pass struct {
	job      *run
	matches  Matches
	rules    []*judged // by id
	defs     []ttpcron.RuleDef
	families []*family
	spans    []int // days of families, ascending
	days     int   // of a block
	report   *ttpcron.CorrelationReport

	waits  ttpcron.Day   // the first day of which there is something to do
	first  ttpcron.Day   // of its block
	before ttpcron.Day   // of base matches, the last before it
	fresh  []ttpcron.Day // ascending
	marked bool          // the store knows that a pass has come to them
	todo   int           // days

	workers []*judging
	groups  *groupCount // that were judged
	bounded *groupCount // in which a limit was met
	group   judgements
	commit  chan outcome
	flying  flight
	spare   []ttpcron.Tag
	booked  ttpcron.CorrelationReport // what it says of judging is committed
	broken  bool                      // a commit failed: nothing more may be committed
	removed map[string]int            // tags, by rule

	judgedTo map[int]judgedTo // by rule; the planner's
}

// matchDay is a day of base matches, and the work to be done there.
type matchDay struct {
	day     ttpcron.Day
	before  ttpcron.Day // the last day of base matches before it, -1 for none
	matches int
	touched int
	last    uint64
	fresh   bool
	lacks   []bool // by rule, those that have not judged the day; nil: none
}

func (d *matchDay) waits() bool { return d.touched > 0 || d.lacks != nil }

// correlate judges base matches that came or went, and whatever new or changed
// correlations have not judged yet.
func (r *run) correlate(ctx context.Context) error {
	rules := r.rules.Correlations()
	if r.Store.Matches == nil {
		return nil
	}
	if err := r.leaveCorrelations(ctx, rules); err != nil {
		return interruptedOr(ctx, err)
	}
	if len(rules) == 0 {
		return nil
	}
	rep, all := &r.out.Run.Correlation, len(rules)
	if r.DryRun {
		var err error
		if rules, err = r.foreseeable(ctx, rules); err != nil {
			return interruptedOr(ctx, err)
		}
		rep.Rules, rep.NotForetold = all, len(rules) < all || r.out.Untagged > 0
		if len(rules) == 0 {
			return nil
		}
	}
	began := r.now()
	defer func() { rep.Elapsed = r.now().Sub(began) }()
	p := &pass{job: r, matches: r.Store.Matches, report: rep, removed: map[string]int{}, judgedTo: map[int]judgedTo{}, groups: newGroupCount(ttpcron.ExactGroups), bounded: newGroupCount(ttpcron.ExactGroups)}
	err := p.prepare(ctx, rules)
	if err == nil {
		err = p.survey(ctx)
	}
	if err == nil {
		rep.Rules, rep.Waiting = all, p.todo
		if p.todo > 0 {
			if err = p.warnAwaited(ctx); err == nil {
				err = p.run(ctx)
			}
		}
	}
	p.tell()
	return interruptedOr(ctx, err)
}

// thawedDays is how many days after the horizon slots may reach back to days before it.
const thawedDays = 2 * 31

// warnAwaited warns if the horizon was forgotten and the events of earlier days have not
// been imported again, where that affects the result.
func (p *pass) warnAwaited(ctx context.Context) error {
	before, err := p.matches.AwaitedBefore(ctx)
	if err != nil || before == 0 || p.waits >= before+thawedDays {
		return err
	}
	p.job.log.Warn(fmt.Sprintf("the horizon was forgotten, and no event of the days before %s has come in again: what correlations found before %s goes where it needs them, until they are back", before, before+thawedDays),
		"hint", "import their logs (ttpcron import --again PATH), best before a run; the next run makes again what has gone")
	return nil
}

// leaveCorrelations removes the findings of rules that were correlations and now look at
// single events, except in the slots of removed days. It first forgets that they have
// judged anything, so that everything is judged if they become correlations again.
func (r *run) leaveCorrelations(ctx context.Context, rules []Correlation) error {
	ids, err := r.leaving(ctx, ttpcron.Correlation)
	if err != nil {
		return err
	}
	left := maps.Clone(ids)
	for _, c := range rules {
		delete(left, c.Def().ID)
	}
	if len(left) == 0 {
		return nil
	}
	horizon, err := r.Store.Matches.EventHorizon(ctx)
	if err != nil {
		return err
	}
	p := &pass{job: r, matches: r.Store.Matches}
	var c ttpcron.Commit
	for d, err := range p.matchDays(ctx, 0) {
		if err != nil {
			return err
		}
		rest := slices.DeleteFunc(slices.Clone(d.Judged.Rules), func(was ttpcron.RuleDef) bool { return left[was.ID] })
		if len(rest) == len(d.Judged.Rules) {
			continue
		}
		if c.Judged = append(c.Judged, ttpcron.JudgedDay{Day: d.Day, Rules: rest}); len(c.Judged) == markDays {
			if err := p.write(ctx, c); err != nil {
				return err
			}
			c.Judged = nil
		}
	}
	// One transaction may not be able to remove them all.
	if len(c.Judged) > 0 {
		if err := p.write(ctx, c); err != nil {
			return err
		}
		c.Judged = nil
	}
	for id := range left {
		c.Judgements = append(c.Judgements, ttpcron.Judgement{Rule: id, Since: horizon.Start(), Until: time.Date(9999, time.December, 31, 23, 59, 59, 999_999_999, time.UTC)})
	}
	n, err := r.ledger.Commit(context.WithoutCancel(ctx), c)
	for _, d := range r.set.Rules {
		if n := removedOf(n.Changes, d.ID); left[d.ID] && n > 0 {
			r.changes.note(ttpcron.RuleChange{RuleID: d.ID, Version: d.Version, Why: ttpcron.ChangeKind})
		}
	}
	r.changes.tags.Add(n)
	if err != nil {
		return fmt.Errorf("commit what rules found that were correlations: %w", err)
	}
	return nil
}

// removedOf counts the tags of a rule that went.
func removedOf(changes map[ttpcron.RuleTechnique]ttpcron.TagChanges, id string) (n int) {
	for k, c := range changes {
		if k.RuleID == id {
			n += c.Removed
		}
	}
	return n
}

// prepare sorts correlations into families.
func (p *pass) prepare(ctx context.Context, rules []Correlation) error {
	horizon, err := p.matches.EventHorizon(ctx)
	if err != nil {
		return err
	}
	tagged, err := p.job.Store.RulesOf(ctx, ttpcron.Correlation)
	if err != nil {
		return fmt.Errorf("correlations that have tags: %w", err)
	}
	for _, c := range rules {
		j := &judged{Correlation: c, def: c.Def(), timespan: c.Timespan(), reach: c.Reach(), least: c.Least(), streams: map[string]int{}}
		j.made = slices.Contains(tagged, j.def.ID)
		for i, s := range c.Streams() {
			j.streams[s.ID] = i
		}
		if horizon > 0 {
			// What happened as long before the start of the slot as the rule looks back
			// is still there.
			j.thawed = horizon.Start().Add(j.reach)
			j.first = ttpcron.Slot(j.thawed.Add(j.timespan-time.Second), j.timespan)
		}
		p.rules = append(p.rules, j)
	}
	slices.SortFunc(p.rules, func(a, b *judged) int { return cmp.Compare(a.def.ID, b.def.ID) })
	for _, j := range p.rules {
		p.defs = append(p.defs, j.def)
	}
	least := cmp.Or(p.job.limits.span, minSpan)
	for i, j := range p.rules {
		days := spanOf(j.reach+j.timespan, least)
		k := slices.IndexFunc(p.families, func(f *family) bool { return f.grouping == j.Grouping() && f.days == days })
		if k < 0 {
			k = len(p.families)
			p.families = append(p.families, &family{grouping: j.Grouping(), days: days})
		}
		f := p.families[k]
		f.rules, f.reach = append(f.rules, i), max(f.reach, j.reach)
		p.days = max(p.days, days)
		if !slices.Contains(p.spans, days) {
			p.spans = append(p.spans, days)
		}
	}
	slices.Sort(p.spans)
	return nil
}

// spanOf returns how many days a reading covers, given the length of a window and a slot
// together. All matches of the days before and after the judged ones have to be read, since
// they are stored by group, so these days should be few.
func spanOf(d time.Duration, least int) int {
	days := least
	for days < maxSpan && time.Duration(days)*24*time.Hour < 4*d {
		days *= 2
	}
	return days
}

// matchDays yields the days of base matches, ascending.
func (p *pass) matchDays(ctx context.Context, from ttpcron.Day) iter.Seq2[*ttpcron.MatchDay, error] {
	return func(yield func(*ttpcron.MatchDay, error) bool) {
		for {
			page, err := p.matches.MatchDays(ctx, from)
			if err != nil {
				yield(nil, fmt.Errorf("days of base matches: %w", err))
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
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

// survey finds the work to be done. From the first changed day on, correlations that were
// edited or removed no longer count as having judged a day that this pass settles. That is
// recorded first.
func (p *pass) survey(ctx context.Context) error {
	touched := false
	var former []ttpcron.JudgedDay
	last, before := ttpcron.Day(-1), ttpcron.Day(-1)
	for d, err := range p.matchDays(ctx, 0) {
		if err != nil {
			return err
		}
		if p.blockOf(last) != p.blockOf(d.Day) {
			before = last
		}
		last = d.Day
		day := p.look(d)
		touched = touched || day.touched > 0
		if day.fresh {
			p.fresh = append(p.fresh, day.day)
		}
		for i, lacks := range day.lacks {
			p.rules[i].changed = p.rules[i].changed || lacks
		}
		if day.waits() {
			if p.todo == 0 {
				p.waits = day.day
				p.first, p.before = p.blockOf(day.day), before
			}
			p.todo++
			p.changes(d)
		}
		if !touched || !slices.ContainsFunc(d.Judged.Rules, p.isFormer) {
			continue
		}
		if former = append(former, ttpcron.JudgedDay{Day: d.Day, Rules: p.begun(d.Judged.Rules)}); len(former) == markDays {
			if err := p.write(ctx, ttpcron.Commit{Judged: former}); err != nil {
				return err
			}
			former = nil
		}
	}
	if len(former) == 0 {
		return nil
	}
	return p.write(ctx, ttpcron.Commit{Judged: former})
}

// look finds the work to be done on a day.
func (p *pass) look(d *ttpcron.MatchDay) matchDay {
	day := matchDay{day: d.Day, matches: d.Matches, touched: d.Touched, last: d.Last}
	if len(d.Judged.Rules) == 0 && d.Touched > 0 && d.Touched >= d.Matches {
		day.fresh = true
	}
	if _, fresh := slices.BinarySearch(p.fresh, d.Day); fresh {
		day.fresh = true
	}
	for i, j := range p.rules {
		lacks := j.changed && j.made // on a fresh day slots may have begun of what the rule was
		if !day.fresh {
			was := ruleIn(d.Judged.Rules, j.def.ID)
			lacks = was == nil || was.Digest != j.def.Digest
		}
		if lacks {
			if day.lacks == nil {
				day.lacks = make([]bool, len(p.rules))
			}
			day.lacks[i] = true
		}
	}
	return day
}

func ruleIn(list []ttpcron.RuleDef, id string) *ttpcron.RuleDef {
	i, ok := slices.BinarySearchFunc(list, id, func(r ttpcron.RuleDef, id string) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &list[i]
}

// isFormer reports whether a correlation that has judged a day is no longer in force.
func (p *pass) isFormer(was ttpcron.RuleDef) bool {
	i, ok := slices.BinarySearchFunc(p.rules, was.ID, func(j *judged, id string) int { return cmp.Compare(j.def.ID, id) })
	return was.Digest != [16]byte{} && (!ok || p.rules[i].def.Digest != was.Digest)
}

// begun lists the correlations in force, as recorded for a day on which a pass has begun:
// those that have not judged it have no digest.
func (p *pass) begun(was []ttpcron.RuleDef) []ttpcron.RuleDef {
	out := make([]ttpcron.RuleDef, len(p.rules))
	for i, j := range p.rules {
		switch w := ruleIn(was, j.def.ID); {
		case w == nil:
			out[i] = ttpcron.RuleDef{ID: j.def.ID, Version: j.def.Version}
		case w.Digest != j.def.Digest:
			out[i] = ttpcron.RuleDef{ID: j.def.ID, Version: w.Version}
		default:
			out[i] = j.def
		}
	}
	return out
}

// changes notes the correlations that are new or changed since they judged a day.
func (p *pass) changes(d *ttpcron.MatchDay) {
	if len(d.Judged.Rules) == 0 {
		return
	}
	for _, j := range p.rules {
		c := ttpcron.RuleChange{RuleID: j.def.ID, Version: j.def.Version}
		switch w := ruleIn(d.Judged.Rules, j.def.ID); {
		case w == nil:
			c.Why = ttpcron.ChangeNew
		case w.Digest == j.def.Digest, w.Digest == [16]byte{} && w.Version == j.def.Version: // or an earlier pass did not end
			continue
		case w.Version != j.def.Version:
			c.Was, c.Why = w.Version, ttpcron.ChangeVersion
		default:
			c.Was, c.Why = w.Version, ttpcron.ChangeEdited
		}
		p.job.changes.note(c)
	}
}

// run judges one block of days after the other. Days of a block are settled together.
func (p *pass) run(ctx context.Context) error {
	p.start(nil)
	p.booked = *p.report
	err := p.blocks(ctx)
	switch {
	case err == nil:
		err = p.flush(ctx, true)
	case !p.broken:
		// What was found until then is true.
		err = cmp.Or(p.flush(ctx, false), p.settle(), err)
	}
	if p.broken {
		p.unbook()
	}
	return err
}

// blockOf returns the first day of the block of a day.
func (p *pass) blockOf(d ttpcron.Day) ttpcron.Day { return d - d%ttpcron.Day(p.days) }

func (p *pass) blocks(ctx context.Context) error {
	var block []matchDay
	before := p.before
	for d, err := range p.matchDays(ctx, p.first) {
		if err != nil {
			return err
		}
		if len(block) > 0 && p.blockOf(d.Day) != p.blockOf(block[0].day) {
			if err := p.block(ctx, block); err != nil {
				return err
			}
			block = block[:0]
		}
		day := p.look(d)
		day.before, before = before, d.Day
		block = append(block, day)
	}
	return p.block(ctx, block)
}

// block judges some days, and settles them.
func (p *pass) block(ctx context.Context, days []matchDay) error {
	if !slices.ContainsFunc(days, func(d matchDay) bool { return d.waits() }) {
		return nil
	}
	if err := p.judge(ctx, days); err != nil {
		return err
	}
	for _, d := range days {
		if !d.waits() {
			continue
		}
		p.report.Days++
		p.report.Waiting--
		p.group.Judged = append(p.group.Judged, ttpcron.JudgedDay{Day: d.day, Rules: p.defs})
		if d.touched > 0 {
			p.group.Settled = append(p.group.Settled, ttpcron.SettledMatches{Day: d.day, UpTo: d.last})
		}
	}
	p.job.progress(Progress{Stage: StageCorrelate, Done: int64(p.report.Days), Total: int64(p.todo), Tags: p.report.Tags})
	if !p.due() {
		return nil
	}
	return p.flush(ctx, false)
}
