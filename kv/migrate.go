package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// migrations lead from each earlier schema to the next: migrations[n] makes
// schema n+2 of schema n+1. A store is brought up to date when it is first
// opened for writing: all these steps in one transaction, then toSchema5 in several.
// testdata holds a file of every schema.
var migrations = [3]func(db *DB, tx *txn) error{
	toSchema2, toSchema3, toSchema4,
}

// toSchema2 adds the buckets for horizons and for the life of rules. Coverage is
// forgotten, since it did not say which rules had looked: the next run looks at those days
// again, and finds its tags there.
func toSchema2(_ *DB, tx *txn) error {
	for i := range layout.Buckets {
		if b := &layout.Buckets[i]; !b.Late {
			if _, err := tx.CreateBucketIfNotExists([]byte(b.Name)); err != nil {
				return err
			}
		}
	}
	if err := tx.DeleteBucket([]byte(layout.Coverage)); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
		return err
	}
	_, err := tx.CreateBucket([]byte(layout.Coverage))
	return err
}

// toSchema3 lets the index of given ids say more of each event, and makes one of
// rejects.
func toSchema3(db *DB, tx *txn) error {
	if _, err := tx.CreateBucketIfNotExists([]byte(layout.Rejected)); err != nil {
		return err
	}
	if err := db.toRejected(tx); err != nil {
		return err
	}
	return db.indexNamed(tx)
}

// toSchema4 changes nothing: buckets get their seals when they are written to, and
// an earlier program would take a seal for a large number.
func toSchema4(*DB, *txn) error { return nil }

// toRejected puts the rejects that are kept into their index.
func (db *DB) toRejected(tx *txn) error {
	b := tx.top(layout.Rejects)
	var all []ttpcron.Reject
	dropped := b.Sequence()
	err := b.ForEach(func(k, rec []byte) error {
		r, err := record.ReadReject(k, rec)
		if err == nil && len(all) == 0 {
			dropped = binary.BigEndian.Uint64(k) - 1
		}
		all = append(all, r)
		return err
	})
	if err != nil {
		return err
	}
	if err := putDropped(tx, int(dropped)); err != nil {
		return err
	}
	return db.indexRejects(tx, all)
}

// indexNamed gives the index of given ids the form of schema 3.
func (db *DB) indexNamed(tx *txn) error {
	return db.reindexNamed(context.Background(), tx, record.Index{Name: []byte(layout.Named), Width: 8})
}

// reindexNamed rebuilds the index of given ids from the events. For pruned events, only
// the old entries are left; they stay unchanged, those of schema 2 without a place.
func (db *DB) reindexNamed(ctx context.Context, tx *txn, form record.Index) error {
	entries, err := db.namedEntries(ctx, tx)
	if err != nil {
		return err
	}
	old := &runIndex{tx.top(layout.Named), form}
	runs, err := old.runs()
	if err != nil {
		return err
	}
	var before [][]byte
	for _, r := range runs {
		run, err := old.take(r)
		if err != nil {
			return err
		}
		before = append(before, run)
	}
	if err := replaceNamed(tx, entries); err != nil {
		return err
	}
	for _, run := range before {
		if err := keepPruned(namedIndex(tx), old, run); err != nil {
			return err
		}
	}
	return nil
}

// keepPruned adds the entries of a run of an older index that the new one lacks.
func keepPruned(x, old *runIndex, run []byte) error {
	var hashes []uint64
	for e := run; len(e) > 0; e = e[old.EntrySize():] {
		hashes = append(hashes, binary.BigEndian.Uint64(e))
	}
	found, _, err := x.find(hashes)
	if err != nil {
		return err
	}
	var gone []byte
	for i, h := range hashes {
		if !found[i] {
			gone = x.AppendEntry(gone, h, old.Value(run[i*old.EntrySize():]))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return x.add(gone)
}

// OlderError says that an earlier version of the program wrote a store that was
// opened for reading only. Opening it for writing brings it up to date.
type OlderError struct {
	Path           string
	Schema, Needed int
}

// Error says what to do.
func (e *OlderError) Error() string {
	return fmt.Sprintf("store %s has schema %d and this program needs %d: the next command that writes, such as ttpcron run-once, brings it up to date; make a copy of the file first", e.Path, e.Schema, e.Needed)
}

// migrate brings a store of an earlier schema up to date.
func (db *DB) migrate(ctx context.Context, o Options) error {
	switch {
	case db.schema >= Schema:
		return nil
	case db.schema < 1:
		return db.damaged("schema", fmt.Errorf("it is %d", db.schema))
	case o.ReadOnly:
		return &OlderError{Path: db.path, Schema: db.schema, Needed: Schema}
	}
	if o.Upgrading != nil {
		o.Upgrading(db.schema, Schema)
	}
	err := db.hasRoom()
	if last := len(migrations) + 1; err == nil && db.schema < last {
		err = db.update(ctx, func(tx *txn) error {
			for _, step := range migrations[db.schema-1:] {
				if err := step(db, tx); err != nil {
					return err
				}
			}
			return tx.top(layout.Meta).Put(record.KeySchema, record.AppendSchema(nil, last))
		})
	}
	if err == nil {
		err = db.toSchema5(ctx)
	}
	if err != nil {
		return fmt.Errorf("bring store %s up to schema %d: %w", db.path, Schema, err)
	}
	db.schema = Schema
	return nil
}
