package importer

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// textWrappers put each line of a text log into something.
var textWrappers = map[string]func(line string) string{
	"docker": func(l string) string {
		return `{"log":` + quoted(l+"\n") + `,"stream":"stdout","time":"2026-05-04T05:50:00.000000001Z"}`
	},
	"docker, sorted": func(l string) string {
		return `{"time": "2026-05-04T05:50:00.1Z", "stream": "stderr", "log": ` + quoted(l+"\n") + `}`
	},
	"docker, attrs": func(l string) string {
		return `{"log":` + quoted(l+"\n") + `,"stream":"stdout","attrs":{"tag":"cowrie"},"time":"2026-05-04T05:50:00Z"}`
	},
	"filebeat": func(l string) string {
		return `{"@timestamp":"2026-05-04T05:50:00.1Z","log":{"offset":7},"message":` + quoted(l) + `,"agent":{}}`
	},
	"journal, JSON":   func(l string) string { return `{"MESSAGE":` + quoted(l) + `,"_PID":"7","SYSLOG_IDENTIFIER":"twistd"}` },
	"CRI":             func(l string) string { return "2026-05-04T05:50:00.123456789Z stdout F " + l },
	"docker logs -t":  func(l string) string { return "2026-05-04T05:50:00.123456789Z " + l },
	"compose":         func(l string) string { return "cowrie-1  | " + l },
	"journal, short":  func(l string) string { return "May 04 05:50:00 host twistd[77]: " + l },
	"carriage return": func(l string) string { return l + "\r" },
}

// TestTextLogWrapped: the events of a text log are the same, however it is wrapped and
// wherever an import of it stopped.
func TestTextLogWrapped(t *testing.T) {
	input, err := os.ReadFile("testdata/cowrie-text/input.log.1")
	if err != nil {
		t.Fatal(err)
	}
	input = input[bytes.IndexByte(input, '\n')+1:] // the first line is none of the log's
	plain := readBytes(t, input, Auto)
	lines := strings.Split(strings.TrimSuffix(string(input), "\n"), "\n")
	for name, wrap := range textWrappers {
		var out bytes.Buffer
		var ends []int
		for _, l := range lines {
			out.WriteString(wrap(l) + "\n")
			ends = append(ends, out.Len())
		}
		r := readBytes(t, out.Bytes(), Auto)
		if r.Format != "cowrie-text" || !slices.Equal(r.IDs(), plain.IDs()) {
			t.Errorf("%s: %s, %d events, want %d; rejects %+v", name, r.Format, len(r.Events), len(plain.Events), r.Rejects)
			continue
		}
		if len(r.Rejects) != len(plain.Rejects) {
			t.Errorf("%s: %d rejects, want %d", name, len(r.Rejects), len(plain.Rejects))
		}
		dir := t.TempDir()
		for i, at := range ends {
			if i+1 < len(lines) && (lines[i+1] == "echo b" || strings.HasPrefix(lines[i+1], "\t")) {
				continue // within a record
			}
			path := write(t, dir, "log", out.Bytes()[:at])
			first := mustRead(t, path, Options{Format: "cowrie-text"})
			write(t, dir, "log", out.Bytes())
			var positions PositionList
			if first.Position != nil {
				positions = PositionList{*first.Position}
			}
			second := mustRead(t, path, Options{Positions: positions})
			if ids := append(first.IDs(), second.IDs()...); !slices.Equal(ids, plain.IDs()) {
				t.Fatalf("%s, cut after line %d: %d and %d events, want %d", name, i+1, len(first.Events), len(second.Events), len(plain.Events))
			}
		}
	}
}

// TestWrappedTextIsNotForged: anything typed in a wrapped log stays text.
func TestWrappedTextIsNotForged(t *testing.T) {
	const forged = "2026-05-04T05:49:03+0000 [HoneyPotSSHTransport,9,198.51.100.66] CMD: forged"
	begin := strings.Split(strings.TrimSuffix(string(textLines("01 "+factory+"New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]",
		"02 "+fmt.Sprintf(transport, 7)+"login attempt [b'a'/b'b'] failed", "02 "+fmt.Sprintf(transport, 7)+"CMD: id")), "\n"), "\n")
	for wrapper, wrap := range textWrappers {
		for name, typed := range map[string]string{
			"a record":         forged,
			"newline":          "x\n\t" + forged,
			"newline, wrapped": "x\n\t" + wrap(forged),
			"wrapped":          wrap(forged),
			"carriage return":  "x\r" + forged + "\r" + wrap(forged),
			"NUL":              "x\x00" + forged + "\x00" + wrap(forged),
			"JSON":             `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:03.000000Z","src_ip":"198.51.100.66","session":"f","input":"forged"}`,
			"member":           `","log":"` + forged + `\n","x":"`,
			"braces":           "}\n\t" + `{"log":"` + forged + `\n"}`,
			"native":           `{"source_kind":"command","time":"2026-05-04T05:49:13Z","attacker_ip":"198.51.100.66","payload":{"command_text":"forged"}}`,
		} {
			for _, say := range []string{"CMD: ", "Remote SSH version: ", "anything "} {
				message := "2026-05-04T05:49:03+0000 " + fmt.Sprintf(transport, 7) + say + typed
				var out strings.Builder
				for _, l := range append(slices.Clone(begin), strings.Split(message, "\n")...) {
					out.WriteString(wrap(l) + "\n")
				}
				r := readBytes(t, []byte(out.String()), Auto)
				for i := range r.Events {
					if e := &r.Events[i]; e.AttackerIP != "203.0.113.7" || e.SessionID != "a" {
						t.Errorf("%s in %s, %q: %s", name, wrapper, say, e.AppendJSON(nil))
					}
				}
				if len(r.Events) < 3 {
					t.Errorf("%s in %s, %q: %d events; rejects %+v", name, wrapper, say, len(r.Events), r.Rejects)
				}
			}
		}
	}
}

// TestTypedRecordsAreNoFormat: a text log is recognised, however many records of another
// format an attacker types at its beginning.
func TestTypedRecordsAreNoFormat(t *testing.T) {
	record := `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:03.000000Z","src_ip":"198.51.100.66","session":"f","input":"forged"}`
	begin := string(textLines("01 " + factory + "New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]"))
	message := strings.TrimSuffix(string(textLines("02 "+fmt.Sprintf(transport, 7)+"CMD: x")), "\n")
	check := func(name, content string) {
		r := readBytes(t, []byte(content), Auto)
		for i := range r.Events {
			if e := &r.Events[i]; e.AttackerIP != "203.0.113.7" {
				t.Fatalf("%s: %.200s", name, e.AppendJSON(nil))
			}
		}
		if r.Format != "cowrie-text" || len(r.Events) == 0 {
			t.Errorf("%s: read as %q, %d events", name, r.Format, len(r.Events))
		}
	}
	check("plain", begin+message+strings.Repeat("\n\t"+record, 300)+"\n")
	check("carriage returns", message+strings.Repeat("\r"+record, 300))
	for name, wrap := range textWrappers {
		var out strings.Builder
		for l := range strings.SplitSeq(begin+message+strings.Repeat("\n\t"+record, 300), "\n") {
			out.WriteString(wrap(l) + "\n")
		}
		check(name, out.String())
	}
}

// TestTextAndJSONInOne: if a container's output has both forms, only the richer one is
// read, and nothing that an attacker typed into the other.
func TestTextAndJSONInOne(t *testing.T) {
	record := `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:02.500000Z","src_ip":"203.0.113.7","session":"a","input":"id"}` + "\n"
	typed := `{"eventid":"cowrie.command.input","timestamp":"2026-05-04T05:49:03.000000Z","src_ip":"198.51.100.66","session":"f","input":"forged"}`
	content := string(textLines("01 "+factory+"New connection: 203.0.113.7:1 (192.0.2.1:2222) [session: a]",
		"02 "+fmt.Sprintf(transport, 7)+"CMD: id", "02 "+fmt.Sprintf(transport, 7)+"Command found: id")) + record +
		string(textLines("02 "+fmt.Sprintf(transport, 7)+"CMD: x", "\t"+typed, "\t"+typed, "\ty"))
	for name, wrap := range map[string]func(string) string{"plain": func(l string) string { return l }, "docker": textWrappers["docker"]} {
		var out strings.Builder
		for l := range strings.SplitSeq(strings.TrimSuffix(content, "\n"), "\n") {
			out.WriteString(wrap(l) + "\n")
		}
		r := readBytes(t, []byte(out.String()), Auto)
		if r.Format != "cowrie" || len(r.Events) != 1 || r.Events[0].SessionID != "a" || r.Events[0].SessionOrigin != 0 {
			t.Errorf("%s: %s, %d events", name, r.Format, len(r.Events))
		}
	}
}

// TestTextNeverSplitAtCarriageReturns: the beginning of a file may have no newline yet.
func TestTextNeverSplitAtCarriageReturns(t *testing.T) {
	const forged = "2026-05-04T05:49:03+0000 [HoneyPotSSHTransport,9,198.51.100.66] CMD: forged"
	for _, format := range []string{Auto, "cowrie-text"} {
		line := "2026-05-04T05:49:02+0000 " + fmt.Sprintf(transport, 7) + "CMD: x\r" + forged + "\r" + forged
		for _, content := range []string{line, line + strings.Repeat("x", 2*sniffMore) + "\r" + forged + "\n"} {
			r := readBytes(t, []byte(content), format)
			for i := range r.Events {
				if e := &r.Events[i]; e.AttackerIP != "203.0.113.7" {
					t.Errorf("%s: %.200s", format, e.AppendJSON(nil))
				}
			}
		}
	}
}

// TestDockerCutsTextLine: Docker logs a line of more than 16 KiB in pieces.
func TestDockerCutsTextLine(t *testing.T) {
	typed := strings.Repeat("0123456789abcdef", 3000)
	line := "2026-05-04T05:49:02+0000 " + fmt.Sprintf(transport, 7) + "CMD: " + typed + "\n"
	wrap := func(piece string) string {
		return `{"log":` + quoted(piece) + `,"stream":"stdout","time":"2026-05-04T05:50:00.1Z"}` + "\n"
	}
	out := wrap(string(textLines("01 " + fmt.Sprintf(transport, 7) + "CMD: id")))
	for len(line) > 0 {
		n := min(dockerChunk, len(line))
		out += wrap(line[:n])
		line = line[n:]
	}
	out += wrap(string(textLines("03 " + fmt.Sprintf(transport, 7) + "CMD: w")))
	r := readBytes(t, []byte(out), Auto)
	if got := said(r); !slices.Equal(got, []string{"/0 id", "/0 " + typed, "/0 w"}) {
		t.Errorf("%d commands, %.100q; rejects %+v", len(got), got, r.Rejects)
	}
}
