package importer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// TestRecall reads a log in two imports: the second knows the sessions of the first,
// as far back as it looks, whatever the log was made into in between.
func TestRecall(t *testing.T) {
	bare := func(line string) string { return strings.Replace(line, `"src_ip":"203.0.113.7",`, "", 1) }
	connect := cowrieLine("cowrie.session.connect", "")
	first := connect + bare(cowrieLine("cowrie.command.success", `,"input":"a"`))
	second := bare(cowrieLine("cowrie.command.failed", `,"input":"b"`))
	for _, tt := range []struct {
		name    string
		between int // bytes of other sessions
		as      func(string) []byte
		known   bool
	}{
		{"plain", 0, func(s string) []byte { return []byte(s) }, true},
		{"compressed", 0, func(s string) []byte { return zipped(t, s) }, true},
		{"long ago", recallBytes * 3 / 4, func(s string) []byte { return []byte(s) }, true},
		{"long ago, compressed", recallBytes * 3 / 4, func(s string) []byte { return zipped(t, s) }, true},
		{"too long ago", recallBytes, func(s string) []byte { return []byte(s) }, false},
	} {
		var others strings.Builder
		for i := 0; others.Len() < tt.between; i++ {
			others.WriteString(strings.Replace(cowrieLine("cowrie.login.failed", `,"username":"root"`), `"s1"`, fmt.Sprintf(`"other%d"`, i), 1))
		}
		dir := t.TempDir()
		path := write(t, dir, "cowrie.json", []byte(first+others.String()))
		r := mustRead(t, path, Options{})
		write(t, dir, "cowrie.json", tt.as(first+others.String()+second))
		f, err := Open(t.Context(), path, Options{Positions: PositionList{*r.Position}, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if at, lines := f.Resumed(); at != r.Position.Offset || lines != r.Position.Line {
			t.Errorf("%s: resumed at %d, line %d; want %d, line %d", tt.name, at, lines, r.Position.Offset, r.Position.Line)
		}
		var got []ttpcron.Event
		lines := 0
		for b, err := range f.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			checkBatch(t, b)
			got = append(got, b.Events...)
			lines += b.Report.Lines
		}
		f.Close()
		known := len(got) == 1 && told(&got[0]) == `command {"command_text":"b"}` && got[0].AttackerIP == "203.0.113.7" && got[0].AddressOrigin == ttpcron.OriginResolved
		if known != tt.known || !known && len(got) != 0 || lines != 1 {
			t.Errorf("%s: %+v of %d lines", tt.name, got, lines)
		}
	}
}

// TestRecallAnywhere: in how many imports a log is read does not matter.
func TestRecallAnywhere(t *testing.T) {
	var log strings.Builder
	for i, name := range []string{"cowrie.session.connect", "cowrie.command.success", "cowrie.command.failed", "KIPP0005", "cowrie.command.input", "cowrie.command.failed", "cowrie.command.success"} {
		log.WriteString(strings.Replace(cowrieLine(name, fmt.Sprintf(`,"input":"c%d"`, i)), "05:00:01", fmt.Sprintf("05:00:%02d", i), 1))
	}
	content := []byte(log.String())
	dir := t.TempDir()
	path := write(t, dir, "cowrie.json", content)
	whole := mustRead(t, path, Options{})
	if len(whole.Events) != 5 {
		t.Fatalf("%v", tell(whole))
	}
	for at := range content {
		write(t, dir, "cowrie.json", content[:at])
		first := mustRead(t, path, Options{Format: "cowrie"})
		positions := PositionList{}
		if first.Position != nil {
			positions = append(positions, *first.Position)
		}
		write(t, dir, "cowrie.json", content)
		second := mustRead(t, path, Options{Positions: positions})
		// A record without its newline may be read twice.
		ids, want := append(first.IDs(), second.IDs()...), whole.IDs()
		slices.Sort(ids)
		slices.Sort(want)
		if !slices.Equal(slices.Compact(ids), want) {
			t.Fatalf("cut at %d, behind %q: %v and %v", at, bytes.TrimSpace(content[:at]), tell(first), tell(second))
		}
	}
}

// TestRecallInEveryForm: what lines of a log end with, and what they lie in, does not
// matter to what is recalled.
func TestRecallInEveryForm(t *testing.T) {
	bare := func(line string) string { return strings.Replace(line, `"src_ip":"203.0.113.7",`, "", 1) }
	lines := []string{
		cowrieLine("cowrie.session.connect", ""), bare(cowrieLine("cowrie.command.success", `,"input":"a"`)), bare(cowrieLine("cowrie.command.failed", `,"input":"b"`)),
	}
	for name, form := range map[string]func(string) string{
		"plain": func(s string) string { return s + "\n" },
		"CR":    func(s string) string { return s + "\r" },
		"CRLF":  func(s string) string { return s + "\r\n" },
		"list":  func(s string) string { return s + ",\n" },
		"docker": func(s string) string {
			return `{"log":` + string(jsontext.AppendString(nil, s+"\n")) + `,"stream":"stdout"}` + "\n"
		},
		"syslog": func(s string) string { return "<134>Jun  6 00:00:01 host cowrie[1]: " + s + "\n" },
	} {
		var log string
		if name == "list" {
			log = "[\n"
		}
		for _, line := range lines[:2] {
			log += form(strings.TrimSpace(line))
		}
		dir := t.TempDir()
		path := write(t, dir, "cowrie.json", []byte(log))
		r := mustRead(t, path, Options{})
		write(t, dir, "cowrie.json", []byte(log+form(strings.TrimSpace(lines[2]))))
		r = mustRead(t, path, Options{Positions: PositionList{*r.Position}})
		if len(r.Events) != 1 || told(&r.Events[0]) != `command {"command_text":"b"}` || r.Events[0].AttackerIP != "203.0.113.7" {
			t.Errorf("%s: %+v", name, tell(r))
		}
	}
}
