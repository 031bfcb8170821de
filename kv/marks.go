package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// MaxFileMarks is how many file marks are kept; those seen longest ago are
// dropped.
const MaxFileMarks = 20_000

// FileMarks lists the marks of all files, the one seen last first. There is one
// mark for each format, head and length of head, wherever the file lies.
func (db *DB) FileMarks(ctx context.Context) ([]ttpcron.FileMark, error) {
	var marks []ttpcron.FileMark
	err := db.view(ctx, func(tx *txn) error {
		return tx.Bucket(bucketMarks).ForEach(func(k, rec []byte) error {
			m, err := readMark(k, rec)
			marks = append(marks, m)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list file marks: %w", err)
	}
	slices.SortStableFunc(marks, func(a, b ttpcron.FileMark) int { return b.SeenAt.Compare(a.SeenAt) })
	return marks, nil
}

func markKey(s *secret, m *ttpcron.FileMark) []byte {
	head := binary.AppendVarint(m.Head[:len(m.Head):len(m.Head)], int64(m.HeadLen))
	return numberKey(s.hash(hashMark, m.Format, string(head)))
}

// hasMark reports whether a mark is stored, but for the time when it was made.
func (db *DB) hasMark(tx *txn, m *ttpcron.FileMark) bool {
	key := markKey(&db.secret, m)
	rec := tx.Bucket(bucketMarks).Get(key)
	if rec == nil {
		return false
	}
	old, err := readMark(key, rec)
	old.SeenAt = m.SeenAt
	return err == nil && old == *m
}

// putMark stores a mark. The bucket's sequence counts the marks.
func (db *DB) putMark(tx *txn, m *ttpcron.FileMark) error {
	b := tx.Bucket(bucketMarks)
	key := markKey(&db.secret, m)
	if b.Get(key) == nil {
		if b.Sequence() >= MaxFileMarks {
			if err := dropMarks(b); err != nil {
				return err
			}
		}
		if err := b.SetSequence(b.Sequence() + 1); err != nil {
			return err
		}
	}
	return b.Put(key, appendMark(nil, key, m))
}

// dropMarks drops the tenth of the marks that was seen longest ago: finding
// them means reading all.
func dropMarks(b *bucket) error {
	type seen struct {
		key []byte
		at  time.Time
	}
	var all []seen
	err := b.ForEach(func(k, rec []byte) error {
		m, err := readMark(k, rec)
		all = append(all, seen{bytes.Clone(k), m.SeenAt})
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b seen) int { return a.at.Compare(b.at) })
	n := len(all) / 10
	for _, s := range all[:n] {
		if err := b.Delete(s.key); err != nil {
			return err
		}
	}
	return b.SetSequence(uint64(len(all) - n))
}

func appendMark(dst, key []byte, m *ttpcron.FileMark) []byte {
	dst = appendText(appendText(beginRecord(dst), m.Path), m.Format)
	dst = appendInt(append(dst, m.Head[:]...), m.HeadLen)
	dst = appendInt(append(dst, m.Tail[:]...), m.TailLen)
	dst = appendInt(binary.AppendVarint(dst, m.Offset), m.Line)
	return endRecord(appendTime(dst, m.SeenAt), key)
}

func readMark(key, rec []byte) (m ttpcron.FileMark, err error) {
	r, err := openRecord(rec, key)
	if err == nil {
		m.Path, m.Format = r.text(), r.text()
		copy(m.Head[:], r.bytes(len(m.Head)))
		m.HeadLen = r.int()
		copy(m.Tail[:], r.bytes(len(m.Tail)))
		m.TailLen, m.Offset, m.Line, m.SeenAt = r.int(), r.varint(), r.int(), r.time()
		err = r.finish()
	}
	if err != nil {
		return ttpcron.FileMark{}, fmt.Errorf("file mark %x: %w", key, err)
	}
	return m, nil
}
