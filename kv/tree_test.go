package kv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// leafOf returns the position of the first leaf with entries in a part of a store.
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

// TestCompactDamagedEntry compacts a store with an entry that claims to be a gigabyte
// long, which is noticed only when the copy is committed: it ends, and the store can be
// opened again.
func TestCompactDamagedEntry(t *testing.T) {
	content := rich(t)
	for _, sort := range []string{"tags", "history", "rollups"} {
		bad := bytes.Clone(content)
		at := leafOf(t, content, sort)
		binary.LittleEndian.PutUint32(bad[at+16+12:], 1<<30)
		path := write(t, bad)
		done := make(chan error, 1)
		go func() {
			_, err := doctor.Compact(t.Context(), path, doctor.Options{})
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

// changes to a page with 13 to 100 entries that bbolt accepts.
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
	for _, sort := range []string{"tags", "history", "rollups", "days", "identity", "named"} {
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

// TestEmptyBuckets makes the bucket of each part, and of each day and kind in it, begin at
// one of its own leaves, as if the rest had never existed.
func TestEmptyBuckets(t *testing.T) { emptyBuckets(t, rich(t)) }

func emptyBuckets(t *testing.T, content []byte) {
	t.Helper()
	le := binary.LittleEndian
	tried := 0
	for page := 2; page < len(content)/4096; page++ {
		p := content[page*4096 : (page+1)*4096]
		if le.Uint64(p) != uint64(page) || le.Uint16(p[8:]) != 2 {
			continue
		}
		for i := range int(le.Uint16(p[10:])) {
			at := 16 + 16*i
			value := at + int(le.Uint32(p[at+4:])) + int(le.Uint32(p[at+8:]))
			if le.Uint32(p[at:]) != 1 || value+16 > 4096 || le.Uint64(p[value:]) == 0 {
				continue
			}
			root := int(le.Uint64(p[value:]))
			if le.Uint16(content[root*4096+8:]) != 1 {
				continue // one leaf
			}
			for _, child := range []int{0, int(le.Uint16(content[root*4096+10:])) - 1} {
				bad := bytes.Clone(content)
				copy(bad[page*4096+value:], content[root*4096+16+16*child+8:][:8])
				path := write(t, bad)
				report, err := doctor.Check(t.Context(), path, doctor.Options{})
				if err == nil && !report.Damaged() {
					continue // an old page
				}
				tried++
				if damage := (*kv.DamagedError)(nil); !errors.As(readEverything(t, path), &damage) {
					t.Errorf("entry %d of page %d begins at child %d of page %d: nothing is said; %+v", i, page, child, root, report.Findings[0])
				}
			}
		}
	}
	if tried == 0 {
		t.Error("the store has no bucket of several pages")
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
	_, err = db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	return err
}
