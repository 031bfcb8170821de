package kv

import (
	"bytes"
	"context"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

func (db *DB) planPruneTags(ctx context.Context, before ttpcron.Day, report *PruneReport) (plan []prunePart, err error) {
	err = db.view(ctx, func(tx *txn) error {
		var group [][]byte
		n := 0
		flush := func() {
			if days := group; len(days) > 0 {
				plan = append(plan, prunePart{"tags", len(days), func(tx *txn) error { return pruneTagDays(tx, days) }})
			}
			group, n = nil, 0
		}
		rollups := tx.top(layout.Rollups)
		c := rollups.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			day, ok := record.ParseDay(k)
			if !ok {
				return record.Damagef("%x is no day", k)
			}
			if day >= before {
				break
			}
			tags := 0
			err := eachClaim(rollups.Bucket(k), k, func(_ uint32, t record.Tally) { tags += t.Tags })
			if err != nil {
				return err
			}
			if report.TagDays == 0 {
				report.FirstTagDay = day
			}
			group = append(group, bytes.Clone(k))
			report.TagDays++
			report.Tags += tags
			if n += tags; n >= pruneTags || len(group) == pruneDays {
				flush()
			}
		}
		flush()
		return nil
	})
	return plan, err
}

// pruneTagDays takes out the tags of the earliest days.
func pruneTagDays(tx *txn, days [][]byte) error {
	gone := map[uint32]int{}
	rollups, tags := tx.top(layout.Rollups), tx.top(layout.Tags)
	for _, day := range days {
		if err := eachClaim(rollups.Bucket(day), day, func(id uint32, t record.Tally) { gone[id] += t.Tags }); err != nil {
			return err
		}
		if err := rollups.DeleteBucket(day); err != nil {
			return err
		}
		if err := tags.DeleteBucket(day); err != nil {
			return err
		}
	}
	n, err := tagDays(tx)
	if err != nil {
		return err
	}
	if err := putTagDays(tx, n-len(days)); err != nil {
		return err
	}
	return subtractTotals(tx, gone)
}

// subtractTotals takes the tags that are gone out of the totals of their claims,
// and finds the first that is left of each.
func subtractTotals(tx *txn, gone map[uint32]int) error {
	totals, rollups := tx.top(layout.Totals), tx.top(layout.Rollups)
	left := map[uint32]record.TagTotal{}
	for id, n := range gone {
		k := record.ClaimKey(record.RollupClaim, id)
		rec := totals.Get(k)
		if rec == nil {
			return record.Damagef("total of claim %d is missing", id)
		}
		t, err := record.ReadTotal(k, rec)
		if err != nil {
			return err
		}
		if t.Tags -= n; t.Tags < 0 {
			return record.Damagef("total of claim %d is too small", id)
		}
		if err := totals.Delete(k); err != nil {
			return err
		}
		if t.Tags > 0 {
			left[id] = t
		}
	}
	c := rollups.Cursor()
	for name, _ := c.First(); name != nil && len(left) > 0; name, _ = c.Next() {
		day, _ := record.ParseDay(name)
		for id, t := range left {
			k := record.ClaimKey(record.RollupClaim, id)
			rec := rollups.Bucket(name).Get(k)
			if rec == nil {
				continue
			}
			first, err := record.ReadTally(rec, name, k)
			if err != nil {
				return err
			}
			t.First = record.TimeOf(day, first.First)
			delete(left, id)
			if err := addTotal(totals, k, t); err != nil {
				return err
			}
		}
	}
	if len(left) > 0 {
		return record.Damage("totals of claims count tags that are not there")
	}
	return nil
}
