package page

import "github.com/ttpcron/ttpcron/report"

// sessions writes the table of sessions and the stories of the first ones.
func (d *document) sessions() {
	d.heading("sessions", "Sessions")
	top := &d.r.Sessions
	if len(top.Rows) == 0 {
		d.none("No session was recorded.")
		return
	}
	most := 0
	for _, s := range top.Rows {
		most = max(most, s.Tags)
	}
	d.list(list{
		name: "sessions", label: "Sessions", rows: len(top.Rows), total: top.Total, more: top.AtLeast, one: "session", by: top.By, command: top.Command, takes: top.Takes,
		columns: []column{
			{"Session", "", "its id links to its story, if the page has it"}, {"Level", "", "the highest of a tag"}, {"Sensor", "", ""}, {"Attacker", "", ""}, {"Began", "t", ""}, {"Took", "n", "from its first event to its last"},
			{"Tags", "n", ""}, {"Events", "n", ""}, {"Commands", "n", ""}, {"Logins", "n", "logins tried"}, {"Worked", "n", "logins that worked"},
			{"Files", "n", ""}, {"Tactics", "n", "number of tactics"},
			{"Others like it", "n", "other sessions with the same techniques"},
		},
		note: "Sorted by level, then by what they show: techniques, tactics, a login that worked, files, commands. After two sessions with the same techniques, further ones come last.",
		row:  func(i int) { d.sessionRow(i, most) },
	})
	d.tellStories()
}

func (d *document) sessionRow(i, most int) {
	s := d.r.Sessions.Rows[i]
	d.tr(&s.Seen)
	d.first(func() {
		var link attr
		if row, told := d.storyOf(s.Sensor, s.ID); told {
			link = ref("s", row)
		}
		d.linked(link, s.ID)
	})
	d.levelCell(s.Level)
	d.td("s", func() { d.name(s.Sensor) })
	d.td("s", func() { d.attackerLink(s.Seen.Attacker, s.Attacker) })
	d.momentCell(s.First)
	d.el("td", class("n"), num("data-o", int(s.Last.Sub(s.First).Seconds())))
	d.say(took(s.Last.Sub(s.First)))
	d.end()
	d.barCell(s.Tags, most)
	d.numberCell(s.Events)
	d.numberCell(s.Commands)
	d.numberCell(s.Tries)
	d.numberCell(s.Won)
	d.numberCell(s.Files)
	d.numberCell(s.Tactics)
	d.numberCell(s.Like)
	d.end()
}

// storyOf returns the row of the session with a story on the page.
func (d *document) storyOf(sensor, session string) (row int, told bool) {
	place, told := d.stories[sessionKey{sensor, session}]
	if !told || !d.has("stories", place) {
		return 0, false
	}
	return d.told[place], true
}

// tellStories writes what happened in the first sessions.
func (d *document) tellStories() {
	d.with("h3", "Stories")
	d.el("p")
	if len(d.told) == 0 {
		d.say("There are no stories here. ")
	} else {
		d.say("The first sessions, event by event. ")
	}
	d.example("ttpcron session ID")
	d.say(" tells any of them in full. Here an event names a technique once, however many rules say so.")
	d.end()
	left := d.shares("stories", len(d.told), func(place, most int) {
		row := d.told[place]
		d.story(row, d.r.Sessions.Rows[row], most)
	})
	if left > 0 {
		d.with("p", "The page has no room for "+plural(left, "more story")+".", class("left"))
	}
}

// story writes what happened in a session, in so many bytes.
func (d *document) story(row int, s *report.Session, most int) {
	start := d.size()
	d.el("details", append(d.filtered(&s.Seen), class("story"))...)
	d.el("summary")
	d.moment(s.First)
	d.say(" ")
	d.attackerOf(s)
	d.say(" at ")
	d.name(s.Sensor)
	d.aside(s.Commands, "command")
	d.aside(s.Files, "file")
	d.aside(s.Tactics, "tactic")
	d.atLevel(&s.Seen)
	d.end()
	d.el("article", id("s", row), said("aria-label", "Session "+shortName(s.ID)))
	d.el("dl", class("facts"))
	d.fact("session", func() { d.name(s.ID) })
	d.fact("attacker", func() { d.attackerLink(s.Seen.Attacker, s.Attacker) })
	d.rows(part{"head", row + 1}, len(s.Story.Head), 4<<10, func(i int) {
		f := s.Story.Head[i]
		d.fact(f.Name, func() { d.name(f.Text) })
	})
	d.end()
	d.nl()
	d.el("ol", class("told"))
	left := d.rows(part{"lines", row}, len(s.Story.Lines), most-(d.size()-start), func(i int) {
		d.line(&s.Story.Lines[i])
		d.nl()
	})
	d.end()
	if left += s.Story.More; left > 0 {
		d.el("p", class("left"))
		d.say(plural(left, "more event"))
		d.commandOn(": ", "ttpcron session", s.ID)
		d.end()
	}
	d.end()
	d.end()
	d.nl()
}

// attackerOf names who acted, in a place that cannot be a link.
func (d *document) attackerOf(s *report.Session) {
	if s.Attacker == "" {
		d.with("span", "unknown", class("none"))
		return
	}
	d.name(s.Attacker)
}
