package page

func (d *document) credentials() {
	d.heading("credentials", "Credentials")
	columns := []column{{"User", ""}, {"Tries", "n"}}
	d.table("credentials", "Credentials", func() { d.text("Credentials") }, columns, len(d.r.Credentials.Rows), func(i int) {
		c := d.r.Credentials.Rows[i]
		d.tr(&c.Seen)
		d.el("th", is("scope", "row"))
		d.name(c.User)
		d.end()
		d.numberCell(c.Tries)
		d.end()
	})
}

func (d *document) files() {
	d.heading("files", "Files")
	columns := []column{{"File", ""}, {"Times", "n"}}
	d.table("files", "Files", func() { d.text("Files") }, columns, len(d.r.Files.Rows), func(i int) {
		f := d.r.Files.Rows[i]
		d.tr(&f.Seen)
		d.el("th", is("scope", "row"))
		d.name(f.Path)
		d.end()
		d.numberCell(f.Times)
		d.end()
	})
}

func (d *document) sensors() {
	d.heading("sensors", "Sensors")
	columns := []column{{"Sensor", ""}, {"Events", "n"}}
	d.table("sensors", "Sensors", func() { d.text("Sensors") }, columns, len(d.r.Sensors), func(i int) {
		s := d.r.Sensors[i]
		d.tr(&s.Seen)
		d.el("th", is("scope", "row"))
		d.name(s.Name)
		d.end()
		d.numberCell(s.Events)
		d.end()
	})
}

func (d *document) rules() {
	d.heading("rules", "Rules")
	columns := []column{{"Rule", ""}, {"Tags", "n"}}
	d.table("rules", "Rules", func() { d.text("Rules") }, columns, len(d.r.Rules.Rows), func(i int) {
		r := d.r.Rules.Rows[i]
		d.tr(&r.Seen)
		d.el("th", is("scope", "row"))
		d.name(r.ID)
		d.end()
		d.numberCell(r.Tags)
		d.end()
	})
}

func (d *document) canaries() {
	d.heading("canaries", "Canaries")
	columns := []column{{"Token", ""}, {"Attacker", ""}}
	d.table("canaries", "Canaries", func() { d.text("Canaries") }, columns, len(d.r.Canaries.Rows), func(i int) {
		c := d.r.Canaries.Rows[i]
		d.tr(&c.Seen)
		d.el("th", is("scope", "row"))
		d.name(c.Token)
		d.end()
		d.el("td")
		d.attackerLink(c.Seen.Attacker, c.Attacker)
		d.end()
		d.end()
	})
}

func (d *document) about() {
	d.heading("about", "About this report")
	d.el("ul")
	d.rows(part{name: "notes"}, len(d.r.Notes), budgets["notes"], func(i int) { d.with("li", d.r.Notes[i]) })
	d.end()
}
