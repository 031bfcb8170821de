package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	berrors "go.etcd.io/bbolt/errors"
)

// migrations lead from each earlier schema to the next: migrations[n] makes
// schema n+2 of schema n+1. A store is brought up to date when it is first
// opened for writing, all steps in one transaction: it is of the new schema
// wholly or of the old one wholly. testdata holds a file of every schema.
var migrations = [schema - 1]func(tx *txn) error{
	toSchema2,
}

// toSchema2 adds the buckets for what was pruned and for the life of rules.
// Coverage is forgotten, since it did not say which rules had looked: the next
// run looks at those days again, and finds its tags there.
func toSchema2(tx *txn) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if err := tx.DeleteBucket(bucketCoverage); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
		return err
	}
	_, err := tx.CreateBucket(bucketCoverage)
	return err
}

// OlderError says that an earlier version of the program wrote a store that was
// opened for reading only. Opening it for writing brings it up to date.
type OlderError struct {
	Path           string
	Schema, Needed int
}

// Error says what to do.
func (e *OlderError) Error() string {
	return fmt.Sprintf("store %s has schema %d and this program needs %d: opening it for writing brings it up to date", e.Path, e.Schema, e.Needed)
}

// migrate brings a store of an earlier schema up to date.
func (db *DB) migrate(ctx context.Context, readOnly bool) error {
	switch {
	case db.schema >= schema:
		return nil
	case db.schema < 1:
		return db.damaged("schema", fmt.Errorf("it is %d", db.schema))
	case readOnly:
		return &OlderError{Path: db.path, Schema: db.schema, Needed: schema}
	}
	err := db.update(ctx, func(tx *txn) error {
		for _, step := range migrations[db.schema-1:] {
			if err := step(tx); err != nil {
				return err
			}
		}
		rec := binary.AppendUvarint(beginRecord(nil), schema)
		return tx.Bucket(bucketMeta).Put(keySchema, endRecord(rec, keySchema))
	})
	if err != nil {
		return fmt.Errorf("bring store %s up to schema %d: %w", db.path, schema, err)
	}
	db.schema = schema
	return nil
}
