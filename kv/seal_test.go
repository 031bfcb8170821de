package kv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// TestSchema3 opens a store whose buckets have no seal: everything in it is unchanged, in
// the store and in a compacted copy, and both can be written to.
func TestSchema3(t *testing.T) {
	path := write(t, unpack(t, "v3.db.gz"))
	open := func() *kv.DB {
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return noon }})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	closed(t, open())
	checked(t, path)
	before := dumpFile(t, path)
	if _, err := doctor.Compact(t.Context(), path, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := dumpFile(t, path); string(got) != string(before) {
		t.Errorf("compacted it reads otherwise: %s", firstDifference(got, before))
	}
	for _, name := range []string{"v3.db.gz", ""} { // not compacted, compacted
		if name != "" {
			path = write(t, unpack(t, name))
		}
		db := open()
		for _, s := range life(t) {
			if err := s.do(db); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1, TagsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
			t.Fatal(err)
		}
		closed(t, db)
		checked(t, path)
		to := filepath.Join(t.TempDir(), "recovered.db")
		if report, err := doctor.Recover(t.Context(), path, to, doctor.Options{}); err != nil || len(report.Findings) > 0 {
			t.Errorf("recover: %+v, %v", report, err)
		}
		checked(t, to)
	}
}

// TestCompactSeals compacts a store without seals: it has them then, so that a
// list of days which begins at a part of itself is noticed.
func TestCompactSeals(t *testing.T) {
	path := write(t, unpack(t, "v3.db.gz"))
	if _, err := doctor.Compact(t.Context(), path, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	emptyBuckets(t, content)
}

// TestRenamedDays changes the name of each day in the lists of days without changing their
// order: reading the list or a day gives an error.
func TestRenamedDays(t *testing.T) {
	content := rich(t)
	le := binary.LittleEndian
	tried := 0
	for page := 2; page < len(content)/4096; page++ {
		p := content[page*4096 : (page+1)*4096]
		if le.Uint64(p) != uint64(page) || le.Uint16(p[8:]) != 2 {
			continue
		}
		for i := range int(le.Uint16(p[10:])) {
			at := 16 + 16*i
			key := at + int(le.Uint32(p[at+4:]))
			if le.Uint32(p[at:]) != 1 || le.Uint32(p[at+8:]) != 4 || p[key+3]&1 != 0 {
				continue // no day, or one whose new name may be taken
			}
			bad := bytes.Clone(content)
			bad[page*4096+key+3] ^= 1
			path := write(t, bad)
			if report, err := doctor.Check(t.Context(), path, doctor.Options{}); err == nil && !report.Damaged() {
				continue // an old page
			}
			tried++
			if damage := (*kv.DamagedError)(nil); !errors.As(readEverything(t, path), &damage) {
				t.Errorf("nothing is said of entry %d of page %d, a day that got another name", i, page)
			}
		}
	}
	if tried == 0 {
		t.Error("no day has another name")
	}
}

// TestUsedAndFree adds each leaf of the tags to the list of free pages: db stats reports
// it, and recovery does not claim that nothing was lost, since the page may be an old one.
func TestUsedAndFree(t *testing.T) {
	content := rich(t)
	le := binary.LittleEndian
	list := content[regions(t, content)["free list"][0].From:]
	ids := list[16 : 16+8*int(le.Uint16(list[10:]))]
	tried := 0
	for _, r := range regions(t, content)["tags"] {
		page := uint64(r.From / 4096)
		for i := 0; i+16 <= len(ids) && r.From%4096 == 0; i += 8 {
			old := le.Uint64(ids[i:])
			if old >= page || le.Uint64(ids[i+8:]) <= page {
				continue
			}
			le.PutUint64(ids[i:], page)
			path := write(t, content)
			le.PutUint64(ids[i:], old)
			tried++
			report, err := doctor.Recover(t.Context(), path, filepath.Join(t.TempDir(), "to.db"), doctor.Options{})
			if err != nil || report.Whole() {
				t.Errorf("page %d: recovered %+v, %v", page, report, err)
			}
			db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if damage := (*kv.DamagedError)(nil); !errors.As(second(doctor.MeasureOpen(t.Context(), db, nil)), &damage) {
				t.Errorf("page %d: space: nothing is said", page)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tried == 0 {
		t.Error("no page tried")
	}
}

func second[T any](_ T, err error) error { return err }
