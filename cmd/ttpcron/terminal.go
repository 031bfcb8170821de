package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal says what can be shown where output goes.
type terminal struct {
	is    bool // a terminal, not a file or pipe
	color bool
	utf8  bool
	width int // in cells; 0: not limited
}

func newTerminal(w io.Writer, env map[string]string) terminal {
	var t terminal
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.is = true
		t.color = env["NO_COLOR"] == "" && env["TERM"] != "dumb"
		t.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.width = width
		}
	}
	if n, err := strconv.Atoi(env["COLUMNS"]); err == nil && n > 0 {
		t.width = n
	}
	locale := env["LC_ALL"]
	if locale == "" {
		locale = env["LC_CTYPE"]
	}
	if locale == "" {
		locale = env["LANG"]
	}
	locale = strings.ToUpper(locale)
	t.utf8 = strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
	return t
}

// The colours that are used, as SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// paint colours text where colours can be shown.
func (t terminal) paint(sgr, text string) string {
	if !t.color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// clean makes text that an attacker may have written fit to be shown: what a
// terminal would obey or a reader could not see is escaped. That is control
// characters, line ends and escape sequences among them; bytes that are not
// UTF-8; characters of direction and of no width; marks that pile up on
// others; private and unassigned characters. JSON output is the way to the
// exact text.
func clean(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case visible(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// cleanLines is clean for text of several lines.
func cleanLines(p []byte) []byte {
	var b []byte
	for line := range bytes.Lines(p) {
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		b = append(b, clean(string(text))...)
		if ended {
			b = append(b, '\n')
		}
	}
	return b
}

// blank holds characters that count as letters or symbols and show nothing.
var blank = map[rune]bool{0x115f: true, 0x1160: true, 0x2800: true, 0x3164: true, 0xffa0: true, 0x1d159: true}

// visible reports whether a character shows something of its own and does nothing
// else. What text output escapes and what JSON output escapes is the same for
// that reason.
func visible(r rune) bool { return unicode.IsPrint(r) && !unicode.Is(unicode.M, r) && !blank[r] }

// cells returns how many cells of a terminal cleaned text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is 2 for the characters of East Asian scripts and for pictures,
// after Unicode's EastAsianWidth (W and F), taken in whole blocks.
func runeCells(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cut shortens cleaned text to so many cells, and shows that it did.
func (t terminal) cut(s string, width int) string {
	if width <= 0 || len(s) <= width || cells(s) <= width {
		return s
	}
	ellipsis := "…"
	if !t.utf8 {
		ellipsis = "~"
	}
	n := 0
	for i, r := range s {
		if n += runeCells(r); n > width-1 {
			return s[:i] + ellipsis
		}
	}
	return s
}

// cutFront is cut that keeps the end of the text.
func (t terminal) cutFront(s string, width int) string {
	n := cells(s)
	if width <= 0 || n <= width {
		return s
	}
	ellipsis := "…"
	if !t.utf8 {
		ellipsis = "~"
	}
	for i, r := range s {
		if n <= width-1 {
			return ellipsis + s[i:]
		}
		n -= runeCells(r)
	}
	return ellipsis
}

// fit cuts or pads cleaned text to exactly so many cells.
func (t terminal) fit(s string, width int) string {
	s = t.cut(s, width)
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}

// screen is standard error. A progress bar stands on its last line until
// something else is written.
type screen struct {
	mu  sync.Mutex
	w   io.Writer
	bar bool // a bar stands on the last line
}

// Write writes below whatever was written before; a bar makes way for it.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return s.w.Write(p)
}

// through puts a writer before the one that is written to.
func (s *screen) through(before func(io.Writer) io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = before(s.w)
}

// draw shows a bar in place of the one that stands.
func (s *screen) draw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = true
	fmt.Fprint(s.w, "\r"+line+"\x1b[K")
}

// wipe takes the bar away.
func (s *screen) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *screen) clear() {
	if s.bar {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.bar = false
	}
}
