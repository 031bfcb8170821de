package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Process is a program that a text starts, as a real host's process log shows it: a
// wrapper is a process of its own, before the program that it runs.
type Process struct {
	// Path is the program as written. It is empty for the shell that runs a text
	// of several commands, of which no text says which it is.
	Path string
	// Line is the program as written and its arguments, joined by blanks; of a
	// text, the text as it was typed.
	Line string
	// Parent is the index of the process that started it, or -1 when the text
	// does not tell: what is typed is started by a shell that nobody names.
	Parent int32
	// Command is the index of the simple command that it is a part of, or that
	// brings the text; -1 for the text that was typed.
	Command int32
	// Within is the index of the outermost wrapper, whose Line ends in this one, or -1.
	Within int32
	// Text is true for a text of more than one program: with pipes, lists,
	// redirections, assignments or substitutions, which no program of it shows. A
	// real host shows it as an argument of the shell that was given it.
	Text bool
}

// How processes are counted: many of one sort leave room for the others.
const (
	ofCommands = iota
	ofWrappers
	ofTexts

	processSorts
)

// processesPerCommand bounds the processes that are kept of each sort, in those for
// each command that is.
var processesPerCommand = [processSorts]int{ofCommands: 1, ofWrappers: 2, ofTexts: 1}

const allPerCommand = 4

// enclosing is a wrapper in front of a command.
type enclosing struct {
	words  []word // from the wrapper to the end of the command
	forks  bool   // the command is a child of it, and does not take its place
	hidden bool   // it is part of the shell
}

// startAll lists the processes of a command: its wrappers and its own.
func (b *build) startAll(c *call) {
	words := c.words
	if len(b.enclosing) > 0 {
		words = b.enclosing[0].words
	}
	if len(words) == 0 {
		return
	}
	line := b.wholeLine(c, words)
	parent, within := c.at.process, int32(-1)
	for _, e := range b.enclosing {
		if e.hidden {
			continue
		}
		if line, words, within = b.rest(line, words, e.words, within); line == "" {
			return
		}
		started := b.started(ofWrappers, Process{Path: e.words[0].text, Line: line, Parent: parent, Command: int32(c.index), Within: within})
		if started < 0 {
			continue
		}
		if within < 0 {
			within = started
		}
		if e.forks {
			parent = started
		}
	}
	if line, _, within = b.rest(line, words, c.words, within); line == "" {
		return
	}
	c.process = b.started(ofCommands, Process{Path: c.words[0].text, Line: line, Parent: parent, Command: int32(c.index), Within: within})
	switch c.words[0].text {
	case "eval", "source", ".", "trap", "exec", "command", "builtin":
		c.process = parent
	default:
		b.startPagers(c)
	}
}

// rest returns the line of a command's inner words, given that of the outer ones and the
// process whose line that is. It is the end of that line, unless the wrapper parses a
// text, as env -S does.
func (b *build) rest(line string, outer, inner []word, within int32) (string, []word, int32) {
	if n := len(outer) - len(inner); n >= 0 && len(inner) > 0 && &outer[n] == &inner[0] {
		return line[max(len(line)-joinedLen(inner)+1, 0):], inner, within
	}
	text, _ := b.lines.wordLine(inner)
	return text, inner, -1
}

// wholeLine returns the words of a command as one line. If the source has the line
// literally, it is not copied.
func (b *build) wholeLine(c *call, words []word) string {
	if d := &b.cmds[c.index]; len(b.enclosing) == 0 && d.Path == d.Program {
		return d.Line
	}
	size := joinedLen(words) - 1
	if c.first >= 0 && c.first+size <= len(c.src.text) {
		if line := c.src.text[c.first : c.first+size]; isLine(line, words) {
			return line
		}
	}
	line, _ := b.lines.wordLine(words)
	return line
}

// isLine reports whether a text of the right length is the words, joined by blanks.
func isLine(line string, words []word) bool {
	at := 0
	for i := range words {
		if i > 0 {
			if line[at] != ' ' {
				return false
			}
			at++
		}
		if w := words[i].text; line[at:at+len(w)] != w {
			return false
		}
		at += len(words[i].text)
	}
	return true
}

// started adds a process and returns its index, or -1 if there is no room for it.
func (b *build) started(sort int, p Process) int32 {
	if b.startedOf[sort] >= processesPerCommand[sort]*b.limits.Commands {
		b.unlisted = true
		return -1
	}
	b.startedOf[sort]++
	if n := len(b.processes); n == cap(b.processes) && n >= 512 {
		b.processes = slices.Grow(b.processes, allPerCommand*b.limits.Commands-n) // once, not piece by piece
	}
	b.processes = append(b.processes, p)
	return int32(len(b.processes) - 1)
}

// maxArgument is how long an argument can be on Linux (MAX_ARG_STRLEN), and thus the text
// for a shell.
const maxArgument = 128 << 10

// startText lists the shell that runs a text of more than one program.
func (b *build) startText(src *sourceText, at *place) {
	text := src.text
	if src.original {
		text = b.typed
	}
	if len(text) >= maxArgument {
		return
	}
	b.started(ofTexts, Process{Line: strings.TrimSpace(text), Parent: at.process, Command: src.by, Within: -1, Text: true})
}

// startTokens does what startText does for a text that was scanned.
func (b *build) startTokens(src *sourceText, mark int, at *place) {
	if b.listing && src.started && compoundTokens(src.text, b.toks[mark:]) {
		b.startText(src, at)
	}
}

// pagers are the variables whose value a program runs as a command.
var pagers = map[string]bool{
	"PAGER": true, "GIT_PAGER": true, "MANPAGER": true, "SYSTEMD_PAGER": true, "EDITOR": true, "VISUAL": true, "GIT_EDITOR": true,
	"GIT_SSH_COMMAND": true, "GIT_EXTERNAL_DIFF": true, "LESSOPEN": true, "BROWSER": true,
}

// startPagers lists the texts that a program runs because a variable says so.
func (b *build) startPagers(c *call) {
	for _, a := range c.assigns {
		if n := assignment(a); n > 0 && n < len(a) && pagers[a[:n-1]] {
			b.started(ofTexts, Process{Line: strings.TrimSpace(a[n:]), Parent: c.process, Command: int32(c.index), Within: -1, Text: true})
		}
	}
}

// compoundTokens reports whether the tokens of a text are more than one program
// with its arguments.
func compoundTokens(text string, toks []token) bool {
	for len(toks) > 0 && toks[0].kind == endToken {
		toks = toks[1:]
	}
	for len(toks) > 0 && toks[len(toks)-1].kind == endToken {
		toks = toks[:len(toks)-1]
	}
	for i := range toks {
		if toks[i].kind != wordToken {
			return true
		}
	}
	if len(toks) == 0 {
		return false
	}
	return assignment(text[toks[0].start:toks[0].end]) > 0 || len(skipKeywords(text, toks)) < len(toks) || substitutes(text)
}

func compoundTree(text string, stmts []*syntax.Stmt) bool {
	if len(stmts) != 1 {
		return len(stmts) > 1
	}
	s := stmts[0]
	if s.Background || s.Coprocess || s.Disown || s.Negated || len(s.Redirs) > 0 {
		return true
	}
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		return len(cmd.Assigns) > 0 || substitutes(text)
	case *syntax.DeclClause:
		return substitutes(text)
	}
	return true
}

// substitutes reports whether a text seems to have a substitution of a command in it.
func substitutes(text string) bool {
	return strings.IndexByte(text, '`') >= 0 || strings.Contains(text, "$(") || strings.Contains(text, "<(") || strings.Contains(text, ">(")
}
