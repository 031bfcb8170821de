package kv

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// RuleSet returns the rules that were in force under a fingerprint, and false if the store
// does not know it. The store knows every fingerprint named by a day's coverage or by the
// judging of its base matches.
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

// putRuleSets stores rule sets and drops those that neither coverage nor a day of base
// matches names.
func putRuleSets(tx *txn, sets []*ttpcron.RuleSet) error {
	b := tx.top(layout.RuleSets)
	named := map[string]bool{}
	for _, s := range sets {
		named[s.Fingerprint] = true
	}
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
	if err == nil {
		err = eachMatchDay(tx, func(_ ttpcron.Day, m *record.MatchDay) { named[m.Judged] = true })
	}
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
	for _, s := range sets {
		if err := b.Put([]byte(s.Fingerprint), record.AppendRuleSet(nil, s)); err != nil {
			return err
		}
	}
	return nil
}
