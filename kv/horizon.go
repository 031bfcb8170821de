package kv

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Horizon is the day before which no event of a kind is stored, because earlier days were
// pruned.
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

// horizons are the days before which no event is accepted. The latest counts for all
// kinds: days from which a pruning removed events are gone, even for a kind that the store
// did not have then. A horizon that was forgotten for a kind does not count for it.
type horizons struct {
	kinds  map[ttpcron.SourceKind]record.Pruned // nil where nothing was pruned
	latest ttpcron.Day
}

func readHorizons(tx *txn) (h horizons, err error) {
	err = eachPruned(tx, func(p *record.Pruned) error {
		if h.kinds == nil {
			h.kinds = map[ttpcron.SourceKind]record.Pruned{}
		}
		h.kinds[p.Kind] = *p
		h.latest = max(h.latest, p.Before)
		return nil
	})
	return h, err
}

// of returns the first day of a kind that comes in, 0 when all do.
func (h *horizons) of(kind ttpcron.SourceKind) ttpcron.Day {
	p := h.kinds[kind]
	if h.latest > p.Forgotten {
		return h.latest
	}
	return p.Before
}

// listHorizons lists the horizons of the kinds that have or had events.
func listHorizons(tx *txn) (all []Horizon, err error) {
	h, err := readHorizons(tx)
	if err != nil || h.latest == 0 {
		return nil, err
	}
	var kinds []ttpcron.SourceKind
	err = tx.top(layout.DayCounts).ForEachBucket(func(k []byte) error {
		kinds = append(kinds, ttpcron.SourceKind(k))
		return nil
	})
	for kind, p := range h.kinds {
		if p.Events > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		if day := h.of(kind); day > 0 {
			all = append(all, Horizon{kind, day})
		}
	}
	return all, err
}

// eachPruned calls do with what was pruned of each kind.
func eachPruned(tx *txn, do func(*record.Pruned) error) error {
	return tx.top(layout.Pruned).ForEach(func(k, rec []byte) error {
		p, err := record.ReadPruned(k, rec)
		if err == nil {
			err = do(&p)
		}
		return err
	})
}

// withoutPruned leaves out the events that happened before the horizon, and counts
// them.
func withoutPruned(tx *txn, events []*ttpcron.Event, r *ttpcron.ImportReport) (left []*ttpcron.Event, err error) {
	horizons, err := readHorizons(tx)
	if err != nil || horizons.latest == 0 {
		return events, err
	}
	left = events[:0]
	for _, e := range events {
		if h := horizons.of(e.Kind); ttpcron.DayOf(e.Time) < h {
			r.BeforeHorizon++
			r.Horizon = max(r.Horizon, h)
		} else {
			left = append(left, e)
		}
	}
	return left, nil
}

// ForgetHorizon lets events of pruned days come in again, for one kind or, without a kind,
// for all. It returns the previous horizons. Those of other kinds stay.
//
// Ids that a source gave to removed events are free again, for every kind: otherwise the
// same event would be taken for known. Correlations judge days with frozen slots again,
// from the base matches that exist.
func (db *DB) ForgetHorizon(ctx context.Context, kind ttpcron.SourceKind) (gone []Horizon, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	err = db.update(ctx, func(tx *txn) error {
		h, err := readHorizons(tx)
		if err != nil || h.latest == 0 {
			return err
		}
		switch day := h.of(kind); {
		case kind == "":
			gone, err = listHorizons(tx)
		case day == 0 || kind.Validate() != nil:
			return nil
		default:
			gone = []Horizon{{kind, day}}
		}
		if err != nil {
			return err
		}
		free := false
		for _, g := range gone {
			free = free || h.kinds[g.Kind].Named.N > 0
		}
		if free {
			if err := db.freeIDs(ctx, tx); err != nil {
				return err
			}
		}
		left, all := ttpcron.Day(0), h.without(kind)
		for i := range all {
			left = max(left, all[i].Before)
		}
		for _, p := range all {
			if free {
				p.Named = record.Fingerprint{}
			}
			if left < h.latest && p.Events > 0 && (kind == "" || kind == p.Kind) {
				p.Awaited = h.latest
			}
			if err := tx.top(layout.Pruned).Put([]byte(p.Kind), record.AppendPruned(nil, &p)); err != nil {
				return err
			}
		}
		return judgeThawed(tx, h.latest, left)
	})
	if err != nil {
		return nil, fmt.Errorf("forget the horizon: %w", err)
	}
	return gone, nil
}

// AwaitedBefore returns the day before which events of some kind may come in again because
// the horizon was forgotten, if none has yet. Otherwise it is 0.
func (db *DB) AwaitedBefore(ctx context.Context) (day ttpcron.Day, err error) {
	err = db.view(ctx, func(tx *txn) error {
		return eachPruned(tx, func(p *record.Pruned) error {
			day = max(day, p.Awaited)
			return nil
		})
	})
	if err != nil {
		return 0, fmt.Errorf("read the horizon that was forgotten: %w", err)
	}
	return day, nil
}

// cameAgain is the kinds that get awaited events which had been pruned.
type cameAgain []record.Pruned

func (c cameAgain) store(tx *txn) error {
	for i := range c {
		if err := tx.top(layout.Pruned).Put([]byte(c[i].Kind), record.AppendPruned(nil, &c[i])); err != nil {
			return err
		}
	}
	return nil
}

func arrivedAgain(tx *txn, events []*ttpcron.Event) (again cameAgain, err error) {
	err = eachPruned(tx, func(p *record.Pruned) error {
		if p.Awaited > 0 && slices.ContainsFunc(events, func(e *ttpcron.Event) bool { return e.Kind == p.Kind && ttpcron.DayOf(e.Time) < p.Awaited }) {
			p.Awaited = 0
			again = append(again, *p)
		}
		return nil
	})
	return again, err
}

// without returns the records that leave no horizon for one kind or, without a kind, for
// any. The other known kinds get one of their own, since the forgotten one may be the
// latest.
func (h *horizons) without(kind ttpcron.SourceKind) (all []record.Pruned) {
	kinds := slices.Collect(maps.Keys(h.kinds))
	if kind != "" {
		kinds = append(append(kinds, ttpcron.Kinds()...), kind)
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
	}
	for _, k := range kinds {
		p := h.kinds[k]
		p.Kind, p.Before = k, h.of(k)
		switch kind {
		case "":
			p.Before, p.Forgotten = 0, 0
		case k:
			p.Before, p.Forgotten = 0, h.latest
		}
		all = append(all, p)
	}
	return all
}

// freeIDs makes the index of given ids anew, of the events that are stored.
func (db *DB) freeIDs(ctx context.Context, tx *txn) error {
	entries, err := db.namedEntries(ctx, tx)
	if err != nil {
		return err
	}
	return replaceNamed(tx, entries)
}
