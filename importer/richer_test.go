package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTextBesideJSON has a text log of 5 May, a command each hour, with other files in
// its folder.
func TestTextBesideJSON(t *testing.T) {
	var text bytes.Buffer
	for hour := range 24 {
		fmt.Fprintf(&text, "2026-05-05T%02d:00:00+0000 [HoneyPotSSHTransport,7,203.0.113.7] CMD: echo %d\n", hour, hour)
	}
	jsonAt := func(at string) []byte {
		return []byte(`{"eventid":"cowrie.log.open","timestamp":"2026-05-01T00:00:00.000000Z","sensor":"s"}` + "\n" +
			`{"eventid":"cowrie.command.input","timestamp":"` + at + `","src_ip":"203.0.113.7","session":"a","sensor":"s","input":"x"}` + "\n")
	}
	zipped := func(content []byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		z.Write(content)
		z.Close()
		return out.Bytes()
	}
	later := time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		files   map[string][]byte
		changed time.Time
		want    int // events, from the first on, or if below 0 from the last on
		note    string
	}{
		"alone":                 {nil, later, 24, ""},
		"JSON from noon on":     {map[string][]byte{"cowrie.json": jsonAt("2026-05-05T12:00:00.500000Z")}, later, 12, "since 2026-05-05T12:00:00Z is left to cowrie.json beside it"},
		"JSON before":           {map[string][]byte{"cowrie.json": jsonAt("2026-05-04T12:00:00.500000Z")}, later, 0, "left to cowrie.json"},
		"JSON after":            {map[string][]byte{"cowrie.json": jsonAt("2026-05-06T12:00:00.500000Z")}, later, 24, ""},
		"JSON rotated":          {map[string][]byte{"cowrie.json": jsonAt("2026-05-06T12:00:00Z"), "cowrie.json.2026-05-05": jsonAt("2026-05-05T10:00:00Z"), "cowrie.json.2026-05-04": nil}, later, 10, "left to cowrie.json.2026-05-05"},
		"JSON compressed":       {map[string][]byte{"cowrie.json.1.gz": zipped(jsonAt("2026-05-05T10:00:00Z"))}, later, 10, "left to cowrie.json.1.gz"},
		"JSON of another name":  {map[string][]byte{"honeypot.log.1": jsonAt("2026-05-05T10:00:00Z")}, later, 10, "left to honeypot.log.1"},
		"JSON that ended":       {map[string][]byte{"cowrie.json": jsonAt("2026-04-01T12:00:00Z")}, time.Date(2026, 5, 4, 13, 0, 0, 0, time.UTC), -11, "left to cowrie.json"},
		"JSON in no event":      {map[string][]byte{"cowrie.json": []byte(`{"eventid":"cowrie.log.open","timestamp":"2026-05-01T00:00:00.000000Z"}` + "\n")}, later, 24, ""},
		"other JSON":            {map[string][]byte{"other.json": []byte(`{"a":1}` + "\n")}, later, 24, ""},
		"native events":         {map[string][]byte{"events.json": []byte(`{"source_kind":"command","time":"2026-05-01T05:49:13Z","attacker_ip":"203.0.113.7","payload":{"command_text":"x"}}` + "\n")}, later, 24, ""},
		"another rotated text":  {map[string][]byte{"cowrie.log.2026-05-04": text.Bytes()}, later, 24, ""},
		"a database, and noise": {map[string][]byte{"x.db": append(slices.Clone(sqliteMagic), 0), "z.bin": []byte("\x01\x02")}, later, 24, ""},
	} {
		dir := t.TempDir()
		for file, content := range c.files {
			path := write(t, dir, file, content)
			if err := os.Chtimes(path, c.changed, c.changed); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, "folder.json"), 0o700); err != nil {
			t.Fatal(err)
		}
		path := write(t, dir, "cowrie.log", text.Bytes())
		r := mustRead(t, path, Options{})
		want := max(c.want, -c.want)
		if len(r.Events) != want || r.Report.Ignored != 24-want {
			t.Errorf("%s: %d events, %d ignored, want %d", name, len(r.Events), r.Report.Ignored, want)
			continue
		}
		first := 0
		if c.want < 0 {
			first = 24 - want
		}
		if want > 0 && r.Events[0].Time.Hour() != first {
			t.Errorf("%s: the first event is of %s", name, r.Events[0].Time)
		}
		if r.Report.IgnoredTypes[leftToRicher] != 24-want {
			t.Errorf("%s: ignored %v", name, r.Report.IgnoredTypes)
		}
		if note := strings.Join(r.Notes, " "); (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
			t.Errorf("%s: noted %q, want %q", name, note, c.note)
		}
		again := mustRead(t, path, Options{Positions: PositionList{*r.Position}})
		if len(again.Events) > 0 || len(again.Notes) > 0 {
			t.Errorf("%s: read again it gives %d events, and notes %q", name, len(again.Events), again.Notes)
		}
		named := mustRead(t, path, Options{Named: true})
		if len(named.Events) != 24 {
			t.Errorf("%s: named, it gives %d events", name, len(named.Events))
		}
		if note := strings.Join(named.Notes, " "); (note == "") != (c.note == "") || c.note != "" && !strings.Contains(note, "come twice") {
			t.Errorf("%s: named, noted %q", name, note)
		}
	}
}

// TestRicherLooksAtFewFiles: a folder full of logs is not read through.
func TestRicherLooksAtFewFiles(t *testing.T) {
	dir := t.TempDir()
	const line = `{"eventid":"cowrie.log.open","timestamp":"2026-05-01T00:00:00.000000Z"}` + "\n"
	content := []byte(strings.Repeat(line, 100))
	for i := range 100 {
		for _, log := range []string{"a", "b", "c"} {
			write(t, dir, fmt.Sprintf("%s%d.json", log, i), content)
			write(t, dir, fmt.Sprintf("%s.json.%d", log, i), content)
		}
	}
	path := write(t, dir, "cowrie.log", []byte("2026-05-05T00:00:00+0000 [HoneyPotSSHTransport,7,203.0.113.7] CMD: id\n"))
	reads := 0
	r := mustRead(t, path, Options{Moved: func() { reads++ }})
	if most := 4 * maxLogsBeside * maxLogFiles; len(r.Events) != 1 || reads > most {
		t.Errorf("%d events, %d reads, want 1 and at most %d", len(r.Events), reads, most)
	}
	if got := len(logsBeside(t.Context(), path)); got != maxLogsBeside {
		t.Errorf("%d logs are looked at", got)
	}
}

// TestTextSessionsGoOn: what one file of a log told of its sessions is known in the next
// one, and makes no other event of it.
func TestTextSessionsGoOn(t *testing.T) {
	dir := t.TempDir()
	older := write(t, dir, "cowrie.log.1", textLines("01 "+factory+"New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]", "02 "+fmt.Sprintf(transport, 7)+"CMD: id"))
	newer := write(t, dir, "cowrie.log", textLines("02 "+fmt.Sprintf(transport, 7)+"CMD: w"))
	var s Sequence
	mustRead(t, older, Options{Sequence: &s})
	after, alone := mustRead(t, newer, Options{Sequence: &s}), mustRead(t, newer, Options{})
	if got := said(after); !slices.Equal(got, []string{"a/0 w"}) {
		t.Errorf("after the older file: %q", got)
	}
	if !slices.Equal(after.IDs(), alone.IDs()) || alone.Events[0].SessionID != "" {
		t.Errorf("alone it is %s", alone.Events[0].AppendJSON(nil))
	}
}
