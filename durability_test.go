package ttpcron_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromisesAreHeld: every test and script that docs/durability.md names for a
// promise exists, and no promise is without one.
func TestPromisesAreHeld(t *testing.T) {
	page, err := os.ReadFile("docs/durability.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			exists[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			for _, m := range declared.FindAllSubmatch(source, -1) {
				exists[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+|\b[a-z-]+\.txtar`)
	for _, name := range named.FindAllString(string(page), -1) {
		if !exists[name] {
			t.Errorf("%s does not exist", name)
		}
	}
	promises := 0
	_, table, _ := strings.Cut(string(page), "| --- | --- | --- |\n")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(line, "|")
		if promises++; len(cells) != 5 || !named.MatchString(cells[3]) {
			t.Errorf("no test holds: %s", line)
		}
	}
	if promises < 15 {
		t.Errorf("%d promises", promises)
	}
}
