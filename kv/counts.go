package kv

import (
	"encoding/binary"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
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

func addClaimTotals(tx *txn, total map[uint32]record.TagTotal, newDays int) error {
	b := tx.top(layout.Totals)
	for id, t := range total {
		k := record.ClaimKey(record.RollupClaim, id)
		if err := addTotal(b, k, t); err != nil {
			return err
		}
	}
	if newDays == 0 {
		return nil
	}
	days, err := tagDays(tx)
	if err != nil {
		return err
	}
	return putTagDays(tx, days+newDays)
}

// storeRollup adds the counts of a day to its bucket.
func storeRollup(d *rollup.Day, b *bucket, day []byte) error {
	for id, t := range d.Claims {
		k := record.ClaimKey(record.RollupClaim, id)
		if rec := b.Get(k); rec != nil {
			old, err := record.ReadTally(rec, day, k)
			if err != nil {
				return err
			}
			t.Add(old)
		}
		if err := b.Put(k, record.AppendTally(nil, t, day, k)); err != nil {
			return err
		}
	}
	for _, hash := range sortedKeys(d.Attackers) {
		a, k := *d.Attackers[hash], record.HashKey(record.RollupAttacker, hash)
		if rec := b.Get(k); rec != nil {
			old, err := record.ReadAttacker(rec, day, k)
			if err != nil {
				return err
			}
			old.Add(a.Tally, a.Shown)
			a = old
		}
		if err := b.Put(k, record.AppendAttacker(nil, a, day, k)); err != nil {
			return err
		}
	}
	for _, hash := range sortedKeys(d.Aliases) {
		span, k := *d.Aliases[hash], record.HashKey(record.RollupAlias, hash)
		if rec := b.Get(k); rec != nil {
			old, err := record.ReadAlias(rec, day, k)
			if err != nil {
				return err
			}
			if old.Covers(span) {
				continue
			}
			span = span.Join(old)
		}
		if err := b.Put(k, record.AppendAlias(nil, span, day, k)); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// eachClaim calls do for the claims that a day's rollup counts.
func eachClaim(b *bucket, day []byte, do func(id uint32, t record.Tally)) error {
	c := b.Cursor()
	for k, rec := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim; k, rec = c.Next() {
		t, err := record.ReadTally(rec, day, k)
		if err != nil {
			return err
		}
		do(binary.BigEndian.Uint32(k[1:]), t)
	}
	return nil
}
