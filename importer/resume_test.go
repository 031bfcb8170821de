package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// command is a line of Cowrie's with a newline.
func command(n int, text string) string {
	return fmt.Sprintf(`{"eventid":"cowrie.command.input","input":%q,"sensor":"a","timestamp":"2026-05-04T05:%02d:%02d.%06dZ","src_ip":"203.0.113.7","session":"c0ffee00beef"}`+"\n",
		text, n/60%60, n%60, n)
}

// commands are n lines, from the i-th.
func commands(i, n int) string {
	var out strings.Builder
	for k := i; k < i+n; k++ {
		out.WriteString(command(k, fmt.Sprintf("echo %d", k)))
	}
	return out.String()
}

func zipped(t testing.TB, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestResume reads a file, changes it, and reads it again with the position that the
// first reading left.
func TestResume(t *testing.T) {
	base := commands(0, 100)
	other := strings.Replace(base, "echo 99", "echo xx", 1)
	for _, tt := range []struct {
		name        string
		first       string
		second      func(dir, path string) (string, []byte) // new path and content
		wantResumed bool
		wantEvents  int
		firstPath   string
	}{
		{name: "nothing new", first: base, wantResumed: true, wantEvents: 0,
			second: func(_, p string) (string, []byte) { return p, []byte(base) }},
		{name: "grown", first: base, wantResumed: true, wantEvents: 5,
			second: func(_, p string) (string, []byte) { return p, []byte(base + commands(100, 5)) }},
		{name: "grown from a few bytes", first: command(0, "x"), wantResumed: true, wantEvents: 100,
			second: func(_, p string) (string, []byte) { return p, []byte(command(0, "x") + commands(1, 100)) }},
		{name: "a torn line was completed", first: base + commands(100, 1)[:50], wantResumed: true, wantEvents: 1,
			second: func(_, p string) (string, []byte) { return p, []byte(base + commands(100, 1)) }},
		{name: "renamed", first: base, wantResumed: true, wantEvents: 1,
			second: func(dir, _ string) (string, []byte) {
				return filepath.Join(dir, "elsewhere.log"), []byte(base + commands(100, 1))
			}},
		{name: "compressed", first: base, wantResumed: true, wantEvents: 0,
			second: func(dir, _ string) (string, []byte) {
				return filepath.Join(dir, "cowrie.json.1.gz"), zipped(t, base)
			}},
		{name: "grown, then compressed", first: base, wantResumed: true, wantEvents: 3,
			second: func(dir, _ string) (string, []byte) {
				return filepath.Join(dir, "cowrie.json.1.gz"), zipped(t, base+commands(100, 3))
			}},
		{name: "decompressed", first: base, firstPath: "cowrie.json.gz", wantResumed: true, wantEvents: 2,
			second: func(dir, _ string) (string, []byte) {
				return filepath.Join(dir, "cowrie.json"), []byte(base + commands(100, 2))
			}},
		{name: "emptied and written again", first: base, wantEvents: 120,
			second: func(_, p string) (string, []byte) { return p, []byte(commands(500, 120)) }},
		{name: "shorter with the same beginning", first: base, wantEvents: 50,
			second: func(_, p string) (string, []byte) { return p, []byte(commands(0, 50)) }},
		{name: "same beginning and length, another end", first: base, wantEvents: 100,
			second: func(_, p string) (string, []byte) { return p, []byte(other) }},
		{name: "same beginning, another end, compressed", first: base, wantEvents: 101,
			second: func(dir, _ string) (string, []byte) {
				return filepath.Join(dir, "cowrie.json.gz"), zipped(t, other+commands(100, 1))
			}},
		{name: "rotated without a last newline, unchanged", first: strings.TrimSuffix(base, "\n"), firstPath: "cowrie.json.1", wantResumed: true,
			second: func(_, p string) (string, []byte) { return p, []byte(strings.TrimSuffix(base, "\n")) }},
		{name: "rotated without a last newline, yet grown", first: base[:len(base)-30], firstPath: "cowrie.json.1", wantResumed: true, wantEvents: 2,
			second: func(_, p string) (string, []byte) { return p, []byte(base + commands(100, 1)) }},
		{name: "begins with NULs and a blank line", first: "\x00\x00\n" + base, wantResumed: true, wantEvents: 1,
			second: func(_, p string) (string, []byte) { return p, []byte("\x00\x00\n" + base + commands(100, 1)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			name := tt.firstPath
			content := []byte(tt.first)
			if strings.HasSuffix(name, ".gz") {
				content = zipped(t, tt.first)
			}
			path := write(t, dir, firstOf(name, "cowrie.json"), content)
			first := mustRead(t, path, Options{Format: "cowrie"})
			if first.Position == nil {
				t.Fatal("no position")
			}
			decoy := *first.Position
			decoy.Offset, decoy.Tail = decoy.Offset-1, [32]byte{1}
			positions := []ttpcron.FilePosition{decoy, *first.Position}

			path, content = tt.second(dir, path)
			os.Remove(filepath.Join(dir, firstOf(name, "cowrie.json")))
			write(t, dir, filepath.Base(path), content)
			f, err := Open(t.Context(), path, Options{Format: "cowrie", Positions: PositionList(positions)})
			if err != nil {
				t.Fatal(err)
			}
			offset, _ := f.Resumed()
			f.Close()
			if tt.wantResumed && offset != first.Position.Offset || !tt.wantResumed && offset != 0 {
				t.Errorf("resumed at %d, the position was at %d", offset, first.Position.Offset)
			}
			second := mustRead(t, path, Options{Format: "cowrie", Positions: PositionList(positions)})
			if len(second.Events) != tt.wantEvents {
				t.Errorf("%d events, want %d", len(second.Events), tt.wantEvents)
			}
			if second.Batches == 0 && second.Report.Lines > 0 || second.Batches > 0 && second.Report.Lines == 0 {
				t.Errorf("%d batches of %d lines", second.Batches, second.Report.Lines)
			}
		})
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// TestPositionIsTrue stops after every batch, as if the program had been killed, and
// continues from that batch's position: nothing may be missing.
func TestPositionIsTrue(t *testing.T) {
	content := commands(0, 3*MaxBatchEvents)
	// Batches also end after many rejects and after much input.
	content += strings.Repeat("torn\n", 2*maxBatchRejects+3) + strings.Repeat(" ", MaxLine+10) + "\n" + commands(50_000, 10)
	path := write(t, t.TempDir(), "cowrie.json", []byte(content+command(60_000, "waits")[:40]))
	whole := mustRead(t, path, Options{})
	if whole.Batches < 5 {
		t.Fatalf("only %d batches", whole.Batches)
	}
	var got result
	var positions []ttpcron.FilePosition
	for range whole.Batches + 2 {
		f, err := Open(t.Context(), path, Options{Positions: PositionList(positions), Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			checkBatch(t, b)
			got.Events = append(got.Events, b.Events...)
			got.Rejects = append(got.Rejects, b.Rejects...)
			got.Report.Waiting = 0 // only what waits in the end counts
			got.Report.Add(b.Report)
			positions = append(positions, *b.Position)
			break
		}
		f.Close()
	}
	if !slices.Equal(got.IDs(), whole.IDs()) {
		t.Errorf("%d events in pieces, %d at once", len(got.Events), len(whole.Events))
	}
	if !reflect.DeepEqual(got.Report, whole.Report) {
		t.Errorf("in pieces %+v, at once %+v", got.Report, whole.Report)
	}
	for i := range got.Rejects {
		if got.Rejects[i].Line != whole.Rejects[i].Line {
			t.Errorf("reject %d: line %d in pieces, %d at once", i, got.Rejects[i].Line, whole.Rejects[i].Line)
		}
	}
}

func TestLastLineWaits(t *testing.T) {
	content := commands(0, 3)
	content = content[:len(content)-1]
	torn := content[:len(content)-20]
	waiting := int64(len(torn) - len(commands(0, 2)))
	for _, tt := range []struct {
		name  string
		final bool
		waits bool
	}{
		{"cowrie.json", false, true},
		{"cowrie.json", true, false},
		{"cowrie.json.1", false, false},
		{"cowrie.json.2026-05-04", false, false},
		{"cowrie.json-20260504", false, false},
		{"cowrie.log.2017_1_5", false, false},
		{"cowrie.json.gz", false, false},
		{"cowrie.json.1.gz", false, false},
		{"session-2026.json", false, true},
		{"honeypot-1", false, true},
	} {
		pack := func(content string) []byte {
			if strings.HasSuffix(tt.name, ".gz") {
				return zipped(t, content)
			}
			return []byte(content)
		}
		r := mustRead(t, write(t, t.TempDir(), tt.name, pack(content)), Options{Final: tt.final})
		if len(r.Events) != 3 || r.Report.Lines != 3 || r.Report.Waiting != 0 {
			t.Errorf("%s, final %v, whole: %d events of %d lines, %d bytes wait", tt.name, tt.final, len(r.Events), r.Report.Lines, r.Report.Waiting)
		}
		r = mustRead(t, write(t, t.TempDir(), tt.name, pack(torn)), Options{Final: tt.final})
		wantLines, wantWaiting := 3, int64(0)
		if tt.waits {
			wantLines, wantWaiting = 2, waiting
		}
		if len(r.Events) != 2 || r.Report.Lines != wantLines || r.Report.Rejected != wantLines-2 || r.Report.Waiting != wantWaiting {
			t.Errorf("%s, final %v, torn: %d events of %d lines, %d rejected, %d bytes wait", tt.name, tt.final, len(r.Events), r.Report.Lines, r.Report.Rejected, r.Report.Waiting)
		}
	}
	if r := readBytes(t, []byte(content), Auto); len(r.Events) != 3 || r.Position != nil {
		t.Errorf("standard input: %d events, position %v", len(r.Events), r.Position)
	}
}

// TestWholeLastLineIsReadOnce: a last line without newline that is a whole record is
// read, and the position stays before it, so that what follows costs no second reading.
func TestWholeLastLineIsReadOnce(t *testing.T) {
	base := commands(0, 50)
	dir := t.TempDir()
	path := write(t, dir, "cowrie.json", []byte(base[:len(base)-1]))
	first := mustRead(t, path, Options{})
	if len(first.Events) != 50 || first.Position.Offset != int64(len(commands(0, 49))) || first.Position.Line != 49 {
		t.Fatalf("%d events, position %+v", len(first.Events), first.Position)
	}
	write(t, dir, "cowrie.json", []byte(base+commands(50, 2)))
	second := mustRead(t, path, Options{Positions: PositionList{*first.Position}})
	if ids := second.IDs(); len(ids) != 3 || ids[0] != first.IDs()[49] {
		t.Errorf("%d events after the position", len(ids))
	}
}

// TestLastLineWaitsNoLonger: a torn last line of a file that has not changed for a
// day is rejected, as the same line however often, and the file is not read in between.
func TestLastLineWaitsNoLonger(t *testing.T) {
	path := write(t, t.TempDir(), "cowrie.json", []byte(commands(0, 50)+`{"eventid":`))
	r, look, _ := importOf(t, path, Options{})
	if len(r.Events) != 50 || look == nil {
		t.Fatalf("%d events, look %v", len(r.Events), look)
	}
	if _, _, reads := importOf(t, path, Options{Look: *look}); reads != 0 {
		t.Error("it was read again before a day had passed")
	}
	day := func() time.Time { return later().Add(25 * time.Hour) }
	var ids []ttpcron.RejectID
	for range 2 {
		r := mustRead(t, path, Options{Look: *look, Now: day})
		if r.Report.Rejected != 1 || r.Rejects[0].Line != 51 || r.Report.Waiting != 0 {
			t.Fatalf("%+v, %+v", r.Report, r.Rejects)
		}
		ids = append(ids, r.Rejects[0].ID)
	}
	if ids[0] != ids[1] {
		t.Error("it was another line the second time")
	}
	_, look, _ = importOf(t, path, Options{Look: *look, Now: day})
	if look == nil {
		t.Fatal("nothing is remembered")
	}
	if _, _, reads := importOf(t, path, Options{Look: *look, Now: day}); reads != 0 {
		t.Error("it was read again after that")
	}
}

func TestMarksOfOtherFormats(t *testing.T) {
	path := write(t, t.TempDir(), "cowrie.json", []byte(commands(0, 3)))
	r := mustRead(t, path, Options{})
	for _, name := range []string{"events/1", "cowrie/0", "cowrie"} {
		position := *r.Position
		position.Format = name
		if again := mustRead(t, path, Options{Positions: PositionList{position}}); len(again.Events) != 3 {
			t.Errorf("a position of %q was used", name)
		}
	}
	hostile := *r.Position
	hostile.HeadLen, hostile.TailLen, hostile.Offset = 1<<30, -5, -1
	if again := mustRead(t, path, Options{Positions: PositionList{hostile}}); len(again.Events) != 3 {
		t.Error("an impossible position was used")
	}
}
