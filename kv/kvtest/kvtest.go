// Package kvtest opens stores for tests.
package kvtest

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv"
)

// Open opens a new store in a folder of the test. When the test ends the store
// is closed and the consistency of its file is checked.
func Open(t testing.TB) *kv.DB {
	t.Helper()
	return OpenAt(t, filepath.Join(t.TempDir(), "test.db"))
}

// OpenAt is Open for a path of the test's choice, where a store may exist. It
// does not wait for the disk.
func OpenAt(t testing.TB, path string) *kv.DB {
	t.Helper()
	return OpenWith(t, path, kv.Options{})
}

// OpenWith is OpenAt with options.
func OpenWith(t testing.TB, path string, o kv.Options) *kv.DB {
	t.Helper()
	o.NoSync = true
	db, err := kv.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		Check(t, path)
	})
	return db
}

// Check reports as errors of the test what is inconsistent in the file of a
// store that no process holds.
func Check(t testing.TB, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Errorf("check %s: %v", path, err)
		return
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("check %s: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("check %s: %v", path, err)
	}
}
