package kv

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MaxRuns is how many runs are remembered; the oldest are dropped.
const MaxRuns = 1000

// farAhead is how far in the future a run may have begun before its clock counts as wrong.
const farAhead = time.Hour

// Runs lists runs, newest first; limit 0 lists all that are remembered. Those that
// began in the future, under a clock that was wrong, come last.
func (db *DB) Runs(ctx context.Context, limit int) ([]ttpcron.Run, error) {
	var runs, ahead []ttpcron.Run
	now := db.now()
	err := db.view(ctx, func(tx *txn) error {
		c := tx.top(layout.Runs).Cursor()
		for k, rec := c.Last(); k != nil && (limit == 0 || len(runs) < limit); k, rec = c.Prev() {
			r, err := record.ReadRun(k, rec)
			if err != nil {
				return err
			}
			if r.Started.Sub(now) > farAhead {
				ahead = append(ahead, r)
			} else {
				runs = append(runs, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	if runs = append(runs, ahead...); limit > 0 {
		runs = runs[:min(limit, len(runs))]
	}
	return runs, nil
}

// putRun stores a run. The bucket's sequence counts the runs.
func putRun(tx *txn, r *ttpcron.Run) error {
	b := tx.top(layout.Runs)
	key := []byte(r.ID)
	if b.Get(key) == nil {
		n := b.Sequence() + 1
		for ; n > MaxRuns; n-- {
			if err := b.Delete(farthest(b, r)); err != nil {
				return err
			}
		}
		if err := b.SetSequence(n); err != nil {
			return err
		}
	}
	return b.Put(key, record.AppendRun(nil, r))
}

// farthest returns the key of the first run or of the last, whichever began farther from a
// new one: runs under a clock that was wrong for a while must not displace those under a
// right one.
func farthest(b *bucket, r *ttpcron.Run) []byte {
	c := b.Cursor()
	first, rec := c.First()
	first = bytes.Clone(first)
	before, berr := record.ReadRun(first, rec)
	last, rec := c.Last()
	after, aerr := record.ReadRun(last, rec)
	if berr == nil && aerr == nil && after.Started.Sub(r.Started).Abs() > r.Started.Sub(before.Started).Abs() {
		return bytes.Clone(last)
	}
	return first
}
