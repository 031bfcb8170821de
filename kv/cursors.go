package kv

import (
	"context"
	"errors"
	"fmt"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Cursors lists the checkpoints, in the order of their kinds.
func (db *DB) Cursors(ctx context.Context) ([]ttpcron.Cursor, error) {
	var cursors []ttpcron.Cursor
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.Cursors).ForEach(func(k, rec []byte) error {
			c, err := record.ReadCursor(k, rec)
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
		if err := tx.top(layout.Cursors).Delete([]byte(kind)); err != nil {
			return err
		}
		err := tx.top(layout.Coverage).DeleteBucket([]byte(kind))
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
	return tx.top(layout.Cursors).Put([]byte(c.Kind), record.AppendCursor(nil, c))
}
