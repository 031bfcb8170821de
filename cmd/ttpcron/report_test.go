package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/tagger"
)

func TestBrowserOf(t *testing.T) {
	for _, tt := range []struct {
		system string
		env    map[string]string
		want   string
	}{
		{"linux", map[string]string{"DISPLAY": ":0"}, "xdg-open"},
		{"linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"},
		{"freebsd", map[string]string{"DISPLAY": ":0"}, "xdg-open"},
		{"linux", map[string]string{"DISPLAY": ":0", "WSL_DISTRO_NAME": "Debian"}, "wslview"},
		{"linux", map[string]string{"DISPLAY": ""}, ""},
		{"darwin", nil, "open"},
	} {
		got, err := browserOf(tt.system, tt.env)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s, %v: %q, %v", tt.system, tt.env, got, err)
		}
	}
}

// A rule that names the level medium has it, and does not count as not loaded.
func TestNamesOf(t *testing.T) {
	rules, _ := tagger.Load(ruleset.Options([]tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}, nil))
	names := namesOf(rules)
	if len(names) == 0 {
		t.Fatal("no names")
	}
	for _, r := range rules.Catalogue() {
		if got := names[r.ID]; got.name != r.Name || got.level == 0 || got.level.String() != r.Level.String() {
			t.Errorf("%s is %+v, want %s, %s", r.ID, got, r.Name, r.Level)
		}
	}
}

// A program that shows files gets only the whole path, and its messages are passed on.
func TestStart(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "shows")
	script := "#!/bin/sh\nprintf '%s|' \"$#\" \"$1\" >'" + dir + "/asked'\ncase $1 in *broken*) exit 4;; esac\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := start(t.Context(), program, "/a b/-x.html"); err != nil {
		t.Fatal(err)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil || string(asked) != "1|/a b/-x.html|" {
		t.Errorf("it was asked for %q, %v", asked, err)
	}
	if err := start(t.Context(), program, "/broken.html"); err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("it failed: %v", err)
	}
	if err := start(t.Context(), filepath.Join(dir, "none"), "/x.html"); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestFileURL(t *testing.T) {
	for path, want := range map[string]string{
		"/tmp/report.html":  "file:///tmp/report.html",
		"/a b/#1?/100%.htm": "file:///a%20b/%231%3F/100%25.htm",
	} {
		if got := fileURL(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// What standard output leads to may be a file with more in it: it is added to.
func TestReportAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := fmt.Sprintf("/dev/fd/%d", f.Fd())
	if _, err := os.Stat(out); err != nil {
		t.Skip(err)
	}
	_, stream, err := writeReportFile(t.Context(), out, func(w io.Writer) error {
		_, err := io.WriteString(w, "page")
		return err
	})
	if got, _ := os.ReadFile(path); err != nil || !stream || string(got) != "kept\npage" {
		t.Errorf("%q, %v, %v", got, stream, err)
	}
}

func TestShellQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "hp-1": "hp-1", "2026-05-04T05:49:05Z": "2026-05-04T05:49:05Z", "a b": "'a b'", "it's": `'it'\''s'`, "$(id)": "'$(id)'", "~": "'~'", "ü": "'ü'",
	} {
		if got := shellQuoted(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

// The first error ends the others, and is the one reported.
func TestTogether(t *testing.T) {
	broken := errors.New("broken")
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := together(t.Context(), waits, func(context.Context) error { return broken }, waits); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := together(t.Context(), func(context.Context) error { return nil }, func(context.Context) error { return nil }); err != nil {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := together(ctx, waits); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// The selection is described in words, and in flags that mean the same tomorrow.
func TestSelected(t *testing.T) {
	var s tagSelection
	at := time.Date(2026, 5, 4, 5, 49, 5, 0, time.UTC)
	if words, flags := s.selected(); len(words)+len(flags) > 0 {
		t.Errorf("nothing is selected: %q, %q", words, flags)
	}
	s.attacker, s.q.Sensor, s.tactic, s.q.Window.Since, s.q.MinConfidence = "203.0.113.7", "hp 1", "TA0002", at, 0.5
	words, flags := s.selected()
	if got, want := strings.Join(words, "; "), "attacker 203.0.113.7; sensor hp 1; tactic TA0002; events from 2026-05-04 05:49:05 UTC on; confidence 0.5 and above"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := withFlags("ttpcron attackers --new-since 7d", flags), "ttpcron attackers --new-since 7d --attacker 203.0.113.7 --sensor 'hp 1' --tactic TA0002 --since 2026-05-04T05:49:05Z --min-confidence 0.5"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for line, want := range map[string]string{
		"ttpcron rules noise":                   " --since 2026-05-04T05:49:05Z",
		"ttpcron export-events --source canary": " --since 2026-05-04T05:49:05Z",
		"ttpcron credentials --users":           " --attacker 203.0.113.7 --sensor 'hp 1' --since 2026-05-04T05:49:05Z",
		"ttpcron files --new-since 7d":          " --attacker 203.0.113.7 --sensor 'hp 1' --since 2026-05-04T05:49:05Z",
		"ttpcron nonsense":                      "",
		"":                                      "",
	} {
		if got := withFlags(line, flags); got != line+want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

var commandInPage = regexp.MustCompile(`<code class="(?:cmd|eg)">([^<]*)</code>`)

// Whatever command a page names is one, and has its flags.
func TestReportCommands(t *testing.T) {
	dir := t.TempDir()
	env := []string{"TTPCRON_CONFIG=" + os.DevNull, "HOME=" + dir, "TTPCRON_DB=" + filepath.Join(dir, "t.db"), "TTPCRON_EMBEDDED=true"}
	said := func(args ...string) string {
		var out, errs bytes.Buffer
		if code := run(t.Context(), time.Now, args, strings.NewReader(""), &out, &errs, env); code != exitDone {
			t.Fatalf("%v: %d\n%s", args, code, errs.String())
		}
		return out.String()
	}
	said("import", "--format", "events", "-")
	pages := []string{said("report", "-o", "-")}
	said("run-once", "--input", filepath.Join("..", "..", "samples"))
	pages = append(pages, said("report", "-o", "-"), said("report", "-o", "-", "--rows", "3", "--stories", "1", "--min-level", "medium", "--since", "2026-10-26"), said("report", "-o", "-", "--attacker", "192.0.2.254"))
	commands := map[string]bool{}
	for _, page := range pages {
		for _, m := range commandInPage.FindAllStringSubmatch(page, -1) {
			commands[html.UnescapeString(m[1])] = true
		}
	}
	if len(commands) < 30 || !commands["ttpcron attackers --since 2026-10-26T00:00:00Z --min-level medium"] {
		t.Errorf("%d commands", len(commands))
	}
	for line := range commands {
		checkCommand(t, line)
	}
}

// checkCommand checks that a command and its flags exist.
func checkCommand(t *testing.T, line string) {
	t.Helper()
	if strings.HasPrefix(line, "--") {
		line = "ttpcron report " + line
	}
	words, isOurs := strings.CutPrefix(line, "ttpcron ")
	var of *command
	rootCommand().Each(func(c *command) {
		if c.Run != nil && (words == c.Name || strings.HasPrefix(words, c.Name+" ")) {
			of = c
		}
	})
	if !isOurs || of == nil {
		t.Errorf("%q is no command", line)
		return
	}
	for _, word := range strings.Fields(words) {
		if name, isFlag := strings.CutPrefix(word, "--"); isFlag && !of.Has(name) {
			t.Errorf("%q: there is no flag --%s", line, name)
		}
	}
}
