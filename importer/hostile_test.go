package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestHostileLines(t *testing.T) {
	line := command(1, "id")
	object := func(members string) string {
		return `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:13.000000Z","src_ip":"203.0.113.7",` + members + "}\n"
	}
	for _, tt := range []struct {
		name                      string
		content                   string
		events, ignored, rejected int
		reason                    string // of the first reject
	}{
		{name: "empty input", content: object(`"input":""`), ignored: 1},
		{name: "blank lines", content: "\n\r\n  \n" + line, events: 1, ignored: 3},
		{name: "CRLF", content: strings.ReplaceAll(line+line, "\n", "\r\n"), events: 2},
		{name: "byte order mark", content: "\xef\xbb\xbf" + line + "\xef\xbb\xbf" + line, events: 2},
		{name: "NULs only", content: strings.Repeat("\x00", 1<<20) + "\n" + line, events: 1, ignored: 1},
		{name: "8 MiB of NULs before a line", content: strings.Repeat("\x00", 8<<20) + line, events: 1},
		{name: "8 MiB of NULs within a line", content: line[:30] + strings.Repeat("\x00", 8<<20) + line, events: 1, rejected: 1, reason: "JSON ends too early"},
		{name: "NULs instead of a newline", content: line[:len(line)-1] + "\x00\x00\x00" + line, events: 2},
		{name: "NULs at the end", content: line + "\x00\x00\x00\x00", events: 1},
		{name: "a whole record behind a torn one", content: line[:60] + line, events: 1, rejected: 1, reason: "JSON ends too early"},
		{name: "two records on a line", content: line[:len(line)-1] + line, events: 2},
		{name: "torn, ignored, torn, whole", content: line[:60] + strings.ReplaceAll(line[:len(line)-1], ".input", ".failed") + line[:33] + line, events: 1, ignored: 1, rejected: 2, reason: "JSON ends too early"},
		{name: "many beginnings", content: strings.Repeat(`{"eventid":`, 1<<18) + "\n" + line, events: 1, rejected: 1, reason: "JSON is nested deeper than 128"},
		{name: "too long", content: object(`"input":"`+strings.Repeat("a", MaxLine)+`"`) + line, events: 1, rejected: 1, reason: "the line is longer than 4194304 bytes"},
		{name: "just short enough", content: object(`"input":"`+strings.Repeat("a", MaxLine-200)+`"`) + line, events: 2},
		{name: "far too long", content: strings.Repeat("[", 20<<20) + "\n" + line, events: 1, rejected: 1, reason: "the line is longer than 4194304 bytes"},
		{name: "deep arrays", content: object(`"input":"x","a":`+strings.Repeat("[", 1<<20)) + line, events: 1, rejected: 1, reason: "JSON is nested deeper than 128"},
		{name: "deep objects", content: strings.Repeat(`{"a":`, 1<<19) + "\n" + line, events: 1, rejected: 1, reason: "JSON is nested deeper than 128"},
		{name: "deep but closed", content: object(`"input":"x","a":` + strings.Repeat("[", 120) + strings.Repeat("]", 120)), events: 1},
		{name: "ignored but malformed", content: `{"eventid":"cowrie.session.closed","duration":01}` + "\n" + line, events: 1, rejected: 1, reason: "malformed JSON at byte 48"},
		{name: "control character in a string", content: object("\"input\":\"a\tb\""), rejected: 1, reason: "malformed JSON at byte 110"},
		{name: "numbers as strings and back", content: object(`"input":"x","session":12,"sensor":null,"src_port":"50123"`), events: 1},
		{name: "members twice", content: object(`"input":"x","input":"y","session":"a","session":"b"`), events: 1},
		{name: "a session that is too long", content: object(`"input":"x","session":"` + strings.Repeat("s", 2000) + `"`), rejected: 1, reason: "session_id is longer than 1024 bytes"},
		{name: "a time before 1970", content: strings.Replace(line, "2026-", "1969-", 1), rejected: 1, reason: "time 1969-05-04T05:00:01Z is outside the years 1970 to 9999"},
		{name: "30 February", content: strings.Replace(line, "2026-05-04", "2026-02-30", 1), rejected: 1, reason: `timestamp "2026-02-30T05:00:01.000001Z" is not a time`},
		{name: "escapes in a wrong place", content: object(`"input":"\x41"`), rejected: 1, reason: "malformed JSON at byte 109"},
		{name: "failed and success repeat", content: strings.ReplaceAll(line, ".input", ".failed") + strings.ReplaceAll(line, ".input", ".success"), ignored: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := readBytes(t, []byte(tt.content), "cowrie")
			if len(r.Events) != tt.events || r.Report.Ignored != tt.ignored || r.Report.Rejected != tt.rejected {
				t.Errorf("%d events, %d ignored, %d rejected; want %d, %d, %d", len(r.Events), r.Report.Ignored, r.Report.Rejected, tt.events, tt.ignored, tt.rejected)
			}
			if len(r.Rejects) > 0 && r.Rejects[0].Reason != tt.reason {
				t.Errorf("reason %q, want %q", r.Rejects[0].Reason, tt.reason)
			}
		})
	}
}

func TestHostileEvents(t *testing.T) {
	event := func(payload string) []byte {
		return []byte(`{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","payload":` + payload + "}\n")
	}
	var many strings.Builder
	many.WriteString("{")
	for i := range 100_000 {
		fmt.Fprintf(&many, `"%d":1,`, 100_000-i)
	}
	many.WriteString(`"z":1}`)
	for name, tt := range map[string]struct {
		content []byte
		reason  string
	}{
		"members without end": {event(many.String()), "payload has more than 1024 members"},
		"deep":                {event(strings.Repeat(`{"a":`, 1<<19)), "JSON is nested deeper than 128"},
		"no object":           {event(`[]`), "payload: not a JSON object"},
	} {
		r := readBytes(t, tt.content, "events")
		if len(r.Rejects) != 1 || r.Rejects[0].Reason != tt.reason {
			t.Errorf("%s: %+v", name, r.Rejects)
		}
	}
}

func TestDamagedGzip(t *testing.T) {
	content := commands(0, 5000)
	whole := zipped(t, content)
	path := write(t, t.TempDir(), "cowrie.json.1.gz", whole[:len(whole)/2])
	r := mustRead(t, path, Options{})
	if len(r.Events) < 1000 || len(r.Rejects) != 1 || !strings.HasPrefix(r.Rejects[0].Reason, "the file ends ") {
		t.Errorf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
	if r.Rejects[0].Line != len(r.Events)+1 {
		t.Errorf("the reject is at line %d, after %d lines", r.Rejects[0].Line, len(r.Events))
	}
	write(t, "", path, whole)
	if again := mustRead(t, path, Options{Positions: PositionList{*r.Position}}); len(again.Events) != 5000-len(r.Events) || len(again.Rejects) != 0 {
		t.Errorf("when it is whole: %d events more after %d, %d rejects", len(again.Events), len(r.Events), len(again.Rejects))
	}

	for name, data := range map[string][]byte{
		"flipped":          append(bytes.Clone(whole[:len(whole)-6]), 1, 2, 3, 4, 5, 6),
		"garbage behind":   append(bytes.Clone(whole), "garbage"...),
		"only a header":    whole[:8],
		"header then junk": append(bytes.Clone(whole[:10]), strings.Repeat("\xff", 100)...),
	} {
		r := readBytes(t, data, "cowrie")
		if len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, "gzip data are") {
			t.Errorf("%s: %d events, rejects %+v", name, len(r.Events), r.Rejects)
		}
	}
}

func TestGzipMembers(t *testing.T) {
	data := append(zipped(t, commands(0, 10)), zipped(t, "")...)
	data = append(data, zipped(t, commands(10, 10))...)
	if r := readBytes(t, data, Auto); len(r.Events) != 20 || len(r.Rejects) != 0 {
		t.Errorf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
}

// TestBomb reads content compressed to a thousandth, up to the size at which reading is
// given up.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	path := write(t, t.TempDir(), "bomb.gz", zipped(t, commands(0, 1)+strings.Repeat("\x00", 31<<20)+strings.Repeat("a", 31<<20)+"\n"+commands(1, 1)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := mustRead(t, path, Options{})
	runtime.ReadMemStats(&after)
	if len(r.Events) != 2 || len(r.Rejects) != 1 {
		t.Errorf("%d events, %d rejects", len(r.Events), len(r.Rejects))
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 48<<20 {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
}

// slowReader gives one byte at a time, and errors that are no end.
type slowReader struct {
	r   io.Reader
	err error
}

func (s *slowReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(1, len(p))])
	if err == io.EOF && s.err != nil {
		err = s.err
	}
	return n, err
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("input/output error")
	r := readAll(t, Stdin, Options{Format: "cowrie", Stdin: &slowReader{strings.NewReader(commands(0, 3) + "torn"), broken}})
	if !errors.Is(r.Err, broken) || len(r.Events) != 3 || len(r.Rejects) != 0 {
		t.Errorf("%d events, %d rejects, error %v", len(r.Events), len(r.Rejects), r.Err)
	}
	if r := readAll(t, Stdin, Options{Stdin: &slowReader{strings.NewReader(""), broken}}); !errors.Is(r.Err, broken) {
		t.Errorf("error %v", r.Err)
	}
}

func TestCancelled(t *testing.T) {
	path := write(t, t.TempDir(), "cowrie.json", []byte(commands(0, 3*MaxBatchEvents)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, last := 0, error(nil)
	var position *ttpcron.FilePosition
	for b, err := range f.Batches(ctx) {
		cancel()
		events += len(b.Events)
		if last = err; err == nil {
			position = b.Position
		}
	}
	if !errors.Is(last, context.Canceled) || events == 0 || events == 3*MaxBatchEvents {
		t.Errorf("%d events, error %v", events, last)
	}
	rest := mustRead(t, path, Options{Positions: PositionList{*position}})
	if events+len(rest.Events) != 3*MaxBatchEvents {
		t.Errorf("%d events and %d later", events, len(rest.Events))
	}
}

func TestUnknown(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"readme.txt": "# Cowrie logs\n", "a.json": `{"a":1}` + "\n", "binary": "\x7fELF\x02\x01\x01", "a.gz": string(zipped(t, "text\n")),
		"short.gz": "\x1f\x8b\x08", "sqlite": "SQLite format 3\x00", "word": "cowrie.command.input\n",
	} {
		_, err := Open(t.Context(), write(t, dir, name, []byte(content)), Options{})
		if unknown := new(UnknownFormatError); !errors.As(err, &unknown) && name != "sqlite" || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, content := range []string{"", "\n\n", "\x00\x00\x00", string(zipped(t, ""))} {
		if r := readAll(t, write(t, dir, "empty", []byte(content)), Options{}); r.Err != nil || r.Batches != 0 || r.Format != "" {
			t.Errorf("%q: %+v", content, r)
		}
	}
	if _, err := Open(t.Context(), "x", Options{Format: "cowire"}); err == nil || !strings.Contains(err.Error(), `unknown format "cowire"`) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), write(t, dir, "text", []byte("x\n")), Options{Format: "decnet"}); err == nil {
		t.Error("a text was taken for a database")
	}
	if _, err := Open(t.Context(), dir+"/missing", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestRecognition recognises a format after other content.
func TestRecognition(t *testing.T) {
	line := command(1, "id")
	long := `{"eventid":"cowrie.command.input","input":"` + strings.Repeat("x", 1<<20) + `","timestamp":"2026-05-04T05:49:13Z","src_ip":"203.0.113.7"}` + "\n"
	native := `{"source_kind":"x","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","payload":{"eventid":"cowrie.session.connect"}}` + "\n"
	for name, tt := range map[string]struct{ content, want string }{
		"torn first":   {"rubbish\n" + line, "cowrie"},
		"NULs first":   {strings.Repeat("\x00", 9<<20) + line, "cowrie"},
		"long first":   {long, "cowrie"},
		"only torn":    {line[:80], "cowrie"},
		"mostly other": {native + line + native, "events"},
		"compressed":   {string(zipped(t, line)), "cowrie"},
		"quoted":       {`{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"203.0.113.7","payload":{"command_text":"{\"eventid\":\"cowrie.x\"}"}}` + "\n", "events"},
	} {
		if r := readBytes(t, []byte(tt.content), Auto); r.Format != tt.want {
			t.Errorf("%s: %q, want %q", name, r.Format, tt.want)
		}
	}
}

// TestRejectIdentity reads what cannot be used in other files and places: it is
// the same, and nothing else is.
func TestRejectIdentity(t *testing.T) {
	long := strings.Repeat("x", MaxLine+10)
	ids := func(name string, content []byte) (ids []ttpcron.RejectID) {
		t.Helper()
		r := mustRead(t, write(t, t.TempDir(), name, content), Options{Format: "cowrie", Final: true})
		for i := range r.Rejects {
			ids = append(ids, r.Rejects[i].Identity())
		}
		return ids
	}
	plain := commands(0, 3) + "torn\n" + strings.Repeat("y", 3000) + "1\n" + strings.Repeat("y", 3000) + "2\n" + long + "1\n" + long + "\x00\x002\n"
	first := ids("cowrie.json", []byte(plain))
	seen := map[ttpcron.RejectID]bool{}
	for _, id := range first {
		seen[id] = true
	}
	if len(first) != 5 || len(seen) != 5 {
		t.Errorf("%d rejects, %d of them different, want 5", len(first), len(seen))
	}
	moved := ids("cowrie.json.2.gz", zipped(t, commands(3, 100)+plain))
	if !slices.Equal(first, moved) {
		t.Errorf("behind other lines, compressed: %x, want %x", moved, first)
	}

	whole := zipped(t, commands(0, 5000))
	damaged := [][]byte{
		whole[:len(whole)/2], whole[:len(whole)/3], append(bytes.Clone(whole), "garbage"...), whole[:8], whole[:9],
		append(zipped(t, commands(9, 50)), "garbage"...),
	}
	clear(seen)
	for i, content := range damaged {
		a, b := ids("cowrie.json.1.gz", content), ids("cowrie.json.2.gz", content)
		if len(a) != 1 || !slices.Equal(a, b) || seen[a[0]] {
			t.Errorf("damage %d: %x under one name and %x under another", i, a, b)
		}
		seen[a[0]] = true
	}
	// Read on from its position it is the same damage.
	path := write(t, t.TempDir(), "cowrie.json.1.gz", damaged[0])
	r := mustRead(t, path, Options{})
	if again := mustRead(t, path, Options{Positions: PositionList{*r.Position}}); len(again.Rejects) != 1 || again.Rejects[0].ID != r.Rejects[0].ID {
		t.Errorf("from the position: %+v", again.Rejects)
	}
}
