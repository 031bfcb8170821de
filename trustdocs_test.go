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

// testsOf lists the tests of the module as the threat model names them: kv.TestPurge,
// and main.TestKill for those of the program.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(\w+ \*testing\.[TF]\)`)
	tests := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		folder := path.Base(filepath.ToSlash(filepath.Dir(name)))
		switch filepath.ToSlash(filepath.Dir(name)) {
		case ".":
			folder = "ttpcron"
		case "cmd/ttpcron":
			folder = "main"
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			tests[folder+"."+m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// Every claim in a table of the threat model names what shows it, and that exists.
func TestThreatModelNamesItsTests(t *testing.T) {
	text, err := os.ReadFile("docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t)
	named := regexp.MustCompile("`([a-z]+\\.(?:Test|Fuzz)\\w+|\\.ci/[\\w./]+)`")
	exists := func(name string) bool {
		if !strings.HasPrefix(name, ".ci/") {
			return tests[name]
		}
		_, err := os.Stat(name)
		return err == nil
	}
	claims := 0
	for i, line := range strings.Split(string(text), "\n") {
		found := named.FindAllStringSubmatch(line, -1)
		for _, m := range found {
			if !exists(m[1]) {
				t.Errorf("line %d: there is no %s", i+1, m[1])
			}
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.Contains(line, "shown by |") {
			continue
		}
		claims++
		if cells := strings.Split(strings.TrimSuffix(line, " |"), " | "); len(named.FindAllString(cells[len(cells)-1], -1)) == 0 {
			t.Errorf("line %d: the claim names no test: %s", i+1, line)
		}
	}
	if claims < 40 {
		t.Errorf("only %d claims were found: has the form of the tables changed?", claims)
	}
}

// Every module of go.mod that the program imports has its row in docs/dependencies.md,
// those that only tests import have one too, and no other module has.
func TestDependenciesAreListed(t *testing.T) {
	gomod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	program, tests, split := strings.Cut(string(doc), "\nFor tests only:")
	if !split {
		t.Fatal("docs/dependencies.md does not say which modules are for tests only")
	}
	row := regexp.MustCompile(`(?m)^\| \[([^\]]+)\]\(`)
	rows := func(text string) map[string]bool {
		all := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(text, -1) {
			all[m[1]] = true
		}
		return all
	}
	ofProgram, ofTests := rows(program), rows(tests)

	var direct []string
	for line := range strings.Lines(string(gomod)) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasPrefix(line, "\t") {
			direct = append(direct, fields[0])
		}
	}
	imported := map[string]bool{}
	for _, p := range list(t, "-deps", "./cmd/ttpcron") {
		if star(p.ImportPath) == "" {
			continue
		}
		for _, i := range p.Imports {
			imported[i] = true
		}
	}
	for _, m := range direct {
		used := false
		for i := range imported {
			used = used || i == m || strings.HasPrefix(i, m+"/")
		}
		if used && !ofProgram[m] {
			t.Errorf("docs/dependencies.md has no row of %s, which the program imports", m)
		}
		if !used && !ofTests[m] {
			t.Errorf("docs/dependencies.md has no row of %s among those for tests", m)
		}
		delete(ofProgram, m)
		delete(ofTests, m)
	}
	for m := range ofProgram {
		t.Errorf("docs/dependencies.md has a row of %s, which go.mod does not require", m)
	}
	for m := range ofTests {
		t.Errorf("docs/dependencies.md has a row of %s, which go.mod does not require", m)
	}
}
