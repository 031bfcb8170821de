package page

func (d *document) newcomers() {
	d.heading("new", "What is new")
	d.el("ul")
	d.rows(part{"new", 0}, len(d.r.New.Attackers.Rows), budgets["new"]/2, func(i int) {
		a := d.r.New.Attackers.Rows[i]
		d.el("li", d.filtered(&a.Seen)...)
		d.attackerLink(a.Attacker, a.Address)
		d.end()
	})
	d.end()
}
