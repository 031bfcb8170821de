package kv

import (
	"context"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// identity is what the store computes for an event before storing it.
type identity struct {
	record.Identity // under which it is or would be stored
	known           bool
	changed         bool // the ID is not the one given
	of              original
}

// contentIndex is the index of content-derived ids of one kind and day, nil if no event of
// the kind is stored.
func contentIndex(tx *txn, kind ttpcron.SourceKind, day ttpcron.Day) *runIndex {
	b := tx.top(layout.Identity).Bucket([]byte(kind))
	if b == nil {
		return nil
	}
	return &runIndex{b, record.ContentIndex(kind, day)}
}

// namedIndex is the index of given ids.
func namedIndex(tx *txn) *runIndex {
	return &runIndex{tx.top(layout.Named), record.NamedIndex()}
}

// identify finds the known events. Of equal events in the batch, all but the first are
// known, and so are purged ones.
func (db *DB) identify(tx *txn, events []*ttpcron.Event) ([]identity, error) {
	out := make([]identity, len(events))
	for i, e := range events {
		out[i].Identity = record.IdentityOf(&db.secret, e)
	}
	if err := db.findPurged(tx, events, out); err != nil {
		return nil, err
	}
	content := map[record.KindDay][]int{}
	var named []int
	for i, e := range events {
		if out[i].known {
			continue
		}
		if out[i].Content {
			k := record.KindDayOf(e)
			content[k] = append(content[k], i)
		} else {
			named = append(named, i)
		}
	}
	for k, members := range content {
		if err := findContent(tx, k, members, out); err != nil {
			return nil, err
		}
	}
	n := naming{db: db, tx: tx, events: events, ids: out, have: make(map[uint64]holder, len(named))}
	return out, n.resolve(named)
}

func findContent(tx *txn, k record.KindDay, members []int, out []identity) error {
	hashes := make([]uint64, len(members))
	for j, i := range members {
		hashes[j] = out[i].Hash
	}
	found, values := make([]bool, len(members)), make([]record.IndexValue, len(members))
	if x := contentIndex(tx, k.Kind, k.Day); x != nil {
		var err error
		if found, values, err = x.find(hashes); err != nil {
			return err
		}
	}
	before := make(map[uint64]int, len(members))
	for j, i := range members {
		d := &out[i]
		first, has := before[d.Hash]
		switch {
		case found[j]:
			d.known = true
			if place, digest := record.ContentPlace(k.Day, values[j]); d.HasOtherFacts(digest) {
				d.of.place = place
			}
		case has:
			d.known = true
			if d.HasOtherFacts(out[first].Digest) {
				d.of.batch = first + 1
			}
		default:
			before[d.Hash] = i
		}
	}
	return nil
}

// remember adds the identities of new events to the indexes.
func remember(tx *txn, events []*ttpcron.Event, ids []identity) error {
	named := namedIndex(tx)
	var namedEntries []byte
	content := map[record.KindDay][]byte{}
	form := record.ContentIndex("", 0)
	for i, e := range events {
		d := &ids[i]
		switch {
		case d.known:
		case d.Content:
			k := record.KindDayOf(e)
			content[k] = form.AppendEntry(content[k], d.Hash, d.Value())
		default:
			namedEntries = named.AppendEntry(namedEntries, d.Hash, d.Value())
		}
	}
	if len(namedEntries) > 0 {
		if err := named.add(named.SortEntries(namedEntries)); err != nil {
			return err
		}
	}
	for k, entries := range content {
		if _, err := tx.top(layout.Identity).CreateBucketIfNotExists([]byte(k.Kind)); err != nil {
			return err
		}
		x := contentIndex(tx, k.Kind, k.Day)
		if err := x.add(x.SortEntries(entries)); err != nil {
			return err
		}
	}
	return nil
}

// namedEntries returns the index of given ids for the stored events, unordered: 24 bytes
// for each event with a given id.
func (db *DB) namedEntries(ctx context.Context, tx *txn) ([]byte, error) {
	var entries []byte
	x := record.NamedIndex()
	err := db.eachStored(ctx, tx, func(e *ttpcron.Event) {
		if d := record.IdentityOf(&db.secret, e); !d.Content {
			entries = x.AppendEntry(entries, d.Hash, d.Value())
		}
	})
	return entries, err
}

// replaceNamed makes the index of given ids anew.
func replaceNamed(tx *txn, entries []byte) error {
	if err := tx.DeleteBucket([]byte(layout.Named)); err != nil {
		return err
	}
	if _, err := tx.CreateBucket([]byte(layout.Named)); err != nil {
		return err
	}
	x := namedIndex(tx)
	for part := range slices.Chunk(entries, maxRun/16*x.EntrySize()) {
		if err := x.add(x.SortEntries(part)); err != nil {
			return err
		}
	}
	return nil
}
