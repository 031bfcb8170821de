package kv

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// noteArrivals records that the events with numbers after one up to another arrived now.
// Imports within a second share an entry. Events before these that have no entry get one
// without a time.
func noteArrivals(tx *txn, after, last uint64, now time.Time) error {
	b, err := tx.CreateBucketIfNotExists([]byte(layout.Arrivals))
	if err != nil {
		return err
	}
	b.fill(ascendingFill)
	now = now.UTC().Truncate(time.Second)
	before, err := lastArrived(tx)
	if err != nil {
		return err
	}
	switch {
	case before.Last < after:
		if err := putArrived(b, record.Arrived{Last: after}); err != nil {
			return err
		}
	case before.At.Equal(now):
		if err := b.Delete(record.NumberKey(before.Last)); err != nil {
			return err
		}
	}
	return putArrived(b, record.Arrived{Last: last, At: now})
}

func putArrived(b *bucket, a record.Arrived) error {
	return b.Put(record.NumberKey(a.Last), record.AppendArrived(nil, a))
}

// ArrivedSince returns the first arrival number of the events that arrived at or after a
// time, by the store's clock and to the second. If none did, it returns one more than the
// last.
//
// Entries are in order of arrival, whatever the clock said. The first whose time is not
// before t counts, and all that follow it. So after a clock ran ahead or was set back, the
// result may include too much, but never too little: it has everything that arrived since t
// while the clock was right. An entry that is later than now, although a following one is
// not, comes from a clock that ran ahead and does not count by itself. Nor does one before
// 2020, when the clock had not been set yet. Events that arrived before the store noted
// such times count only for a t before 2020.
//
// It reads an entry for each import that brought something new.
func (db *DB) ArrivedSince(ctx context.Context, t time.Time) (seq uint64, err error) {
	if t.Before(firstDay.Start()) {
		return 1, nil
	}
	t = t.Truncate(time.Second)
	err = db.view(ctx, func(tx *txn) (err error) {
		seq, err = arrivedSince(tx, t, db.now())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("what arrived since %s: %w", t.UTC().Format(time.RFC3339), err)
	}
	return seq, nil
}

func arrivedSince(tx *txn, t, now time.Time) (uint64, error) {
	last, err := arrival(tx)
	b := tx.top(layout.Arrivals)
	if err != nil || b == nil {
		return last + 1, err
	}
	first, since, past := last+1, false, false
	c := b.Cursor()
	for k, rec := c.Last(); k != nil; k, rec = c.Prev() {
		a, err := record.ReadArrived(k, rec)
		if err != nil {
			return 0, err
		}
		if since {
			first = a.Last + 1
		}
		ahead := a.At.After(now)
		since = !a.At.Before(t) && !(ahead && past)
		past = past || !ahead && !a.At.Before(firstDay.Start())
	}
	if since {
		first = 1
	}
	return first, nil
}

// ArrivedAt returns when the event with an arrival number arrived, to the second and by the
// clock at the time. It is unknown for events that arrived before the store recorded it.
func (db *DB) ArrivedAt(ctx context.Context, seq uint64) (at time.Time, ok bool, err error) {
	err = db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.Arrivals)
		if b == nil {
			return nil
		}
		k, rec := b.Cursor().Seek(record.NumberKey(seq))
		if k == nil {
			return nil
		}
		a, err := record.ReadArrived(k, rec)
		at = a.At
		return err
	})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("when event %d arrived: %w", seq, err)
	}
	return at, !at.IsZero(), nil
}

// lastArrived returns the last entry, or the zero one.
func lastArrived(tx *txn) (record.Arrived, error) {
	b := tx.top(layout.Arrivals)
	if b == nil {
		return record.Arrived{}, nil
	}
	k, rec := b.Cursor().Last()
	if k == nil {
		return record.Arrived{}, nil
	}
	return record.ReadArrived(k, rec)
}

// dropArrivals drops the entries of events that are all gone, some at a time. The
// last entry stays.
func dropArrivals(tx *txn) error {
	b := tx.top(layout.Arrivals)
	if b == nil {
		return nil
	}
	first, err := firstArrival(tx)
	if err != nil {
		return err
	}
	c := b.Cursor()
	last, _ := c.Last()
	var gone [][]byte
	for k, rec := c.First(); k != nil && len(gone) < pruneEvents; k, rec = c.Next() {
		a, err := record.ReadArrived(k, rec)
		if err != nil {
			return err
		}
		if a.Last >= first || string(k) == string(last) {
			break
		}
		gone = append(gone, record.NumberKey(a.Last))
	}
	for _, k := range gone {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// firstArrival returns the lowest arrival number of the events that are stored.
func firstArrival(tx *txn) (uint64, error) {
	first := uint64(math.MaxUint64)
	counts := tx.top(layout.DayCounts)
	err := counts.ForEachBucket(func(kind []byte) error {
		return counts.Bucket(kind).ForEach(func(k, rec []byte) error {
			day, _ := record.ParseDay(k)
			h, err := record.ReadDay(record.KindDay{Kind: ttpcron.SourceKind(kind), Day: day}, rec)
			first = min(first, h.FirstSeq)
			return err
		})
	})
	return first, err
}
