package kv

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Commit adds the tags that the store does not have, and the records that go with
// them; inserted counts the former. A tag that exists stays as it was first
// written. A tag that has no kind, source or time of the years 1970 to 9999, or a
// confidence outside 0 to 1, fails the call.
//
// A commit that brings nothing new writes nothing: no tag, coverage or cursor
// that differs from what is stored, and a Run whose ID is stored already and that
// is not finished. So the record of a run that was killed may lack the counts of
// its last commits.
func (db *DB) Commit(ctx context.Context, c ttpcron.Commit) (inserted int, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	inserted, err = db.commit(ctx, c)
	if err != nil {
		return 0, err
	}
	return inserted, nil
}

func (db *DB) commit(ctx context.Context, c ttpcron.Commit) (inserted int, err error) {
	rows, err := sortTags(c.Tags)
	if err != nil {
		return 0, err
	}
	var companions []companion
	err = db.view(ctx, func(tx *txn) error {
		if err := findTags(tx, rows); err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r tagRow) bool { return r.known })
		if companions, err = newCompanions(tx, c); err != nil {
			return err
		}
		return db.claims.load(tx)
	})
	if err != nil || len(rows) == 0 && len(companions) == 0 {
		return 0, err
	}
	if c.Run != nil && (len(companions) == 0 || !companions[len(companions)-1].isRun) {
		companions = append(companions, runCompanion(c.Run)) // something is written: the counts come along
	}
	claims := db.claims.begin()
	err = db.update(ctx, func(tx *txn) error {
		if err := db.addTags(tx, c.Tags, rows, claims); err != nil {
			return err
		}
		for _, m := range companions {
			if err := m.put(tx); err != nil {
				return err
			}
		}
		return claims.store(tx)
	})
	if err != nil {
		return 0, err
	}
	claims.committed()
	return len(rows), nil
}

// companion is a small record that a commit writes beside its tags.
type companion struct {
	isRun bool
	put   func(tx *txn) error
}

func runCompanion(r *ttpcron.Run) companion {
	return companion{true, func(tx *txn) error { return putRun(tx, r) }}
}

// newCompanions returns what differs from the records that are stored; the run, if it
// is among them, comes last.
func newCompanions(tx *txn, c ttpcron.Commit) (companions []companion, err error) {
	if companions, err = newCoverage(tx, c); err != nil {
		return nil, err
	}
	for i := range c.Cursors {
		v := &c.Cursors[i]
		if v.Kind == "" {
			return nil, errors.New("cursor without kind")
		}
		if !bytes.Equal(tx.top(layout.Cursors).Get([]byte(v.Kind)), record.AppendCursor(nil, v)) {
			companions = append(companions, companion{put: func(tx *txn) error { return putCursor(tx, v) }})
		}
	}
	if c.Run == nil {
		return companions, nil
	}
	if c.Run.ID == "" {
		return nil, errors.New("run without id")
	}
	if old := tx.top(layout.Runs).Get([]byte(c.Run.ID)); old == nil || !c.Run.Finished.IsZero() && !bytes.Equal(old, record.AppendRun(nil, c.Run)) {
		companions = append(companions, runCompanion(c.Run))
	}
	return companions, nil
}
