package kv

import (
	"context"
	"fmt"

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

// horizons returns the first day of each kind that has not been pruned. Kinds
// that never were, or whose horizon is forgotten, are left out.
func horizons(tx *txn) (map[ttpcron.SourceKind]ttpcron.Day, error) {
	var out map[ttpcron.SourceKind]ttpcron.Day
	all, err := listHorizons(tx)
	for _, h := range all {
		if out == nil {
			out = map[ttpcron.SourceKind]ttpcron.Day{}
		}
		out[h.Kind] = h.Before
	}
	return out, err
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

// withoutPruned leaves out the events that happened before the horizon of their
// kind, and counts them.
func withoutPruned(tx *txn, events []*ttpcron.Event, r *ttpcron.ImportReport) (left []*ttpcron.Event, err error) {
	before, err := horizons(tx)
	if err != nil || len(before) == 0 {
		return events, err
	}
	left = events[:0]
	for _, e := range events {
		if h := before[e.Kind]; ttpcron.DayOf(e.Time) < h {
			r.BeforeHorizon++
			r.Horizon = max(r.Horizon, h)
		} else {
			left = append(left, e)
		}
	}
	return left, nil
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

// freeIDs makes the index of given ids anew, of the events that are stored.
func (db *DB) freeIDs(ctx context.Context, tx *txn) error {
	entries, err := db.namedEntries(ctx, tx)
	if err != nil {
		return err
	}
	return replaceNamed(tx, entries)
}
