package importer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/ttpcron/ttpcron"
)

// hostFormats are the formats of logs of hosts.
var hostFormats = []string{"auditd", "sshd", "history", "access"}

// hostInput is the golden input of a format, with its settings.
func hostInput(t testing.TB, format string) (path string, content []byte, s Settings) {
	t.Helper()
	dir := filepath.Join("testdata", format)
	matches, _ := filepath.Glob(filepath.Join(dir, "input*"))
	if len(matches) != 1 {
		t.Fatalf("%s has %d inputs", dir, len(matches))
	}
	content, err := os.ReadFile(matches[0])
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "settings")); err == nil {
		if s, err = parseSettings(strings.TrimSpace(string(text))); err != nil {
			t.Fatal(err)
		}
	}
	if s.Host == "" {
		s.Host = "web-1"
	}
	return matches[0], content, s
}

// A log of a host that is cut anywhere gives no event that the whole log does not give, and
// when it has grown to the whole log, every event has come.
func TestHostLogsGrow(t *testing.T) {
	for _, format := range hostFormats {
		input, content, settings := hostInput(t, format)
		path := filepath.Join(t.TempDir(), "growing.log")
		if strings.Contains(input, "history") {
			path = filepath.Join(t.TempDir(), ".bash_history")
		}
		read := func(n int, positions PositionList, final bool) result {
			if err := os.WriteFile(path, content[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			changed(t, path, time.Date(2030, 6, 15, 0, 0, 0, 0, time.UTC)) // which contradicts no year
			return readAll(t, path, Options{Format: format, Settings: settings, Positions: positions, Final: final})
		}
		all := read(len(content), nil, true)
		want := all.IDs()
		if all.Err != nil || len(want) < 5 {
			t.Fatalf("%s: %d events, %v", format, len(want), all.Err)
		}
		step := max(cutStep(), len(content)/300)
		for cut := 1; cut < len(content); cut += step {
			first := read(cut, nil, false)
			if first.Err != nil {
				continue // too little to be taken for a log, or a setting is not known to be needed
			}
			got := first.IDs()
			for i, id := range got {
				// Nothing says that a command of a history goes on in the next line.
				if typed := first.Events[i].Payload.CommandText(); format == "history" && i == len(got)-1 && slices.ContainsFunc(all.Events, func(e ttpcron.Event) bool {
					return strings.HasPrefix(e.Payload.CommandText(), typed)
				}) {
					continue
				}
				if !slices.Contains(want, id) {
					t.Fatalf("%s, cut at %d: another event %s", format, cut, first.Events[i].AppendJSON(nil))
				}
			}
			var positions PositionList
			if first.Position != nil {
				positions = append(positions, *first.Position)
			}
			second := read(len(content), positions, true)
			got = append(got, second.IDs()...)
			for i, id := range want {
				if !slices.Contains(got, id) {
					t.Fatalf("%s, cut at %d: lost %s", format, cut, all.Events[i].AppendJSON(nil))
				}
			}
		}
	}
}

// comesBack checks that events can be stored and read back unchanged.
func comesBack(t testing.TB, events []ttpcron.Event) {
	t.Helper()
	for i := range events {
		e := &events[i]
		line := e.AppendJSON(nil)
		if len(line) > MaxLine {
			continue
		}
		back := readBytes(t, line, "events")
		if len(back.Events) != 1 || back.Events[0].ContentID() != e.ContentID() || !bytes.Equal(back.Events[0].AppendJSON(nil), line) {
			t.Fatalf("%s comes back as %+v, %+v", line, back.Events, back.Rejects)
		}
	}
}

// Events of hosts have the host as their sensor and the vantage host, and whoever has no
// address is the host's identity.
func TestHostLogsNameTheHost(t *testing.T) {
	for _, format := range hostFormats {
		_, content, settings := hostInput(t, format)
		r := mustRead(t, Stdin, Options{Format: format, Settings: settings, Stdin: bytes.NewReader(content)})
		comesBack(t, r.Events)
		for i := range r.Events {
			e := &r.Events[i]
			if e.Vantage != ttpcron.VantageHost || e.DeckyID == "" || e.AttackerIP == "" && e.IdentityUUID != ttpcron.HostIdentity(e.DeckyID) || e.AttackerIP != "" && e.IdentityUUID != "" {
				t.Errorf("%s: %s", format, e.AppendJSON(nil))
			}
		}
	}
}

// FuzzHostLogs reads hostile content as the log of a host, at once and in pieces: what
// comes can be stored, and is the same.
func FuzzHostLogs(f *testing.F) {
	for i, format := range hostFormats {
		_, content, _ := hostInput(f, format)
		f.Add(uint8(i), content, uint16(100))
		for line := range bytes.Lines(content) {
			f.Add(uint8(i), line, uint16(7))
		}
	}
	var settings Settings
	for name, value := range map[string]string{"zone": "Europe/Berlin", "year": "2026", "host": "web-1"} {
		if err := settings.Set(name, value); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, content []byte, cut uint16) {
		if bytes.HasPrefix(content, gzipMagic) || len(content) > 64<<10 {
			return
		}
		o := Options{Format: hostFormats[int(which)%len(hostFormats)], Settings: settings, Stdin: bytes.NewReader(content)}
		whole := readAll(t, Stdin, o)
		if whole.Err != nil {
			return // it looks like something else
		}
		o.Stdin = &inPieces{content, int(cut)%300 + 1}
		if pieces := readAll(t, Stdin, o); !slices.Equal(pieces.IDs(), whole.IDs()) {
			t.Fatalf("in pieces %+v, at once %+v", pieces.Report, whole.Report)
		}
		comesBack(t, whole.Events[:min(len(whole.Events), 20)])
	})
}

// A shell reads the arguments of a program back from their text.
func TestShellText(t *testing.T) {
	for _, args := range [][]string{
		{"ls"}, {"a b"}, {""}, {"x", ""}, {"it's"}, {"''"}, {"$HOME", "`id`", "$(id)", "\\", "\"", "!x", "*", "?", "[a]", "~", "~root", "#x", "x#y", "x~"},
		{"if"}, {"{}"}, {"[", "-f", "x", "]"}, {"a=b"}, {"env", "a=b"}, {"\xff\xfe", "a\xff0'\\", "\ufffd\xff", "ä", "\n", "a\nb", "\t", "\x01\x7f"}, {"find", ".", "-exec", "rm", "{}", ";"},
		{"sh", "-c", "curl 'x' | sh; echo \"$1\""}, {"a,b", "{a,b}", "-x=y", "a:b", "%s+@", "|", "&", "<", ">", "(", ")", "^"},
	} {
		text := shellText(args)
		file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
		if err != nil || len(file.Stmts) != 1 {
			t.Errorf("%q is %s, which is %d statements, %v", args, text, len(file.Stmts), err)
			continue
		}
		call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
		if !ok || len(call.Assigns) > 0 {
			t.Errorf("%q is %s, which is no command", args, text)
			continue
		}
		back, err := expand.Fields(&expand.Config{Env: expand.ListEnviron("HOME=/x")}, call.Args...)
		if err != nil || !slices.Equal(back, args) {
			t.Errorf("%q is %s, which is %q, %v", args, text, back, err)
		}
	}
	if text := shellText([]string{"ls", "-la", "/tmp/x.y", "a=b", "{}"}); text != "ls -la /tmp/x.y a=b {}" {
		t.Errorf("what needs no quotation marks has some: %s", text)
	}
}

func BenchmarkHostLogs(b *testing.B) {
	for _, format := range hostFormats {
		_, content, settings := hostInput(b, format)
		many := bytes.Repeat(content, 1+(1<<20)/len(content))
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(many)))
			for b.Loop() {
				readAll(b, Stdin, Options{Format: format, Settings: settings, Stdin: bytes.NewReader(many)})
			}
		})
	}
}

// telling lists what events say, for tables.
func telling(r result) (all []string) {
	for i := range r.Events {
		e := &r.Events[i]
		who := e.AttackerIP
		if who == "" {
			who = "-"
		}
		all = append(all, fmt.Sprintf("%s %s %s", e.Kind, who, ttpcron.TellingText(e.Kind, func(name string) (string, bool) { return e.Payload.Text(name) })))
	}
	return all
}
