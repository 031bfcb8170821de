package kv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// RuleSet returns the rules that were in force under a fingerprint, and false
// when the store does not know it. The store knows every fingerprint that the
// coverage of some day names.
func (db *DB) RuleSet(ctx context.Context, fingerprint string) (set ttpcron.RuleSet, ok bool, err error) {
	err = db.view(ctx, func(tx *txn) error {
		key := []byte(fingerprint)
		rec := tx.top(layout.RuleSets).Get(key)
		if rec == nil {
			return nil
		}
		ok = true
		var err error
		set, err = record.ReadRuleSet(key, rec)
		return err
	})
	if err != nil {
		return ttpcron.RuleSet{}, false, fmt.Errorf("rule set %q: %w", fingerprint, err)
	}
	return set, ok, nil
}

// newCoverage returns the records of the coverage that differs from what is
// stored, and of its rule set when that is not stored.
func newCoverage(tx *txn, c ttpcron.Commit) (companions []companion, err error) {
	var order []record.KindDay
	days := map[record.KindDay][]ttpcron.Coverage{}
	for _, v := range c.Coverage {
		if v.Kind == "" || v.Day < 0 {
			return nil, fmt.Errorf("coverage of kind %q and day %d", v.Kind, v.Day)
		}
		k := record.KindDay{Kind: v.Kind, Day: v.Day}
		if days[k] == nil {
			order = append(order, k)
		}
		days[k] = append(days[k], v)
	}
	for _, k := range order {
		var old []byte
		if b := tx.top(layout.Coverage).Bucket([]byte(k.Kind)); b != nil {
			old = b.Get(record.DayKey(k.Day))
		}
		if !bytes.Equal(old, record.AppendCoverage(nil, k, days[k])) {
			companions = append(companions, companion{put: func(tx *txn) error { return putCoverage(tx, k, days[k]) }})
		}
	}
	if c.RuleSet == nil || c.RuleSet.Fingerprint == "" {
		return companions, nil
	}
	if tx.top(layout.RuleSets).Get([]byte(c.RuleSet.Fingerprint)) == nil {
		companions = append(companions, companion{put: func(tx *txn) error { return putRuleSet(tx, c.RuleSet) }})
	}
	return companions, nil
}

// putRuleSet stores a rule set and drops those that no coverage names any more.
func putRuleSet(tx *txn, s *ttpcron.RuleSet) error {
	b := tx.top(layout.RuleSets)
	named := map[string]bool{s.Fingerprint: true}
	all := tx.top(layout.Coverage)
	err := all.ForEachBucket(func(kind []byte) error {
		return all.Bucket(kind).ForEach(func(k, rec []byte) error {
			day, _ := record.ParseDay(k)
			list, err := record.ReadCoverage(record.KindDay{Kind: ttpcron.SourceKind(kind), Day: day}, rec)
			for i := range list {
				named[list[i].RuleSet] = true
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	var unused [][]byte
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if !named[string(k)] {
			unused = append(unused, bytes.Clone(k))
		}
	}
	for _, k := range unused {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return b.Put([]byte(s.Fingerprint), record.AppendRuleSet(nil, s))
}

// VersionCount counts the tags of one version of one rule.
type VersionCount struct {
	RuleID  string
	Version int
	Tags    int
	Retired bool // the tags are hidden
}

// RuleVersions counts tags by rule and version, in that order, those of retired
// rules too.
func (db *DB) RuleVersions(ctx context.Context) ([]VersionCount, error) {
	var out []VersionCount
	err := db.view(ctx, func(tx *txn) error {
		hidden, err := db.hidden(tx)
		if err != nil {
			return err
		}
		counts := map[VersionCount]int{}
		c := tx.top(layout.Totals).Cursor()
		for k, rec := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim; k, rec = c.Next() {
			t, err := record.ReadTotal(k, rec)
			if err != nil {
				return err
			}
			id := binary.BigEndian.Uint32(k[1:])
			cl, err := db.claims.get(tx, id)
			if err != nil {
				return err
			}
			counts[VersionCount{RuleID: cl.RuleID, Version: cl.RuleVersion, Retired: hidden.has(id)}] += t.Tags
		}
		for v, n := range counts {
			v.Tags = n
			out = append(out, v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count tags by version: %w", err)
	}
	slices.SortFunc(out, func(a, b VersionCount) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Version, b.Version))
	})
	return out, nil
}
