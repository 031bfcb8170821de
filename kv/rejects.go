package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MaxRejects is how many rejects are kept. Beyond that the oldest reject of the file with
// the most is dropped and counted.
const MaxRejects = 10_000

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

// RejectPage reads some of the kept rejects after a number, in the order of Rejects, and
// returns the number of the last. Start with 0; when it returns none, none are left.
func (db *DB) RejectPage(ctx context.Context, after uint64) (page []ttpcron.Reject, last uint64, err error) {
	const pageRejects = 100
	err = db.view(ctx, func(tx *txn) error {
		c := tx.top(layout.Rejects).Cursor()
		for k, rec := c.Seek(record.NumberKey(after + 1)); k != nil && len(page) < pageRejects; k, rec = c.Next() {
			r, err := record.ReadReject(k, rec)
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

// countRejects counts the stored and the dropped rejects. They are numbered from 1: the
// rest of the bucket's sequence was dropped.
func countRejects(tx *txn) (kept, dropped int, err error) {
	numbered := tx.top(layout.Rejects).Sequence()
	rec := tx.top(layout.Meta).Get(record.KeyDropped)
	if rec == nil {
		return int(numbered), 0, nil
	}
	n, err := record.ReadDropped(rec)
	if err == nil && n > numbered {
		err = record.Damagef("%d of %d rejects were dropped", n, numbered)
	}
	if err != nil {
		return 0, 0, err
	}
	return int(numbered - n), int(n), nil
}

func putDropped(tx *txn, n int) error {
	return tx.top(layout.Meta).Put(record.KeyDropped, record.AppendDropped(nil, uint64(n)))
}

// rejectedIndex is the index of all rejects that were ever stored. Dropped ones stay in
// it: a file with more rejects than are kept yields nothing new when it is read again.
func rejectedIndex(tx *txn) *runIndex {
	return &runIndex{tx.top(layout.Rejected), record.RejectedIndex()}
}

// knownRejects says for each reject whether it was stored before. Of equal ones, all but
// the first are known.
func (db *DB) knownRejects(tx *txn, rejects []ttpcron.Reject) ([]bool, error) {
	if len(rejects) == 0 {
		return nil, nil
	}
	hashes := make([]uint64, len(rejects))
	for i := range rejects {
		hashes[i] = db.secret.Reject(&rejects[i])
	}
	return rejectedIndex(tx).met(hashes)
}

// KnownRejects says for each reject whether Import would count it as known.
func (db *DB) KnownRejects(ctx context.Context, rejects []ttpcron.Reject) (known []bool, err error) {
	err = db.view(ctx, func(tx *txn) error {
		known, err = db.knownRejects(tx, rejects)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d rejects: %w", len(rejects), err)
	}
	return known, nil
}

// newRejects returns the rejects that are not known.
func (db *DB) newRejects(tx *txn, rejects []ttpcron.Reject) (fresh []ttpcron.Reject, err error) {
	known, err := db.knownRejects(tx, rejects)
	for i, k := range known {
		if !k {
			fresh = append(fresh, rejects[i])
		}
	}
	return fresh, err
}

// indexRejects puts rejects that are not known into the index.
func (db *DB) indexRejects(tx *txn, rejects []ttpcron.Reject) error {
	x := rejectedIndex(tx)
	met := make(map[uint64]bool, len(rejects))
	var entries []byte
	for i := range rejects {
		if h := db.secret.Reject(&rejects[i]); !met[h] {
			met[h] = true
			entries = x.AppendEntry(entries, h, record.IndexValue{})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return x.add(x.SortEntries(entries))
}

// addRejects stores rejects that are not known.
func (db *DB) addRejects(tx *txn, rejects []ttpcron.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	b := tx.top(layout.Rejects)
	b.fill(ascendingFill)
	number := b.Sequence()
	for i := range rejects {
		number++
		k := record.NumberKey(number)
		if err := b.Put(k, record.AppendReject(nil, k, &rejects[i])); err != nil {
			return err
		}
	}
	if err := db.indexRejects(tx, rejects); err != nil {
		return err
	}
	if err := b.SetSequence(number); err != nil {
		return err
	}
	return dropRejects(tx)
}

// dropRejects drops rejects over MaxRejects. The files share the room: the oldest rejects
// of the files with most go, so no file pushes out those of another.
func dropRejects(tx *txn) error {
	kept, dropped, err := countRejects(tx)
	if err != nil || kept <= MaxRejects {
		return err
	}
	b := tx.top(layout.Rejects)
	files := map[string][][]byte{}
	err = b.ForEach(func(k, rec []byte) error {
		r, err := record.ReadReject(k, rec)
		files[r.File] = append(files[r.File], bytes.Clone(k))
		return err
	})
	if err != nil {
		return err
	}
	share, spare := shares(files, MaxRejects)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		keys := files[name]
		keep := min(len(keys), share)
		if len(keys) > share && spare > 0 {
			keep++
			spare--
		}
		for _, k := range keys[:len(keys)-keep] {
			if err := b.Delete(k); err != nil {
				return err
			}
			dropped++
		}
	}
	return putDropped(tx, dropped)
}

// shares returns how much of the room each list may take so that all fit, and how many of
// the longer ones may take one more.
func shares[K comparable, V any](lists map[K][]V, room int) (share, spare int) {
	taken := func(share int) (n int) {
		for _, l := range lists {
			n += min(len(l), share)
		}
		return n
	}
	share = sort.Search(room, func(n int) bool { return taken(n+1) > room })
	return share, room - taken(share)
}
