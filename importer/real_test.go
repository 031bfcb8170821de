package importer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealCowrie compares the events of real logs, which are not part of the
// project, with a count made by encoding/json.
func TestRealCowrie(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "data", "cowrie")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no real logs here")
	}
	paths, err := Expand([]string{root})
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
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
		countInputs(t, path, want)
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
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%d distinct command events, encoding/json finds %d", len(got), len(want))
	}
	if unknown != 1 { // the folder's README
		t.Errorf("%d files were of no known format, want 1", unknown)
	}
}

// countInputs adds the command events of a log to found.
func countInputs(t *testing.T, path string, found map[string]bool) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e struct{ EventID, Input, Timestamp, Session, Sensor, Src_ip string }
		if json.Unmarshal([]byte(strings.TrimLeft(s.Text(), "\x00")), &e) == nil && e.EventID == "cowrie.command.input" && e.Input != "" {
			key, _ := json.Marshal(e)
			found[string(key)] = true
		}
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
}
