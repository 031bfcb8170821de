package kv

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MaxFilePositions is how many read positions, and how many looks of files, are kept
// beyond those of files seen in the last scan; those seen longest ago are dropped
// by ForgetFiles. A position takes about 150 bytes, a look about 300.
const MaxFilePositions = 500_000

// maxFilePositions is MaxFilePositions but in tests.
var maxFilePositions = MaxFilePositions

// hardFiles is the absolute limit: no scan sees more files.
const hardFiles = 3 * MaxFilePositions

// FilePositions lists the positions of all files, most recently seen first. There is one
// position for each format, head and head length, wherever the file is.
func (db *DB) FilePositions(ctx context.Context) ([]ttpcron.FilePosition, error) {
	var positions []ttpcron.FilePosition
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.Positions).ForEach(func(k, rec []byte) error {
			m, err := record.ReadPosition(k, rec)
			positions = append(positions, m)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list read positions: %w", err)
	}
	slices.SortStableFunc(positions, func(a, b ttpcron.FilePosition) int { return b.SeenAt.Compare(a.SeenAt) })
	return positions, nil
}

// HeadLengths lists the head lengths of the stored positions, ascending. It reads all
// positions when it is first called.
func (db *DB) HeadLengths(ctx context.Context) ([]int, error) {
	db.lengthsMu.Lock()
	defer db.lengthsMu.Unlock()
	if db.lengths == nil {
		db.lengthsMu.Unlock()
		db.writing.Lock() // what a transaction adds is seen when it has ended
		defer db.writing.Unlock()
		db.lengthsMu.Lock()
	}
	if db.lengths == nil {
		all := map[int]bool{}
		err := db.view(ctx, func(tx *txn) error {
			return tx.top(layout.Positions).ForEach(func(k, rec []byte) error {
				m, err := record.ReadPosition(k, rec)
				all[m.HeadLen] = true
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("list read positions: %w", err)
		}
		db.lengths = all
	}
	return slices.Sorted(maps.Keys(db.lengths)), nil
}

// PositionFormats lists the formats that have positions, by name. It reads all positions.
func (db *DB) PositionFormats(ctx context.Context) ([]string, error) {
	formats := map[string]bool{}
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.Positions).ForEach(func(k, rec []byte) error {
			m, err := record.ReadPosition(k, rec)
			formats[m.Format] = true
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the formats of read positions: %w", err)
	}
	return slices.Sorted(maps.Keys(formats)), nil
}

// FindPositions returns the positions of a format with one of these heads.
func (db *DB) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	var positions []ttpcron.FilePosition
	err := db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.Positions)
		for _, head := range heads {
			key := record.PositionKey(&db.secret, format, head)
			rec := b.Get(key)
			if rec == nil {
				continue
			}
			m, err := record.ReadPosition(key, rec)
			if err != nil {
				return err
			}
			if m.Format == format && m.Head == head.Sum && m.HeadLen == head.Length {
				positions = append(positions, m)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up read positions: %w", err)
	}
	return positions, nil
}

// hasPosition reports whether a position is stored, whatever its time.
func (db *DB) hasPosition(tx *txn, m *ttpcron.FilePosition) bool {
	key := record.PositionKey(&db.secret, m.Format, record.HeadOf(m))
	rec := tx.top(layout.Positions).Get(key)
	if rec == nil {
		return false
	}
	old, err := record.ReadPosition(key, rec)
	old.SeenAt = m.SeenAt
	return err == nil && old == *m
}

// putPosition stores a position. The bucket's sequence counts the positions.
func (db *DB) putPosition(tx *txn, m *ttpcron.FilePosition) error {
	b := tx.top(layout.Positions)
	key := record.PositionKey(&db.secret, m.Format, record.HeadOf(m))
	if b.Get(key) == nil {
		if b.Sequence() >= hardFiles {
			return nil // a position only saves time
		}
		if err := b.SetSequence(b.Sequence() + 1); err != nil {
			return err
		}
	}
	db.lengthsMu.Lock()
	if db.lengths != nil {
		db.lengths[m.HeadLen] = true
	}
	db.lengthsMu.Unlock()
	return b.Put(key, record.AppendPosition(nil, key, m))
}
