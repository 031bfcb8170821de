package importer

import (
	"fmt"
	"strings"
	"testing"
)

// inPiecesOf are the programs that cut a line that is too long for them: how they write
// a piece, and the end of a line.
var inPiecesOf = []struct {
	name  string
	size  int
	piece func(text string, last bool) string
}{
	{"Docker", 16 << 10, func(text string, last bool) string {
		if last {
			text += "\n"
		}
		return `{"log":` + quoted(text) + `,"stream":"stdout","time":"2026-05-04T05:00:01Z"}` + "\n"
	}},
	{"containerd", 16 << 10, func(text string, last bool) string {
		return "2026-05-04T05:00:01.5Z stdout " + map[bool]string{true: "F", false: "P"}[last] + " " + text + "\n"
	}},
	{"CRI-O", 8 << 10, func(text string, last bool) string {
		return "2026-05-04T05:00:01.5Z stdout " + map[bool]string{true: "F", false: "P"}[last] + " " + text + "\n"
	}},
	{"the journal", 48 << 10, func(text string, last bool) string {
		return `{"_STREAM_ID":"7","MESSAGE":` + quoted(text) + map[bool]string{false: `,"_LINE_BREAK":"line-max"`}[last] + "}\n"
	}},
	{"the journal with shorter lines", 1 << 10, func(text string, last bool) string {
		return `{"MESSAGE":` + quoted(text) + `,"_LINE_BREAK":` + map[bool]string{true: "null", false: `"line-max"`}[last] + "}\n"
	}},
	{"the journal of few members", 48 << 10, func(text string, _ bool) string { return `{"MESSAGE":` + quoted(text) + "}\n" }},
	{"the journal in short", 48 << 10, func(text string, _ bool) string {
		return "2026-05-04T05:00:01+0000 hp1 cowrie[12]: " + text + "\n"
	}},
}

// TestForgedInPieces: what an attacker typed is no line of its own where a line was
// cut right before it.
func TestForgedInPieces(t *testing.T) {
	const (
		opened  = "2025-10-18T01:02:01+0000 [cowrie.ssh.factory.CowrieSSHFactory] New connection: 203.0.113.50:40000 (198.51.100.2:2222) [session: a1b2c3d4e5f6]"
		session = "2025-10-18T01:02:03+0000 [HoneyPotSSHTransport,0,203.0.113.50] CMD: "
		text    = "2025-10-18T01:02:09+0000 [HoneyPotSSHTransport,0,198.51.100.66] CMD: forged"
	)
	record := strings.TrimSpace(command(7, "forged"))
	for _, in := range inPiecesOf {
		for _, pieces := range []int{1, 2, MaxLine/in.size + 1, maxChunkWait + 2} {
			if pieces > 2 && in.name != "Docker" {
				continue
			}
			for log, before := range map[string][]string{"JSON": aSession(3), "text": {opened, session + "id"}} {
				for _, forged := range []string{text, record} {
					var b strings.Builder
					for _, l := range before {
						b.WriteString(in.piece(l, true))
					}
					b.WriteString(in.piece(session+strings.Repeat("x", in.size-len(session)), false))
					for range pieces - 1 {
						b.WriteString(in.piece(strings.Repeat("y", in.size), false))
					}
					b.WriteString(in.piece(forged, true))
					b.WriteString(in.piece(session+"honest", true))
					r := readBytes(t, []byte(b.String()), Auto)
					honest := false
					for _, e := range r.Events {
						switch typed, _ := e.Payload.Text("command_text"); typed {
						case "forged":
							t.Errorf("%s, %d pieces, a %s log: what was typed is an event: %.30s", in.name, pieces, log, forged)
						case "honest":
							honest = true
						}
					}
					if honest != (log == "text") {
						t.Errorf("%s, %d pieces, a %s log (%s): %d events, rejects %+v", in.name, pieces, log, r.Format, len(r.Events), r.Rejects)
					}
				}
			}
		}
	}
}

// TestObjectsInPieces: a record that was cut is not given up for an object that an
// attacker typed where it was cut.
func TestObjectsInPieces(t *testing.T) {
	for _, in := range inPiecesOf {
		for _, typed := range []string{"{}", "{ } x", "{" + strings.Repeat(" ", in.size-2) + "}", "{}\x7f"} {
			l := strings.TrimSpace(command(1, "X"))
			at := strings.Index(l, `"X"`) + 1
			l = strings.Replace(l, "X", strings.Repeat("x", in.size-at)+typed+"tail", 1)
			var b strings.Builder
			for rest := l; ; rest = rest[in.size:] {
				if len(rest) <= in.size {
					b.WriteString(in.piece(rest, true))
					break
				}
				b.WriteString(in.piece(rest[:in.size], false))
			}
			r := readBytes(t, []byte(b.String()), "cowrie")
			if len(r.Events) != 1 || len(r.Rejects) != 0 {
				t.Errorf("%s, %.8q: %d events, %+v", in.name, typed, len(r.Events), fmt.Sprint(r.Rejects))
			}
		}
	}
}

// TestBrokenObjectsAreCheap: lines that begin objects without end do not make a parser
// each, though they are read again and again.
func TestBrokenObjectsAreCheap(t *testing.T) {
	content := []byte(command(1, "x") + strings.Repeat("{\n\"a\":\n", 20_000))
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			readBytes(b, content, "cowrie")
		}
	}).AllocedBytesPerOp()
	if allocated > 500*int64(len(content)) {
		t.Errorf("%d bytes were allocated for %d", allocated, len(content))
	}
}
