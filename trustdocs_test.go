package ttpcron_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

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
