package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

func TestOpenMakesPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a", "b", "test.db")
	kvtest.OpenAt(t, path)
	for name, want := range map[string]fs.FileMode{dir: 0o755, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700, path: 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestOpenReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "test.db")
	if _, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening a missing store: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("opening for reading made a folder")
	}
	db, err := kv.Open(t.Context(), path, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := newGenerator(1).events(10)
	importAll(t, db, events)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var readers []*kv.DB
	for range 2 {
		db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		readers = append(readers, db)
	}
	for _, db := range readers {
		known, err := db.Known(t.Context(), events)
		if err != nil || len(known) != 10 || !known[0] || !known[9] {
			t.Errorf("known: %v, %v", known, err)
		}
		if _, err := db.Import(t.Context(), ttpcron.Batch{Events: newGenerator(2).events(1)}); err == nil {
			t.Error("importing into a store opened for reading works")
		}
		if s, err := db.Stats(t.Context()); err != nil || s.FreeBytes <= 0 || s.FreeBytes >= s.FileBytes {
			t.Errorf("stats: %+v, %v", s, err)
		}
	}
}

func TestOpenIsCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	kvtest.OpenAt(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := kv.Open(ctx, path, kv.Options{LockTimeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a lock: %v", err)
	}
	// A process that opens the store twice gets its own process number.
	var locked *kv.LockedError
	if _, err := kv.Open(t.Context(), path, kv.Options{}); !errors.As(err, &locked) {
		t.Errorf("opening twice: %v", err)
	}
}

// write makes a file.
func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenOtherFiles(t *testing.T) {
	zip := append([]byte("PK\x03\x04"), bytes.Repeat([]byte("x"), 20_000)...)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("other"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	for name, path := range map[string]string{
		"zip": write(t, zip), "short": write(t, []byte("x")), "zeros": write(t, make([]byte, 65536)),
		"foreign": foreign, "folder": t.TempDir(),
	} {
		for _, readOnly := range []bool{false, true} {
			before, _ := os.ReadFile(path)
			_, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: readOnly})
			var other *kv.NotStoreError
			if !errors.As(err, &other) || strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s: %v", name, err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Errorf("%s: the file has been changed", name)
			}
		}
	}
	if _, err := kv.Open(t.Context(), write(t, nil), kv.Options{ReadOnly: true}); err == nil {
		t.Error("reading an empty file works")
	}
	db2, err := kv.Open(t.Context(), write(t, nil), kv.Options{})
	if err != nil {
		t.Fatalf("starting a store in an empty file: %v", err)
	}
	db2.Close()
}

// small makes a store with a bit of everything and returns its file's content.
func small(t *testing.T) []byte { return storeOf(t, 3000) }

// tiny is small with fewer events.
func tiny(t *testing.T) []byte { return storeOf(t, 700) }

func storeOf(t *testing.T, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	g := newGenerator(3)
	g.pace = time.Minute
	events := g.events(n)
	for i := range events {
		if i%3 == 0 {
			events[i].ID = fmt.Sprint("id", i)
		}
	}
	importAll(t, db, events)
	tagAll(t, db, 2, func(tags []ttpcron.Tag) {
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(n)}}}); err != nil {
			t.Fatal(err)
		}
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestOpenNewerSchema(t *testing.T) {
	path := write(t, small(t))
	kv.SetSchema(t, path, 99)
	_, err := kv.Open(t.Context(), path, kv.Options{})
	var newer *kv.NewerError
	if !errors.As(err, &newer) || newer.Schema != 99 || newer.Highest != kv.Schema || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("opening a newer store: %v", err)
	}
}

func TestOpenTruncated(t *testing.T) {
	content := small(t)
	for _, n := range []int{1, 100, 4096, 5000, 8192, 12288, 16384, len(content) / 2, len(content) - 4096} {
		path := write(t, content[:n])
		_, err := kv.Open(t.Context(), path, kv.Options{})
		var damaged *kv.DamagedError
		var other *kv.NotStoreError
		if !errors.As(err, &damaged) && !errors.As(err, &other) {
			t.Errorf("%d of %d bytes: %v", n, len(content), err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, content[:n]) {
			t.Errorf("%d bytes: the file has been changed", n)
		}
	}
}

// TestCutWhileOpen cuts a file under an open store: reading is a fault of memory,
// which must not take the process down.
func TestCutWhileOpen(t *testing.T) {
	path := write(t, small(t))
	db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	_, err = db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	var damaged *kv.DamagedError
	if !errors.As(err, &damaged) {
		t.Errorf("reading a file that was cut: %v", err)
	}
}

// touch does everything that a store can do and returns the first error.
func touch(t *testing.T, db *kv.DB) error {
	ctx := t.Context()
	kinds, err := db.Kinds(ctx)
	for _, kind := range kinds {
		days, err := db.Days(ctx, kind)
		if err != nil {
			return err
		}
		for _, d := range days {
			for _, err := range db.Events(ctx, kind, d.Day, 0, 1<<60) {
				if err != nil {
					return err
				}
			}
		}
	}
	if err != nil {
		return err
	}
	for _, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		if err != nil {
			return err
		}
	}
	g := newGenerator(3)
	g.pace = time.Minute
	_, errs := db.Import(ctx, ttpcron.Batch{Events: g.events(3100)})
	_, err = db.Stats(ctx)
	errs = errors.Join(errs, err)
	_, err = db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	errs = errors.Join(errs, err)
	_, err = db.Cursors(ctx)
	return errors.Join(errs, err)
}

// TestFlippedBits damages random pages: the store may be wrong about what has no checksum,
// such as free pages, but it must neither panic nor return what was never stored.
func TestFlippedBits(t *testing.T) {
	content := small(t)
	stored := map[string]bool{}
	db, err := kv.Open(t.Context(), write(t, content), kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, db, func(page []ttpcron.Event) {
		for i := range page {
			stored[fmt.Sprint(page[i])] = true
		}
	})
	db.Close()
	rnd := rand.New(rand.NewPCG(1, 9))
	refused, n := 0, rounds(150)
	for range n {
		bad := bytes.Clone(content)
		for range 1 + rnd.IntN(3) {
			bad[rnd.IntN(len(bad))] ^= 1 << rnd.IntN(8)
		}
		path := write(t, bad)
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			refused++
			continue
		}
		for _, day := range []ttpcron.Day{19875, 19876} {
			for page, err := range db.Events(t.Context(), ttpcron.Command, day, 0, 1<<60) {
				if err != nil {
					break
				}
				for i := range page {
					page[i].ID = page[i].SourceID()
					if !stored[fmt.Sprint(page[i])] {
						t.Fatalf("an event that was never stored: %+v", page[i])
					}
				}
			}
		}
		if touch(t, db) != nil {
			refused++
		}
		db.Close()
	}
	t.Logf("%d of %d damaged files were noticed", refused, n)
}
