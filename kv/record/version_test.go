package record_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/kv/record"
)

// TestEveryTypeHasAGoldenRecord: every type of record has a test of its bytes, and of the
// error for its next version.
func TestEveryTypeHasAGoldenRecord(t *testing.T) {
	source, err := os.ReadFile("types.go")
	if err != nil {
		t.Fatal(err)
	}
	var types, golden []string
	for _, m := range regexp.MustCompile(`= Type\{"([^"]+)", \d+\}`).FindAllSubmatch(source, -1) {
		types = append(types, string(m[1]))
	}
	for _, g := range goldenRecords() {
		golden = append(golden, g.typ)
	}
	slices.Sort(types)
	slices.Sort(golden)
	if golden = slices.Compact(golden); !slices.Equal(types, golden) {
		t.Errorf("the types are %q, there are records of %q", types, golden)
	}
}

// TestNewerVersionIsNamed: of a record that a newer program wrote every decoder says
// so, and does not call it damage; a version that was changed is damage.
func TestNewerVersionIsNamed(t *testing.T) {
	newest := map[string]byte{} // some tags are still written as before
	for _, g := range goldenRecords() {
		newest[g.typ] = max(newest[g.typ], g.rec[0])
	}
	for _, g := range goldenRecords() {
		known := newest[g.typ]
		rec := slices.Clone(g.rec)
		rec[0] = known + 1
		damage := record.Damage("")
		if _, err := g.read(rec); !errors.As(err, &damage) {
			t.Errorf("%s: with a version that was changed: %v", g.name, err)
		}
		record.End(rec, g.sum...)
		newer := (*record.NewerError)(nil)
		_, err := g.read(rec)
		if !errors.As(err, &newer) || errors.As(err, &damage) {
			t.Errorf("%s: of the next version: %v", g.name, err)
			continue
		}
		if newer.Type != g.typ || newer.Version != known+1 || newer.Known != known || !strings.Contains(err.Error(), fmt.Sprintf("%s of version %d: written by a newer ttpcron", g.typ, known+1)) {
			t.Errorf("%s: %v", g.name, err)
		}
		rec[0] = 0
		record.End(rec, g.sum...)
		if _, err := g.read(rec); !errors.As(err, &damage) {
			t.Errorf("%s: of version 0: %v", g.name, err)
		}
	}
}

// TestTrailingBytesAreRefused: bytes beyond the record's version are damage. A tag ends
// with evidence, which extends to the end of its record.
func TestTrailingBytesAreRefused(t *testing.T) {
	for _, g := range goldenRecords() {
		if g.typ == "tag" {
			continue
		}
		rec := record.End(append(slices.Clone(g.rec), 0x80), g.sum...)
		if _, err := g.read(rec); err == nil {
			t.Errorf("%s: a byte more is not noticed", g.name)
		}
	}
}

// note is a noun that got an author in the second version of its records.
type note struct {
	Text   string
	At     time.Time
	Author string
}

// notes are what two programs write and read of it, as record.go describes.
func notes(version byte) (write func(note) []byte, read func([]byte) (note, error)) {
	typ, key := record.Type{Name: "note", Version: version}, []byte("key")
	write = func(n note) []byte {
		dst := record.AppendTime(record.AppendText(typ.Begin(nil), n.Text), n.At)
		if version >= 2 {
			dst = record.AppendText(dst, n.Author)
		}
		return record.End(dst, key)
	}
	read = func(rec []byte) (n note, err error) {
		r, err := typ.Open(rec, key)
		if err != nil {
			return n, err
		}
		n.Text, n.At = r.Text(), r.Time()
		if version >= 2 && r.Version >= 2 {
			n.Author = r.Text()
		}
		return n, r.Finish()
	}
	return write, read
}

// TestFieldMore adds a field to a type of record: the new program reads the old one's
// records, without the field; the old one says that the new one's are newer.
func TestFieldMore(t *testing.T) {
	oldWrite, oldRead := notes(1)
	newWrite, newRead := notes(2)
	n := note{"text", goldenTime, "author"}
	if got, err := newRead(newWrite(n)); err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("new by new: %+v, %v", got, err)
	}
	if got, err := newRead(oldWrite(n)); err != nil || !reflect.DeepEqual(got, note{"text", goldenTime, ""}) {
		t.Errorf("old by new: %+v, %v", got, err)
	}
	if got, err := oldRead(oldWrite(n)); err != nil || !reflect.DeepEqual(got, note{"text", goldenTime, ""}) {
		t.Errorf("old by old: %+v, %v", got, err)
	}
	newer := (*record.NewerError)(nil)
	if _, err := oldRead(newWrite(n)); !errors.As(err, &newer) || newer.Version != 2 || newer.Known != 1 {
		t.Errorf("new by old: %v", err)
	}
}
