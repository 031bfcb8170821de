package page

import (
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// column is a column of a table.
type column struct {
	title string
	class name
}

// table writes a list as a table: as many of its rows as fit.
func (d *document) table(list name, label string, caption func(), columns []column, n int, row func(i int)) {
	d.el("div", class("scroll"), is("tabindex", "0"), is("role", "region"), said("aria-label", label))
	d.el("table", is("data-table", list))
	d.el("caption")
	caption()
	d.end()
	d.el("thead")
	d.el("tr")
	for _, c := range columns {
		d.with("th", c.title, is("scope", "col"), c.class.attr())
	}
	d.end()
	d.end()
	d.nl()
	d.el("tbody")
	d.rows(part{name: list}, n, budgets[list], row)
	d.end()
	d.end()
	d.end()
	d.nl()
}

// tr opens a row of which is known when and where it was.
func (d *document) tr(s *report.Seen, more ...attr) {
	d.el("tr", append(more, d.filtered(s)...)...)
}

// filtered returns what the filters of the page go by.
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
	return int(t.UTC().Truncate(day).Sub(d.r.First.UTC().Truncate(day)) / day)
}

// rank returns a level as a number from 1 to 5.
func rank(l ttpcron.Level) int {
	if l == 0 || l > ttpcron.LevelCritical {
		return int(ttpcron.LevelMedium)
	}
	return int(l)
}

func (d *document) numberCell(n int) { d.with("td", count(n), class("n")) }

// moment writes a time to the second.
func (d *document) moment(t time.Time) {
	if t.IsZero() {
		return
	}
	t = t.UTC()
	d.with("time", t.Format("2006-01-02 15:04:05"), attr{"datetime", t.Format(time.RFC3339)})
}

func (d *document) momentCell(t time.Time) {
	d.el("td", class("t"))
	d.moment(t)
	d.end()
}

// levels are how a level is written: a letter and a word, so that colour says nothing
// alone.
var levels = [6]struct {
	class  name
	letter string
}{1: {"lv l1", "I"}, {"lv l2", "L"}, {"lv l3", "M"}, {"lv l4", "H"}, {"lv l5", "C"}}

func (d *document) level(l ttpcron.Level) {
	as := levels[rank(l)]
	d.el("span", class(as.class))
	d.with("b", as.letter, is("aria-hidden", "true"))
	d.text(" " + l.String())
	d.end()
}

func (d *document) levelCell(l ttpcron.Level) {
	d.el("td")
	if l > 0 {
		d.level(l)
	}
	d.end()
}

// attr gives an element these classes, or none.
func (n name) attr() attr {
	if n == "" {
		return attr{}
	}
	return class(n)
}
