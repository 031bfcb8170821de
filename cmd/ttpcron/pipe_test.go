package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A pipe gets every row, however many there are, and a CSV for Excel begins with its mark.
func TestPipesGetAllRows(t *testing.T) {
	const n = 250
	var events strings.Builder
	for i := range n {
		fmt.Fprintf(&events, `{"source_kind":"command","source_id":"c%d","time":"2026-05-04T05:49:02Z","attacker_ip":"203.0.113.7","payload":{"command_text":"uname -a"}}`+"\n", i)
	}
	dir := t.TempDir()
	env := []string{"TTPCRON_CONFIG=" + os.DevNull, "HOME=" + dir, "TTPCRON_DB=" + filepath.Join(dir, "t.db"), "TTPCRON_EMBEDDED=true"}
	prints := func(stdin string, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), time.Now, args, strings.NewReader(stdin), &out, &errs, env); code != exitDone {
			t.Fatalf("%v: %d\n%s", args, code, errs.String())
		}
		return out.String()
	}
	prints(events.String(), "import", "--format", "events", "-")
	prints("", "run-once")
	for args, header := range map[string]int{"tags --json": 0, "tags --csv": 1, "tags --technique T1082": 1, "export --format csv": 1} {
		if rows := strings.Count(prints("", strings.Fields(args)...), "\n") - header; rows != n {
			t.Errorf("%s: %d rows, want %d", args, rows, n)
		}
	}
	if text := prints("", "export", "--format", "csv", "--bom"); !strings.HasPrefix(text, "\ufeff") {
		t.Errorf("it begins with %.20q", text)
	}
}

// The exit codes on the operator's page are the program's, in the same words.
func TestDocsShowExitCodes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operator.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		want = append(want, m[1]+" "+m[2])
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), time.Now, []string{"help", "exit"}, strings.NewReader(""), &out, &errs, []string{"TTPCRON_CONFIG=" + os.DevNull}); code != exitDone {
		t.Fatal(errs.String())
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^ +(\d+)  (.*)$`).FindAllStringSubmatch(out.String(), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	if len(want) != 5 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("help prints\n%s\nthe page has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
