package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// changes is what a run knows of the differences between its rules and those
// that were in force before.
type changes struct {
	since   map[string][]ttpcron.RuleChange // by fingerprint
	subsets map[string]*subset              // by their rules' ids
	tagging bool                            // covered events are being looked at again
	rules   map[string]*ChangedRule         // with which they are
	made    map[string]int                  // tags made by rule; the collector's
	new     map[string]int                  // tags of a dry run that the store lacks, by rule; the ledger's
	// would is the coverage that a dry run would have written.
	would map[kindDay][]ttpcron.Coverage
	mu    sync.Mutex // guards would
}

func newChanges() *changes {
	return &changes{
		since: map[string][]ttpcron.RuleChange{}, subsets: map[string]*subset{}, rules: map[string]*ChangedRule{},
		made: map[string]int{}, new: map[string]int{}, would: map[kindDay][]ttpcron.Coverage{},
	}
}

func (c *changes) count(tags []ttpcron.Tag) {
	for i := range tags {
		c.made[tags[i].RuleID]++
	}
}

// fresh counts, by rule and in all, the tags that a store lacks.
func (c *changes) fresh(ctx context.Context, l Ledger, tags []ttpcron.Tag) (int, error) {
	byRule := map[string][]ttpcron.Tag{}
	for _, t := range tags {
		byRule[t.RuleID] = append(byRule[t.RuleID], t)
	}
	total := 0
	for id, some := range byRule {
		known, err := l.HasTags(ctx, some)
		if err != nil {
			return 0, err
		}
		c.new[id] += len(some) - known
		total += len(some) - known
	}
	return total, nil
}

// covered notes the coverage that a dry run would write.
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

// list returns the rules with which covered events were looked at again.
func (c *changes) list() []ChangedRule {
	var out []ChangedRule
	for _, id := range slices.Sorted(maps.Keys(c.rules)) {
		r := *c.rules[id]
		r.Tags, r.New = c.made[id], c.new[id]
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
	r.changes.tagging = true
	defer func() { r.changes.tagging = false }()
	return r.replay(ctx, p, rep, func() []ttpcron.Cursor { return nil })
}

// retagPlan plans the days of a kind that are covered by other rules, where the
// run's rules could find something more. Days where rules only went away keep
// the coverage that they have, which loses nothing when the rules come back.
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
	t := part{day: d.Day, base: d.Coverage, last: d.LastSeq, after: upTo}
	ids := map[string]bool{}
	for _, c := range d.Coverage {
		changed, err := r.changedSince(ctx, c.RuleSet)
		if err != nil {
			return t, false, err
		}
		if !r.note(changed, kind, ids) {
			continue
		}
		t.again = append(t.again, c)
		t.after, t.upTo = min(t.after, c.After), max(t.upTo, min(c.UpTo, upTo))
	}
	if t.again == nil || t.after >= t.upTo {
		return t, false, nil
	}
	t.rules = r.only(ids)
	t.total = rest(d, t.after)
	return t, true, nil
}

// changedSince lists the run's rules that are new or changed since another rule
// set was in force. Of a set that is not known, all are.
func (r *run) changedSince(ctx context.Context, fingerprint string) ([]ttpcron.RuleChange, error) {
	if fingerprint == r.ruleSet {
		return nil, nil
	}
	if c, ok := r.changes.since[fingerprint]; ok {
		return c, nil
	}
	old, known, err := r.Store.RuleSet(ctx, fingerprint)
	if err != nil {
		return nil, fmt.Errorf("rules of earlier runs: %w", err)
	}
	c := r.set.Since(&old)
	if !known {
		for i := range c {
			c[i].Why = ttpcron.ChangeUnknown
		}
	}
	r.changes.since[fingerprint] = c
	return c, nil
}

// note adds changed rules to ids, if any of them applies to a kind, and reports
// whether one does.
func (r *run) note(changed []ttpcron.RuleChange, kind ttpcron.SourceKind, ids map[string]bool) bool {
	if len(changed) == 0 {
		return false
	}
	some := map[string]bool{}
	for _, c := range changed {
		some[c.RuleID] = true
	}
	if r.only(some).rules.Applying(kind) == 0 {
		return false
	}
	maps.Copy(ids, some)
	for _, c := range changed {
		if old := r.changes.rules[c.RuleID]; old == nil || old.Was < c.Was {
			r.changes.rules[c.RuleID] = &ChangedRule{RuleChange: c}
		}
	}
	return true
}

// only returns the subset with some ids, the same for the same ids.
func (r *run) only(ids map[string]bool) *subset {
	key := strings.Join(slices.Sorted(maps.Keys(ids)), "|") // which no id has in it
	s := r.changes.subsets[key]
	if s == nil {
		s = &subset{r.rules.Only(ids)}
		r.changes.subsets[key] = s
	}
	return s
}

// retagged returns a day's coverage when the parts of it that are looked at
// again have been, up to an arrival number.
func retagged(t *part, ruleSet string, upTo uint64) []ttpcron.Coverage {
	var list []ttpcron.Coverage
	for _, c := range t.base {
		if !slices.Contains(t.again, c) {
			list = covered(list, c, t.last)
			continue
		}
		done, left := c, c
		done.RuleSet, done.Uncounted = ruleSet, true
		setCounts(&done, counts{})
		if upTo < t.upTo {
			done.UpTo = min(c.UpTo, upTo)
			left.After = max(c.After, upTo)
			if left.After != c.After {
				left.Uncounted = true
				setCounts(&left, counts{})
			}
			list = covered(list, left, t.last)
		}
		list = covered(list, done, t.last)
	}
	return list
}
