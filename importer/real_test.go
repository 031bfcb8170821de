package importer

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// TestCowrieLogs compares the events of each kind in whole folders of logs with a
// count made by encoding/json.
func TestCowrieLogs(t *testing.T) {
	for _, h := range testlogs.All(t) {
		t.Run(h.Name, func(t *testing.T) { cowrieLogs(t, h) })
	}
}

func cowrieLogs(t *testing.T, h testlogs.History) {
	paths, err := Expand([]string{h.Cowrie()})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	got := map[string]int{}
	unknown := 0
	for _, found := range paths.Files {
		path := found.Path
		f, err := Open(t.Context(), path, Options{})
		if err != nil {
			if _, ok := err.(*UnknownFormatError); !ok {
				t.Fatal(err)
			}
			unknown++
			continue
		}
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			checkBatch(t, b)
			for i := range b.Events {
				if e := &b.Events[i]; !seen[string(e.Kind)+e.ContentID()] {
					seen[string(e.Kind)+e.ContentID()] = true
					got[string(e.Kind)]++
				}
			}
			for _, r := range b.Rejects {
				t.Errorf("%s:%d: %s: %q", r.File, r.Line, r.Reason, r.Excerpt[:min(80, len(r.Excerpt))])
			}
		}
		f.Close()
	}
	if want := h.CowrieEvents(t); !maps.Equal(got, want) {
		t.Errorf("different events by kind: %v, encoding/json finds %v", got, want)
	}
	if unknown != 1 { // the folder's README
		t.Errorf("%d files were of no known format, want 1", unknown)
	}
}

// TestCowrieSamples does the same with records of every type, and of the newest.
func TestCowrieSamples(t *testing.T) {
	for _, h := range testlogs.All(t) {
		for _, path := range h.More(t, "sources/cowrie*.jsonl") {
			r := mustRead(t, path, Options{})
			got := map[string]int{}
			for i := range r.Events {
				got[string(r.Events[i].Kind)]++
			}
			if want := testlogs.CowrieEvents(t, path); !maps.Equal(got, want) || len(r.Rejects) > 0 {
				t.Errorf("%s: %v, encoding/json finds %v; %+v", path, got, want, r.Rejects)
			}
		}
	}
}

// TestCowrieFaultsCut reads logs that users have, cut off anywhere at their end or
// their beginning: what is left gives some of the same events and no others.
func TestCowrieFaultsCut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for _, h := range testlogs.All(t) {
		for _, path := range h.More(t, "faults/*/*.json") {
			content := testlogs.Content(t, path)
			whole := readAll(t, path, Options{Format: "cowrie", Final: true})
			if whole.Err != nil || !isCowrie(content[:max(0, bytes.IndexByte(content, '\n'))]) {
				continue // it is of another format, or wrapped
			}
			for at := range content {
				for _, part := range [][]byte{content[:at], content[at:]} {
					r := readAll(t, Stdin, Options{Format: "cowrie", Stdin: bytes.NewReader(part)})
					for _, id := range r.IDs() {
						if !slices.Contains(whole.IDs(), id) {
							t.Fatalf("%s, cut at %d: %v", path, at, tell(r))
						}
					}
				}
			}
		}
	}
}
