package kv

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Sensors whose logs are imported one after the other bring the events of a day in
// another order than that of time. What is made of them is stored by time, and is
// stored best in that order.

// backSeconds is by how much a block must begin earlier than one before it ends for
// events to count as scattered.
const backSeconds = 600

// The most that EventsInTime keeps of events that others may precede: their number,
// and the bytes that they take, about.
const (
	waitingEvents = 1 << 14
	waitingBytes  = 16 << 20
)

// blockSpan is a block of a day, and when its events happened.
type blockSpan struct {
	first uint64 // arrival number
	block.Span
}

// EventsInTime yields the events that Events yields in about the order of time: in
// that order but where keeping it would need too much memory. It reports false, and
// yields nothing, where the order of arrival is about that of time already.
func (db *DB) EventsInTime(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) (pages iter.Seq2[[]ttpcron.Event, error], scattered bool, err error) {
	at := record.KindDay{Kind: kind, Day: day}
	spans, scattered, err := db.blockSpans(ctx, at, after, upTo)
	if err != nil {
		return nil, false, fmt.Errorf("read %s events of %s: %w", kind, day, err)
	}
	if !scattered {
		return nil, false, nil
	}
	slices.SortStableFunc(spans, func(a, b blockSpan) int { return cmp.Compare(a.First, b.First) })
	return func(yield func([]ttpcron.Event, error) bool) {
		var waiting []ttpcron.Event // by time
		for i, b := range spans {
			page, err := db.page(ctx, at, max(after, b.first-1), upTo)
			if err != nil {
				yield(nil, fmt.Errorf("read %s events of %s after %d: %w", kind, day, b.first-1, err))
				return
			}
			waiting = append(waiting, page...)
			slices.SortStableFunc(waiting, byTime)
			n := len(waiting)
			if i+1 < len(spans) {
				n = before(waiting, day.Start().Unix()+int64(spans[i+1].First))
			}
			for ready := range slices.Chunk(waiting[:n], block.MaxEvents) {
				if !yield(ready, nil) {
					return
				}
			}
			waiting = slices.Clone(waiting[n:])
		}
	}, true, nil
}

func byTime(a, b ttpcron.Event) int { return a.Time.Compare(b.Time) }

// before returns how many of some events, which are in the order of time, happened
// before a second, and at least so many that the others can be kept.
func before(events []ttpcron.Event, second int64) int {
	n, _ := slices.BinarySearchFunc(events, second, func(e ttpcron.Event, second int64) int { return cmp.Compare(e.Time.Unix(), second) })
	n = max(n, len(events)-waitingEvents)
	if block.Cost(events[n:]) > waitingBytes {
		return len(events)
	}
	return n
}

// blockSpans lists the blocks of a kind and day that hold events which arrived after
// one and up to another, and reports whether their events are scattered.
func (db *DB) blockSpans(ctx context.Context, at record.KindDay, after, upTo uint64) (spans []blockSpan, scattered bool, err error) {
	err = db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.History).Bucket([]byte(at.Kind))
		if b == nil || at.Day < 0 {
			return nil
		}
		latest := 0
		c := b.Cursor()
		for key, rec := seekBlock(c, at.Day, after); key != nil; key, rec = c.Next() {
			day, first, ok := record.ParseBlockKey(key)
			if !ok || day != at.Day || first > upTo {
				return nil
			}
			span, ok := block.PeekSpan(rec)
			if !ok {
				span = block.Span{First: latest, Last: latest}
			}
			scattered = scattered || span.First+backSeconds < latest
			latest = max(latest, span.Last)
			spans = append(spans, blockSpan{first, span})
		}
		return nil
	})
	return spans, scattered, err
}
