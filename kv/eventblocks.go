package kv

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// There is no index of events by attacker or session. But a block begins with its actors,
// once each, so most blocks need not be read further.

// BlockPosition is a place among the blocks of a store, which are ordered by day, kind and
// arrival. The zero value is the beginning.
type BlockPosition struct {
	Day  ttpcron.Day
	Kind ttpcron.SourceKind
	Seq  uint64 // blocks of Day and Kind that begin before it have been seen
	End  bool   // nothing follows
}

// The limits of one transaction of a search.
const (
	searchBlocks = 2048
	searchBytes  = 32 << 20
)

// EventBlocks lists the blocks with events that a query selects, from a position on, by
// day, kind and arrival, and returns the position after them. A call looks at some thousand
// blocks with one goroutine per processor, and may find none although more follow. It goes
// by the blocks' actors and days, so it also lists events at other times of a day.
func (db *DB) EventBlocks(ctx context.Context, q ttpcron.EventQuery, from BlockPosition) (found []ttpcron.EventBlock, next BlockPosition, err error) {
	s := &blockSearch{db: db, q: q, at: from}
	if !from.End {
		err = db.view(ctx, func(tx *txn) error {
			if err := s.gather(tx); err != nil {
				return err
			}
			found, err = s.search()
			return err
		})
	}
	if err != nil {
		return nil, from, fmt.Errorf("look for events: %w", err)
	}
	return found, s.at, nil
}

// blockSearch looks at blocks for actors.
type blockSearch struct {
	db      *DB
	q       ttpcron.EventQuery
	at      BlockPosition
	records []foundBlock
}

// foundBlock is a block and its record.
type foundBlock struct {
	ttpcron.EventBlock
	rec []byte
	has bool
	err error
}

// gather copies the next records, so that no other goroutine reads mapped memory.
func (s *blockSearch) gather(tx *txn) error {
	history := tx.top(layout.History)
	kinds, err := historyKinds(history)
	if err != nil {
		return err
	}
	size := 0
	for !s.at.End {
		if from := s.q.Window.Since; !from.IsZero() {
			s.at.Day = max(s.at.Day, ttpcron.DayOf(from))
		}
		day, ok, err := nextBlockDay(history, kinds, s.at.Day)
		if err != nil {
			return err
		}
		if u := s.q.Window.Until; !ok || !u.IsZero() && !day.Start().Before(u) {
			s.at.End = true
			return nil
		}
		if day > s.at.Day {
			s.at = BlockPosition{Day: day}
		}
		for _, kind := range kinds {
			if kind < s.at.Kind {
				continue
			}
			if kind > s.at.Kind {
				s.at.Kind, s.at.Seq = kind, 0
			}
			if full := s.ofKind(history.Bucket([]byte(kind)), &size); full {
				return nil
			}
		}
		s.at = BlockPosition{Day: day + 1}
	}
	return nil
}

// ofKind copies the records of the current day and kind, and reports whether there is no
// room for more.
func (s *blockSearch) ofKind(b *bucket, size *int) (full bool) {
	c := b.Cursor()
	for key, rec := c.Seek(record.BlockKey(s.at.Day, s.at.Seq)); key != nil; key, rec = c.Next() {
		day, first, ok := record.ParseBlockKey(key)
		if !ok || day != s.at.Day || s.q.UpTo > 0 && first > s.q.UpTo {
			return false
		}
		if len(s.records) >= searchBlocks || *size >= searchBytes {
			s.at.Seq = first
			return true
		}
		span, ok := block.PeekSpan(rec)
		if !ok {
			span = block.Span{First: 0, Last: 86399}
		}
		s.records = append(s.records, foundBlock{
			EventBlock: ttpcron.EventBlock{Kind: s.at.Kind, Day: day, First: first, Since: span.First, Till: span.Last}, rec: bytes.Clone(rec),
		})
		*size += len(rec)
	}
	return false
}

// search returns the blocks with an actor that is sought.
func (s *blockSearch) search() (found []ttpcron.EventBlock, err error) {
	const share = 16
	var next atomic.Int32
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(s.records)+share-1)/share) {
		wg.Go(func() {
			var attackers ttpcron.Attackers
			for from := int(next.Add(share)) - share; from < len(s.records); from = int(next.Add(share)) - share {
				for i := from; i < min(from+share, len(s.records)); i++ {
					b := &s.records[i]
					b.err = s.db.blocks.Actors(b.Kind, b.Day, b.First, b.rec, func(actor *ttpcron.Event) bool {
						b.has = s.q.MatchActor(actor, &attackers)
						return !b.has
					})
				}
			}
		})
	}
	wg.Wait()
	for i := range s.records {
		b := &s.records[i]
		if b.err != nil {
			return nil, fmt.Errorf("%s events of %s, block %d: %w", b.Kind, b.Day, b.First, b.err)
		}
		if b.has {
			found = append(found, b.EventBlock)
		}
	}
	return found, nil
}

func historyKinds(history *bucket) (kinds []ttpcron.SourceKind, err error) {
	err = history.ForEachBucket(func(k []byte) error {
		kinds = append(kinds, ttpcron.SourceKind(k))
		return nil
	})
	return kinds, err
}

// nextBlockDay returns the first day from one on that has a block of any kind.
func nextBlockDay(history *bucket, kinds []ttpcron.SourceKind, from ttpcron.Day) (day ttpcron.Day, ok bool, err error) {
	day = math.MaxInt32
	for _, kind := range kinds {
		key, _ := history.Bucket([]byte(kind)).Cursor().Seek(record.BlockKey(from, 0))
		if key == nil {
			continue
		}
		d, _, known := record.ParseBlockKey(key)
		if !known {
			return 0, false, record.Damagef("%x is no key of a block", key)
		}
		day, ok = min(day, d), true
	}
	return day, ok, nil
}

// EventsIn reads the events of a block that a query selects, in order of arrival; none if
// the block is gone.
func (db *DB) EventsIn(ctx context.Context, q ttpcron.EventQuery, b ttpcron.EventBlock) ([]ttpcron.Event, error) {
	events, err := db.page(ctx, record.KindDay{Kind: b.Kind, Day: b.Day}, max(b.First, 1)-1, math.MaxUint64)
	if err != nil {
		return nil, fmt.Errorf("read %s events of %s from %d on: %w", b.Kind, b.Day, b.First, err)
	}
	if len(events) == 0 || events[0].Seq != b.First {
		return nil, nil
	}
	var attackers ttpcron.Attackers
	all := len(events)
	events = slices.DeleteFunc(events, func(e ttpcron.Event) bool { return !q.Match(&e, &attackers) })
	if 4*len(events) < all {
		for i := range events {
			apart(&events[i])
		}
		events = slices.Clone(events)
	}
	return events, nil
}

// apart copies the values of an event's payload to their own memory.
func apart(e *ttpcron.Event) {
	e.Payload = slices.Clone(e.Payload)
	for i := range e.Payload {
		f := &e.Payload[i]
		f.Text, f.Raw = strings.Clone(f.Text), bytes.Clone(f.Raw)
	}
}
