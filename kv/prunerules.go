package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// PruneRules selects the rules whose tags are removed from a store.
type PruneRules struct {
	Rules []string // ids

	DryRun   bool
	Progress func(Progress) // in tags; nil for none
}

// PruneRules removes all tags of some rules, including those of removed events, and counts
// them. It forgets that the rules have looked at anything, so a run that has them looks at
// all covered events again. Like Prune, it can be stopped or killed, and repeated.
func (db *DB) PruneRules(ctx context.Context, p PruneRules) (done ttpcron.Committed, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	if slices.Contains(p.Rules, "") {
		return done, errors.New("prune rules: a rule without id")
	}
	w := ruleWalk{db: db, rules: map[string]bool{}, after: -1}
	for _, id := range p.Rules {
		w.rules[id] = true
	}
	if err = db.view(ctx, func(tx *txn) error { return w.count(tx, &done) }); err == nil && !p.DryRun && done.Removed > 0 {
		err = w.takeOut(ctx, p.Progress, int64(done.Removed))
	}
	if err != nil {
		return ttpcron.Committed{}, fmt.Errorf("prune rules: %w", err)
	}
	return done, nil
}

// ruleWalk walks through the tags of some rules.
type ruleWalk struct {
	db    *DB
	rules map[string]bool
	of    []bool // by claim, number 1 first

	after ttpcron.Day // days up to it are done
}

// count counts the tags, and finds their claims.
func (w *ruleWalk) count(tx *txn, done *ttpcron.Committed) error {
	claims, err := w.db.claims.all(tx)
	if err != nil {
		return err
	}
	w.of = make([]bool, len(claims))
	gone := map[uint32]int{}
	totals := tx.top(layout.Totals)
	for i, c := range claims {
		if w.of[i] = w.rules[c.RuleID]; !w.of[i] {
			continue
		}
		k := record.ClaimKey(record.RollupClaim, uint32(i+1))
		rec := totals.Get(k)
		if rec == nil {
			continue
		}
		t, err := record.ReadTotal(k, rec)
		if err != nil {
			return err
		}
		gone[uint32(i+1)] = t.Tags
	}
	countGone(done, gone, claims)
	return nil
}

func (w *ruleWalk) takeOut(ctx context.Context, progress func(Progress), total int64) error {
	if err := w.db.update(ctx, w.forget); err != nil {
		return err
	}
	for at := (Progress{Place: "tags", Total: total}); ; {
		var gone []goneTag
		if err := w.db.view(ctx, func(tx *txn) (err error) { gone, err = w.next(tx); return err }); err != nil || len(gone) == 0 {
			return err
		}
		if err := w.db.write(ctx, nil, nil, nil, gone, nil, nil); err != nil {
			return err
		}
		if at.Done += int64(len(gone)); progress != nil {
			progress(at)
		}
	}
}

// next finds the next tags, of some days or of a part of one.
func (w *ruleWalk) next(tx *txn) (gone []goneTag, err error) {
	most := reviewTags
	if w.db.taken > 0 {
		most = w.db.taken
	}
	rollups, tags := tx.top(layout.Rollups), tx.top(layout.Tags)
	c := rollups.Cursor()
	for name, _ := c.Seek(record.DayKey(w.after + 1)); name != nil; name, _ = c.Next() {
		day, ok := record.ParseDay(name)
		if !ok {
			return nil, record.Damagef("%x is no day", name)
		}
		if !w.in(rollups.Bucket(name)) {
			w.after = day
			continue
		}
		b := tags.Bucket(name)
		if b == nil {
			return nil, record.Damagef("the tags of %s are missing", day)
		}
		t := b.Cursor()
		for k, rec := t.First(); k != nil; k, rec = t.Next() {
			id, _, ok := record.PeekTag(rec)
			if !ok || id == 0 || uint64(id) > uint64(len(w.of)) || len(k) != len(record.TagKey{}) {
				return nil, record.Damagef("tag %x cannot be read", k)
			}
			if !w.of[id-1] {
				continue
			}
			if len(gone) == most {
				return gone, nil // the rest of the day is found when these are gone
			}
			gone = append(gone, goneTag{day, record.TagKey(k), id})
		}
		w.after = day
	}
	return gone, nil
}

// in reports whether the rollup of a day counts any of the tags.
func (w *ruleWalk) in(rollup *bucket) bool {
	c := rollup.Cursor()
	for k, _ := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim; k, _ = c.Next() {
		if id := binary.BigEndian.Uint32(k[1:]); id > 0 && uint64(id) <= uint64(len(w.of)) && w.of[id-1] {
			return true
		}
	}
	return false
}

// forget removes the rules from all coverage, and from the records of judged days.
func (w *ruleWalk) forget(tx *txn) error {
	without, err := w.sets(tx)
	if err != nil || len(without) == 0 {
		return err
	}
	all := tx.top(layout.Coverage)
	var changed []record.KindDay
	lists := map[record.KindDay][]ttpcron.Coverage{}
	err = all.ForEachBucket(func(kind []byte) error {
		return all.Bucket(kind).ForEach(func(k, rec []byte) error {
			day, _ := record.ParseDay(k)
			at := record.KindDay{Kind: ttpcron.SourceKind(kind), Day: day}
			list, err := record.ReadCoverage(at, rec)
			some := false
			for i := range list {
				if s, ok := without[list[i].RuleSet]; ok {
					list[i] = list[i].By(s.Fingerprint)
					some = true
				}
			}
			if some {
				changed = append(changed, at)
				lists[at] = list
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, at := range changed {
		if err := putCoverage(tx, at, lists[at]); err != nil {
			return err
		}
	}
	if err := w.forgetJudged(tx, without); err != nil {
		return err
	}
	var sets []*ttpcron.RuleSet
	for _, s := range without {
		if s.Fingerprint != "" {
			sets = append(sets, s)
		}
	}
	return putRuleSets(tx, sets)
}

// forgetJudged has days of base matches judged again by correlations that are among the
// rules.
func (w *ruleWalk) forgetJudged(tx *txn, without map[string]*ttpcron.RuleSet) error {
	var days []ttpcron.Day
	err := eachMatchDay(tx, func(day ttpcron.Day, m *record.MatchDay) {
		if without[m.Judged] != nil {
			days = append(days, day)
		}
	})
	if err != nil {
		return err
	}
	for _, day := range days {
		s, err := readMatches(tx, day)
		if err != nil {
			return err
		}
		s.Judged = without[s.Judged].Fingerprint
		if err := s.store(tx); err != nil {
			return fmt.Errorf("base matches of %s: %w", day, err)
		}
	}
	return nil
}

// sets returns the rule sets that have any of the rules, by fingerprint, without
// them; without fingerprint where none is left.
func (w *ruleWalk) sets(tx *txn) (map[string]*ttpcron.RuleSet, error) {
	without := map[string]*ttpcron.RuleSet{}
	err := tx.top(layout.RuleSets).ForEach(func(k, rec []byte) error {
		s, err := record.ReadRuleSet(k, rec)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(s.Rules), func(r ttpcron.RuleDef) bool { return w.rules[r.ID] })
		if len(left) == len(s.Rules) {
			return nil
		}
		set := ttpcron.NewRuleSet(left)
		if len(left) == 0 {
			set.Fingerprint = ""
		}
		without[s.Fingerprint] = &set
		return nil
	})
	return without, err
}
