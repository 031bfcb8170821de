package page

import "github.com/ttpcron/ttpcron/report"

func (d *document) techniques() {
	d.heading("techniques", "Techniques")
	columns := []column{
		{"Technique", ""}, {"Tactic", ""}, {"Tags", "n"}, {"Events", "n"}, {"Attackers", "n"}, {"Sessions", "n"},
		{"Level", ""}, {"First", "t"}, {"Last", "t"}, {"Rules", "n"},
	}
	d.table("techniques", "Techniques", func() { d.text("Techniques") }, columns, len(d.r.Techniques), d.techniqueRow)
	d.with("h3", "Evidence")
	for i := range d.written(part{name: "techniques"}, len(d.r.Techniques)) {
		d.evidence(i)
	}
}

func (d *document) techniqueRow(i int) {
	t := d.r.Techniques[i]
	d.tr(&t.Seen, num("data-i", i))
	d.el("th", is("scope", "row"))
	d.techniqueLink(i)
	d.end()
	d.with("td", d.o.Under.TacticName(t.Tactic))
	d.numberCell(t.Tags)
	d.numberCell(t.Events)
	d.numberCell(t.Attackers)
	d.numberCell(t.Sessions)
	d.levelCell(t.Level)
	d.momentCell(t.First)
	d.momentCell(t.Last)
	d.numberCell(t.RuleCount)
	d.end()
}

// evidence writes the tags that show what the count of a technique stands for.
func (d *document) evidence(i int) {
	t := d.r.Techniques[i]
	d.el("details", append(d.filtered(&t.Seen), id("t", i), class("tech"))...)
	d.with("summary", t.ID+" "+d.o.Under.TechniqueName(t.ID))
	d.el("ol")
	for _, e := range t.Evidence {
		d.evidenceItem(i, e)
	}
	d.end()
	d.end()
	d.nl()
}

func (d *document) evidenceItem(technique int, e *report.Evidence) {
	s := report.Seen{First: e.Tag.EventTime, Last: e.Tag.EventTime, Techniques: []int{technique}, Level: e.Tag.Level, Attacker: e.Attacker}
	d.el("li", d.filtered(&s)...)
	d.moment(e.Tag.EventTime)
	d.text(" ")
	d.attackerLink(e.Attacker, e.Tag.AttackerIP)
	d.text(" ")
	d.code(e.Text)
	d.end()
}
