package page

import "github.com/ttpcron/ttpcron/report"

func (d *document) sessions() {
	d.heading("sessions", "Sessions")
	columns := []column{{"Session", ""}, {"Sensor", ""}, {"Attacker", ""}, {"Commands", "n"}, {"Tags", "n"}, {"Level", ""}, {"First", "t"}}
	d.table("sessions", "Sessions", func() { d.text("Sessions") }, columns, len(d.r.Sessions.Rows), d.sessionRow)
	for i, s := range d.r.Sessions.Rows {
		if s.Story != nil && d.stories[sessionKey{s.Sensor, s.ID}] == i {
			d.story(i, s)
		}
	}
}

func (d *document) sessionRow(i int) {
	s := d.r.Sessions.Rows[i]
	d.tr(&s.Seen)
	d.el("th", is("scope", "row"))
	d.name(s.ID)
	d.end()
	d.el("td")
	d.name(s.Sensor)
	d.end()
	d.el("td")
	d.attackerLink(s.Seen.Attacker, s.Attacker)
	d.end()
	d.numberCell(s.Commands)
	d.numberCell(s.Tags)
	d.levelCell(s.Level)
	d.momentCell(s.First)
	d.end()
}

func (d *document) story(i int, s *report.Session) {
	d.el("details", append(d.filtered(&s.Seen), class("story"))...)
	d.el("summary")
	d.name(s.ID)
	d.end()
	d.el("article", id("s", i))
	d.el("ol")
	for _, l := range s.Story.Lines {
		d.el("li")
		d.moment(l.Time)
		d.text(" " + l.What + " ")
		d.code(l.Text)
		d.end()
	}
	d.end()
	d.end()
	d.end()
	d.nl()
}
