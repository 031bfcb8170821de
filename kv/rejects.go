package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
)

// MaxRejects is how many rejects are kept; the oldest are dropped and counted.
const MaxRejects = 10_000

// The longest texts of a reject that are kept, in bytes, beside
// ttpcron.MaxExcerpt.
const (
	maxRejectName   = 4096
	maxRejectReason = 1024
)

// Rejects yields the rejects that are kept, in the order in which they were
// stored. An error ends the sequence.
func (db *DB) Rejects(ctx context.Context) iter.Seq2[ttpcron.Reject, error] {
	return func(yield func(ttpcron.Reject, error) bool) {
		for after := uint64(0); ; {
			page, last, err := db.RejectPage(ctx, after)
			if err != nil {
				yield(ttpcron.Reject{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
			after = last
		}
	}
}

// RejectPage reads some of the rejects that are kept, in the order of Rejects,
// after a number, and returns the number of the last. They begin after 0, and
// none are left when it returns none.
func (db *DB) RejectPage(ctx context.Context, after uint64) (page []ttpcron.Reject, last uint64, err error) {
	const pageRejects = 100
	err = db.view(ctx, func(tx *txn) error {
		c := tx.Bucket(bucketRejects).Cursor()
		for k, rec := c.Seek(numberKey(after + 1)); k != nil && len(page) < pageRejects; k, rec = c.Next() {
			r, err := readReject(k, rec)
			if err != nil {
				return err
			}
			page, last = append(page, r), binary.BigEndian.Uint64(k)
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list rejects: %w", err)
	}
	return page, last, nil
}

// RejectsDropped counts the rejects that were dropped to keep the list short.
func (db *DB) RejectsDropped(ctx context.Context) (int, error) {
	dropped := 0
	err := db.view(ctx, func(tx *txn) (err error) {
		_, dropped, err = countRejects(tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count rejects: %w", err)
	}
	return dropped, nil
}

// countRejects counts the rejects kept and dropped: they are numbered from 1
// without gaps, and the oldest go first.
func countRejects(tx *txn) (kept, dropped int, err error) {
	b := tx.Bucket(bucketRejects)
	k, _ := b.Cursor().First()
	if k == nil {
		return 0, int(b.Sequence()), nil
	}
	if len(k) != 8 {
		return 0, 0, damagef("%x is no number of a reject", k)
	}
	first := binary.BigEndian.Uint64(k)
	return int(b.Sequence() - first + 1), int(first - 1), nil
}

// addRejects stores rejects and drops the oldest over MaxRejects.
func addRejects(tx *txn, rejects []ttpcron.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	b := tx.Bucket(bucketRejects)
	b.fill(ascendingFill)
	number := b.Sequence()
	if over := len(rejects) - MaxRejects; over > 0 {
		rejects = rejects[over:]
		number += uint64(over)
	}
	for i := range rejects {
		number++
		k := numberKey(number)
		if err := b.Put(k, appendReject(nil, k, &rejects[i])); err != nil {
			return err
		}
	}
	if err := b.SetSequence(number); err != nil {
		return err
	}
	c := b.Cursor()
	for k, _ := c.First(); len(k) == 8 && binary.BigEndian.Uint64(k)+MaxRejects <= number; k, _ = c.First() {
		if err := b.Delete(bytes.Clone(k)); err != nil {
			return err
		}
	}
	return nil
}

func appendReject(dst, key []byte, r *ttpcron.Reject) []byte {
	dst = appendText(beginRecord(dst), cut(r.File, maxRejectName))
	dst = appendInt(dst, r.Line)
	dst = appendText(dst, cut(r.Format, maxRejectName))
	dst = appendText(dst, cut(r.Reason, maxRejectReason))
	dst = appendText(dst, string(r.Excerpt[:min(len(r.Excerpt), ttpcron.MaxExcerpt)]))
	return endRecord(appendTime(dst, r.At), key)
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

func readReject(key, rec []byte) (out ttpcron.Reject, err error) {
	if len(key) != 8 {
		return out, damagef("%x is no number of a reject", key)
	}
	r, err := openRecord(rec, key)
	if err == nil {
		out = ttpcron.Reject{File: r.text(), Line: r.int(), Format: r.text(), Reason: r.text(), Excerpt: []byte(r.text()), At: r.time()}
		err = r.finish()
	}
	if err != nil {
		return ttpcron.Reject{}, fmt.Errorf("reject %x: %w", key, err)
	}
	return out, nil
}
