package importer

import (
	"maps"
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
