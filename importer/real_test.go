package importer

import (
	"testing"

	"github.com/ttpcron/ttpcron/internal/testlogs"
)

// TestCowrieLogs compares the events of whole folders of logs with a count made by
// encoding/json.
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
	got := map[string]bool{}
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
				got[b.Events[i].ContentID()] = true
			}
			for _, r := range b.Rejects {
				t.Errorf("%s:%d: %s: %q", r.File, r.Line, r.Reason, r.Excerpt[:min(80, len(r.Excerpt))])
			}
		}
		f.Close()
	}
	if want := h.CommandEvents(t); len(got) != want {
		t.Errorf("%d distinct command events, encoding/json finds %d", len(got), want)
	}
	if unknown != 1 { // the folder's README
		t.Errorf("%d files were of no known format, want 1", unknown)
	}
}
