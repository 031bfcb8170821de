package kv

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// If the logs of sensors are imported one after another, a day's events do not arrive in
// order of time. Tags are stored by time, and are stored best in that order.

// backSeconds is by how much a block must begin earlier than one before it for events to
// count as scattered.
const backSeconds = 600

// openBytes is roughly the most that EventsInTime keeps of blocks that overlap in time,
// unless it is one block.
const openBytes = 16 << 20

// blockSpan is a block of a day, and when its events happened.
type blockSpan struct {
	first uint64 // arrival number
	block.Span
}

// EventsInTime yields what Events does, in order of time except where that would need too
// much memory. It reports false, and yields nothing, if the order of arrival is already
// about that of time.
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
		m := mergeByTime{day: day, rest: spans, load: func(first uint64) ([]ttpcron.Event, error) {
			return db.page(ctx, at, max(after, first-1), upTo)
		}}
		for {
			page, err := m.page()
			if err != nil {
				yield(nil, fmt.Errorf("read %s events of %s in the order of time: %w", kind, day, err))
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
		}
	}, true, nil
}

// mergeByTime merges blocks of events.
type mergeByTime struct {
	day   ttpcron.Day
	rest  []blockSpan // not opened yet, by their first event
	load  func(first uint64) ([]ttpcron.Event, error)
	open  openBlocks
	bytes int // that they take, about
}

// openBlocks is a heap of nonempty blocks with events in order of time. The next event is
// the first block's first.
type openBlocks []*openBlock

type openBlock struct {
	events []ttpcron.Event
	bytes  int
}

func (o openBlocks) Len() int           { return len(o) }
func (o openBlocks) Less(i, j int) bool { return o[i].events[0].Time.Before(o[j].events[0].Time) }
func (o openBlocks) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *openBlocks) Push(b any)        { *o = append(*o, b.(*openBlock)) }

func (o *openBlocks) Pop() any {
	n := len(*o) - 1
	b := (*o)[n]
	(*o)[n] = nil
	*o = (*o)[:n]
	return b
}

// page returns the next events, none at the end.
func (m *mergeByTime) page() (page []ttpcron.Event, err error) {
	for len(page) < block.MaxEvents {
		if err := m.openNext(); err != nil || len(m.open) == 0 {
			return page, err
		}
		b := m.open[0]
		page = append(page, b.events[0])
		if b.events = b.events[1:]; len(b.events) > 0 {
			heap.Fix(&m.open, 0)
		} else {
			m.bytes -= b.bytes
			heap.Pop(&m.open)
		}
	}
	return page, nil
}

// openNext opens the blocks that may have an event before all of the open ones, as far as
// there is room.
func (m *mergeByTime) openNext() error {
	for len(m.rest) > 0 && (len(m.open) == 0 || m.bytes < openBytes && !m.open[0].events[0].Time.Before(m.day.Start().Add(time.Duration(m.rest[0].First)*time.Second))) {
		events, err := m.load(m.rest[0].first)
		if err != nil {
			return err
		}
		m.rest = m.rest[1:]
		if len(events) == 0 {
			continue
		}
		if byTime := func(a, b ttpcron.Event) int { return a.Time.Compare(b.Time) }; !slices.IsSortedFunc(events, byTime) {
			slices.SortStableFunc(events, byTime)
		}
		b := &openBlock{events: events, bytes: block.Cost(events)}
		m.bytes += b.bytes
		heap.Push(&m.open, b)
	}
	return nil
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
