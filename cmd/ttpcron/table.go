package main

import (
	"fmt"
	"io"
	"strings"
)

// column describes a column of a table.
type column struct {
	title string
	right bool   // aligned to the right, as numbers are
	min   int    // the least it can be cut to; 0: it is never cut
	sgr   string // its colour
}

// table is printed with columns as wide as their content. Where that is wider
// than the terminal, the columns that can be cut give way, the widest first.
type table struct {
	columns []column
	rows    [][]string
	begun   bool  // the titles have been printed
	least   []int // widths of the parts before
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// part prints the rows gathered so far and forgets them.
func (t *table) part(w io.Writer, term terminal) error {
	err := t.print(w, term)
	t.rows = nil
	return err
}

// print writes the table. Nothing is written for a table without rows.
func (t *table) print(w io.Writer, term terminal) error {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths(term.width)
	var b strings.Builder
	if !t.begun {
		t.line(&b, term, widths, -1)
	}
	t.begun, t.least = true, widths
	for i := range t.rows {
		t.line(&b, term, widths, i)
		if b.Len() > 32<<10 {
			if _, err := io.WriteString(w, b.String()); err != nil {
				return err
			}
			b.Reset()
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = cells(c.title)
		if t.least != nil {
			widths[i] = t.least[i]
		}
		for _, row := range t.rows {
			widths[i] = max(widths[i], cells(row[i]))
		}
	}
	if limit <= 0 {
		return widths
	}
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for total > limit {
		widest := -1
		for i, c := range t.columns {
			if c.min > 0 && widths[i] > max(c.min, len(c.title)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// line writes the i-th row, or the titles for -1.
func (t *table) line(out *strings.Builder, term terminal, widths []int, i int) {
	var b strings.Builder
	for k, c := range t.columns {
		text, sgr := c.title, bold
		if i >= 0 {
			text, sgr = t.rows[i][k], c.sgr
		}
		text = term.cut(text, widths[k])
		pad := strings.Repeat(" ", max(0, widths[k]-cells(text)))
		if k > 0 {
			b.WriteString("  ")
		}
		if sgr != "" {
			text = term.paint(sgr, text)
		}
		switch {
		case c.right:
			b.WriteString(pad + text)
		case k == len(t.columns)-1:
			b.WriteString(text)
		default:
			b.WriteString(text + pad)
		}
	}
	// A row whose last cells are empty ends where its text does.
	out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
}

// count formats a number with separators between thousands: 1,234,567.
func count[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// bytesText formats a size: 12.3 MiB.
func bytesText(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
