package kv_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// A noun that no store has: text under a number.
var typeNote = record.Type{Name: "note", Version: 1}

func appendNote(key []byte, text string) []byte {
	return record.End(record.AppendText(typeNote.Begin(nil), text), key)
}

func checkNote(_ *layout.Store, _ string, k, v []byte) error {
	r, err := typeNote.Open(v, k)
	if err != nil {
		return err
	}
	r.Text()
	return r.Finish()
}

// withBucket adds a bucket to the list for the time of a test.
func withBucket(t *testing.T, b layout.Bucket) {
	before := layout.Buckets
	layout.Buckets = append(slices.Clone(before), b)
	t.Cleanup(func() { layout.Buckets = before })
}

// putNotes makes a store with some notes, stored as in a bucket's own file.
func putNotes(t *testing.T, put func(to *kv.Takeover, key, rec []byte) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.TakeOver(t.Context(), func(to *kv.Takeover) error {
		for n := range uint64(300) {
			k := record.NumberKey(n + 1)
			if err := put(to, k, appendNote(k, strings.Repeat("note", 20))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// notesOf reads the notes of a store.
func notesOf(t *testing.T, path string, in ...string) (n int, number uint64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(in[0]))
		for _, name := range in[1:] {
			b = b.Bucket([]byte(name))
		}
		if b == nil {
			return nil
		}
		number = b.Sequence() & (1<<40 - 1)
		return b.ForEach(func(k, v []byte) error {
			n++
			if len(in) > 1 {
				return nil
			}
			return checkNote(nil, "", k, v)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, number
}

// TestNewBucket adds a bucket to the list, and nothing else: it is made with a store,
// checked, measured, compacted and recovered.
func TestNewBucket(t *testing.T) {
	withBucket(t, layout.Bucket{Name: "notes", Holds: "a test", Number: layout.Last, Check: checkNote, Remedy: layout.Rebuild, Recovery: layout.Copied})
	path := putNotes(t, func(to *kv.Takeover, key, rec []byte) error {
		if err := to.SetNumber("notes", binary.BigEndian.Uint64(key)); err != nil {
			return err
		}
		return to.Put("notes", "", key, rec)
	})
	if r, err := doctor.Check(t.Context(), path, doctor.Options{}); err != nil || r.Damaged() {
		t.Fatalf("check: %+v, %v", r.Findings, err)
	}
	space, err := doctor.MeasureSpace(t.Context(), path, doctor.Options{})
	if last := space.Buckets[len(space.Buckets)-1]; err != nil || last.Name != "notes" || last.Entries != 300 || last.Bytes == 0 {
		t.Errorf("space: %+v, %v", last, err)
	}
	if _, err := doctor.Compact(t.Context(), path, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	if n, number := notesOf(t, path, "notes"); n != 300 || number != 300 {
		t.Errorf("compacted: %d notes up to number %d", n, number)
	}
	saved := filepath.Join(t.TempDir(), "saved.db")
	if r, err := doctor.Recover(t.Context(), path, saved, doctor.Options{}); err != nil || !r.Whole() {
		t.Fatalf("recover: %+v, %v", r, err)
	}
	if n, number := notesOf(t, saved, "notes"); n != 300 || number != 300 {
		t.Errorf("recovered: %d notes up to number %d", n, number)
	}
	change(t, path, func(tx *bbolt.Tx) error {
		k := record.NumberKey(7)
		return tx.Bucket([]byte("notes")).Put(k, record.End(append(typeNote.Begin(nil), 9, 'x'), k))
	})
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Place != "notes" || r.Findings[0].Do != layout.Rebuild {
		t.Errorf("a note that was changed: %+v, %v", r.Findings, err)
	}
}

// TestNewBucketOfKinds adds a bucket with one bucket for each kind, which older stores
// lack: it is checked and recovered, and pruning removes it.
func TestNewBucketOfKinds(t *testing.T) {
	withBucket(t, layout.Bucket{Name: "notes", Nested: layout.Kinds, Late: true, Remedy: layout.Rebuild, Recovery: layout.Copied, Check: func(_ *layout.Store, kind string, k, v []byte) error {
		_, err := typeNote.Open(v, []byte(kind), k)
		return err
	}})
	path := putNotes(t, func(to *kv.Takeover, _, _ []byte) error { return nil })
	if n, _ := notesOf(t, path, "notes"); n != 0 {
		t.Errorf("%d notes", n)
	}
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	e := command("", "192.0.2.1", "id")
	importAll(t, db, []ttpcron.Event{e})
	day := ttpcron.DayOf(e.Time)
	err = db.TakeOver(t.Context(), func(to *kv.Takeover) error {
		k := record.DayKey(day)
		return to.Put("notes", string(e.Kind), k, record.End(typeNote.Begin(nil), []byte(e.Kind), k))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := doctor.Check(t.Context(), path, doctor.Options{}); err != nil || r.Damaged() {
		t.Errorf("check: %+v, %v", r.Findings, err)
	}
	saved := filepath.Join(t.TempDir(), "saved.db")
	if r, err := doctor.Recover(t.Context(), path, saved, doctor.Options{}); err != nil || !r.Whole() {
		t.Fatalf("recover: %+v, %v", r, err)
	}
	if n, _ := notesOf(t, saved, "notes", string(e.Kind)); n != 1 {
		t.Errorf("recovered: %d notes", n)
	}
	if db, err = kv.Open(t.Context(), path, kv.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: day + 1}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n, _ := notesOf(t, path, "notes"); n != 0 {
		t.Errorf("%d kinds have notes", n)
	}
	if r, err := doctor.Check(t.Context(), path, doctor.Options{}); err != nil || r.Damaged() {
		t.Errorf("check: %+v, %v", r.Findings, err)
	}
}

// TestListOfBuckets: names differ, and a bucket that is copied unchanged can be checked.
func TestListOfBuckets(t *testing.T) {
	for i, b := range layout.Buckets {
		if b.Name == "" || b.Holds == "" || b.Key == "" || b.Remedy == "" {
			t.Errorf("bucket %q says too little of itself", b.Name)
		}
		if layout.Find(b.Name) != &layout.Buckets[i] {
			t.Errorf("two buckets are named %q", b.Name)
		}
		if b.Recovery == layout.Copied && b.Check == nil {
			t.Errorf("bucket %q is taken over unchecked", b.Name)
		}
		if b.Number == layout.Entries && b.Noun == "" {
			t.Errorf("bucket %q counts what has no name", b.Name)
		}
	}
}

// change changes the file of a store behind its back.
func change(t *testing.T, path string, do func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(do); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
