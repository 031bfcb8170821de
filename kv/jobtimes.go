package kv

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// keyJobs is the record of when scheduled jobs last began, all of them in one.
var keyJobs = []byte("jobs")

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
	rec := binary.AppendUvarint(beginRecord(nil), uint64(len(times)))
	for _, name := range slices.Sorted(maps.Keys(times)) {
		rec = appendTime(appendText(rec, name), times[name])
	}
	rec = endRecord(rec, keyJobs)
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.update(ctx, func(tx *txn) error { return tx.Bucket(bucketMeta).Put(keyJobs, rec) })
	if err != nil {
		return fmt.Errorf("set times of jobs: %w", err)
	}
	return nil
}

func jobTimes(tx *txn) (map[string]time.Time, error) {
	rec := tx.Bucket(bucketMeta).Get(keyJobs)
	if rec == nil {
		return map[string]time.Time{}, nil
	}
	r, err := openRecord(rec, keyJobs)
	if err != nil {
		return nil, err
	}
	times := readJobTimes(&r)
	return times, r.finish()
}

func readJobTimes(r *reader) map[string]time.Time {
	times := map[string]time.Time{}
	for range r.count(1 << 20) {
		name := r.text()
		times[name] = r.time()
	}
	return times
}
