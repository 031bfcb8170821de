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
	min   int    // the least it is cut to while others can give way; 0: it is not cut
	spare int    // left out of a narrow terminal, 1 before 2; 0: never
	tail  bool   // cut at its front: the end of a path tells files apart
	sgr   string // its colour
}

// table is printed with columns as wide as their content. Where that is wider
// than the terminal, the columns that can be cut give way, the widest first; where
// that is not enough spare columns are left out, and what is left is cut further,
// so that no row goes over the line.
type table struct {
	columns []column
	rows    [][]string
	begun   bool  // the titles have been printed
	least   []int // widths of the parts before; -1 for a column that is left out
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
		if widths[i] < 0 {
			continue
		}
		for _, row := range t.rows {
			widths[i] = max(widths[i], cells(row[i]))
		}
	}
	if limit <= 0 {
		return widths
	}
	if t.least == nil {
		t.leaveOut(widths, limit)
	}
	for _, least := range []func(column) int{
		func(c column) int { return max(c.min, len(c.title)) },
		func(column) int { return 4 },
	} {
		t.shrink(widths, limit, func(c column) (int, bool) { return least(c), c.min > 0 })
	}
	t.shrink(widths, limit, func(c column) (int, bool) { return 1, !c.right })
	return widths
}

// leaveOut takes spare columns out until the rest fits when it is cut.
func (t *table) leaveOut(widths []int, limit int) {
	for spare := 1; ; spare++ {
		least, more := -2, false
		for i, c := range t.columns {
			if widths[i] < 0 {
				continue
			}
			w := widths[i]
			if c.min > 0 {
				w = min(w, max(c.min, len(c.title)))
			}
			least += 2 + w
			more = more || c.spare >= spare
		}
		if least <= limit || !more {
			return
		}
		for i, c := range t.columns {
			if c.spare == spare {
				widths[i] = -1
			}
		}
	}
}

// shrink makes the widest of the columns that may be cut narrower, down to their
// least, until a row fits.
func (t *table) shrink(widths []int, limit int, may func(column) (least int, ok bool)) {
	total := -2
	for _, w := range widths {
		if w >= 0 {
			total += 2 + w
		}
	}
	for ; total > limit; total-- {
		widest := -1
		for i, c := range t.columns {
			if least, ok := may(c); ok && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// line writes the i-th row, or the titles for -1.
func (t *table) line(out *strings.Builder, term terminal, widths []int, i int) {
	var b strings.Builder
	last := len(widths) - 1
	for last > 0 && widths[last] < 0 {
		last--
	}
	first := true
	for k, c := range t.columns {
		if widths[k] < 0 {
			continue
		}
		text, sgr := c.title, bold
		if i >= 0 {
			text, sgr = t.rows[i][k], c.sgr
		}
		if c.tail && i >= 0 {
			text = term.cutFront(text, widths[k])
		}
		text = term.cut(text, widths[k])
		pad := strings.Repeat(" ", max(0, widths[k]-cells(text)))
		if !first {
			b.WriteString("  ")
		}
		first = false
		if sgr != "" {
			text = term.paint(sgr, text)
		}
		switch {
		case c.right:
			b.WriteString(pad + text)
		case k == last:
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
