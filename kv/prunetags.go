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

// pruneTagDays removes the tags of days.
func pruneTagDays(tx *txn, days [][]byte) error {
	changed := claimChanges{}
	for _, day := range days {
		if err := eachClaim(tx.top(layout.Rollups).Bucket(day), day, func(id uint32, t record.Tally) { changed[id] -= t.Tags }); err != nil {
			return err
		}
	}
	if err := dropTagDays(tx, days); err != nil {
		return err
	}
	return changeTotals(tx, changed)
}

// dropTagDays removes the tags of days, with the days' counts of them.
func dropTagDays(tx *txn, days [][]byte) error {
	rollups, tags := tx.top(layout.Rollups), tx.top(layout.Tags)
	for _, day := range days {
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
	return putTagDays(tx, n-len(days))
}
