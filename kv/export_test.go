package kv

import (
	"encoding/binary"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
)

// SetSchema makes a store one of another schema.
func SetSchema(t testing.TB, path string, n uint64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		rec := binary.AppendUvarint(beginRecord(nil), n)
		return tx.Bucket(bucketMeta).Put(keySchema, endRecord(rec, keySchema))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TagBytes returns the mean size of key and value of some tags.
func TagBytes(tags []ttpcron.Tag) int {
	var d deriver
	n := 0
	for i := range tags {
		day := ttpcron.DayOf(tags[i].EventTime)
		key := makeTagKey(nanosOf(tags[i].EventTime, day), tags[i].UUID())
		n += len(key) + len(appendTag(nil, dayKey(day), &key, 1, &tags[i], &d))
	}
	return n / len(tags)
}

// LimitSize makes writes that need a larger file fail, as a full disk does; 0
// lifts the limit.
func LimitSize(db *DB, n int) { db.bolt.MaxSize = n }

// Schema is the schema that this program writes.
const Schema = schema

// BreakMigration makes the last step of a migration fail until the function
// returned is called.
func BreakMigration(err error) (restore func()) {
	last := &migrations[len(migrations)-1]
	step := *last
	*last = func(tx *bbolt.Tx) error {
		if serr := step(tx); serr != nil {
			return serr
		}
		return err
	}
	return func() { *last = step }
}

// OpenTransactions counts the read transactions in progress.
func OpenTransactions(db *DB) int { return db.bolt.Stats().OpenTxN }
