package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	firstStore   = "/tmp/ttpcron-first-look.db"
	firstCommand = "ttpcron run-once --db " + firstStore + " --input samples"
	shownWidth   = "COLUMNS=96"
)

// TestFirstLook follows README.md, as followPage does, from its first command on.
func TestFirstLook(t *testing.T) {
	followPage(t, "README.md")
}

// TestPages follows the pages for each kind of reader, over the store that the first
// command of README.md makes.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs some eighty commands")
	}
	for _, name := range []string{"docs/operator.md", "docs/analyst.md", "docs/rule-author.md", "docs/fleet.md", "docs/stories.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			followPage(t, name)
		})
	}
}

// followPage runs every command on a page, in one shell, and compares the output. In an
// indented block, a line that begins with "$ " is a command, and the lines up to the next
// one are its output. A line of "…" stands for any number of lines, also none. A
// here-document is part of its command. A block without "$ " is not run. With -update it
// writes the output into the page, except for commands whose output is abridged.
func followPage(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	path := filepath.Join("..", "..", filepath.FromSlash(name))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := readPage(string(text))
	if len(p.commands) == 0 {
		t.Fatal("the page shows no command")
	}
	printed := p.follow(t, name != "README.md")
	changed := false
	for i, c := range p.commands {
		if asShown(c.output, printed[i]) {
			continue
		}
		if *update && !abridged(c.output) {
			p.commands[i].output, changed = printed[i], true
			continue
		}
		t.Errorf("line %d: $ %s\nis shown to print\n%s\nand prints\n%s\n(-update mends what is not abridged)",
			c.line, c.text, strings.Join(c.output, "\n"), strings.Join(printed[i], "\n"))
	}
	if changed {
		if err := os.WriteFile(path, []byte(p.text()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPagesFindChanges: a page that shows other output fails.
func TestPagesFindChanges(t *testing.T) {
	printed := []string{"a  b", "", "c", "took 12ms", "d"}
	for shown, same := range map[string]bool{
		"a b||c|took 3s|d": true, "…": true, "a b|…": true, "…|c|…|d": true, "a b||c|took 3s|d|…": true,
		"a b||c|took 3s": false, "b|…": false, "…|d|c": false, "c|…": false, "": false, "…|e|…": false,
	} {
		if asShown(strings.Split(shown, "|"), printed) != same {
			t.Errorf("%q: want %v", shown, same)
		}
	}
}

// shownCommand is a command on a page with its output there.
type shownCommand struct {
	line   int // from 1
	text   string
	output []string
}

// walked is a document without its commands: each part is followed by one.
type walked struct {
	parts    []string
	commands []shownCommand
}

func readPage(text string) *walked {
	p := &walked{}
	var part strings.Builder
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		part.WriteString(lines[i] + "\n")
		command, is := strings.CutPrefix(lines[i], "    $ ")
		i++
		if !is {
			continue
		}
		c := shownCommand{line: i, text: command}
		for end := hereDocument(command); end != ""; i++ {
			part.WriteString(lines[i] + "\n")
			c.text += "\n" + strings.TrimPrefix(lines[i], "    ")
			if lines[i] == "    "+end {
				end = ""
			}
		}
		for i < len(lines) && inBlock(lines[i:]) && !strings.HasPrefix(lines[i], "    $ ") {
			c.output = append(c.output, strings.TrimPrefix(lines[i], "    "))
			i++
		}
		// The empty line before the next command is there to be read.
		for len(c.output) > 0 && c.output[len(c.output)-1] == "" {
			c.output = c.output[:len(c.output)-1]
			i--
		}
		p.commands = append(p.commands, c)
		p.parts = append(p.parts, part.String())
		part.Reset()
	}
	p.parts = append(p.parts, strings.TrimSuffix(part.String(), "\n"))
	return p
}

// hereDocument is the word that ends the lines which a command takes from the page.
func hereDocument(command string) string {
	if m := regexp.MustCompile(`<<'(\w+)'$`).FindStringSubmatch(command); m != nil {
		return m[1]
	}
	return ""
}

// inBlock says whether the first line is part of an indented block: an empty one is if an
// indented line follows.
func inBlock(lines []string) bool {
	for _, line := range lines {
		if line != "" {
			return strings.HasPrefix(line, "    ")
		}
	}
	return false
}

func (p *walked) text() string {
	var b strings.Builder
	for i, part := range p.parts {
		b.WriteString(part)
		if i == len(p.commands) {
			break
		}
		for _, line := range p.commands[i].output {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	}
	return b.String()
}

// follow types the commands into a shell, and gives the lines that each printed.
func (p *walked) follow(t *testing.T, begun bool) [][]string {
	t.Helper()
	dir := t.TempDir()
	clone, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"samples", "tagger", "cmd", "packaging"} {
		if err := os.Symlink(filepath.Join(clone, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var script strings.Builder
	fmt.Fprintf(&script, "export TTPCRON_DB=%s\n", firstStore)
	if begun {
		fmt.Fprintf(&script, "%s >/dev/null 2>&1 || exit\n", firstCommand)
	}
	for i, c := range p.commands {
		text := strings.ReplaceAll(c.text, "go run ./cmd/ttpcron ", "ttpcron ")
		fmt.Fprintf(&script, "printf '\\001%d\\n'\n%s\nprintf '\\002%%d\\n' $?\n", i, text)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(script.String(), "/tmp/", dir+"/"))
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + os.TempDir(),
		"TTPCRON_CONFIG=" + os.DevNull, "LANG=C.UTF-8", shownWidth}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	text := strings.ReplaceAll(out.String(), dir+"/", "/tmp/")
	printed := make([][]string, len(p.commands))
	for i, c := range p.commands {
		_, rest, begun := strings.Cut(text, fmt.Sprintf("\x01%d\n", i))
		body, rest, ended := strings.Cut(rest, "\x02")
		if !begun || !ended {
			t.Fatalf("line %d: $ %s: the shell ended: %s", c.line, c.text, text)
		}
		if !strings.HasPrefix(rest, "0\n") {
			status, _, _ := strings.Cut(rest, "\n")
			t.Errorf("line %d: $ %s: exit %s: %s", c.line, c.text, status, body)
		}
		body = strings.TrimRight(body, "\n")
		if body != "" {
			printed[i] = strings.Split(body, "\n")
		}
	}
	return printed
}

const leftOut = "…"

func abridged(shown []string) bool {
	for _, line := range shown {
		if strings.TrimSpace(line) == leftOut {
			return true
		}
	}
	return false
}

// asShown compares a page with the output, except for times that a machine took and
// numbers of days that have passed.
func asShown(shown, printed []string) bool {
	if len(shown) == 0 {
		return len(printed) == 0
	}
	if strings.TrimSpace(shown[0]) == leftOut {
		for i := range len(printed) + 1 {
			if asShown(shown[1:], printed[i:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && timeless(shown[0]) == timeless(printed[0]) && asShown(shown[1:], printed[1:])
}

// passing is what differs from one day, or one machine, to the next.
var passing = regexp.MustCompile(`\b\d+(\.\d+)?([nµm]?s|m[0-9]*s?|h|y)\b|\b\d+(\.\d+)? (day|week|month|year)s?\b|\b\d+(\.\d+)? [KM]iB\b|\b\d+ pages\b|(\bmade|^arrived) +\d{4}-\d\d-\d\d[ T][0-9:.]+`)

func timeless(line string) string {
	return strings.Join(strings.Fields(passing.ReplaceAllString(line, "~")), " ")
}
