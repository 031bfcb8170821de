package page

import "github.com/ttpcron/ttpcron/report"

// loudPart is which part of all tags a rule must have to be called loud, as a divisor.
const loudPart = 20

// loud reports whether a rule fires so often that it hides others: its level is medium or
// above, and it makes more than 5 % of all tags. An informational rule may fire as often
// as it likes.
func (d *document) loud(r *report.Rule) bool {
	return r.Of > 0 && rank(r.Of) >= 3 && r.Tags*loudPart > d.r.Total.Tags
}

// loudRules counts the listed ones.
func (d *document) loudRules() (n int) {
	for _, r := range d.r.Rules.Rows {
		if d.loud(r) {
			n++
		}
	}
	return n
}

// rules writes which rules fired, and which of them are loud.
func (d *document) rules() {
	d.heading("rules", "Rules and noise")
	top := &d.r.Rules
	if len(top.Rows) == 0 {
		d.none("No rule found anything.")
		return
	}
	d.el("p")
	d.say("A rule is ")
	d.with("span", "loud", class("mark loud"))
	d.say(" if its own level is medium or above and it makes more than 5 % of all tags: much of what calls for attention is then one thing. ")
	d.example("ttpcron rules show ID")
	d.say(" shows what it looks for, ")
	d.example("ttpcron rules noise --replay")
	d.say(" whether it fires on one thing again and again or on many.")
	d.end()
	most := 0
	for _, r := range top.Rows {
		most = max(most, r.Tags)
	}
	if d.loudRules() == 0 {
		d.with("p", "None is loud here.")
	}
	d.list(list{
		name: "rules", label: "Rules", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: "rule", by: top.By, command: top.Command, takes: top.Takes,
		columns: []column{
			{"Rule", "", ""}, {"Name", "", ""}, {"Own level", "", "the present level of the rule; empty if it is not loaded"}, {"Tags", "n", ""}, {"Share", "n", "of all tags"},
			{"Events", "n", ""}, {"Attackers", "n", ""}, {"Sessions", "n", ""}, {"First", "t", ""}, {"Last", "t", ""},
		},
		row: func(i int) { d.ruleRow(i, most) },
	})
}

func (d *document) ruleRow(i, most int) {
	r := d.r.Rules.Rows[i]
	d.tr(&r.Seen, id("r", i))
	d.first(func() {
		d.name(r.ID)
		if d.loud(r) {
			d.text(" ")
			d.with("span", "loud", class("mark loud"))
		}
	})
	d.td("w", func() { d.maybe(r.Name) })
	d.levelCell(r.Of)
	d.barCell(r.Tags, most)
	d.el("td", class("n"), num("data-o", r.Tags))
	d.say(share(r.Tags, d.r.Total.Tags))
	d.end()
	d.numberCell(r.Events)
	d.numberCell(r.Attackers)
	d.numberCell(r.Sessions)
	d.momentCell(r.First)
	d.momentCell(r.Last)
	d.end()
}
