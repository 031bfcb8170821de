package term

import (
	"io"
	"slices"
	"strings"
)

// Column describes a column of a table.
type Column struct {
	Title string
	Right bool // aligned to the right, as numbers are
	Min   int  // the least it is cut to while others can give way; 0: it is not cut
	Spare int  // left out of a narrow terminal, 1 before 2; 0: never
	Rare  bool // left out of a terminal if the first rows have nothing but 0 there
	Tail  bool // cut at its front: the end of a path tells files apart
	// Cut cuts in another way than [Terminal.Cut]; nil: in that.
	Cut func(t Terminal, cleaned string, width int) string
	SGR string // its colour
}

// Table is printed with columns as wide as their content. Where that is wider
// than the terminal, the columns that can be cut give way, the widest first; where
// that is not enough spare columns are left out, and what is left is cut further,
// so that no row goes over the line.
type Table struct {
	Columns []Column
	rows    [][]string
	begun   bool  // the titles have been printed
	least   []int // widths of the parts before; -1 for a column that is left out
}

// Add adds a row. Cells are cleaned.
func (t *Table) Add(cells ...string) {
	for i := range cells {
		cells[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// Len is how many rows were gathered since the last part.
func (t *Table) Len() int { return len(t.rows) }

// Part prints the rows gathered so far and forgets them.
func (t *Table) Part(w io.Writer, term Terminal) error {
	err := t.Print(w, term)
	t.rows = nil
	return err
}

// Print writes the table. Nothing is written for a table without rows.
func (t *Table) Print(w io.Writer, term Terminal) error {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths(term.Width)
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

func (t *Table) widths(limit int) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = Cells(c.Title)
		if t.least != nil {
			widths[i] = t.least[i]
		}
		if widths[i] < 0 {
			continue
		}
		for _, row := range t.rows {
			widths[i] = max(widths[i], Cells(row[i]))
		}
	}
	if limit <= 0 {
		return widths
	}
	if t.least == nil {
		for i, c := range t.Columns {
			if c.Rare && !slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "0" }) {
				widths[i] = -1
			}
		}
		t.leaveOut(widths, limit)
	}
	for _, least := range []func(Column) int{
		func(c Column) int { return max(c.Min, len(c.Title)) },
		func(Column) int { return 4 },
	} {
		t.shrink(widths, limit, func(c Column) (int, bool) { return least(c), c.Min > 0 })
	}
	t.shrink(widths, limit, func(c Column) (int, bool) { return 1, !c.Right })
	return widths
}

// leaveOut takes spare columns out until the rest fits when it is cut.
func (t *Table) leaveOut(widths []int, limit int) {
	for spare := 1; ; spare++ {
		least, more := -2, false
		for i, c := range t.Columns {
			if widths[i] < 0 {
				continue
			}
			w := widths[i]
			if c.Min > 0 {
				w = min(w, max(c.Min, len(c.Title)))
			}
			least += 2 + w
			more = more || c.Spare >= spare
		}
		if least <= limit || !more {
			return
		}
		for i, c := range t.Columns {
			if c.Spare == spare {
				widths[i] = -1
			}
		}
	}
}

// shrink makes the widest of the columns that may be cut narrower, down to their
// least, until a row fits.
func (t *Table) shrink(widths []int, limit int, may func(Column) (least int, ok bool)) {
	total := -2
	for _, w := range widths {
		if w >= 0 {
			total += 2 + w
		}
	}
	for ; total > limit; total-- {
		widest := -1
		for i, c := range t.Columns {
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
func (t *Table) line(out *strings.Builder, term Terminal, widths []int, i int) {
	var b strings.Builder
	last := len(widths) - 1
	for last > 0 && widths[last] < 0 {
		last--
	}
	first := true
	for k, c := range t.Columns {
		if widths[k] < 0 {
			continue
		}
		text, sgr := c.Title, Bold
		if i >= 0 {
			text, sgr = t.rows[i][k], c.SGR
		}
		if c.Tail && i >= 0 {
			text = term.CutFront(text, widths[k])
		}
		if c.Cut != nil && i >= 0 {
			text = c.Cut(term, text, widths[k])
		}
		text = term.Cut(text, widths[k])
		pad := strings.Repeat(" ", max(0, widths[k]-Cells(text)))
		if !first {
			b.WriteString("  ")
		}
		first = false
		if sgr != "" {
			text = term.Paint(sgr, text)
		}
		switch {
		case c.Right:
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
