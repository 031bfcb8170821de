package ttpcron_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown is what documents name to show that something holds: kv.TestPurge (main is the
// program, ttpcron the root package) or TestPurge of any package, db.txtar, .ci/network,
// and a step of .ci/run as ".ci/run cross".
var shown = regexp.MustCompile(`(?:\b[a-z][a-z0-9]*\.)?\b(?:Test|Fuzz|Benchmark)[A-Z]\w+|\b[a-z-]+\.txtar\b|\.ci/run [a-z0-9 ]*[a-z0-9]|\.ci/[\w./-]*\w`)

// held lists everything that shows something, by all names of it.
func held(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(\w+ \*testing\.[TFB]\)`)
	all := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case strings.HasPrefix(name, ".ci/"):
			for part := name; part != ".ci"; part = path.Dir(part) {
				all[part] = true
			}
		case strings.HasSuffix(name, ".txtar"):
			all[path.Base(name)] = true
		case strings.HasSuffix(name, "_test.go"):
			text, err := os.ReadFile(name)
			folder := path.Base(path.Dir(name))
			switch path.Dir(name) {
			case ".":
				folder = "ttpcron"
			case "cmd/ttpcron":
				folder = "main"
			}
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				all[m[1]], all[folder+"."+m[1]] = true, true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^step "([^"]+)"`).FindAllStringSubmatch(string(ci), -1) {
		step := strings.ToLower(strings.NewReplacer(":", "", "-", " ").Replace(m[1]))
		all[".ci/run "+step] = true
	}
	return all
}

// Every test, script and step of CI that a document names exists.
func TestDocsNameWhatExists(t *testing.T) {
	exists := held(t)
	named := 0
	for name, text := range documents(t) {
		for i, line := range strings.Split(text, "\n") {
			for _, what := range shown.FindAllString(line, -1) {
				if named++; !exists[what] {
					t.Errorf("%s:%d: there is no %s", name, i+1, what)
				}
			}
		}
	}
	if named < 300 {
		t.Errorf("only %d names were found: has their form changed?", named)
	}
}

// Every claim in the tables of these documents names what shows it, in the last cell.
func TestClaimsAreShown(t *testing.T) {
	for name, atLeast := range map[string]int{"docs/threat-model.md": 40, "docs/claims.md": 150} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		claims := 0
		for i, line := range strings.Split(string(text), "\n") {
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasSuffix(line, "| shown by |") {
				continue
			}
			claims++
			if cells := strings.Split(strings.TrimSuffix(line, " |"), " | "); !shown.MatchString(cells[len(cells)-1]) {
				t.Errorf("%s:%d: the claim names no test: %s", name, i+1, line)
			}
		}
		if claims < atLeast {
			t.Errorf("only %d claims were found in %s: has the form of the tables changed?", claims, name)
		}
	}
}
