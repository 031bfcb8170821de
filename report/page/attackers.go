package page

import "github.com/ttpcron/ttpcron/report"

// attackers writes who acted.
func (d *document) attackers() {
	d.heading("attackers", "Attackers")
	top := &d.r.Attackers
	if len(top.Rows) == 0 {
		d.none("No attacker was seen.")
		return
	}
	most, placed := 0, false
	for _, a := range top.Rows {
		most, placed = max(most, a.Tags), placed || a.Place != ""
	}
	columns := []column{{"Attacker", "", "the address, or else the identity"}, {"Level", "", "the highest of a tag"}}
	if placed {
		columns = append(columns, column{"From", "", "country and network"})
	}
	d.list(list{
		name: "attackers", label: "Attackers", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: "attacker", by: top.By, command: top.Command, takes: top.Takes,
		columns: append(columns, []column{
			{"Tags", "n", ""}, {"Events", "n", ""}, {"Sessions", "n", ""}, {"Commands", "n", ""}, {"Requests", "n", "to web servers and other services"},
			{"Logins", "n", "logins tried"}, {"Worked", "n", "logins that worked"},
			{"Files", "n", ""}, {"Canaries", "n", "canary tokens that were triggered"}, {"Tactics", "n", "number of tactics"},
			{"First", "t", ""}, {"Last", "t", ""},
		}...),
		row: func(i int) { d.attackerRow(i, most, placed) },
	})
}

func (d *document) attackerRow(i, most int, placed bool) {
	a := d.r.Attackers.Rows[i]
	var own attr
	if row, listed := d.rowOf[a.Attacker]; listed && row == i {
		own = id("a", a.Attacker)
	}
	d.tr(&a.Seen, own)
	d.first(func() { d.attackerName(a) })
	d.levelCell(a.Level)
	if placed {
		d.td("w", func() { d.maybe(a.Place) })
	}
	d.barCell(a.Tags, most)
	d.numberCell(a.Events)
	d.numberCell(a.Sessions)
	d.numberCell(a.Commands)
	d.numberCell(a.Requests)
	d.numberCell(a.Logins)
	d.numberCell(a.Won)
	d.numberCell(a.Files)
	d.numberCell(a.Canaries)
	d.numberCell(a.Tactics)
	d.momentCell(a.First)
	d.momentCell(a.Last)
	d.end()
}

func (d *document) attackerName(a *report.Attacker) {
	if a.Address != "" {
		d.name(a.Address)
	} else {
		d.name(a.UUID)
	}
	d.marked(a.Mark)
	if a.New && !allNew(d.r) {
		d.text(" ")
		d.with("span", "new", class("mark new"))
	}
}
