// Package term is how the program shows things: what can be shown where output
// goes, text that an attacker wrote made fit for a terminal, tables, numbers and
// times for people, and JSON for programs. It knows nothing of events or tags.
//
// Start with [Output]. Whatever comes from outside passes [Clean] before it is
// printed; [Table] and the JSON of an Output see to that themselves.
package term

import (
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Terminal says what can be shown where output goes.
type Terminal struct {
	Is    bool // a terminal, not a file or pipe
	Color bool
	UTF8  bool
	Width int // in cells; 0: not limited
}

// NewTerminal finds out what a writer is and what an environment says of it: NO_COLOR,
// TERM, COLUMNS and the locale.
func NewTerminal(w io.Writer, env map[string]string) Terminal {
	var t Terminal
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.Is = true
		t.Color = env["NO_COLOR"] == "" && env["TERM"] != "dumb"
		t.Width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.Width = width
		}
	}
	if n, err := strconv.Atoi(env["COLUMNS"]); err == nil && n > 0 {
		t.Width = n
	}
	locale := env["LC_ALL"]
	if locale == "" {
		locale = env["LC_CTYPE"]
	}
	if locale == "" {
		locale = env["LANG"]
	}
	locale = strings.ToUpper(locale)
	t.UTF8 = strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
	return t
}

// The colours that are used, as SGR parameters.
const (
	Bold   = "1"
	Dim    = "2"
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Cyan   = "36"
)

// Paint colours text where colours can be shown.
func (t Terminal) Paint(sgr, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// Cells returns how many cells of a terminal cleaned text takes.
func Cells(s string) int {
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

// Cut shortens cleaned text to so many cells, and shows that it did.
func (t Terminal) Cut(s string, width int) string {
	if width <= 0 || len(s) <= width || Cells(s) <= width {
		return s
	}
	ellipsis := "…"
	if !t.UTF8 {
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

// CutFront is Cut, but keeps the end of the text.
func (t Terminal) CutFront(s string, width int) string {
	n := Cells(s)
	if width <= 0 || n <= width {
		return s
	}
	ellipsis := "…"
	if !t.UTF8 {
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

// Fit cuts or pads cleaned text to exactly so many cells.
func (t Terminal) Fit(s string, width int) string {
	s = t.Cut(s, width)
	return s + strings.Repeat(" ", max(0, width-Cells(s)))
}
