package kv

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// addEvents stores the n unknown events, and the clock's time of arrival.
func (db *DB) addEvents(tx *txn, events []*ttpcron.Event, ids []identity, n int) error {
	before, err := arrival(tx)
	if err != nil {
		return err
	}
	seq := before
	fresh := make([]ttpcron.Event, 0, n)
	for i, e := range events {
		if ids[i].known {
			continue
		}
		seq++
		f := *e
		f.ID, f.Seq, f.Time = ids[i].Given(), seq, e.Time.UTC()
		ids[i].Place = record.PlaceOf(ttpcron.DayOf(e.Time), seq)
		fresh = append(fresh, f)
	}
	order, groups := byKindDay(fresh)
	w := block.NewWriter(db.encoder)
	for _, k := range order {
		if err := db.appendHistory(tx, w, k, groups[k]); err != nil {
			return fmt.Errorf("%s events of %s: %w", k.Kind, k.Day, err)
		}
	}
	if err := remember(tx, events, ids); err != nil {
		return err
	}
	if err := putArrival(tx, seq); err != nil {
		return err
	}
	now := db.now()
	if err := noteArrivals(tx, before, seq, now); err != nil {
		return err
	}
	return seeClock(tx, now)
}

// byKindDay groups events by kind and day; groups keep the order of the events,
// and the list that of the groups' first events.
func byKindDay(events []ttpcron.Event) (order []record.KindDay, groups map[record.KindDay][]ttpcron.Event) {
	groups = map[record.KindDay][]ttpcron.Event{}
	for len(events) > 0 {
		k, n := record.KindDayOf(&events[0]), 1
		for n < len(events) && record.KindDayOf(&events[n]) == k {
			n++
		}
		old, seen := groups[k]
		if !seen {
			order = append(order, k)
			old = events[:0:n] // a log is in order, so most groups are one piece
		}
		groups[k] = append(old, events[:n]...)
		events = events[n:]
	}
	return order, groups
}

// arrival returns the arrival number that was given last.
func arrival(tx *txn) (uint64, error) {
	rec := tx.top(layout.Meta).Get(record.KeyArrival)
	if rec == nil {
		return 0, nil
	}
	return record.ReadArrival(rec)
}

func putArrival(tx *txn, seq uint64) error {
	return tx.top(layout.Meta).Put(record.KeyArrival, record.AppendArrival(nil, seq))
}

// appendHistory adds events to the end of their kind and day: to the last block
// while it has room, and to new ones.
func (db *DB) appendHistory(tx *txn, w *block.Writer, k record.KindDay, fresh []ttpcron.Event) error {
	b, err := tx.top(layout.History).CreateBucketIfNotExists([]byte(k.Kind))
	if err != nil {
		return err
	}
	b.fill(ascendingFill)
	events, err := db.openBlock(b, k, &fresh[0])
	if err != nil {
		return err
	}
	events = append(events, fresh...)
	for len(events) > 0 {
		n := block.Length(events)
		key := record.BlockKey(k.Day, events[0].Seq)
		if err := b.Put(key, w.Append(nil, k.Kind, k.Day, events[:n])); err != nil {
			return err
		}
		events = events[n:]
	}
	return db.countEvents(tx, k, fresh)
}

// ascendingFill is how full bbolt leaves the pages of a bucket that grows at its
// end.
const ascendingFill = 0.95

// openBlock returns the events of the last block of a kind and day when there is
// room for the next event.
func (db *DB) openBlock(b *bucket, k record.KindDay, next *ttpcron.Event) ([]ttpcron.Event, error) {
	key, rec := keyBefore(b.Cursor(), record.DayKey(k.Day+1))
	day, first, ok := record.ParseBlockKey(key)
	if !ok || day != k.Day {
		return nil, nil
	}
	events, err := db.blocks.Read(k.Kind, k.Day, first, rec)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", first, err)
	}
	if block.Length(append(events[:len(events):len(events)], *next)) == len(events) {
		return nil, nil
	}
	return events, nil
}

// countEvent adds the next event, in order of arrival, to its day's counts.
func countEvent(h *ttpcron.DayHistory, at record.KindDay, e *ttpcron.Event) {
	if h.Events++; h.Events == 1 {
		*h = ttpcron.DayHistory{Kind: at.Kind, Day: at.Day, Events: 1, FirstSeq: e.Seq, Earliest: e.Time, Latest: e.Time}
	}
	h.LastSeq, h.Earliest, h.Latest = e.Seq, record.Earlier(h.Earliest, e.Time), record.Later(h.Latest, e.Time)
}

// countEvents adds events to the counts of their day and of the store.
func (db *DB) countEvents(tx *txn, k record.KindDay, fresh []ttpcron.Event) error {
	b, err := tx.top(layout.DayCounts).CreateBucketIfNotExists([]byte(k.Kind))
	if err != nil {
		return err
	}
	key := record.DayKey(k.Day)
	old := b.Get(key)
	var add ttpcron.DayHistory
	for i := range fresh {
		countEvent(&add, k, &fresh[i])
	}
	days := 1
	all := add
	if old != nil {
		h, err := record.ReadDay(k, old)
		if err != nil {
			return err
		}
		days = 0
		all.Events += h.Events
		all.FirstSeq, all.LastSeq = min(h.FirstSeq, add.FirstSeq), max(h.LastSeq, add.LastSeq)
		all.Earliest, all.Latest = record.Earlier(all.Earliest, h.Earliest), record.Later(all.Latest, h.Latest)
	}
	if err := b.Put(key, record.AppendDay(nil, k, all)); err != nil {
		return err
	}
	return addKindTotal(tx, k.Kind, record.KindTotal{Events: add.Events, Days: days, Earliest: add.Earliest, Latest: add.Latest})
}

// eachStored reads the whole history.
func (db *DB) eachStored(ctx context.Context, tx *txn, do func(*ttpcron.Event)) error {
	history := tx.top(layout.History)
	return history.ForEachBucket(func(kind []byte) error {
		return history.Bucket(kind).ForEach(func(k, rec []byte) error {
			day, first, ok := record.ParseBlockKey(k)
			if !ok {
				return record.Damagef("%x is no key of a block", k)
			}
			events, err := db.blocks.Read(ttpcron.SourceKind(kind), day, first, rec)
			if err != nil {
				return fmt.Errorf("%s events of %s: block %d: %w", kind, day, first, err)
			}
			for i := range events {
				do(&events[i])
			}
			return ctx.Err()
		})
	})
}

// seekBlock moves to the block with the first event after an arrival number, or to the one
// before it.
func seekBlock(c *cursor, day ttpcron.Day, after uint64) (key, rec []byte) {
	key, rec = c.Seek(record.BlockKey(day, after+1))
	if d, first, ok := record.ParseBlockKey(key); ok && d == day && first == after+1 {
		return key, rec
	}
	key, rec = keyBefore(c, record.BlockKey(day, after+1))
	if d, _, ok := record.ParseBlockKey(key); ok && d == day {
		return key, rec
	}
	return c.Seek(record.BlockKey(day, after+1))
}

// between keeps the events whose arrival number is in (after, upTo].
func between(events []ttpcron.Event, after, upTo uint64) []ttpcron.Event {
	for len(events) > 0 && events[0].Seq <= after {
		events = events[1:]
	}
	for len(events) > 0 && events[len(events)-1].Seq > upTo {
		events = events[:len(events)-1]
	}
	return events
}
