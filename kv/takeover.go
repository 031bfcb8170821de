package kv

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// A Takeover writes what was saved from another store into this one unchanged, with its ids
// and arrival numbers. Tags are what [DB.Commit] takes.
type Takeover struct {
	db *DB
	tx *txn
}

// TakeOver runs do in one transaction.
func (db *DB) TakeOver(ctx context.Context, do func(t *Takeover) error) error {
	return db.change(ctx, func(tx *txn) error { return do(&Takeover{db, tx}) })
}

// Put puts a record into a bucket of the file or, with a name, of the bucket in it
// that has the name. Key and record may die afterwards.
func (t *Takeover) Put(bucket, name string, key, rec []byte) error {
	b, err := t.tx.CreateBucketIfNotExists([]byte(bucket))
	if err == nil && name != "" {
		b, err = b.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return err
	}
	return b.Put(bytes.Clone(key), bytes.Clone(rec))
}

// SetSecret gives the store the other one's secret. Call it before anything else.
func (t *Takeover) SetSecret(s record.Secret) error {
	t.db.secret = s
	return t.tx.top(layout.Meta).Put(record.KeySecret, record.AppendSecret(nil, &s))
}

// Purged takes over entries of the index of purged events from a store with the same
// secret.
func (t *Takeover) Purged(hashes []uint64) error { return addPurged(t.tx, hashes) }

// SetNumber sets the number that a bucket of the file keeps.
func (t *Takeover) SetNumber(bucket string, n uint64) error { return t.tx.top(bucket).SetSequence(n) }

// Arrival returns the latest arrival number.
func (t *Takeover) Arrival() (uint64, error) { return arrival(t.tx) }

// SetArrival sets the latest arrival number.
func (t *Takeover) SetArrival(n uint64) error { return putArrival(t.tx, n) }

// LastNoted returns the last arrival number whose arrival time was recorded.
func (t *Takeover) LastNoted() (uint64, error) {
	a, err := lastArrived(t.tx)
	return a.Last, err
}

// Days lists days of a kind as [DB.DayPage] does.
func (t *Takeover) Days(kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error) {
	return dayPage(t.tx, kind, from)
}

// Position stores how far a file was read.
func (t *Takeover) Position(m *ttpcron.FilePosition) error { return t.db.putPosition(t.tx, m) }

// Rejects stores rejects, numbered after so many that were dropped.
func (t *Takeover) Rejects(dropped int, rejects []ttpcron.Reject) error {
	if err := t.SetNumber(layout.Rejects, uint64(dropped)); err != nil {
		return err
	}
	if err := putDropped(t.tx, dropped); err != nil {
		return err
	}
	return t.db.addRejects(t.tx, rejects)
}

// Events stores events that have an ID and an arrival number, and that the store does not
// have. Those of a kind and day are in order of arrival and arrived after those that are
// stored.
func (t *Takeover) Events(events []ttpcron.Event) error {
	db, tx := t.db, t.tx
	pointers, ids := make([]*ttpcron.Event, len(events)), make([]identity, len(events))
	for i := range events {
		pointers[i], ids[i] = &events[i], identity{Identity: record.IdentityOf(&db.secret, &events[i])}
	}
	if err := remember(tx, pointers, ids); err != nil {
		return err
	}
	last, err := arrival(tx)
	if err != nil {
		return err
	}
	for i := range events {
		last = max(last, events[i].Seq)
	}
	order, groups := byKindDay(events) // changes the order of events
	w := block.NewWriter(db.encoder)
	for _, k := range order {
		if err := db.appendHistory(tx, w, k, groups[k]); err != nil {
			return fmt.Errorf("%s events of %s: %w", k.Kind, k.Day, err)
		}
	}
	return putArrival(tx, last)
}

// Insert stores a block of events between those of its kind and day, unless any of
// them arrived where a stored one did, and returns how many it stored.
func (t *Takeover) Insert(at record.KindDay, events []ttpcron.Event) (int, error) {
	db, tx := t.db, t.tx
	b := tx.top(layout.History).Bucket([]byte(at.Kind))
	first, last := events[0].Seq, events[len(events)-1].Seq
	c := b.Cursor()
	if k, _ := c.Seek(record.BlockKey(at.Day, first)); k != nil {
		if day, next, ok := record.ParseBlockKey(k); ok && day == at.Day && next <= last {
			return 0, nil
		}
	}
	if k, rec := keyBefore(b.Cursor(), record.BlockKey(at.Day, first)); k != nil {
		if day, start, ok := record.ParseBlockKey(k); ok && day == at.Day {
			before, err := db.blocks.Read(at.Kind, at.Day, start, rec)
			if err != nil {
				return 0, err
			}
			if before[len(before)-1].Seq >= first {
				return 0, nil
			}
		}
	}
	pointers, ids := make([]*ttpcron.Event, len(events)), make([]identity, len(events))
	for i := range events {
		pointers[i], ids[i] = &events[i], identity{Identity: record.IdentityOf(&db.secret, &events[i])}
	}
	if err := remember(tx, pointers, ids); err != nil {
		return 0, err
	}
	w := block.NewWriter(db.encoder)
	if err := b.Put(record.BlockKey(at.Day, first), w.Append(nil, at.Kind, at.Day, events)); err != nil {
		return 0, err
	}
	return len(events), db.countEvents(tx, at, events)
}

// TagCounts counts the tags of every day, including those of retired rules.
func (db *DB) TagCounts(ctx context.Context) (map[ttpcron.Day]int, error) {
	counts := map[ttpcron.Day]int{}
	err := db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.Rollups)
		return b.ForEachBucket(func(name []byte) error {
			day, _ := record.ParseDay(name)
			return eachClaim(b.Bucket(name), name, func(_ uint32, t record.Tally) { counts[day] += t.Tags })
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count tags by day: %w", err)
	}
	return counts, nil
}
