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

// MaxFilePositions is how many file marks, and how many looks of files, are kept
// beyond those of files seen in the last scan; those seen longest ago are dropped
// by ForgetFiles. A mark takes about 150 bytes, a look about 300.
const MaxFilePositions = 500_000

// maxFilePositions is MaxFilePositions but in tests.
var maxFilePositions = MaxFilePositions

// hardFiles is how many there are at most: no scan sees more files.
const hardFiles = 3 * MaxFilePositions

// FilePositions lists the marks of all files, the one seen last first. There is one
// mark for each format, head and length of head, wherever the file lies.
func (db *DB) FilePositions(ctx context.Context) ([]ttpcron.FilePosition, error) {
	var marks []ttpcron.FilePosition
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.Marks).ForEach(func(k, rec []byte) error {
			m, err := record.ReadMark(k, rec)
			marks = append(marks, m)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list file marks: %w", err)
	}
	slices.SortStableFunc(marks, func(a, b ttpcron.FilePosition) int { return b.SeenAt.Compare(a.SeenAt) })
	return marks, nil
}

// HeadLengths lists the lengths of head that marks have, ascending. It reads all
// marks when it is first called.
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
			return tx.top(layout.Marks).ForEach(func(k, rec []byte) error {
				m, err := record.ReadMark(k, rec)
				all[m.HeadLen] = true
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("list file marks: %w", err)
		}
		db.lengths = all
	}
	return slices.Sorted(maps.Keys(db.lengths)), nil
}

// FindPositions returns the marks of a format with one of these heads.
func (db *DB) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	var marks []ttpcron.FilePosition
	err := db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.Marks)
		for _, head := range heads {
			key := record.MarkKey(&db.secret, format, head)
			rec := b.Get(key)
			if rec == nil {
				continue
			}
			m, err := record.ReadMark(key, rec)
			if err != nil {
				return err
			}
			if m.Format == format && m.Head == head.Sum && m.HeadLen == head.Length {
				marks = append(marks, m)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up file marks: %w", err)
	}
	return marks, nil
}

// hasMark reports whether a mark is stored, but for the time when it was made.
func (db *DB) hasMark(tx *txn, m *ttpcron.FilePosition) bool {
	key := record.MarkKey(&db.secret, m.Format, record.HeadOf(m))
	rec := tx.top(layout.Marks).Get(key)
	if rec == nil {
		return false
	}
	old, err := record.ReadMark(key, rec)
	old.SeenAt = m.SeenAt
	return err == nil && old == *m
}

// putMark stores a mark. The bucket's sequence counts the marks.
func (db *DB) putMark(tx *txn, m *ttpcron.FilePosition) error {
	b := tx.top(layout.Marks)
	key := record.MarkKey(&db.secret, m.Format, record.HeadOf(m))
	if b.Get(key) == nil {
		if b.Sequence() >= hardFiles {
			return nil // a mark only saves time
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
	return b.Put(key, record.AppendMark(nil, key, m))
}
