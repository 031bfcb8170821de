// Package csvtext writes tables as CSV (RFC 4180) that a spreadsheet shows and does not
// run: cells hold what an attacker wrote.
package csvtext

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Writer writes rows. Errors stay until Flush, which returns the first.
type Writer struct{ w *bufio.Writer }

// NewWriter returns a writer of rows to w.
func NewWriter(w io.Writer) *Writer { return &Writer{bufio.NewWriterSize(w, 64<<10)} }

// Row writes a row. See Cell for what becomes of its cells.
func (w *Writer) Row(cells ...string) error {
	for i, c := range cells {
		if i > 0 {
			_ = w.w.WriteByte(',')
		}
		if c = Cell(c); strings.ContainsAny(c, "\",\n") || c == "" && len(cells) == 1 {
			c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		_, _ = w.w.WriteString(c)
	}
	_, err := w.w.WriteString("\r\n")
	return err
}

// Flush writes what is held back.
func (w *Writer) Flush() error { return w.w.Flush() }

// Cell makes text fit for a cell, before quoting. A cell that a spreadsheet would take
// for a formula gets an apostrophe before it: one whose first character that is not a
// blank or a quote is =, +, -, @ or one of their wide forms (OWASP, CSV injection). Line
// feeds stay. Other control characters, marks that change the direction of text, and bytes
// that are not UTF-8 are written as escapes, such as \x1b or \u202e.
func Cell(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' || c >= 0x7f {
			plain = false
			break
		}
	}
	if !plain {
		s = visible(s)
	}
	if rest := strings.TrimLeft(s, "\n '\""); rest != "" {
		switch r, _ := utf8.DecodeRuneInString(rest); r {
		case '=', '+', '-', '@', '＝', '＋', '－', '＠', '−':
			return "'" + s
		}
	}
	return s
}

func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\x%02x`, r)
		case directs(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// directs reports whether a character is not seen and changes how its neighbours are: marks
// of direction, separators of lines, and characters of no width.
func directs(r rune) bool {
	switch {
	case r == 0x61c, r == 0xfeff, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	}
	return false
}
