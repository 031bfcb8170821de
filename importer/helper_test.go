package importer

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

var testNow = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func clock() time.Time { return testNow }

// result is what all batches of a file held.
type result struct {
	Events   []ttpcron.Event
	Rejects  []ttpcron.Reject
	Report   ttpcron.ImportReport
	Position *ttpcron.FilePosition
	Notes    []string
	Format   string
	Batches  int
	Err      error
}

// IDs names the events by their content.
func (r *result) IDs() []string {
	ids := []string{}
	for i := range r.Events {
		e := &r.Events[i]
		ids = append(ids, e.ID+" "+e.ContentID())
	}
	return ids
}

// readAll opens and reads a file and checks what must be true of every batch.
func readAll(t testing.TB, path string, o Options) result {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	f, err := Open(t.Context(), path, o)
	if err != nil {
		return result{Err: err}
	}
	defer f.Close()
	var r result
	for b, err := range f.Batches(t.Context()) {
		if err != nil {
			r.Err = err
			break
		}
		checkBatch(t, b)
		r.Batches++
		r.Events = append(r.Events, b.Events...)
		r.Rejects = append(r.Rejects, b.Rejects...)
		r.Report.Add(b.Report)
		if b.Position != nil {
			r.Position = b.Position
		}
	}
	r.Notes, r.Format = f.Notes(), f.Format()
	return r
}

// mustRead is readAll of a file that can be read.
func mustRead(t testing.TB, path string, o Options) result {
	t.Helper()
	r := readAll(t, path, o)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r
}

// cutStep is the distance in bytes between the places at which a test cuts: it tries each,
// or in short mode some.
func cutStep() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// readBytes reads content as standard input.
func readBytes(t testing.TB, content []byte, format string) result {
	t.Helper()
	return mustRead(t, Stdin, Options{Format: format, Stdin: bytes.NewReader(content)})
}

// checkBatch checks what must be true of every batch.
func checkBatch(t testing.TB, b ttpcron.Batch) {
	t.Helper()
	gathers := b.Report.Format == auditd.Name // an event is several lines
	if got := len(b.Events) + b.Report.LeftOut + b.Report.Ignored + b.Report.Rejected; got < b.Report.Lines && !gathers {
		t.Errorf("%d lines, but only %d events + %d left out + %d ignored + %d rejected", b.Report.Lines, len(b.Events), b.Report.LeftOut, b.Report.Ignored, b.Report.Rejected)
	}
	typed := 0
	for _, n := range b.Report.IgnoredTypes {
		typed += n
	}
	if typed != b.Report.Ignored {
		t.Errorf("%d ignored, by type %v", b.Report.Ignored, b.Report.IgnoredTypes)
	}
	if len(b.Rejects) != b.Report.Rejected {
		t.Errorf("%d rejects, counted %d", len(b.Rejects), b.Report.Rejected)
	}
	if len(b.Events) > MaxBatchEvents {
		t.Errorf("a batch of %d events", len(b.Events))
	}
	for i := range b.Events {
		if err := b.Events[i].Validate(); err != nil {
			t.Errorf("event %+v: %v", b.Events[i], err)
		}
	}
	for _, r := range b.Rejects {
		if len(r.Excerpt) > ttpcron.MaxExcerpt || r.Reason == "" || r.Line < 1 || r.File == "" || r.Format == "" {
			t.Errorf("reject %+v", r)
		}
	}
}

// write puts a file into a folder and returns its path.
func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
