package kv

import (
	"context"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// JobTimes returns when each scheduled job last began.
func (db *DB) JobTimes(ctx context.Context) (map[string]time.Time, error) {
	var times map[string]time.Time
	err := db.view(ctx, func(tx *txn) (err error) {
		times, err = jobTimes(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("times of jobs: %w", err)
	}
	return times, nil
}

// SetJobTimes replaces the times of all jobs.
func (db *DB) SetJobTimes(ctx context.Context, times map[string]time.Time) error {
	rec := record.AppendJobTimes(nil, times)
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.update(ctx, func(tx *txn) error { return tx.top(layout.Meta).Put(record.KeyJobs, rec) })
	if err != nil {
		return fmt.Errorf("set times of jobs: %w", err)
	}
	return nil
}

func jobTimes(tx *txn) (map[string]time.Time, error) {
	rec := tx.top(layout.Meta).Get(record.KeyJobs)
	if rec == nil {
		return map[string]time.Time{}, nil
	}
	return record.ReadJobTimes(rec)
}
