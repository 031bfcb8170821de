package kv

import (
	"bytes"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// newCoverage returns the records of the coverage that differs from what is stored, and of
// the rule sets that are missing.
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
	var sets []*ttpcron.RuleSet
	for i := range c.RuleSets {
		if s := &c.RuleSets[i]; s.Fingerprint != "" && tx.top(layout.RuleSets).Get([]byte(s.Fingerprint)) == nil {
			sets = append(sets, s)
		}
	}
	if len(sets) > 0 {
		companions = append(companions, companion{put: func(tx *txn) error { return putRuleSets(tx, sets) }})
	}
	return companions, nil
}

func putCoverage(tx *txn, k record.KindDay, list []ttpcron.Coverage) error {
	b, err := tx.top(layout.Coverage).CreateBucketIfNotExists([]byte(k.Kind))
	if err != nil {
		return err
	}
	return b.Put(record.DayKey(k.Day), record.AppendCoverage(nil, k, list))
}
