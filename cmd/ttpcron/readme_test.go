package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFirstLook holds README.md to what its first command shows of the samples: what it
// quotes are lines of the true output, but for how long a source took.
func TestFirstLook(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, quoted, ok := strings.Cut(string(readme), "\n## What the first one shows")
	quoted, _, end := strings.Cut(quoted, "\n## ")
	if !ok || !end {
		t.Fatal("README.md does not say what the first command shows")
	}
	db := filepath.Join(t.TempDir(), "t.db")
	now := func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }
	shown := map[string]bool{"…": true}
	for _, c := range []struct{ args, env []string }{
		{[]string{"run-once", "--db", db, "--input", "../../samples"}, nil},
		{[]string{"session", "--db", db, "e41b2c99d706"}, []string{"COLUMNS=96"}},
		{[]string{"explain", "--db", db, "--tag", "9e3f74bc-bfe2-5a2c-b500-8d86e2ff37d7"}, []string{"COLUMNS=96"}},
	} {
		var out, said bytes.Buffer
		if code := run(context.Background(), now, c.args, strings.NewReader(""), &out, &said, append(c.env, "LANG=C.UTF-8")); code != 0 {
			t.Fatalf("%s: exit %d: %s", c.args[0], code, said.Bytes())
		}
		for line := range strings.Lines(out.String() + said.String()) {
			shown[untimed(line)] = true
		}
	}
	lines := 0
	for line := range strings.Lines(quoted) {
		text, isQuote := strings.CutPrefix(line, "    ")
		if !isQuote {
			continue
		}
		lines++
		if !shown[untimed(text)] {
			t.Errorf("README.md quotes a line that the output does not have: %s", line)
		}
	}
	if lines < 40 {
		t.Errorf("README.md quotes %d lines", lines)
	}
}

// untimed cuts off what a source took.
func untimed(line string) string {
	return strings.TrimSpace(regexp.MustCompile(` +(\d+(\.\d+)?[µm]?s|TIME)\s*$`).ReplaceAllString(line, ""))
}
