package kv_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// unpack reads a compressed file of testdata.
func unpack(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSchema1 opens a store from the first version: opening it for writing upgrades it,
// and everything in it is unchanged.
func TestSchema1(t *testing.T) {
	path := write(t, unpack(t, "v1.db.gz"))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var older *kv.OlderError
	if _, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true}); !errors.As(err, &older) || older.Schema != 1 || older.Needed != kv.Schema {
		t.Errorf("reading a store of schema 1: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("opening it for reading has changed it")
	}
	if _, err := doctor.Check(t.Context(), path, doctor.Options{}); !errors.As(err, &older) {
		t.Errorf("checking a store of schema 1: %v", err)
	}
	for range 2 { // the second time there is nothing to do
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		checked(t, path)
		if got, want := upgraded(dumpFile(t, path)), upgraded(unpack(t, "v1.golden.gz")); !bytes.Equal(got, want) {
			t.Errorf("the store reads otherwise: %s", firstDifference(got, want))
		}
	}
}

// upgraded is a dump without what an upgrade changes: ids made from content, and tags with
// their summary, which are made again. (Tags whose events are gone stay: TestSchema4.)
func upgraded(dump []byte) []byte {
	var out []byte
	for line := range bytes.Lines(dump) {
		if !bytes.HasPrefix(line, []byte(`{"uuid":`)) && !bytes.HasPrefix(line, []byte(`{"Window":`)) {
			out = append(out, derivedID.ReplaceAll(line, []byte(`"source_id":"derived"`))...)
		}
	}
	return out
}

var derivedID = regexp.MustCompile(`"source_id":"sha256:[0-9a-f]{32}"`)

// TestMigrationIsWhole: a migration fails half-way, and the file keeps its schema.
func TestMigrationIsWhole(t *testing.T) {
	path := write(t, unpack(t, "v1.db.gz"))
	broken := errors.New("no")
	restore := kv.BreakMigration(broken)
	_, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	restore()
	if !errors.Is(err, broken) {
		t.Fatalf("a step that fails: %v", err)
	}
	var older *kv.OlderError
	if _, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true}); !errors.As(err, &older) || older.Schema != 1 {
		t.Errorf("after a failed migration: %v", err)
	}
	kvtest.OpenAt(t, path)
}

func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("line %d is\n%.300s, want\n%.300s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(x), len(y))
}

// dumpFile dumps the store at a path.
func dumpFile(t *testing.T, path string) []byte {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return dump(t, db)
}

// dump lists everything in a store except coverage.
func dump(t *testing.T, db *kv.DB) []byte {
	t.Helper()
	ctx := t.Context()
	var b bytes.Buffer
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	line := func(v any, err error) {
		t.Helper()
		check(err)
		text, err := json.Marshal(v)
		check(err)
		fmt.Fprintf(&b, "%s\n", text)
	}
	last, err := db.LastSeq(ctx)
	check(err)
	fmt.Fprintln(&b, "last", last)
	kinds, err := db.Kinds(ctx)
	check(err)
	for _, kind := range kinds {
		days, err := db.Days(ctx, kind)
		check(err)
		for _, d := range days {
			fmt.Fprintln(&b, kind, d.Day, d.Events, d.FirstSeq, d.LastSeq, d.Earliest.Format(time.RFC3339Nano), d.Latest.Format(time.RFC3339Nano))
			for page, err := range db.Events(ctx, kind, d.Day, 0, math.MaxUint64) {
				check(err)
				for i := range page {
					fmt.Fprintf(&b, "%d %s\n", page[i].Seq, page[i].AppendJSON(nil))
				}
			}
		}
	}
	for tag, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		check(err)
		fmt.Fprintf(&b, "%s\n", tag.AppendJSON(nil))
	}
	cursors, err := db.Cursors(ctx)
	line(cursors, err)
	states, err := db.RuleStates(ctx)
	line(states, err)
	marks, err := db.FilePositions(ctx)
	line(marks, err)
	for r, err := range db.Rejects(ctx) {
		line(struct {
			File    string
			Line    int
			Format  string
			Reason  string
			Excerpt []byte
			At      time.Time
		}{r.File, r.Line, r.Format, r.Reason, r.Excerpt, r.At}, err)
	}
	runs, err := db.Runs(ctx, 0)
	check(err)
	for _, r := range runs {
		fmt.Fprintln(&b, r.ID, r.Started.Format(time.RFC3339Nano), r.Finished.Format(time.RFC3339Nano), r.RuleSet, r.Outcome, r.Imported.New, len(r.Sources))
	}
	s, err := db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	line(s, err)
	return b.Bytes()
}
