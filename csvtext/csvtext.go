// Package csvtext writes CSV (RFC 4180) whose cells a spreadsheet shows but never runs,
// since attackers wrote their contents.
package csvtext

import (
	"bufio"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/jsontext"
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

// Flush writes buffered rows and returns the first error.
func (w *Writer) Flush() error { return w.w.Flush() }

// Cell makes text safe for a cell, before quoting. It puts an apostrophe before text
// that a spreadsheet would take for a formula: text whose first character other than
// blanks and quotes is =, +, -, @ or one of their wide forms (OWASP, CSV injection). It
// does the same after each semicolon and line feed, since spreadsheets with a decimal
// comma end cells at semicolons, even within quotes. Line feeds stay. Other control
// characters, invisible characters, direction marks and invalid UTF-8 are escaped, such
// as \x1b or \u202e.
func Cell(s string) string {
	if !plain(s) {
		s = visible(s)
	}
	from, parted := 0, ""
	for at := 0; ; {
		if isFormula(s[at:]) {
			parted += s[from:at] + "'"
			from = at
		}
		next := strings.IndexAny(s[at:], ";\n")
		if next < 0 {
			return parted + s[from:]
		}
		at += next + 1
	}
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' || c >= 0x7f {
			return false
		}
	}
	return true
}

func isFormula(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, "\n '\""))
	return strings.ContainsRune("=+-@＝＋－＠−﹢﹣﹦﹫", r)
}

func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case (r != utf8.RuneError || n > 1) && (r == '\n' || unicode.IsPrint(r) && !jsontext.Blank(r)):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(jsontext.Spell(s[i : i+n]))
		}
		i += n
	}
	return b.String()
}
