package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/tagger"
)

var (
	quoted     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	ourCommand = regexp.MustCompile(`(?:^|[ (])ttpcron ([a-z][^|;#>)<&]*)`)
	flagInDoc  = regexp.MustCompile(`(?:^|[ \[])--([a-z][a-z-]*)`)
)

// Every command that a document shows is one, and has the flags that it is shown with.
func TestDocsShowCommandsThatAreThere(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		pages = append(pages, filepath.Join(root, name))
	}
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, call := range callsOf(line) {
				if call == "" {
					continue
				}
				checked++
				if wrong := wrongIn(call); wrong != "" {
					t.Errorf("%s:%d: %s: %s", filepath.Base(page), i+1, call, wrong)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d commands were found", checked)
	}
}

// callsOf lists the calls of the program in a line, without its name: in an indented block
// those after "ttpcron", in inline code also those that begin with a command.
func callsOf(line string) (calls []string) {
	code := []string{line}
	if !strings.HasPrefix(line, "    ") {
		code = nil
		for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
			code = append(code, m[1])
			if c, rest := commandOf(m[1]); c != nil && strings.Contains(rest, "--") {
				calls = append(calls, quoted.ReplaceAllString(m[1], "X"))
			}
		}
	}
	for _, text := range code {
		for _, m := range ourCommand.FindAllStringSubmatch(quoted.ReplaceAllString(text, "X"), -1) {
			calls = append(calls, strings.TrimPrefix(strings.TrimSpace(m[1]), "ttpcron ")) // behind sudo -u ttpcron
		}
	}
	return calls
}

// commandOf is the command that a call begins with, and what follows it.
func commandOf(call string) (of *command, rest string) {
	rootCommand().Each(func(c *command) {
		if after, is := strings.CutPrefix(call, c.Name); is && (after == "" || after[0] == ' ') && (of == nil || len(c.Name) > len(of.Name)) {
			of, rest = c, after
		}
	})
	return of, rest
}

// wrongIn says what is wrong with a call, or nothing.
func wrongIn(call string) string {
	of, rest := commandOf(call)
	if of == nil {
		if strings.HasPrefix(call, "help") {
			return ""
		}
		return "there is no such command"
	}
	for _, m := range flagInDoc.FindAllStringSubmatch(rest, -1) {
		shared := slices.Contains(settings.SharedFlags, m[1]) || m[1] == "help" || m[1] == "version"
		if !shared && !of.Has(m[1]) {
			return "there is no flag --" + m[1]
		}
	}
	return ""
}

// The pages that give the number of rules are right.
func TestDocsCountRules(t *testing.T) {
	rules, _ := tagger.Pack()
	for page, says := range map[string]string{"README.md": "with %d rules inside", "CHANGELOG.md": "The embedded pack has %d rules"} {
		text, err := os.ReadFile(filepath.Join("..", "..", page))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(says, rules); !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q", page, want)
		}
	}
}

func TestCallsOf(t *testing.T) {
	for line, want := range map[string]string{
		"    $ ttpcron tags --json | jq .":             "tags --json",
		"use `db prune --orphans` or `ttpcron status`": "db prune --orphans, status",
		"`apt install --all` and `tags`":               "",
		"    ttpcron explain 'a | ttpcron x' --json":   "explain X --json",
	} {
		if got := strings.Join(callsOf(line), ", "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	for call, fine := range map[string]bool{"tags --new-since 24h": false, "tags --tagged-since 24h": true, "tag": false, "db": true} {
		if (wrongIn(call) == "") != fine {
			t.Errorf("%q: %q", call, wrongIn(call))
		}
	}
}
