package kv

import (
	"bytes"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// takeOut removes the events of a kind and day for which goes returns true, with what the
// day stores about them elsewhere, and returns their number. It passes each to gone, with
// its identity. Their tags must be removed before, and the kind recounted afterwards;
// given ids stay in their index. Their base matches go too: see thinMatches.
func (db *DB) takeOut(tx *txn, at record.KindDay, goes func(*ttpcron.Event) bool, gone func(*ttpcron.Event, *record.Identity), forget func(*storedStream, ttpcron.Group) bool) (n int, err error) {
	history := tx.top(layout.History).Bucket([]byte(at.Kind))
	if history == nil {
		return 0, record.Damage("the events are missing")
	}
	t := thinning{db: db, at: at, history: history, writer: block.NewWriter(db.encoder), goes: goes, gone: gone}
	for _, k := range keysWith(history, record.DayKey(at.Day)) {
		if err := t.block(k); err != nil {
			return 0, err
		}
	}
	if err := t.flush(); err != nil {
		return 0, err
	}
	if err := db.thinMatches(tx, at.Day, &t.seqs, forget); err != nil {
		return 0, err
	}
	switch {
	case t.count.Events == 0:
		return t.n, eachOfKinds(tx, func(b *bucket) error {
			if b = b.Bucket([]byte(at.Kind)); b == nil {
				return nil
			}
			return deletePrefix(b, record.DayKey(at.Day), nil)
		})
	case t.n == 0:
		return 0, nil
	}
	return t.n, t.recount(tx)
}

// thinning takes events out of a kind and day.
type thinning struct {
	db      *DB
	at      record.KindDay
	history *bucket
	writer  *block.Writer
	goes    func(*ttpcron.Event) bool
	gone    func(*ttpcron.Event, *record.Identity)

	kept    []ttpcron.Event // of the blocks that are written anew, as yet in none
	n       int             // events that are gone
	seqs    record.SeqSet   // of those
	content []uint64        // hashes of the content-derived ids of those
	count   ttpcron.DayHistory
}

// block thins a block. A block that loses nothing is unchanged.
func (t *thinning) block(key []byte) error {
	_, first, _ := record.ParseBlockKey(key)
	events, err := t.db.blocks.Read(t.at.Kind, t.at.Day, first, t.history.Get(key))
	if err != nil {
		return fmt.Errorf("block %d: %w", first, err)
	}
	before := len(t.kept)
	for i := range events {
		e := &events[i]
		if !t.goes(e) {
			t.kept = append(t.kept, *e)
			countEvent(&t.count, t.at, e)
			continue
		}
		d := record.IdentityOf(&t.db.secret, e)
		if d.Content {
			t.content = append(t.content, d.Hash)
		}
		t.gone(e, &d)
		t.seqs.Add(e.Seq)
		t.n++
	}
	if len(t.kept)-before == len(events) {
		t.kept = t.kept[:before]
		return t.flush()
	}
	if err := t.history.Delete(key); err != nil {
		return err
	}
	for block.Length(t.kept) < len(t.kept) {
		if err := t.write(); err != nil {
			return err
		}
	}
	return nil
}

// write stores the first block that the events kept make.
func (t *thinning) write() error {
	n := block.Length(t.kept)
	err := t.history.Put(record.BlockKey(t.at.Day, t.kept[0].Seq), t.writer.Append(nil, t.at.Kind, t.at.Day, t.kept[:n]))
	t.kept = append(t.kept[:0], t.kept[n:]...)
	return err
}

func (t *thinning) flush() error {
	for len(t.kept) > 0 {
		if err := t.write(); err != nil {
			return err
		}
	}
	return nil
}

// recount corrects the counts and indexes for the day's remaining events. Coverage loses
// its counts.
func (t *thinning) recount(tx *txn) error {
	name, day := []byte(t.at.Kind), record.DayKey(t.at.Day)
	if err := tx.top(layout.DayCounts).Bucket(name).Put(day, record.AppendDay(nil, t.at, t.count)); err != nil {
		return err
	}
	if x := contentIndex(tx, t.at.Kind, t.at.Day); x != nil {
		if err := x.remove(t.content); err != nil {
			return err
		}
	}
	coverage := tx.top(layout.Coverage).Bucket(name)
	if coverage == nil {
		return nil
	}
	covered, err := record.ReadCoverage(t.at, coverage.Get(day))
	if err != nil || len(covered) == 0 {
		return err
	}
	for i, c := range covered {
		covered[i] = c.By(c.RuleSet)
	}
	return coverage.Put(day, record.AppendCoverage(nil, t.at, covered))
}

// deletePrefix deletes the keys that begin with a prefix, each after a look.
func deletePrefix(b *bucket, prefix []byte, look func(k, v []byte) error) error {
	keys := keysWith(b, prefix)
	for _, k := range keys {
		if look != nil {
			if err := look(k, b.Get(k)); err != nil {
				return err
			}
		}
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// keysWith returns the keys that begin with a prefix.
func keysWith(b *bucket, prefix []byte) (keys [][]byte) {
	c := b.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// recountKind sets the total of a kind to the sum of its days. A kind with nothing left
// leaves no buckets.
func recountKind(tx *txn, kind ttpcron.SourceKind) error {
	if err := tx.top(layout.Totals).Delete(record.KindTotalKey(kind)); err != nil {
		return err
	}
	var sum record.KindTotal
	days := tx.top(layout.DayCounts).Bucket([]byte(kind))
	if days != nil {
		err := days.ForEach(func(k, rec []byte) error {
			day, _ := record.ParseDay(k)
			h, err := record.ReadDay(record.KindDay{Kind: kind, Day: day}, rec)
			if err != nil {
				return err
			}
			sum.Add(record.KindTotal{Events: h.Events, Days: 1, Earliest: h.Earliest, Latest: h.Latest})
			return nil
		})
		if err != nil {
			return err
		}
	}
	if sum.Days > 0 {
		return addKindTotal(tx, kind, sum)
	}
	return eachOfKinds(tx, func(b *bucket) error {
		if b.Bucket([]byte(kind)) == nil {
			return nil
		}
		return b.DeleteBucket([]byte(kind))
	})
}

// eachOfKinds calls do for the buckets that hold one for each kind.
func eachOfKinds(tx *txn, do func(b *bucket) error) error {
	for i := range layout.Buckets {
		if layout.Buckets[i].Nested != layout.Kinds {
			continue
		}
		if b := tx.top(layout.Buckets[i].Name); b != nil {
			if err := do(b); err != nil {
				return err
			}
		}
	}
	return nil
}
