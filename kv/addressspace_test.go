package kv_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestLittleAddressSpace: a process that can map little, like a 32-bit one, refuses a
// larger store and does not change it. A store that would become too large keeps its
// content and still works.
func TestLittleAddressSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	g := newGenerator(3)
	importAll(t, db, g.events(500))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(content))

	restore := kv.LimitMapping(size - 4096)
	t.Cleanup(func() { restore() })
	for _, readOnly := range []bool{true, false} {
		var large *kv.TooLargeError
		if _, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: readOnly}); !errors.As(err, &large) || large.Bytes != size || large.Limit != size-4096 || large.Grows {
			t.Errorf("opening a store that is too large, read-only %v: %v", readOnly, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
		t.Errorf("the refused store was changed: %v", err)
	}
	restore()

	limit := size + 4<<20
	restore = kv.LimitMapping(limit * 16 / 15)
	if db, err = kv.Open(t.Context(), path, kv.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	var kept []ttpcron.Event
	var large *kv.TooLargeError
	for n := 0; err == nil && n < 100; n++ {
		events := g.events(2000)
		if _, err = db.Import(t.Context(), ttpcron.Batch{Events: events}); err == nil {
			kept = events
		}
	}
	if !errors.As(err, &large) || !large.Grows || large.Limit > limit || large.Limit < limit-16 {
		t.Fatalf("a store that grows too large: %v", err)
	}
	known, err := db.Known(t.Context(), kept)
	for i := range known {
		if err != nil || !known[i] {
			t.Fatalf("event %d of those before is known: %v, %v", i, known[i], err)
		}
	}
	if err := db.SetCursor(t.Context(), ttpcron.Cursor{Kind: ttpcron.Command, Seq: 1}); err != nil {
		t.Errorf("a small write afterwards: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > limit {
		t.Errorf("the file is %d bytes, limit %d: %v", info.Size(), limit, err)
	}
	kvtest.Check(t, path)
}

// TestMappable: the system gives one of bbolt's sizes.
func TestMappable(t *testing.T) {
	if n := kv.Mappable(); n != math.MaxInt32 && n != 1<<30 && n != 512<<20 && n != 256<<20 && n != 128<<20 {
		t.Errorf("%d bytes can be mapped", n)
	}
}
