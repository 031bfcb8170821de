package page

import "github.com/ttpcron/ttpcron/report"

// credentials writes which logins were tried.
func (d *document) credentials() {
	d.heading("credentials", "Credentials")
	top := &d.r.Credentials
	if len(top.Rows) == 0 {
		d.none("No login was tried.")
		return
	}
	most := 0
	for _, c := range top.Rows {
		most = max(most, c.Tries)
	}
	t := list{
		name: "credentials", label: "Credentials", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: d.credential(), by: top.By, command: top.Command, takes: top.Takes,
		columns: []column{
			{"User", "", ""}, {"Passwords", "n", "distinct passwords"}, {"Tries", "n", ""}, {"Worked", "n", ""},
			{"Attackers", "n", ""}, {"First", "t", ""}, {"Last", "t", ""},
		},
		note: "Passwords are masked: a user is one row, whatever the password.",
		row:  func(i int) { d.credentialRow(top.Rows[i], most) },
	}
	if !d.r.Masked {
		t.note, t.columns[1] = "", column{"Password", "", ""}
	}
	d.list(t)
}

// credential is a row of credentials.
func (d *document) credential() string {
	if d.r.Masked {
		return "user"
	}
	return "login"
}

func (d *document) credentialRow(c *report.Credential, most int) {
	d.tr(&c.Seen)
	d.first(func() { d.nameOr(c.User, c.NoUser, "none") })
	if d.r.Masked {
		d.numberCell(c.Passwords)
	} else {
		without := "none"
		if c.OnlyKey {
			without = "a key"
		}
		d.td("s", func() { d.nameOr(c.Password, c.NoPassword, without) })
	}
	d.barCell(c.Tries, most)
	d.numberCell(c.Won)
	d.numberCell(c.Attackers)
	d.momentCell(c.First)
	d.momentCell(c.Last)
	d.end()
}

// files writes the files that came in or went out. Nothing here links to a file.
func (d *document) files() {
	d.heading("files", "Files")
	top := &d.r.Files
	if len(top.Rows) == 0 {
		d.none("No file was transferred.")
		return
	}
	d.list(list{
		name: "files", label: "Files", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: "file", by: top.By, command: top.Command, takes: top.Takes,
		note: "The source of a file is not a link, since it is likely to be malware.",
		columns: []column{
			{"File", "", "where it came from, or its path"}, {"SHA-256", "", ""}, {"Direction", "", ""}, {"Size", "n", ""}, {"Times", "n", ""},
			{"Attackers", "n", ""}, {"First", "t", ""}, {"Last", "t", ""},
		},
		row: func(i int) { d.fileRow(top.Rows[i]) },
	})
}

func (d *document) fileRow(f *report.File) {
	d.tr(&f.Seen)
	d.first(func() { d.code(f.Path) })
	d.td("", func() {
		if f.SHA256 != "" {
			d.el("code", class("hash"))
			d.cut(f.SHA256, maxName)
			d.end()
		}
	})
	d.td("", func() { d.cut(f.Direction, maxName) })
	if f.Size > 0 {
		d.with("td", fileSize(f.Size), class("n"), num("data-o", int(min(f.Size, 1<<62))))
	} else {
		d.with("td", "", class("n"), num("data-o", 0))
	}
	d.numberCell(f.Times)
	d.numberCell(f.Attackers)
	d.momentCell(f.First)
	d.momentCell(f.Last)
	d.end()
}

// fileName writes the name of a file.
func (d *document) fileName(f *report.File) {
	if f.Path != "" {
		d.code(f.Path)
		return
	}
	d.el("code", class("hash"))
	d.cut(f.SHA256, maxName)
	d.end()
}

// sensors writes where all that was seen.
func (d *document) sensors() {
	d.heading("sensors", "Sensors")
	if len(d.r.Sensors) == 0 {
		d.none("No sensor recorded anything.")
		return
	}
	most := 0
	for _, s := range d.r.Sensors {
		most = max(most, s.Events)
	}
	note := "Silent: whole days from the last event of the sensor to the last of all" + d.lastOfAll() + "."
	besides := len(d.r.Sensors) - d.r.Total.Sensors
	if besides > 0 {
		note = "(no name): what was recorded without the name of a sensor. " + note
	}
	d.list(list{
		name: "sensors", label: "Sensors", rows: len(d.r.Sensors), besides: besides, one: "sensor", command: "ttpcron sensors", note: note,
		columns: []column{
			{"Sensor", "", ""}, {"Level", "", "the highest of a tag"}, {"Events", "n", ""}, {"Tags", "n", ""}, {"Attackers", "n", ""}, {"Sessions", "n", ""},
			{"First", "t", ""}, {"Last", "t", ""}, {"Silent", "n", ""},
		},
		row: func(i int) { d.sensorRow(d.r.Sensors[i], most) },
	})
}

func (d *document) sensorRow(s *report.Sensor, most int) {
	d.tr(&s.Seen)
	d.first(func() { d.sensor(s.Name) })
	d.levelCell(s.Level)
	d.barCell(s.Events, most)
	d.numberCell(s.Tags)
	d.numberCell(s.Attackers)
	d.numberCell(s.Sessions)
	d.momentCell(s.First)
	d.momentCell(s.Last)
	if n := d.silent(s); n > 0 {
		d.with("td", plural(n, "day"), class("n warn"), num("data-o", n))
	} else {
		d.with("td", "", class("n"), num("data-o", 0))
	}
	d.end()
}

// canaries writes which canaries were tripped, and by whom.
func (d *document) canaries() {
	d.heading("canaries", "Canaries")
	top := &d.r.Canaries
	if len(top.Rows) == 0 {
		d.none("No canary token was triggered.")
		return
	}
	d.list(list{
		name: "canaries", label: "Canary tokens that were triggered", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: "trip", by: top.By, command: top.Command, takes: top.Takes,
		columns: []column{{"Token", "", ""}, {"When", "t", ""}, {"By", "", ""}, {"At", "", "the sensor"}, {"Level", "", ""}, {"What", "", "what the canary saw"}},
		row:     func(i int) { d.canaryRow(top.Rows[i]) },
	})
}

func (d *document) canaryRow(c *report.Canary) {
	d.tr(&c.Seen)
	d.first(func() { d.name(c.Token) })
	d.momentCell(c.First)
	d.td("s", func() {
		d.attackerLink(c.Seen.Attacker, c.Attacker)
		d.marked(c.Mark)
	})
	d.td("s", func() { d.maybe(c.Sensor) })
	d.levelCell(c.Level)
	d.td("", func() { d.code(c.Text) })
	d.end()
}
