package kv

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// storedEvents reads single events.
type storedEvents struct {
	tx    *txn
	cache block.Cache
}

func (db *DB) storedEvents() *storedEvents {
	s := &storedEvents{}
	s.cache = block.Cache{Reader: db.blocks, Find: s.find}
	return s
}

// at returns an event as a transaction has it, nil when there is none. It is good
// until at is called twice more.
func (s *storedEvents) at(tx *txn, at record.KindDay, seq uint64) (*ttpcron.Event, error) {
	if s.tx != tx {
		s.tx = tx
		s.cache.Changed()
	}
	return s.cache.Event(at, seq)
}

func (s *storedEvents) find(at record.KindDay, seq uint64) (first uint64, rec []byte, err error) {
	history := s.tx.top(layout.History).Bucket([]byte(at.Kind))
	if history == nil || seq == 0 {
		return 0, nil, nil
	}
	key, rec := seekBlock(history.Cursor(), at.Day, seq-1)
	day, first, ok := record.ParseBlockKey(key)
	if !ok || day != at.Day {
		return 0, nil, nil
	}
	return first, rec, nil
}

// tagReader reads tags with what their events say.
type tagReader struct {
	db      *DB
	events  *storedEvents
	deriver record.Deriver
}

func newTagReader(db *DB) *tagReader { return &tagReader{db: db, events: db.storedEvents()} }

// read reads a tag of a day, but for its evidence. Its event is nil when the tag is
// whole, and otherwise good until read is called twice more.
func (r *tagReader) read(tx *txn, day ttpcron.Day, key, rec []byte) (t ttpcron.Tag, claim uint32, e *ttpcron.Event, err error) {
	t, claim, err = record.ReadTag(day, key, rec, &r.deriver)
	if err != nil {
		return t, 0, nil, err
	}
	c, err := r.db.claims.get(tx, claim)
	if err != nil {
		return t, 0, nil, err
	}
	if t.Seq != 0 {
		if e, err = r.events.at(tx, record.KindDay{Kind: c.Kind, Day: day}, t.Seq); err != nil {
			return t, 0, nil, err
		}
		if e == nil {
			_, u, _ := record.ParseTagKey(key)
			return t, 0, nil, fmt.Errorf("tag %s: %w", u, record.Damagef("its event, %s %d, is missing", c.Kind, t.Seq))
		}
	}
	c.Complete(&t, e)
	return t, claim, e, nil
}

// shown reads a tag of a day with its evidence.
func (r *tagReader) shown(tx *txn, day ttpcron.Day, key, rec []byte) (ttpcron.Tag, error) {
	t, _, e, err := r.read(tx, day, key, rec)
	if e != nil {
		t.Evidence = ttpcron.AppendEvidence(nil, e, &t.Match)
	}
	return t, err
}

// CompleteTags gives tags that were read of another store with the same events
// what their events say, and reports of each whether its event is there. Those of
// whole tags need not be.
func (db *DB) CompleteTags(ctx context.Context, tags []ttpcron.Tag, claims []*record.Claim) (there []bool, err error) {
	there = make([]bool, len(tags))
	err = db.view(ctx, func(tx *txn) error {
		events := db.storedEvents()
		for i := range tags {
			t := &tags[i]
			var e *ttpcron.Event
			if t.Seq != 0 {
				var err error
				if e, err = events.at(tx, record.KindDay{Kind: claims[i].Kind, Day: ttpcron.DayOf(t.EventTime)}, t.Seq); err != nil {
					return err
				}
			}
			if there[i] = t.Seq == 0 || e != nil; there[i] {
				claims[i].Complete(t, e)
			}
		}
		return nil
	})
	return there, err
}
