package kv

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// FileLooks returns what is remembered of the files at some paths, in their order, with a
// zero look for unknown files.
func (db *DB) FileLooks(ctx context.Context, paths []string) ([]ttpcron.FileLook, error) {
	looks := make([]ttpcron.FileLook, len(paths))
	err := db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.Looks)
		if b == nil {
			return nil
		}
		for i, path := range paths {
			key := record.LookKey(&db.secret, path)
			if rec := b.Get(key); rec != nil {
				l, err := record.ReadLook(key, rec)
				if err != nil {
					return err
				}
				if l.Path == path {
					looks[i] = l
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d files: %w", len(paths), err)
	}
	return looks, nil
}

// KeepLooks remembers how files look, in one transaction, and that their positions
// were seen then.
func (db *DB) KeepLooks(ctx context.Context, looks []ttpcron.FileLook) error {
	if len(looks) == 0 {
		return nil
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.update(ctx, func(tx *txn) error {
		b, err := tx.CreateBucketIfNotExists([]byte(layout.Looks))
		if err != nil {
			return err
		}
		for i := range looks {
			l := &looks[i]
			key := record.LookKey(&db.secret, l.Path)
			if b.Get(key) == nil {
				if b.Sequence() >= hardFiles {
					continue
				}
				if err := b.SetSequence(b.Sequence() + 1); err != nil {
					return err
				}
			}
			if err := b.Put(key, record.AppendLook(nil, key, l)); err != nil {
				return err
			}
			if err := db.seen(tx, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the looks of %d files: %w", len(looks), err)
	}
	return nil
}

// seen records in a file's position that the file was seen.
func (db *DB) seen(tx *txn, l *ttpcron.FileLook) error {
	if l.PositionFormat == "" {
		return nil
	}
	b := tx.top(layout.Positions)
	key := record.PositionKey(&db.secret, l.PositionFormat, l.PositionHead)
	rec := b.Get(key)
	if rec == nil {
		return nil
	}
	m, err := record.ReadPosition(key, rec)
	if err != nil || !m.SeenAt.Before(l.SeenAt) {
		return err
	}
	m.SeenAt = l.SeenAt
	return b.Put(key, record.AppendPosition(nil, key, &m))
}

// ForgetFiles drops looks and positions beyond MaxFilePositions of each, the least recently
// seen first, but none seen at or after a time. It returns how many it dropped. If there
// are too many, it reads all of them once, and needs 16 bytes for each that may be dropped.
func (db *DB) ForgetFiles(ctx context.Context, seenBefore time.Time) (dropped int, err error) {
	for _, in := range []struct {
		bucket string
		seenAt func(k, rec []byte) (time.Time, error)
	}{
		{layout.Positions, func(k, rec []byte) (time.Time, error) { m, err := record.ReadPosition(k, rec); return m.SeenAt, err }},
		{layout.Looks, func(k, rec []byte) (time.Time, error) { l, err := record.ReadLook(k, rec); return l.SeenAt, err }},
	} {
		n, err := db.forget(ctx, in.bucket, seenBefore, in.seenAt)
		if dropped += n; err != nil {
			return dropped, fmt.Errorf("forget files: %w", err)
		}
	}
	return dropped, nil
}

func (db *DB) forget(ctx context.Context, name string, before time.Time, seenAt func(k, rec []byte) (time.Time, error)) (int, error) {
	type seen struct{ key, at uint64 }
	var old []seen
	over := 0
	err := db.view(ctx, func(tx *txn) error {
		b := tx.top(name)
		if b == nil || b.Sequence() <= uint64(maxFilePositions) {
			return nil
		}
		over = int(b.Sequence()) - maxFilePositions
		return b.ForEach(func(k, rec []byte) error {
			at, err := seenAt(k, rec)
			if err == nil && at.Before(before) && len(k) == 8 {
				old = append(old, seen{binary.BigEndian.Uint64(k), uint64(at.UnixNano()) ^ 1<<63})
			}
			return err
		})
	})
	if err != nil || over == 0 {
		return 0, err
	}
	slices.SortFunc(old, func(a, b seen) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	// A tenth more, so that the next file does not make all be read again.
	old = old[:min(len(old), over+maxFilePositions/10)]
	db.writing.Lock()
	defer db.writing.Unlock()
	n := 0
	for part := range slices.Chunk(old, 10_000) {
		err := db.update(ctx, func(tx *txn) error {
			b := tx.top(name)
			gone := 0
			for _, s := range part {
				key := record.NumberKey(s.key)
				if b.Get(key) == nil {
					continue
				}
				if err := b.Delete(key); err != nil {
					return err
				}
				gone++
			}
			n += gone
			return b.SetSequence(b.Sequence() - uint64(gone))
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
