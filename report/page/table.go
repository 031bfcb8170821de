package page

import (
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// column is a column of a table.
type column struct {
	title string
	class name   // "n" for numbers, "t" for times, "s" and "w" for texts that need some room or much
	note  string // what it says, where the title does not
}

// table writes as many rows as fit, as a table. The script sorts them by their cells: by
// data-o if a cell has it, by the datetime of its time, by its number if it has the class
// n, or else by its text.
func (d *document) table(name name, label string, caption func(), columns []column, n int, row func(i int), more ...attr) {
	d.el("div", class("scroll"), is("tabindex", "0"), is("role", "region"), said("aria-label", "Table: "+label))
	d.el("table", append(more, is("data-table", name))...)
	d.el("caption")
	d.el("span") // which stays in sight while a wide table is scrolled
	caption()
	d.end()
	d.end()
	d.el("thead")
	d.el("tr")
	for _, c := range columns {
		note := attr{}
		if c.note != "" {
			note = said("title", c.note)
		}
		d.with("th", c.title, is("scope", "col"), class(c.class), note)
	}
	d.end()
	d.end()
	d.nl()
	d.el("tbody")
	d.rows(part{name: name}, n, budgets[name], func(i int) {
		row(i)
		d.nl()
	})
	d.end()
	d.end()
	d.end()
	d.nl()
}

// list is a list of the report, part of which is on the page.
type list struct {
	name    name
	label   string // for those who hear the page
	columns []column
	rows    int
	besides int // of rows: the first ones, which are not counted
	total   int
	more    bool     // there are more than total
	one     string   // what a row is: "attacker"
	by      string   // what they are ranked by: "with the most tags"
	command string   // shows all of them
	takes   []string // flags that command takes, for the script
	note    string   // what else the reader must know
	row     func(i int)
}

// list writes a list as a table, and what was left out.
func (d *document) list(l list) {
	var takes attr
	if len(l.takes) > 0 {
		takes = said("data-takes", strings.Join(l.takes, " "))
	}
	d.table(l.name, l.label, func() { d.howMany(l.name, l) }, l.columns, l.rows, l.row, takes)
}

// howMany writes how many rows there are, which of them are shown, and what shows all.
func (d *document) howMany(of name, t list) {
	shown := d.written(of, t.rows)
	total := max(t.total, t.rows)
	shown, total = max(shown-t.besides, 0), total-t.besides
	switch {
	case shown == total && !t.more:
		d.say(plural(shown, t.one))
		if t.by != "" && shown > 1 {
			d.say(", ", those(t.by))
			d.cut(t.by, maxName)
			d.say(" first")
		}
		d.say(".")
	default:
		d.say(count(shown), " of ", atLeast(total, t.more, t.one))
		if t.by != "" {
			d.say(", ", those(t.by))
			d.cut(t.by, maxName)
		}
		d.say(".")
		if t.command != "" {
			d.say(" All of them: ")
			d.command(t.command)
		}
	}
	if t.note != "" {
		d.say(" ", t.note)
	}
}

// those is what stands before the words by which rows are ranked: "those with the most tags",
// but "the newest".
func those(by string) string {
	if strings.HasPrefix(by, "the ") {
		return ""
	}
	return "those "
}

// tr opens a row with a known time and sensor.
func (d *document) tr(s *report.Seen, more ...attr) {
	d.el("tr", append(more, d.filtered(s)...)...)
}

// filtered returns the attributes that the page's filters use.
func (d *document) filtered(s *report.Seen) []attr {
	attrs := make([]attr, 0, 6)
	if !s.First.IsZero() && !s.Last.IsZero() {
		attrs = append(attrs, num("data-f", d.day(s.First)), num("data-l", d.day(s.Last)))
	}
	if len(s.Sensors) > 0 {
		attrs = append(attrs, nums("data-s", s.Sensors))
	}
	if len(s.Techniques) > 0 {
		attrs = append(attrs, nums("data-t", s.Techniques))
	}
	if s.Attacker > 0 {
		attrs = append(attrs, num("data-a", s.Attacker))
	}
	if s.Level > 0 {
		attrs = append(attrs, num("data-v", rank(s.Level)))
	}
	return attrs
}

// day returns the index of a time in Report.Days.
func (d *document) day(t time.Time) int {
	const day = 24 * time.Hour
	return int(t.UTC().Truncate(day).Sub(d.r.FirstDay()) / day)
}

// first writes the cell that names a row.
func (d *document) first(write func()) {
	d.el("th", is("scope", "row"))
	write()
	d.end()
}

func (d *document) td(of name, write func()) {
	d.el("td", class(of))
	write()
	d.end()
}

func (d *document) numberCell(n int) {
	if n == 0 {
		d.with("td", "0", class("n zero"))
		return
	}
	d.with("td", count(n), class("n"))
}

// barCell writes a number with a bar relative to the largest.
func (d *document) barCell(n, most int) {
	d.el("td", class("n"), num("data-o", n))
	d.text(count(n))
	d.gauge(n, most)
	d.end()
}

// momentCell writes a time to the minute.
func (d *document) momentCell(t time.Time) {
	d.el("td", class("t"))
	d.timed(t, "2006-01-02 15:04")
	d.end()
}

func (d *document) levelCell(l ttpcron.Level) {
	if l == 0 {
		d.el("td", num("data-o", 0))
		d.end()
		return
	}
	d.el("td", num("data-o", rank(l)))
	d.level(l)
	d.end()
}

// none writes that there is nothing to list, and what to do about it.
func (d *document) none(words string) { d.with("p", words, class("nothing")) }
