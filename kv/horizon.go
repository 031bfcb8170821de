package kv

import (
	"context"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Horizon says before which day no event of a kind comes in, because the days
// before it were pruned.
type Horizon struct {
	Kind   ttpcron.SourceKind
	Before ttpcron.Day
}

// Horizons lists the horizons, in the order of the kinds' names.
func (db *DB) Horizons(ctx context.Context) ([]Horizon, error) {
	var all []Horizon
	err := db.view(ctx, func(tx *txn) (err error) {
		all, err = listHorizons(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list horizons: %w", err)
	}
	return all, nil
}

func listHorizons(tx *txn) (all []Horizon, err error) {
	err = eachPruned(tx, func(p *record.Pruned) error {
		if p.Before > 0 {
			all = append(all, Horizon{p.Kind, p.Before})
		}
		return nil
	})
	return all, err
}

// ForgetHorizon lets events of days that were pruned come in again, those of one
// kind or, without a kind, of all, and returns the horizons that there were.
//
// Ids that a source gave to events that are gone are free again, of whatever
// kind: otherwise the same event would be taken for known.
func (db *DB) ForgetHorizon(ctx context.Context, kind ttpcron.SourceKind) (gone []Horizon, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	err = db.update(ctx, func(tx *txn) error {
		var all []record.Pruned
		free := false
		err := eachPruned(tx, func(p *record.Pruned) error {
			if (kind == "" || p.Kind == kind) && p.Before > 0 {
				gone = append(gone, Horizon{p.Kind, p.Before})
				free = free || p.Named.N > 0
				p.Before = 0
			}
			all = append(all, *p)
			return nil
		})
		if err != nil || len(gone) == 0 {
			return err
		}
		if free {
			if err := db.freeIDs(ctx, tx); err != nil {
				return err
			}
		}
		for i := range all {
			if free {
				all[i].Named = record.Fingerprint{}
			}
			if err := tx.top(layout.Pruned).Put([]byte(all[i].Kind), record.AppendPruned(nil, &all[i])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("forget the horizon: %w", err)
	}
	return gone, nil
}

// eachPruned calls do for what was pruned of each kind.
func eachPruned(tx *txn, do func(*record.Pruned) error) error {
	return tx.top(layout.Pruned).ForEach(func(k, rec []byte) error {
		p, err := record.ReadPruned(k, rec)
		if err == nil {
			err = do(&p)
		}
		return err
	})
}

// freeIDs makes the index of given ids anew, of the events that are stored.
func (db *DB) freeIDs(ctx context.Context, tx *txn) error {
	entries, err := db.namedEntries(ctx, tx)
	if err != nil {
		return err
	}
	return replaceNamed(tx, entries)
}

// namedEntries returns what the index of given ids holds of the events that are
// stored, in no order: 24 bytes for each that has such an id.
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
