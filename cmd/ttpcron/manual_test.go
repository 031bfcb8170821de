package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
)

// TestManualPages: every command has a page, and man finds no fault in any.
func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := invoke(t, nil, "man", dir); code != exitDone {
		t.Fatal(errs)
	}
	var files []string
	for _, name := range commands() {
		files = append(files, filepath.Join(dir, strings.ReplaceAll(strings.TrimSpace("ttpcron "+name), " ", "-")+".1"))
	}
	files = append(files, filepath.Join(dir, "ttpcron.toml.5"))
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*")); len(found) != len(files) {
		t.Errorf("%d pages, want %d", len(found), len(files))
	}
	if _, err := exec.LookPath("mandoc"); err == nil {
		out, _ := exec.Command("mandoc", append([]string{"-Tlint", "-Wwarning"}, files...)...).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") { // a test has no commit
				t.Error(line)
			}
		}
	} else {
		t.Log("mandoc IS NOT INSTALLED: pages are not checked with it")
	}
	if _, err := exec.LookPath("groff"); err == nil {
		out, err := exec.Command("groff", append([]string{"-man", "-ww", "-z", "-Tascii"}, files...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("groff: %v: %.2000s", err, out)
		}
	} else {
		t.Log("groff IS NOT INSTALLED: pages are not checked with it")
	}
}

// TestCompletionOfTheTree: the scripts know every command, and their shells can parse
// them.
func TestCompletionOfTheTree(t *testing.T) {
	for _, shell := range cli.Shells() {
		code, script, errs := invoke(t, nil, "completion", shell)
		if code != exitDone || errs != "" {
			t.Fatalf("%s: exit %d, %s", shell, code, errs)
		}
		for _, name := range commands() {
			if !strings.Contains(script, "' "+name+"'") && !strings.Contains(script, "' "+name+" ") && name != "" {
				t.Errorf("%s: nothing of %s", shell, name)
			}
		}
		for _, word := range []string{"'TC2303'", "'T1059.004'", "'persistence'", "'informational'"} {
			if !strings.Contains(script, word) {
				t.Errorf("%s: no %s", shell, word)
			}
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s IS NOT INSTALLED: its script is not read", shell)
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}
