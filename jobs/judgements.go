package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// judgements are committed together.
type judgements struct {
	ttpcron.Commit
	bytes int
	names map[string]struct{} // of attackers and sessions
	made  map[string]int      // tags of days that were judged again, by rule
	began time.Time
}

// flight is the commit in progress.
type flight struct {
	tags   []ttpcron.Tag
	made   map[string]int
	report ttpcron.CorrelationReport // as it is to be once that is done
}

func (p *pass) start(tags []ttpcron.Tag) {
	p.group = judgements{Commit: ttpcron.Commit{Tags: tags}, names: map[string]struct{}{}, made: map[string]int{}, began: p.job.now()}
}

// collect takes over a worker's findings.
func (p *pass) collect(f *found) {
	g, rep := &p.group, p.report
	g.Tags = append(g.Tags, f.tags...)
	g.Gone = append(g.Gone, f.gone...)
	g.Judgements = append(g.Judgements, f.judgements...)
	g.Kept = append(g.Kept, f.kept...)
	g.bytes += f.bytes
	for i := range f.tags {
		t := &f.tags[i]
		g.names[t.SessionID] = struct{}{}
		g.names[cmp.Or(t.AttackerUUID, t.IdentityUUID)] = struct{}{}
	}
	rep.Matches += f.matches
	rep.Groups, rep.Bounded = p.groups.count(), p.bounded.count()
	rep.LeftOut += f.leftOut
	rep.Tags += len(f.tags)
	for id, n := range f.made {
		g.made[id] += n
	}
	for _, x := range f.failed {
		p.job.log.Warn("a correlation failed on a group, its tags are lost", "rule", x.event, "cause", fmt.Sprint(x.cause))
	}
}

// due reports whether the group should be committed now.
func (p *pass) due() bool {
	g := &p.group
	if g.bytes >= maxGroupBytes || len(g.names) >= passNames || len(g.Gone) >= groupGone || len(g.Kept) >= cmp.Or(p.job.limits.kept, maxKept) || len(g.Judged) >= markDays {
		return true
	}
	return len(g.Tags) >= p.job.batch && (len(g.Tags) >= passTags || p.job.now().Sub(g.began) >= againTime)
}

// flush waits for the commit in flight and starts that of the group, or makes it when it
// is the last.
func (p *pass) flush(ctx context.Context, last bool) error {
	if err := p.settle(); err != nil {
		return err
	}
	c, made := p.group.Commit, p.group.made
	if len(c.Tags)+len(c.Gone)+len(c.Judgements)+len(c.Judged) == 0 {
		return nil
	}
	if !p.marked && (!last || len(c.Judgements) > 0) {
		if err := p.mark(ctx); err != nil {
			return err
		}
	}
	p.start(p.spare)
	p.spare = nil
	c.Run = p.job.record()
	p.commit, p.flying = make(chan outcome, 1), flight{c.Tags, made, *p.report}
	go func(done chan<- outcome) {
		n, err := p.job.ledger.Commit(context.WithoutCancel(ctx), c)
		done <- outcome{n, err}
	}(p.commit)
	if last {
		return p.settle()
	}
	return nil
}

// mark records that a pass has begun on the fresh days, and on those that a since edited
// correlation has judged. Until the pass has judged a whole day, there may be tags of both
// the old rule and the new one.
func (p *pass) mark(ctx context.Context) error {
	var c ttpcron.Commit
	var was, begun []ttpcron.RuleDef
	for d, err := range p.matchDays(ctx, p.first) {
		if err != nil {
			return err
		}
		if _, fresh := slices.BinarySearch(p.fresh, d.Day); !fresh && !slices.ContainsFunc(d.Judged.Rules, p.isEdited) {
			continue
		}
		if begun == nil || !slices.Equal(was, d.Judged.Rules) { // days share the list
			was, begun = d.Judged.Rules, p.begun(d.Judged.Rules)
		}
		if c.Judged = append(c.Judged, ttpcron.JudgedDay{Day: d.Day, Rules: begun}); len(c.Judged) == markDays {
			if err := p.write(ctx, c); err != nil {
				return err
			}
			c.Judged = nil
		}
	}
	p.marked = true
	if len(c.Judged) == 0 {
		return nil
	}
	return p.write(ctx, c)
}

// isEdited reports whether a correlation that has judged a day is in force with another
// definition.
func (p *pass) isEdited(was ttpcron.RuleDef) bool {
	j := ruleIn(p.defs, was.ID)
	return j != nil && was.Digest != [16]byte{} && j.Digest != was.Digest
}

// settle waits for the commit in flight, if there is one, and records what it did.
func (p *pass) settle() error {
	if p.commit == nil {
		return nil
	}
	o, rep := <-p.commit, p.report
	p.commit = nil
	f := &p.flying
	rep.Inserted += o.Inserted
	rep.Replaced += o.Replaced
	rep.Removed += o.Removed
	for k, n := range o.Changes {
		p.removed[k.RuleID] += n.Removed
	}
	p.job.changes.tags.Add(o.Committed)
	if o.err != nil {
		p.broken = true
		return fmt.Errorf("commit %d tags of correlations: %w", len(f.tags), o.err)
	}
	rep.Known += len(f.tags) - o.Inserted
	p.booked = f.report
	p.job.found.add(f.tags)
	for id, n := range f.made {
		p.job.changes.made[id] += n
	}
	clear(f.tags)
	p.spare, p.flying = f.tags[:0], flight{}
	return nil
}

// unbook removes uncommitted figures from the report.
func (p *pass) unbook() {
	rep := p.report
	b := p.booked
	b.Inserted, b.Known, b.Replaced, b.Removed = rep.Inserted, rep.Known, rep.Replaced, rep.Removed
	b.Tags = b.Inserted + b.Known
	*rep = b
}

// write commits what brings no tag.
func (p *pass) write(ctx context.Context, c ttpcron.Commit) error {
	_, err := p.job.ledger.Commit(context.WithoutCancel(ctx), c)
	if err != nil {
		p.broken = true
		return fmt.Errorf("commit what is judged: %w", err)
	}
	return nil
}

// tell adds correlations that lost tags to the changed rules.
func (p *pass) tell() {
	for _, j := range p.rules {
		if p.removed[j.def.ID] > 0 && p.job.changes.rules[j.def.ID] == nil {
			p.job.changes.note(ttpcron.RuleChange{RuleID: j.def.ID, Version: j.def.Version, Why: ttpcron.ChangeMatches})
		}
	}
}
