package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron"
)

// Cursors lists the checkpoints, in the order of their kinds.
func (db *DB) Cursors(ctx context.Context) ([]ttpcron.Cursor, error) {
	var cursors []ttpcron.Cursor
	err := db.view(ctx, func(tx *txn) error {
		return tx.Bucket(bucketCursors).ForEach(func(k, rec []byte) error {
			c, err := readCursor(k, rec)
			cursors = append(cursors, c)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	return cursors, nil
}

// SetCursor replaces the checkpoint of a kind. Coverage stays.
func (db *DB) SetCursor(ctx context.Context, c ttpcron.Cursor) error {
	_, err := db.Commit(ctx, ttpcron.Commit{Cursors: []ttpcron.Cursor{c}})
	return err
}

// DeleteCursor forgets the checkpoint of a kind and the coverage of its days, so
// that the next run looks at everything again. Tags stay.
func (db *DB) DeleteCursor(ctx context.Context, kind ttpcron.SourceKind) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.update(ctx, func(tx *txn) error {
		if err := tx.Bucket(bucketCursors).Delete([]byte(kind)); err != nil {
			return err
		}
		err := tx.Bucket(bucketCoverage).DeleteBucket([]byte(kind))
		if errors.Is(err, berrors.ErrBucketNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reset checkpoint of %s: %w", kind, err)
	}
	return nil
}

func putCursor(tx *txn, c *ttpcron.Cursor) error {
	return tx.Bucket(bucketCursors).Put([]byte(c.Kind), appendCursor(nil, c))
}

func appendCursor(dst []byte, c *ttpcron.Cursor) []byte {
	dst = binary.AppendUvarint(beginRecord(dst), c.Seq)
	dst = appendText(appendTime(dst, c.UpdatedAt), c.RunID)
	return endRecord(dst, []byte(c.Kind))
}

func readCursor(key, rec []byte) (c ttpcron.Cursor, err error) {
	r, err := openRecord(rec, key)
	if err == nil {
		c = ttpcron.Cursor{Kind: ttpcron.SourceKind(key), Seq: r.uvarint(), UpdatedAt: r.time(), RunID: r.text()}
		err = r.finish()
	}
	if err != nil {
		return ttpcron.Cursor{}, fmt.Errorf("checkpoint of %s: %w", key, err)
	}
	return c, nil
}

func putCoverage(tx *txn, k kindDay, list []ttpcron.Coverage) error {
	b, err := tx.Bucket(bucketCoverage).CreateBucketIfNotExists([]byte(k.kind))
	if err != nil {
		return err
	}
	return b.Put(dayKey(k.day), appendCoverage(nil, k, list))
}

// appendCoverage appends the record of a day's coverage: one part after the
// other.
func appendCoverage(dst []byte, k kindDay, list []ttpcron.Coverage) []byte {
	dst = beginRecord(dst)
	for i := range list {
		c := &list[i]
		dst = binary.AppendUvarint(appendText(dst, c.RuleSet), c.UpTo)
		for _, n := range [...]int{c.Events, c.Tagged, c.Tags, c.Skipped, c.Bounded} {
			dst = appendInt(dst, n)
		}
		if len(list) == 1 && c.After == 0 && c.Since.IsZero() && !c.Uncounted {
			break // the usual case, and all that the first records could say
		}
		dst = appendTime(binary.AppendUvarint(dst, c.After), c.Since)
		dst = appendBool(dst, c.Uncounted)
	}
	return endRecord(dst, []byte(k.kind), dayKey(k.day))
}

// readCoverage reads the coverage of a kind and day; a missing record is none.
func readCoverage(k kindDay, rec []byte) (list []ttpcron.Coverage, err error) {
	if rec == nil {
		return nil, nil
	}
	r, err := openRecord(rec, []byte(k.kind), dayKey(k.day))
	for err == nil && len(r.rest) > 0 {
		c := ttpcron.Coverage{Kind: k.kind, Day: k.day, RuleSet: r.text(), UpTo: r.uvarint()}
		for _, n := range [...]*int{&c.Events, &c.Tagged, &c.Tags, &c.Skipped, &c.Bounded} {
			*n = r.int()
		}
		if len(r.rest) > 0 {
			c.After, c.Since, c.Uncounted = r.uvarint(), r.time(), r.bool()
		}
		list, err = append(list, c), r.err
	}
	if err != nil {
		return nil, fmt.Errorf("coverage of %s events of %s: %w", k.kind, k.day, err)
	}
	return list, nil
}
