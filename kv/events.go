package kv

import (
	"context"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Kinds lists the kinds of the stored events, by name.
func (db *DB) Kinds(ctx context.Context) ([]ttpcron.SourceKind, error) {
	var kinds []ttpcron.SourceKind
	err := db.view(ctx, func(tx *txn) error {
		return tx.top(layout.DayCounts).ForEachBucket(func(k []byte) error {
			kinds = append(kinds, ttpcron.SourceKind(k))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list kinds: %w", err)
	}
	return kinds, nil
}

// The limits of a page of days: a day has one part of coverage, or a few.
const (
	pageDays  = 512
	pageParts = 2048
)

// DayPage lists some hundred days with events of a kind, ascending from the given one, each
// with its coverage. It returns none if there are no more.
func (db *DB) DayPage(ctx context.Context, kind ttpcron.SourceKind, from ttpcron.Day) ([]ttpcron.DayHistory, error) {
	var days []ttpcron.DayHistory
	err := db.view(ctx, func(tx *txn) (err error) {
		days, err = dayPage(tx, kind, from)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list days of %s events: %w", kind, err)
	}
	return days, nil
}

func dayPage(tx *txn, kind ttpcron.SourceKind, from ttpcron.Day) (days []ttpcron.DayHistory, err error) {
	b := tx.top(layout.DayCounts).Bucket([]byte(kind))
	if kind == "" || b == nil {
		return nil, nil
	}
	covered := tx.top(layout.Coverage).Bucket([]byte(kind))
	c := b.Cursor()
	parts := 0
	for k, rec := c.Seek(record.DayKey(max(from, 0))); k != nil && len(days) < pageDays && parts < pageParts; k, rec = c.Next() {
		day, ok := record.ParseDay(k)
		if !ok {
			return nil, record.Damagef("%x is no day", k)
		}
		h, err := record.ReadDay(record.KindDay{Kind: kind, Day: day}, rec)
		if err == nil && covered != nil {
			h.Coverage, err = record.ReadCoverage(record.KindDay{Kind: kind, Day: day}, covered.Get(k))
		}
		if err != nil {
			return nil, err
		}
		days = append(days, h)
		parts += len(h.Coverage)
	}
	return days, nil
}

// eachDay calls do for the days of a kind, ascending, until it returns false. It
// holds no transaction meanwhile.
func (db *DB) eachDay(ctx context.Context, kind ttpcron.SourceKind, do func(ttpcron.DayHistory) bool) error {
	for from := ttpcron.Day(0); ; {
		page, err := db.DayPage(ctx, kind, from)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, d := range page {
			if !do(d) {
				return nil
			}
		}
		from = page[len(page)-1].Day + 1
	}
}

// Events yields the events of a kind and day whose arrival number is in (after, upTo], in
// order of arrival. A page has at most 256 events and, unless it is a single event, about 1
// MiB of text. The caller owns the slice and its events, but the memory of their text and
// of Field.Raw is shared within the page and must not be written to. An error ends the
// sequence.
func (db *DB) Events(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) iter.Seq2[[]ttpcron.Event, error] {
	return EventPages(after, upTo, func(after uint64) ([]ttpcron.Event, error) {
		return db.EventPage(ctx, kind, day, after, upTo)
	})
}

// EventPages yields the pages that read returns of the events with an arrival
// number in (after, upTo]: each begins after the last event of the one before. It
// ends at a page without events, or with an error.
func EventPages(after, upTo uint64, read func(after uint64) ([]ttpcron.Event, error)) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		for after < upTo {
			page, err := read(after)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
			after = page[len(page)-1].Seq
		}
	}
}

// EventPage reads one page of what Events yields, none when no events follow.
func (db *DB) EventPage(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, after, upTo uint64) ([]ttpcron.Event, error) {
	page, err := db.page(ctx, record.KindDay{Kind: kind, Day: day}, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("read %s events of %s after %d: %w", kind, day, after, err)
	}
	return page, nil
}

// page reads the events of one block whose arrival number is in (after, upTo]; none if
// there are no more.
func (db *DB) page(ctx context.Context, k record.KindDay, after, upTo uint64) (page []ttpcron.Event, err error) {
	err = db.view(ctx, func(tx *txn) error {
		if k.Kind == "" || k.Day < 0 {
			return nil
		}
		b := tx.top(layout.History).Bucket([]byte(k.Kind))
		if b == nil {
			return nil
		}
		c := b.Cursor()
		key, rec := seekBlock(c, k.Day, after)
		for ; key != nil; key, rec = c.Next() {
			day, first, ok := record.ParseBlockKey(key)
			if !ok || day != k.Day || first > upTo {
				return nil
			}
			events, err := db.blocks.Read(k.Kind, k.Day, first, rec)
			if err != nil {
				return fmt.Errorf("block %d: %w", first, err)
			}
			if page = between(events, after, upTo); len(page) > 0 {
				return nil
			}
		}
		return nil
	})
	return page, err
}

// LastSeq returns the latest arrival number, 0 in an empty store.
func (db *DB) LastSeq(ctx context.Context) (uint64, error) {
	var seq uint64
	err := db.view(ctx, func(tx *txn) (err error) {
		seq, err = arrival(tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read the last arrival number: %w", err)
	}
	return seq, nil
}
