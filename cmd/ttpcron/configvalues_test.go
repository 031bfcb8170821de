package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBadValues gives every key invalid values. A check of the config names the line of
// each, and neither the daemon nor another command accepts them.
func TestBadValues(t *testing.T) {
	types := []string{`5`, `true`, `["a", "b"]`, `[]`, `""`, `2026-05-04`, `nan`, `{a = 1}`, `-1`, `99999999999999999999`}
	except := func(not ...string) (list []string) {
		for _, v := range types {
			ok := true
			for _, n := range not {
				ok = ok && v != n
			}
			if ok {
				list = append(list, v)
			}
		}
		return list
	}
	tests := map[string][]string{
		"db": types, "socket": types, "log-level": append(types, `"loud"`), "role": append(types, `"boss"`),
		"lock-timeout": append(types, `"-5s"`, `"5 parsecs"`, `"9999h"`, `0.5`), "log-json": append(except("true"), `"true"`), "embedded": except("true"),
		"rules": {`5`, `true`, `[5]`, `[""]`, `""`, `{a = 1}`, `[["a"]]`}, "inputs": {`5`, `true`, `[5]`, `[""]`, `""`, `{a = 1}`, `[["a"]]`},
		"kinds":              {`5`, `true`, `[5]`, `[""]`, `""`, `{a = 1}`, `[["a"]]`, `["comand"]`, `["command", "two words"]`},
		"own-networks":       {`5`, `true`, `[5]`, `[""]`, `""`, `{a = 1}`, `"10.0.0.0/33"`, `["192.0.2.1", "localhost"]`},
		"attack-release":     append(types, `"17.1"`, `18`, `"19"`),
		"daemon.keep-events": append(types, `"1h"`, `"-3d"`, `"soon"`), "daemon.keep-tags": append(types, `"1h"`),
		"daemon.max-size": append(types, `"1"`, `1`, `"-1GiB"`, `"9999999999TiB"`, `"big"`), "daemon.min-free": append(except(`5`), `"-1"`, `"some"`),
		"daemon.spread": append(types, `"-1s"`, `"25h"`), "daemon.health-limit": append(types, `"-1s"`),
		"daemon.http":         append(types, `"127.0.0.1"`, `"127.0.0.1:99999"`, `"127.0.0.1:http"`, `":9847"`, `"0.0.0.0:9847"`, `"127.0.0.1:-1"`, `"127.0.0.1:"`, `"127.0.0.1:0"`),
		"daemon.http-exposed": except("true"), "daemon.node": types,
		"daemon.http-report": types, "daemon.http-token-file": append(types, `"missing"`, `"folder"`, `"text.txt"`), "daemon.http-report-since": append(types, `"-3d"`, `"soon"`),
		"daemon.http-hosts":   {`5`, `true`, `[5]`, `[""]`, `""`, `{a = 1}`, `"two words"`, `["a.example", "http://b.example"]`, `"127.1"`, `"a:0"`},
		"daemon.metrics-file": append(types, `"no/such/folder/x.prom"`, `"folder"`, `"text.txt"`),
		"run-once.since-days": append(except(`5`), `0`, `4000`, `1.5`), "run-once.batch-size": append(except(`5`), `0`), "run-once.source": append(types, `"all of it"`),
		"run-once.dry-run": except("true"), "tags.min-confidence": {`nan`, `inf`, `"much"`, `true`, `[]`}, "tags.limit": append(except(`5`, `-1`), `1.5`),
		// Tables and keys in the wrong place.
		"nonsense": types, "daemon.schedule": {`"@daily"`}, "schedule": {`"@daily"`}, "daemon.inputs": {`["a"]`}, "keep-events": {`"9d"`},
	}
	for key, values := range tests {
		for _, v := range values {
			t.Run(key+" = "+v, func(t *testing.T) { badConfig(t, key, v) })
		}
	}
}

// badConfig writes a config with one value, in its second line or in the third
// where it is in a table, and looks that everybody refuses it.
func badConfig(t *testing.T, key, value string) {
	t.Helper()
	text, line := "# a comment\n"+key+" = "+value+"\n", 2
	if table, own, nested := strings.Cut(key, "."); nested {
		text, line = "# a comment\n["+table+"]\n"+own+" = "+value+"\n", 3
	}
	refusedConfig(t, text, line)
}

// refusedConfig looks that a config file is refused, with a fault in a line.
func refusedConfig(t *testing.T, text string, line int) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, content := range map[string]string{"c.toml": text, "text.txt": "text\n", "events.jsonl": ""} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"TTPCRON_CONFIG=" + filepath.Join(dir, "c.toml"), "STATE_DIRECTORY=" + dir, "HOME=" + dir, "TTPCRON_EMBEDDED=false"}
	code, out, stderr := invoke(t, env, "config", "check")
	want := fmt.Sprintf("line %d: ", line)
	if line == 0 {
		want = "WRONG"
	}
	// A file that is not TOML is reported with its line, and nothing else.
	if code == exitDone || !strings.Contains(out, want) && !strings.Contains(stderr, fmt.Sprintf("(line %d)", line)) {
		t.Errorf("config check: exit %d, want %q\n%s%s", code, want, out, stderr)
	}
	// One that takes the file all the same stops at once.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs bytes.Buffer
	if code := run(ctx, time.Now, []string{"daemon"}, strings.NewReader(""), io.Discard, &errs, env); code != exitUsage || !strings.Contains(errs.String(), "c.toml") {
		t.Errorf("daemon: exit %d: %s", code, errs.String())
	}
	if left, _ := filepath.Glob("*.db*"); len(left) > 0 {
		t.Errorf("%v was made", left)
	}
}

// TestBadTables tries faults beyond single values.
func TestBadTables(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
	}{
		{"an empty unknown table", "[nonsense]\n", 1},
		{"an empty table in a table", "[daemon]\n[daemon.nonsense]\n", 2},
		{"a table with the name of a group", "[rules]\n", 1},
		{"one job", "[job]\nname = \"a\"\n", 1},
		{"a key twice", "log-json = true\nlog_json = false\n", 2},
		{"a key of a job twice", "[[job]]\nname = \"a\"\nschedule = \"@daily\"\nmax-runtime = \"1h\"\nmax_runtime = \"2h\"\n", 5},
		{"a job with a number for a name", "[[job]]\nname = 5\nschedule = \"@daily\"\n", 2},
		{"a job without text", "[[job]]\nname = \"\"\nschedule = \"@daily\"\n", 2},
		{"a job with a truth value", "[[job]]\nname = \"a\"\nschedule = true\n", 3},
		{"a job with a number of inputs", "[[job]]\nname = \"a\"\nschedule = \"@daily\"\ninputs = 5\n", 4},
		{"a job with one input", "[[job]]\nname = \"a\"\nschedule = \"@daily\"\ninputs = [5]\n", 4},
		{"a job with a key of the daemon", "[[job]]\nname = \"a\"\nschedule = \"@daily\"\nkeep-events = \"9d\"\n", 4},
		{"no time for a run", "[[job]]\nname = \"a\"\nschedule = \"@daily\"\nmax-runtime = \"-1s\"\n", 4},
		{"a folder for a store", "db = \"/\"\n", 1},
		{"a folder for a store, by its name", "db = \"stores/\"\n", 1},
		{"a text for a store", "db = \"text.txt\"\n", 1},
		{"a store below a file", "db = \"text.txt/t.db\"\n", 1},
		{"a socket with too long a path", "socket = \"/tmp/" + strings.Repeat("s", 104) + "\"\n", 1},
		{"a text for a socket", "socket = \"text.txt\"\n", 1},
		{"metrics in the store", "db = \"t.db\"\n[daemon]\nmetrics-file = \"t.db\"\n", 1},
		{"metrics in the store by another way", "db = \"t.db\"\n[daemon]\nmetrics-file = \"folder/../t.db\"\n", 1},
		{"metrics in the config", "[daemon]\nmetrics-file = \"c.toml\"\n", 2},
		{"a socket in the place of the store", "db = \"t.db\"\nsocket = \"t.db\"\n", 1},
		{"a store in the place of an input", "db = \"events.jsonl\"\ninputs = [\"events.jsonl\"]\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) { refusedConfig(t, tt.text, tt.line) })
	}
}

// TestSocketOfAnother: a socket that another process serves stays.
func TestSocketOfAnother(t *testing.T) {
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "x.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	code, _, stderr := invoke(t, []string{"TTPCRON_EMBEDDED=true", "TTPCRON_DB=" + filepath.Join(dir, "t.db"), "TTPCRON_SOCKET=" + path}, "daemon")
	if code != exitFailed || !strings.Contains(stderr, "another process serves it") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
