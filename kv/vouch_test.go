package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/tree"
)

// TestBesideBranches changes a branch that bbolt would merge with another one in a commit:
// a transaction that deletes below the other one notices it.
func TestBesideBranches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	open := func() *DB {
		t.Helper()
		db, err := Open(t.Context(), path, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	const keys = 120
	key := func(i int) []byte { // seven to a page
		k := bytes.Repeat([]byte{'k'}, 500)
		binary.BigEndian.PutUint64(k, uint64(i))
		return k
	}
	name := []byte("deep")
	err := db.update(t.Context(), func(tx *txn) error {
		b, err := tx.CreateBucket(name)
		for i := 0; err == nil && i < keys; i++ {
			err = b.Put(key(i), record.End(make([]byte, record.HeaderSize), key(i)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var second uint64
	var from, to []byte // of the keys below the first branch
	err = db.view(t.Context(), func(tx *txn) error {
		b := tx.Bucket(name)
		root := b.tree.Start()
		if root.Leaf || b.tree.Page(root.Child(0)).Leaf || root.Count < 2 {
			t.Fatalf("the tree is not as deep as the test wants it: %d pages below the root", root.Count)
		}
		second = root.Child(1)
		from, to = bytes.Clone(root.Key(0)), bytes.Clone(root.Key(1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(second)*page.Size + 10
	count := make([]byte, 2)
	if _, err = f.ReadAt(count, at); err == nil {
		binary.LittleEndian.PutUint16(count, binary.LittleEndian.Uint16(count)-1)
		_, err = f.WriteAt(count, at)
	}
	if err != nil {
		t.Fatal(err)
	}

	db = open()
	defer db.Close()
	err = db.update(t.Context(), func(tx *txn) error {
		b := tx.Bucket(name)
		first := b.tree.Start()
		branch := b.tree.Page(first.Child(0))
		leaf := b.tree.Page(branch.Child(1)) // not beside the other branch
		for i := range leaf.Count {
			if k := leaf.Key(i); bytes.Compare(k, from) >= 0 && bytes.Compare(k, to) < 0 {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if damage := (*DamagedError)(nil); !errors.As(err, &damage) {
		t.Errorf("deleting beside a branch that hides an entry: %v", err)
	}
}

// TestStateOutlivesMappings: what has been checked of a state of the store serves every
// transaction that sees that state, wherever the file is mapped, and none after the next
// commit.
func TestStateOutlivesMappings(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	seen := func() (s *tree.State, at uintptr) {
		t.Helper()
		if err := db.view(t.Context(), func(tx *txn) error {
			at = db.bolt.Info().Data
			s = tx.snap.State
			return tx.ForEachBucket(func(name []byte) error { tx.Bucket(name); return nil })
		}); err != nil {
			t.Fatal(err)
		}
		return s, at
	}
	before, from := seen()
	if again, _ := seen(); again != before {
		t.Error("nothing was written, and the state is another one")
	}
	// A transaction that makes bbolt map the file again, and is then rolled back.
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(layout.Meta))
		for i := range 3000 {
			if err := b.Put(record.NumberKey(uint64(i)), make([]byte, 4000)); err != nil {
				return err
			}
		}
		db.bolt.MaxSize = 1 << 20 // the file must not grow, the mapping may
		return nil
	})
	db.bolt.MaxSize = 0
	if err == nil {
		t.Fatal("it was not given up")
	}
	after, to := seen()
	if after != before {
		t.Error("a transaction that failed made another state")
	}
	t.Logf("mapped at %x, then at %x", from, to)
	if err := db.update(t.Context(), func(tx *txn) error { return putArrival(tx, 7) }); err != nil {
		t.Fatal(err)
	}
	if after, _ := seen(); after == before {
		t.Error("something was written, and the state is the same")
	}
}
