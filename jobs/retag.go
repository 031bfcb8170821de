package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ttpcron/ttpcron"
)

// subset is the rules of a run that are new or changed since another rule set
// was in force.
type subset struct{ rules Rules }

type kindDay struct {
	kind ttpcron.SourceKind
	day  ttpcron.Day
}

// changes is what a run knows about how its rules differ from those before.
type changes struct {
	since   map[changesOf]difference
	subsets map[string]*subset      // by their rules' ids
	rules   map[string]*ChangedRule // with which events are looked at again
	made    map[string]int          // tags of such events, by rule; the collector's
	tags    ttpcron.Committed       // what the run did with tags; the collector's
	// leaving are the run's rules that no longer look at a kind of event but have tags of
	// such events in the store.
	leaving map[ttpcron.SourceKind]map[string]bool

	mu sync.Mutex // guards what follows
	// would is the coverage that a dry run would have written.
	would map[kindDay][]ttpcron.Coverage
	// fresh are the events that the run has looked at with all its rules, on days that
	// other rules covered.
	fresh map[kindDay]ttpcron.Coverage
}

// changesOf is the changes since a rule set that matter to a kind of event.
type changesOf struct {
	ruleSet string
	kind    ttpcron.SourceKind
}

// difference is the work that rules have on events that other rules have looked at.
type difference struct {
	look  []ttpcron.RuleChange // rules that look again
	leave []ttpcron.RuleChange // rules that look at such events no longer
}

func (d *difference) none() bool { return len(d.look)+len(d.leave) == 0 }

// add adds the work on other events.
func (d *difference) add(o difference) {
	d.look = append(d.look, o.look...)
	d.leave = append(d.leave, o.leave...)
}

// review returns the ids of all rules.
func (d *difference) review() []string {
	return slices.Sorted(maps.Keys(idsOf(append(slices.Clip(d.look), d.leave...))))
}

func idsOf(list []ttpcron.RuleChange) map[string]bool {
	ids := map[string]bool{}
	for _, c := range list {
		ids[c.RuleID] = true
	}
	return ids
}

func newChanges() *changes {
	return &changes{
		since: map[changesOf]difference{}, subsets: map[string]*subset{}, rules: map[string]*ChangedRule{},
		made: map[string]int{}, would: map[kindDay][]ttpcron.Coverage{}, fresh: map[kindDay]ttpcron.Coverage{},
		leaving: map[ttpcron.SourceKind]map[string]bool{},
	}
}

// covered records the coverage that a dry run would write.
func (c *changes) covered(list []ttpcron.Coverage) {
	days := map[kindDay][]ttpcron.Coverage{}
	for _, v := range list {
		k := kindDay{v.Kind, v.Day}
		days[k] = append(days[k], v)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.would, days)
}

// foreseen returns the coverage that a dry run would have written for a day.
func (c *changes) foreseen(at kindDay) (list []ttpcron.Coverage, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, ok = c.would[at]
	return list, ok
}

// looked records which events of a day the run has looked at with all its rules.
func (c *changes) looked(at kindDay, part ttpcron.Coverage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh[at] = part
}

func (c *changes) lookedAt(at kindDay) ttpcron.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fresh[at]
}

// list returns the rules that were used for reviews.
func (c *changes) list() []ChangedRule {
	var out []ChangedRule
	for _, id := range slices.Sorted(maps.Keys(c.rules)) {
		r := *c.rules[id]
		r.Tags = c.made[id]
		for k, n := range c.tags.Changes {
			if k.RuleID == id {
				r.TagChanges.Add(n)
			}
		}
		out = append(out, r)
	}
	return out
}

// retag looks at the covered events of a kind again, with just the rules that
// are new or changed since they were covered.
func (r *run) retag(ctx context.Context, kind ttpcron.SourceKind, rep *ttpcron.SourceReport, upTo uint64) error {
	p, err := r.retagPlan(ctx, kind, upTo)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	if p.parts == 0 {
		return nil
	}
	return r.replay(ctx, p, rep, func() []ttpcron.Cursor { return nil })
}

// retagPlan plans the days of a kind that other rules cover, if the run's rules could find
// something else. Days that only lost rules keep their coverage, which is still right when
// the rules come back.
func (r *run) retagPlan(ctx context.Context, kind ttpcron.SourceKind, upTo uint64) (*plan, error) {
	p := &plan{history: r.Store.History, kind: kind, upTo: upTo, again: true}
	p.choose = func(ctx context.Context, d ttpcron.DayHistory, _ *planned) (part, bool, error) {
		if list, ok := r.changes.foreseen(kindDay{kind, d.Day}); ok {
			d.Coverage = list
		}
		return r.retagDay(ctx, kind, d, upTo)
	}
	return p, p.measure(ctx)
}

func (r *run) retagDay(ctx context.Context, kind ttpcron.SourceKind, d ttpcron.DayHistory, upTo uint64) (part, bool, error) {
	t := part{day: d.Day, upTo: upTo, base: d.Coverage, last: d.LastSeq, earliest: d.Earliest, latest: d.Latest, again: true}
	c, err := r.compare(ctx, kind, &t, d)
	if err != nil || c.none() {
		return t, false, err
	}
	t.after, t.upTo = upTo, 0
	for _, c := range t.stale {
		t.after, t.upTo = min(t.after, c.After), max(t.upTo, min(c.UpTo, upTo))
	}
	if t.after >= t.upTo {
		return t, false, nil
	}
	t.review = c.review()
	t.fresh = r.changes.lookedAt(kindDay{kind, d.Day})
	if len(c.look) > 0 || t.fresh.UpTo > 0 {
		t.rules = r.only(idsOf(c.look))
		t.total = rest(d, t.after)
	}
	return t, true, nil
}

// freshens reports whether reading a part of a day, not as a review, leaves nothing of the
// day stale.
func (t *part) freshens() bool {
	read := t.adds
	read.UpTo = t.upTo
	return !slices.ContainsFunc(t.stale, func(c ttpcron.Coverage) bool { return !contains(&read, &c, t.last) })
}

// compare finds the parts of a day's coverage that overlap a part and have other rules
// than the run's. It returns what has to be done about their events.
func (r *run) compare(ctx context.Context, kind ttpcron.SourceKind, t *part, d ttpcron.DayHistory) (all difference, err error) {
	for _, c := range d.Coverage {
		// The set is needed later, too, when this part of the coverage may be gone.
		if _, err := r.sets.get(ctx, c.RuleSet); err != nil {
			return all, err
		}
		if c.UpTo <= t.after || c.After >= t.upTo {
			continue
		}
		changed, err := r.changedSince(ctx, c.RuleSet, kind)
		if err != nil {
			return all, err
		}
		if !changed.none() {
			t.stale = append(t.stale, c)
			all.add(changed)
		}
	}
	for _, c := range append(slices.Clip(all.look), all.leave...) {
		if ttpcron.IsStream(c.RuleID) {
			continue // it comes with its base rule, or with a correlation
		}
		r.changes.note(c)
	}
	return all, nil
}

// note notes that a rule is new or changed.
func (c *changes) note(now ttpcron.RuleChange) {
	if old := c.rules[now.RuleID]; old == nil || cmp.Or(cmp.Compare(tells(&old.RuleChange), tells(&now)), cmp.Compare(old.Was, now.Was)) < 0 {
		c.rules[now.RuleID] = &ChangedRule{RuleChange: now}
	}
}

// tells ranks how informative a change of a rule is. If days have different changes of it,
// the most informative is reported.
func tells(c *ttpcron.RuleChange) int {
	switch c.Why {
	case ttpcron.ChangeKind, ttpcron.ChangeMatches:
		return 0
	case ttpcron.ChangeUnknown:
		return 1
	default:
		return 2
	}
}

// changedSince lists the run's rules for a kind of event that are new or changed since
// another rule set was in force. If that set is unknown, it lists all of them.
func (r *run) changedSince(ctx context.Context, fingerprint string, kind ttpcron.SourceKind) (difference, error) {
	if fingerprint == r.ruleSet {
		return difference{}, nil
	}
	key := changesOf{fingerprint, kind}
	if c, ok := r.changes.since[key]; ok {
		return c, nil
	}
	old, err := r.sets.get(ctx, fingerprint)
	if err != nil {
		return difference{}, err
	}
	leaving, err := r.leaving(ctx, kind)
	if err != nil {
		return difference{}, err
	}
	known := old != nil
	if !known {
		old = &ttpcron.RuleSet{}
	}
	var diff difference
	for _, c := range r.set.Since(old) {
		if !known {
			c.Why = ttpcron.ChangeUnknown
		}
		switch {
		case r.rules.Applies(c.RuleID, kind):
			diff.look = append(diff.look, c)
		case leaving[c.RuleID]:
			c.Why = ttpcron.ChangeKind
			diff.leave = append(diff.leave, c)
		}
	}
	r.changes.since[key] = diff
	return diff, nil
}

// leaving returns the run's rules that no longer look at a kind of event but have tags of
// such events in the store.
func (r *run) leaving(ctx context.Context, kind ttpcron.SourceKind) (map[string]bool, error) {
	if ids, ok := r.changes.leaving[kind]; ok {
		return ids, nil
	}
	have, err := r.Store.RulesOf(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("rules that have tagged %s events: %w", kind, err)
	}
	in := map[string]bool{}
	for i := range r.set.Rules {
		in[r.set.Rules[i].ID] = true
	}
	ids := map[string]bool{}
	for _, id := range have {
		if in[id] && !r.rules.Applies(id, kind) {
			ids[id] = true
		}
	}
	r.changes.leaving[kind] = ids
	return ids, nil
}

// only returns the subset with some ids, the same for the same ids.
func (r *run) only(ids map[string]bool) *subset {
	var key []byte
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		key = append(append(key, id...), 0) // no YAML has NUL in it
	}
	s := r.changes.subsets[string(key)]
	if s == nil {
		s = &subset{r.rules.Only(ids)}
		r.changes.subsets[string(key)] = s
	}
	return s
}

// retagged returns a day's coverage once its stale parts have been reviewed up to an
// arrival number.
func (s *ruleSets) retagged(t *part, upTo uint64) []ttpcron.Coverage {
	var list []ttpcron.Coverage
	for _, c := range t.base {
		if !slices.Contains(t.stale, c) {
			list = s.covered(list, c, t.last)
			continue
		}
		done, left := c, c
		done.RuleSet, done.Uncounted = s.over(c.RuleSet), true
		setCounts(&done, counts{})
		if upTo < t.upTo {
			done.UpTo = min(c.UpTo, upTo)
			left.After = max(c.After, upTo)
			if left.After != c.After {
				left.Uncounted = true
				setCounts(&left, counts{})
			}
			list = s.covered(list, left, t.last)
		}
		list = s.covered(list, done, t.last)
	}
	return list
}

// audit returns the audit entries for the changed rules whose tags have changed.
func (r *run) audit() (entries []ttpcron.AuditEntry) {
	for _, c := range r.out.Changed {
		if c.TagChanges == (ttpcron.TagChanges{}) {
			continue
		}
		e := ttpcron.AuditEntry{
			At: r.out.Run.Finished, By: "run " + r.out.Run.ID, Action: ttpcron.AuditRetag, RuleID: c.RuleID, Version: c.Version,
			After: fmt.Sprintf("+%d -%d tags", c.Inserted, c.Removed), Reason: c.Why,
		}
		if c.Replaced > 0 {
			e.After += fmt.Sprintf(", %d replaced", c.Replaced)
		}
		if c.Was != 0 && c.Was != c.Version {
			e.Reason += fmt.Sprintf(", was %d", c.Was)
		}
		entries = append(entries, e)
	}
	return entries
}
