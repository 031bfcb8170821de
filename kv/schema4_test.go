package kv_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// golden4 is a line of v4.golden about events and tags.
type golden4 struct {
	Type      string
	Seq       uint64 // of a tag: that of its event, 0 when the event is gone
	DerivedID bool   `json:"derived_id"`
	Hidden    bool
	Event     json.RawMessage
	Tag       json.RawMessage
}

// readGolden4 reads the lines of v4.golden, testdata/README.md says which there are.
func readGolden4(t *testing.T) (lines []golden4) {
	t.Helper()
	for dec := json.NewDecoder(bytes.NewReader(unpack(t, "v4.golden.gz"))); dec.More(); {
		var g golden4
		if err := dec.Decode(&g); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, g)
	}
	return lines
}

// said is the content of a line of JSON without ids made from content, which an upgrade
// may change.
func said(t *testing.T, line []byte, derivedID bool) string {
	t.Helper()
	members := map[string]any{}
	if err := json.Unmarshal(line, &members); err != nil {
		t.Fatalf("%v: %.200s", err, line)
	}
	delete(members, "uuid")
	if derivedID {
		delete(members, "source_id")
	}
	if at, ok := members["created_at"].(string); ok {
		made, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		members["created_at"] = made.Unix()
		if members["level"] == nil { // tags had none, which reads as medium
			members["level"] = ttpcron.LevelMedium.String()
		}
	}
	out, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSchema4 opens a store with something of everything: every event is unchanged, and so
// is every tag whose event is gone. The other tags are dropped, and the next run looks at
// their events again.
func TestSchema4(t *testing.T) {
	path := write(t, unpack(t, "v4.db.gz"))
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		checked(t, path)
	}()
	derived := map[uint64]bool{}
	events, tags := map[uint64]string{}, map[string]int{}
	for _, g := range readGolden4(t) {
		switch {
		case g.Type == "event":
			derived[g.Seq] = g.DerivedID
			events[g.Seq] = said(t, g.Event, g.DerivedID)
		case g.Type == "tag" && !g.Hidden && g.Seq == 0: // others are made again
			tags[said(t, g.Tag, derived[g.Seq])]++
		}
	}
	place := map[string]uint64{} // of events, by kind and id
	kinds, err := db.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		days, err := db.Days(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range days {
			for page, err := range db.Events(t.Context(), kind, d.Day, 0, math.MaxUint64) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range page {
					e := &page[i]
					place[fmt.Sprintf("%s %s", e.Kind, e.ID)] = e.Seq
					if got, want := said(t, e.AppendJSON(nil), derived[e.Seq]), events[e.Seq]; got != want {
						t.Errorf("event %d is\n%.300s, want\n%.300s", e.Seq, got, want)
					}
					delete(events, e.Seq)
				}
			}
		}
	}
	for seq, e := range events {
		t.Errorf("event %d is gone: %.300s", seq, e)
	}
	for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		text := said(t, tag.AppendJSON(nil), derived[place[fmt.Sprintf("%s %s", tag.SourceKind, tag.SourceID)]])
		if tags[text]--; tags[text] < 0 {
			t.Errorf("nothing made this tag: %.300s", text)
		}
	}
	for text, n := range tags {
		if n > 0 {
			t.Errorf("%d tags are gone: %.300s", n, text)
		}
	}
}

// TestUpgradeGoesOn stops an upgrade of a store of schema 4 after each transaction. Until
// the upgrade is finished, nothing else may use the store. The result is that of an
// uninterrupted upgrade.
func TestUpgradeGoesOn(t *testing.T) {
	content := unpack(t, "v4.db.gz")
	path := write(t, content)
	kvtest.OpenAt(t, path).Close()
	want := dumpFile(t, path)
	stops := 0
	for n := 1; ; n++ {
		path := write(t, content)
		stopped := errors.New("stopped")
		restore := kv.StopUpgrade(n, 50, stopped)
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		restore()
		if err == nil {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
		if !errors.Is(err, stopped) {
			t.Fatal(err)
		}
		stops++
		var older *kv.OlderError
		if _, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true}); !errors.As(err, &older) || older.Schema != 4 {
			t.Fatalf("reading after %d transactions: %v", n, err)
		}
		if _, err := doctor.Check(t.Context(), path, doctor.Options{}); !errors.As(err, &older) {
			t.Fatalf("checking after %d transactions: %v", n, err)
		}
		kvtest.OpenAt(t, path).Close()
		checked(t, path)
		if got := dumpFile(t, path); !bytes.Equal(got, want) {
			t.Fatalf("after %d transactions: %s", n, firstDifference(got, want))
		}
	}
	if stops < 6 {
		t.Errorf("the upgrade was stopped %d times", stops)
	}
}
