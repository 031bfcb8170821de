package kv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// leafOf returns where the first leaf of a part of a store lies that has some
// entries.
func leafOf(t *testing.T, content []byte, sort string) int {
	t.Helper()
	for _, r := range regions(t, content)[sort] {
		if r.From%4096 == 0 && binary.LittleEndian.Uint16(content[r.From+10:]) > 2 {
			return r.From
		}
	}
	t.Fatalf("no page of %s", sort)
	return 0
}

// TestCompactDamagedEntry compacts a store in which an entry says that it is a
// gigabyte long, which is found out only when the copy is committed: it ends, and
// the store can be opened again.
func TestCompactDamagedEntry(t *testing.T) {
	content := rich(t)
	for _, sort := range []string{"tags", "history", "rollups"} {
		bad := bytes.Clone(content)
		at := leafOf(t, content, sort)
		binary.LittleEndian.PutUint32(bad[at+16+12:], 1<<30)
		path := write(t, bad)
		done := make(chan error, 1)
		go func() {
			_, err := kv.Compact(t.Context(), path, kv.FileOptions{})
			done <- err
		}()
		select {
		case err := <-done:
			if damage := (*kv.DamagedError)(nil); !errors.As(err, &damage) {
				t.Errorf("%s: %v", sort, err)
			}
		case <-time.After(time.Minute): // a safety net
			t.Fatalf("%s: compacting hangs", sort)
		}
		if db, err := kv.Open(t.Context(), path, kv.Options{}); err != nil {
			t.Errorf("%s: %v", sort, err)
		} else {
			db.Close()
		}
	}
}

// changes of a page of 13 to 100 entries, none of which bbolt minds.
var pageChanges = map[string]func(page []byte){
	"fewer entries":             func(p []byte) { binary.LittleEndian.PutUint16(p[10:], binary.LittleEndian.Uint16(p[10:])-1) },
	"no entries":                func(p []byte) { binary.LittleEndian.PutUint16(p[10:], 0) },
	"another number":            func(p []byte) { p[0] ^= 1 },
	"longer":                    func(p []byte) { p[12]++ },
	"an odd entry":              func(p []byte) { p[16] ^= 2 },
	"an entry that is a bucket": func(p []byte) { p[16] ^= 1 },
	"a shorter key":             func(p []byte) { p[16+8]-- },
}

// TestDamagedPages changes a page of each part of a store in ways that bbolt does
// not notice. Whoever reads the part says that the store is damaged.
func TestDamagedPages(t *testing.T) {
	content := rich(t)
	for _, sort := range []string{"tags", "history", "days", "identity", "named"} {
		var at int
		for _, r := range regions(t, content)[sort] {
			if r.From%4096 == 0 {
				at = r.From
			}
		}
		if at == 0 {
			continue // within a page of the root
		}
		for name, change := range pageChanges {
			bad := bytes.Clone(content)
			change(bad[at : at+4096])
			path := write(t, bad)
			if err := readEverything(t, path); err == nil {
				t.Errorf("%s: a page with %s: nothing is said", sort, name)
			} else if damage := (*kv.DamagedError)(nil); !errors.As(err, &damage) {
				t.Errorf("%s: a page with %s: %v", sort, name, err)
			}
		}
	}
}

// readEverything reads events and tags, and looks up some events.
func readEverything(t *testing.T, path string) error {
	t.Helper()
	ctx := t.Context()
	db, err := kv.Open(ctx, path, kv.Options{ReadOnly: true, Now: func() time.Time { return noon }})
	if err != nil {
		return err
	}
	defer db.Close()
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		days, err := db.Days(ctx, kind)
		if err != nil {
			return err
		}
		for _, d := range days {
			for page, err := range db.Events(ctx, kind, d.Day, 0, 1<<63) {
				if err != nil {
					return err
				}
				if _, err := db.Known(ctx, page); err != nil {
					return err
				}
			}
		}
	}
	for _, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		if err != nil {
			return err
		}
	}
	_, err = db.Summary(ctx, ttpcron.Window{})
	return err
}
