package page

import (
	"cmp"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// newcomers writes what is new.
func (d *document) newcomers() {
	since := d.r.NewSince
	if since.IsZero() {
		d.heading("new", "What is new")
		d.el("p", class("nothing"))
		if d.o.Live {
			d.say("This page does not say what is new, since it only goes back to ")
			d.example("http-report-since")
			d.say(" in the daemon's configuration says. ")
			d.example("ttpcron report")
			d.say(" looks at everything, and does.")
		} else {
			d.say("This report does not say what is new. ")
			d.example("ttpcron report --new-since 7d")
			d.say(" does.")
		}
		d.end()
		return
	}
	d.heading("new", "New since "+since.UTC().Format(dayLayout))
	if newcomersOf(d.r) == 0 {
		d.none("Nothing is new: no attacker, technique, sensor or file.")
		return
	}
	if allNew(d.r) {
		d.el("p", class("nothing"))
		d.say("Everything is new, so nothing is listed or marked here: the store got its first event after ")
		d.timed(since, "2006-01-02 15:04 UTC")
		d.say(". New is what was imported after that, however old its events are.")
		d.end()
		return
	}
	d.el("p")
	d.say("None of these had arrived in the store before ")
	d.timed(since, "2006-01-02 15:04 UTC")
	d.say(".")
	d.end()
	n := &d.r.New
	d.el("div", class("columns"))
	newList(d, 0, "attacker", &n.Attackers, func(a *report.Attacker) {
		d.beforeName(a.Level)
		d.attackerLink(a.Attacker, cmp.Or(a.Address, a.UUID))
		d.aside(a.Tags, "tag")
		d.aside(a.Won, "working login")
	})
	newList(d, 1, "technique", &n.Techniques, func(t *report.Technique) {
		d.beforeName(t.Level)
		if i, known := d.index[t.Tactic+"/"+t.ID]; known {
			d.techniqueLink(i)
		} else {
			d.name(t.ID)
		}
		d.aside(t.Tags, "tag")
	})
	newList(d, 2, "sensor", &n.Sensors, func(s *report.Sensor) {
		d.name(s.Name)
		d.aside(s.Events, "event")
	})
	newList(d, 3, "file", &n.Files, func(f *report.File) {
		d.fileName(f)
		d.aside(f.Times, "time")
	})
	d.end()
}

// allNew reports whether nothing was there before.
func allNew(r *report.Report) bool {
	n := &r.New
	return newcomersOf(r) > 0 && n.Attackers.Total == r.Total.Attackers && n.Techniques.Total == len(r.Techniques) && n.Sensors.Total == r.Total.Sensors
}

// newList writes one list of what is new.
func newList[T any](d *document, of int, one string, top *report.Top[T], item func(T)) {
	if len(top.Rows) == 0 {
		return
	}
	d.el("div")
	d.with("h3", capital(atLeast(max(top.Total, len(top.Rows)), top.AtLeast, "new "+one)))
	row := func(i int) {
		d.el("li", d.filtered(seen(any(top.Rows[i])))...)
		item(top.Rows[i])
		d.end()
		d.nl()
	}
	const atOnce = 10
	first := min(len(top.Rows), atOnce)
	d.el("ul", class("list"))
	left := d.rows(part{"new", of}, first, budgets["new"]/8, row)
	d.end()
	if rest := len(top.Rows) - first; rest > 0 && left == 0 {
		d.el("details")
		d.with("summary", count(rest)+" more")
		d.el("ul", class("list"))
		left = d.rows(part{"newer", of}, rest, budgets["new"]/8, func(i int) { row(first + i) })
		d.end()
		d.end()
	} else {
		left += rest
	}
	if left += top.Left(); left > 0 {
		d.el("p", class("left"))
		d.say(count(left), " more")
		if top.Command != "" {
			d.say(": ")
			d.command(top.Command)
		} else {
			d.say(" are not on the page")
		}
		d.end()
	}
	d.end()
}

// seen returns when and where a row of a list was seen.
func seen(row any) *report.Seen {
	switch r := row.(type) {
	case *report.Attacker:
		return &r.Seen
	case *report.Technique:
		return &r.Seen
	case *report.Sensor:
		return &r.Seen
	case *report.File:
		return &r.Seen
	}
	return &report.Seen{}
}

// aside adds a count in small letters, if there is one.
func (d *document) aside(n int, one string) {
	if n > 0 {
		d.text(" ")
		d.with("span", plural(n, one), class("aside"))
	}
}

// beforeName writes a level as a letter, before the name.
func (d *document) beforeName(l ttpcron.Level) {
	if l > 0 {
		d.levelLetter(l)
		d.text(" ")
	}
}

// atLevel adds a level, if there is one.
func (d *document) atLevel(s *report.Seen) {
	if s.Level > 0 {
		d.text(" ")
		d.level(s.Level)
	}
}
