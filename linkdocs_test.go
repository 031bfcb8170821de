package ttpcron_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// documents reads every Markdown file of the module, by its path. Folders that begin with
// a dot, and what a build leaves, are none of it.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name()[0] == '.' || d.Name() == "dist" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(name)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// anchors lists what a link may name behind "#" in a document: GitHub makes these of
// headings, and counts those that are there already.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, line := range prose(text) {
		heading := strings.TrimLeft(line, "#")
		if n := len(line) - len(heading); n == 0 || n > 6 || !strings.HasPrefix(heading, " ") {
			continue
		}
		slug := slugOf(strings.TrimSpace(heading))
		free := slug
		for n := 1; all[free]; n++ {
			free = slug + "-" + strconv.Itoa(n)
		}
		all[free] = true
	}
	return all
}

// slugOf is GitHub's name of a heading: lower case, blanks as hyphens, and of what is
// neither a letter nor a number only hyphens and underscores.
func slugOf(heading string) string {
	heading = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// prose is a document's lines, with those of fenced blocks empty.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	fenced := false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimLeft(line, " "), "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced {
			lines[i] = ""
		}
	}
	return lines
}

// Every relative link of a document leads to a file, and to a heading that is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code := regexp.MustCompile("`[^`]*`")
	all := documents(t)
	found := 0
	for name, text := range all {
		// A link's text may go over the end of a line, its target does not.
		for i, line := range prose(text) {
			for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(line, "code"), -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				found++
				file, anchor, has := strings.Cut(m[1], "#")
				target := name
				if file != "" {
					target = path.Join(path.Dir(name), file)
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s:%d: there is no %s", name, i+1, m[1])
				} else if has && !anchors(all[target])[anchor] {
					t.Errorf("%s:%d: no heading of %s is #%s", name, i+1, target, anchor)
				}
			}
		}
	}
	if found < 150 {
		t.Errorf("only %d links were found", found)
	}
}

func TestSlugOf(t *testing.T) {
	for heading, want := range map[string]string{
		"Which file is read":                "which-file-is-read",
		"`[daemon]`":                        "daemon",
		"Limits, and what makes a rule":     "limits-and-what-makes-a-rule",
		"1. Install":                        "1-install",
		"Cowrie's [text logs](a.md) – more": "cowries-text-logs--more",
		"snake_case":                        "snake_case",
	} {
		if got := slugOf(heading); got != want {
			t.Errorf("%q: %q, want %q", heading, got, want)
		}
	}
	if all := anchors("# A\n```\n# no\n```\n## A\n"); !all["a"] || !all["a-1"] || all["no"] {
		t.Error(all)
	}
}
