package kv

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// addTotal adds to a count of the whole store.
func addTotal(b *bucket, key []byte, t record.TagTotal) error {
	if rec := b.Get(key); rec != nil {
		old, err := record.ReadTotal(key, rec)
		if err != nil {
			return err
		}
		t.Add(old)
	}
	return b.Put(key, record.AppendTotal(nil, key, t))
}

// addKindTotal adds events and days to the counts of a kind.
func addKindTotal(tx *txn, kind ttpcron.SourceKind, t record.KindTotal) error {
	b := tx.top(layout.Totals)
	key := record.KindTotalKey(kind)
	if rec := b.Get(key); rec != nil {
		old, err := record.ReadKindTotal(key, rec)
		if err != nil {
			return err
		}
		t.Add(old)
	}
	return b.Put(key, record.AppendKindTotal(nil, key, t))
}

// tagDays returns the number of days on which there are tags.
func tagDays(tx *txn) (int, error) {
	rec := tx.top(layout.Totals).Get(record.KeyTagDays)
	if rec == nil {
		return 0, nil
	}
	return record.ReadTagDays(rec)
}

func putTagDays(tx *txn, n int) error {
	return tx.top(layout.Totals).Put(record.KeyTagDays, record.AppendTagDays(nil, n))
}
