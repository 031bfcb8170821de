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
	"golang.org/x/text/width"
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

// Cells returns how many cells of a terminal cleaned text takes. What Paint added takes
// none.
func Cells(s string) int {
	n, painting := 0, false
	for _, r := range s {
		switch {
		case r == '\x1b':
			painting = true
		case painting:
			painting = r != 'm'
		default:
			n += runeCells(r)
		}
	}
	return n
}

// runeCells is 2 for characters of East Asian scripts and for pictures (Unicode's
// East_Asian_Width W and F). In cleaned text every character has a cell.
func runeCells(r rune) int {
	if r < 0x1100 {
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
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

// CutTelling is Cut, but of a path or an address of a file, which has a slash and no blank,
// it keeps the end, by which files are told apart, and as much of the beginning as fits.
func (t Terminal) CutTelling(s string, width int) string {
	if strings.ContainsRune(s, ' ') || !strings.Contains(strings.TrimRight(s, "/"), "/") {
		return t.Cut(s, width)
	}
	name := strings.LastIndexByte(strings.TrimRight(s, "/"), '/')
	if end := Cells(s[name:]); end < width && width-1-end >= end/4 {
		return t.cutBefore(s, end, width)
	}
	return t.CutMiddle(s, width)
}

// CutMiddle is Cut, but keeps both ends of the text.
func (t Terminal) CutMiddle(s string, width int) string { return t.cutBefore(s, width/2, width) }

// cutBefore removes what does not fit before a text's last cells.
func (t Terminal) cutBefore(s string, end, width int) string {
	n := Cells(s)
	if width <= 0 || n <= width {
		return s
	}
	if width == 1 {
		return t.Cut(s, 1)
	}
	front := t.Cut(s, width-end)
	for i, r := range s {
		if n <= end {
			return front + s[i:]
		}
		n -= runeCells(r)
	}
	return front
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
