package kv

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

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

// at returns an event as the transaction sees it, or nil. It is valid until the second
// next call.
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
	db       *DB
	events   *storedEvents
	deriver  record.Deriver
	evidence []byte // the last, in memory that is used again
}

// tagReader returns a reader, with the blocks of a finished one: pages read the same
// blocks again.
func (db *DB) tagReader() *tagReader {
	if r, ok := db.tagReaders.Get().(*tagReader); ok {
		return r
	}
	return &tagReader{db: db, events: db.storedEvents()}
}

// done says that the reader is used no more.
func (r *tagReader) done() {
	r.events.tx = nil
	r.db.tagReaders.Put(r)
}

// read reads a day's tag without its evidence. Its event is nil for a tag that is stored
// whole and for a finding. Otherwise it is valid until the second next call.
func (r *tagReader) read(tx *txn, day ttpcron.Day, key, rec []byte) (t ttpcron.Tag, claim uint32, e *ttpcron.Event, err error) {
	t, claim, err = record.ReadTag(day, key, rec, &r.deriver)
	if err != nil {
		return t, 0, nil, err
	}
	c, err := r.db.claims.get(tx, claim)
	if err != nil {
		return t, 0, nil, err
	}
	e, err = r.complete(tx, day, key, &t, c)
	return t, claim, e, err
}

// complete gives a tag its claim and what its event says.
func (r *tagReader) complete(tx *txn, day ttpcron.Day, key []byte, t *ttpcron.Tag, c *record.Claim) (e *ttpcron.Event, err error) {
	if t.Seq != 0 {
		if e, err = r.events.at(tx, record.KindDay{Kind: c.Kind, Day: day}, t.Seq); err != nil {
			return nil, err
		}
		if e == nil {
			_, u, _ := record.ParseTagKey(key)
			return nil, fmt.Errorf("tag %s: %w", u, record.Damagef("its event, %s %d, is missing", c.Kind, t.Seq))
		}
	}
	if err := c.Complete(t, e, &r.deriver); err != nil {
		return nil, fmt.Errorf("tag %x: %w", key, err)
	}
	return e, nil
}

// tagOf returns the claim in a tag's record, one of those given, and its event's arrival
// number, 0 if the event is gone. It reads nothing else.
func tagOf(claims []*record.Claim, k, rec []byte) (claim uint32, seq uint64, err error) {
	claim, seq, ok := record.PeekTag(rec)
	if !ok || claim == 0 || uint64(claim) > uint64(len(claims)) {
		return 0, 0, record.Damagef("tag %x cannot be read", k)
	}
	return claim, seq, nil
}

// selects reports whether a query may select tags of an event, by its attacker and
// session; a missing one may match.
func (r *tagReader) selects(tx *txn, q *ttpcron.TagQuery, at record.KindDay, seq uint64) (bool, error) {
	e, err := r.events.at(tx, at, seq)
	if err != nil || e == nil {
		return err == nil, err
	}
	return (q.Session == "" || e.SessionID == q.Session) && (q.Sensor == "" || e.DeckyID == q.Sensor) &&
		(q.Networks == nil || q.Networks.Contains(e.AttackerIP)) &&
		(q.Attacker == "" || q.IsAttacker(e.AttackerIP, e.IdentityUUID) || q.IsAttacker(r.deriver.Attacker(e))), nil
}

// show gives a tag its text, and its evidence unless it is whole and has it.
func (r *tagReader) show(t *ttpcron.Tag, e *ttpcron.Event) {
	r.giveEvidence(t, e)
	t.SetText(e)
}

func (r *tagReader) giveEvidence(t *ttpcron.Tag, e *ttpcron.Event) {
	switch {
	case e != nil:
		r.evidence = ttpcron.AppendEvidence(r.evidence[:0], e, &t.Match)
	case t.Finding != nil:
		r.evidence = t.Finding.AppendEvidence(r.evidence[:0])
	default:
		return
	}
	t.Evidence = bytes.Clone(r.evidence)
	if cap(r.evidence) > maxScratch {
		r.evidence = nil
	}
}

// maxScratch bounds the memory that is used again.
const maxScratch = 64 << 10

// shown reads a tag of a day with its evidence.
func (r *tagReader) shown(tx *txn, day ttpcron.Day, key, rec []byte) (ttpcron.Tag, error) {
	t, _, e, err := r.read(tx, day, key, rec)
	if err == nil {
		r.show(&t, e)
	}
	return t, err
}

// CompleteTags completes tags from another store with the same events by what their events
// say. For each it reports whether its event is there and is the right one. Whole tags do
// not need theirs.
func (db *DB) CompleteTags(ctx context.Context, tags []ttpcron.Tag, claims []*record.Claim) (there []bool, err error) {
	there = make([]bool, len(tags))
	order := make([]int, len(tags))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // so that each block is read once
		return cmp.Or(cmp.Compare(claims[a].Kind, claims[b].Kind), cmp.Compare(tags[a].Seq, tags[b].Seq))
	})
	err = db.view(ctx, func(tx *txn) error {
		events := db.storedEvents()
		var deriver record.Deriver
		for _, i := range order {
			t := &tags[i]
			var e *ttpcron.Event
			if t.Seq != 0 {
				var err error
				if e, err = events.at(tx, record.KindDay{Kind: claims[i].Kind, Day: ttpcron.DayOf(t.EventTime)}, t.Seq); err != nil {
					return err
				}
			}
			if t.Seq == 0 || e != nil {
				if err := claims[i].Complete(t, e, &deriver); err != nil {
					return err
				}
				if e != nil {
					t.Vantage = e.Vantage // which it may have learned after the tag was made
				}
				there[i] = e == nil || e.Time.Equal(t.EventTime) && t.Match.Fits(e)
			}
		}
		return nil
	})
	return there, err
}
