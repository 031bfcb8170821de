package page

func (d *document) attackers() {
	d.heading("attackers", "Attackers")
	columns := []column{
		{"Attacker", ""}, {"From", ""}, {"Tags", "n"}, {"Events", "n"}, {"Sessions", "n"}, {"Commands", "n"}, {"Logins", "n"}, {"Won", "n"},
		{"Level", ""}, {"First", "t"}, {"Last", "t"},
	}
	d.table("attackers", "Attackers", func() { d.text("Attackers") }, columns, len(d.r.Attackers.Rows), d.attackerRow)
}

func (d *document) attackerRow(i int) {
	a := d.r.Attackers.Rows[i]
	var own attr
	if d.rowOf[a.Attacker] == i && a.Attacker > 0 {
		own = id("a", a.Attacker)
	}
	d.tr(&a.Seen, own)
	d.el("th", is("scope", "row"))
	d.name(a.Address)
	d.end()
	d.el("td")
	d.name(a.Place)
	d.end()
	d.numberCell(a.Tags)
	d.numberCell(a.Events)
	d.numberCell(a.Sessions)
	d.numberCell(a.Commands)
	d.numberCell(a.Logins)
	d.numberCell(a.Won)
	d.levelCell(a.Level)
	d.momentCell(a.First)
	d.momentCell(a.Last)
	d.end()
}
