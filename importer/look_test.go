package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// later is long after every file of a test was written.
func later() time.Time { return time.Now().Add(time.Hour) }

// importOf reads a file as an import does, and counts how often something was
// read of it.
func importOf(t *testing.T, path string, o Options) (r result, look *ttpcron.FileLook, reads int) {
	t.Helper()
	if o.Now == nil {
		o.Now = later
	}
	o.Moved = func() { reads++ }
	f, err := Open(t.Context(), path, o)
	if err != nil {
		var l interface{ Look() *ttpcron.FileLook }
		if errors.As(err, &l) {
			look = l.Look()
		}
		return result{Err: err}, look, reads
	}
	defer f.Close()
	for b, err := range f.Batches(t.Context()) {
		r.Events = append(r.Events, b.Events...)
		r.Report.Add(b.Report)
		if b.Position != nil {
			r.Position = b.Position
		}
		if r.Err = err; err != nil {
			var l interface{ Look() *ttpcron.FileLook }
			if errors.As(err, &l) {
				look = l.Look()
			}
		}
	}
	if r.Format = f.Format(); r.Err == nil {
		look = f.Look()
	}
	return r, look, reads
}

// TestUnchangedIsNotRead: a file that looks as it did costs a look, whatever came
// of it, and one that was replaced by another of its size and times is read.
func TestUnchangedIsNotRead(t *testing.T) {
	zeros := func(n int64) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := io.CopyN(z, zeroReader{}, n); err != nil {
			t.Fatal(err)
		}
		z.Close()
		return out.Bytes()
	}
	w := openWriter(t, filepath.Join(t.TempDir(), "other.db"))
	exec(t, w, "PRAGMA journal_mode=DELETE")
	exec(t, w, "CREATE TABLE x (y)")
	var foreign string
	if err := w.QueryRow("SELECT file FROM pragma_database_list").Scan(&foreign); err != nil {
		t.Fatal(err)
	}
	w.Close()
	database, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		content []byte
		events  int
		err     string
	}{
		{"log", []byte(commands(0, 50)), 50, ""},
		{"log.gz", zipped(t, commands(0, 50)), 50, ""},
		{"nothing of use", []byte(strings.Replace(commands(0, 50), "command.input", "log.closed", -1)), 0, ""},
		{"empty", nil, 0, ""},
		{"unknown", []byte("hello\n"), 0, "no format recognises it"},
		{"unknown.gz", zipped(t, strings.Repeat("hello\n", 1000)), 0, "no format recognises it"},
		{"cut.gz", zipped(t, commands(0, 50))[:4], 0, "gzip"},
		{"zeros", make([]byte, maxInflated+1), 0, "it begins with more than 64 MiB of NUL bytes"},
		{"zeros.gz", zeros(maxInflated + 1), 0, "it begins with more than 64 MiB of NUL bytes"},
		{"other.db", database, 0, "without the tables of a program that is read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "f", tt.content)
			check := func(r result, want int) {
				t.Helper()
				if len(r.Events) != want || (r.Err == nil) != (tt.err == "") || r.Err != nil && !strings.Contains(r.Err.Error(), tt.err) {
					t.Errorf("%d events, %v", len(r.Events), r.Err)
				}
			}
			r, look, _ := importOf(t, path, Options{})
			if check(r, tt.events); look == nil {
				t.Fatal("nothing is remembered")
			}
			again, none, reads := importOf(t, path, Options{Look: *look})
			if check(again, 0); reads != 0 || again.Format != r.Format || none != nil {
				t.Errorf("read %d times, format %q, look %v", reads, again.Format, none)
			}
			if tt.err != "" && r.Err.Error() != again.Err.Error() {
				t.Errorf("first %v, then %v", r.Err, again.Err)
			}
			// Asked for otherwise, it is another question.
			if _, _, reads := importOf(t, path, Options{Look: *look, Final: true}); reads == 0 && len(tt.content) > 0 {
				t.Error("the look of another question was used")
			}
			old := *look
			old.How = strings.Replace(old.How, "cowrie/", "cowrie/0", 1)
			if _, _, reads := importOf(t, path, Options{Look: old}); reads == 0 && len(tt.content) > 0 {
				t.Error("the look of an older program was used")
			}
			// After a day the look is kept again, so that it is known to be of use.
			day := func() time.Time { return later().Add(25 * time.Hour) }
			if _, renewed, reads := importOf(t, path, Options{Look: *look, Now: day}); reads != 0 || renewed == nil || !renewed.SeenAt.After(look.SeenAt) {
				t.Errorf("after a day: %v, %d reads", renewed, reads)
			}
			if len(tt.content) == 0 {
				return
			}
			// Another file of the same size, and the same time as far as a program can
			// set it.
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			content := bytes.Clone(tt.content)
			content[len(content)/2] ^= 1
			os.Remove(path)
			write(t, filepath.Dir(path), "f", content)
			os.Chtimes(path, info.ModTime(), info.ModTime())
			if _, _, reads := importOf(t, path, Options{Look: *look}); reads == 0 {
				t.Error("another file in its place was not read")
			}
		})
	}
}

// TestLookIsOfSettledFile: what changed just now may change again without a trace.
func TestLookIsOfSettledFile(t *testing.T) {
	path := write(t, t.TempDir(), "f", []byte(commands(0, 5)))
	if _, look, _ := importOf(t, path, Options{Now: time.Now}); look != nil {
		t.Error("a file that changed just now is taken for what it is")
	}
	f, err := Open(t.Context(), path, Options{Now: later})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range f.Batches(t.Context()) {
		write(t, filepath.Dir(path), "f", []byte(commands(0, 6)))
	}
	if f.Look() != nil {
		t.Error("a file that changed while it was read is taken for what it was")
	}
}

// TestGivesUp: a compressed file that no log can be is given up; what was read of
// it before is kept.
func TestGivesUp(t *testing.T) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	io.WriteString(z, commands(0, 7))
	if _, err := io.CopyN(z, zeroReader{}, 5*maxInflated); err != nil {
		t.Fatal(err)
	}
	z.Close()
	path := write(t, t.TempDir(), "f", out.Bytes())
	r, look, reads := importOf(t, path, Options{})
	if !errors.As(r.Err, new(*GivenUpError)) || len(r.Events) != 7 || look == nil || look.Outcome != ttpcron.LookGivenUp {
		t.Fatalf("%d events, %v, look %+v", len(r.Events), r.Err, look)
	}
	if reads > 2 { // of 64 KiB
		t.Errorf("%d reads of %d bytes", reads, out.Len())
	}
	again, _, reads := importOf(t, path, Options{Look: *look})
	if reads != 0 || again.Err == nil || again.Err.Error() != r.Err.Error() {
		t.Errorf("%d reads, %v", reads, again.Err)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// asks counts what a Positions is asked.
type asks struct {
	PositionList
	heads int
}

func (a *asks) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	a.heads += len(heads)
	return a.PositionList.FindPositions(ctx, format, heads)
}

func (a *asks) HeadLengths(context.Context) ([]int, error) { return nil, nil }

// TestFewLengths: however many positions there are, a file is looked up under few
// heads.
func TestFewLengths(t *testing.T) {
	a := &asks{}
	for n := range 40 {
		r := mustRead(t, write(t, t.TempDir(), "f", []byte(commands(n, n+1))), Options{Positions: a})
		a.PositionList = append(a.PositionList, *r.Position)
	}
	if a.heads > 40*13 {
		t.Errorf("%d heads of 40 files", a.heads)
	}
}

// TestPassedOverIsRemembered: what is passed over from further up costs a look in
// the next scan, is read where it is named, and is passed over again from further
// up after that.
func TestPassedOverIsRemembered(t *testing.T) {
	event := `{"source_kind":"command","time":"2026-05-05T05:49:05Z","attacker_ip":"198.51.100.98","payload":{"command_text":"id"}}` + "\n"
	database, err := os.ReadFile(makeDatabase(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		content []byte
		events  int
	}{"events": {[]byte(event), 1}, "events.gz": {zipped(t, event), 1}, "database": {database, 3}} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "f", tt.content)
			passed := func(o Options, wantReads bool) *ttpcron.FileLook {
				t.Helper()
				o.Below = true
				r, look, reads := importOf(t, path, o)
				if !errors.As(r.Err, new(*BelowError)) || (reads > 0) != wantReads {
					t.Fatalf("%v after %d reads", r.Err, reads)
				}
				return look
			}
			first := passed(Options{}, true)
			if first == nil {
				t.Fatal("nothing is remembered")
			}
			if again := passed(Options{Look: *first}, false); again != nil {
				t.Errorf("remembered again: %+v", again)
			}
			r, named, reads := importOf(t, path, Options{Look: *first})
			if r.Err != nil || len(r.Events) != tt.events || reads == 0 {
				t.Errorf("where it is named: %d events, %v", len(r.Events), r.Err)
			}
			if name == "database" {
				return // of one that was read nothing is remembered
			}
			if over := passed(Options{Look: *named}, false); over != nil {
				t.Errorf("a scan from further up forgets that it was read: %+v", over)
			}
		})
	}
}

// TestGivenUpDatabaseIsRemembered: a database that takes too long, or has programs in the
// place of tables, costs a look until it, or what lies next to it, changes.
func TestGivenUpDatabaseIsRemembered(t *testing.T) {
	view := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "d.db")
		w := openWriter(t, path)
		exec(t, w, "PRAGMA journal_mode=DELETE")
		exec(t, w, "CREATE VIEW attackers AS SELECT 'u' AS uuid, '[]' AS commands")
		w.Close()
		return path
	}
	for _, tt := range []struct {
		name   string
		path   string
		events int
		is     any
	}{
		{"a view", view(t), 0, new(*NotTableError)},
		{"at once", makeDatabase(t, 300), 0, new(*TooLongError)},
		{"on the way", makeDatabase(t, MaxBatchEvents+5), MaxBatchEvents, new(*TooLongError)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(t.Context(), tt.path, Options{Now: later})
			if err == nil {
				db, events := f.reader.(*decnetReader).db.(*database), 0
				if tt.events == 0 {
					db.budget = 0
				}
				for b, berr := range f.Batches(t.Context()) {
					events, err, db.budget = events+len(b.Events), berr, 0
				}
				if f.Close(); events != tt.events {
					t.Errorf("%d events before it was given up", events)
				}
			}
			var given *GivenUpError
			if !errors.As(err, tt.is) || !errors.As(err, &given) || given.Look() == nil {
				t.Fatalf("%v, %+v", err, given)
			}
			look := *given.Look()
			r, _, reads := importOf(t, tt.path, Options{Look: look})
			if reads != 0 || !errors.As(r.Err, new(*GivenUpError)) || r.Err.Error() != err.Error() {
				t.Errorf("after %d reads %v, the first time %v", reads, r.Err, err)
			}
			if r, _, reads := importOf(t, tt.path, Options{Look: look, Below: true}); reads != 0 || !errors.As(r.Err, new(*BelowError)) {
				t.Errorf("from further up: %v after %d reads", r.Err, reads)
			}
			write(t, filepath.Dir(tt.path), "d.db-journal", []byte("more"))
			if _, _, reads := importOf(t, tt.path, Options{Look: look}); reads == 0 {
				t.Error("a database beside which there is more now was not read")
			}
		})
	}
}
