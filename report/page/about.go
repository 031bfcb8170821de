package page

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// about writes what was left out, and how the page was made.
func (d *document) about() {
	d.heading("about", "About this report")
	d.with("h3", "What was left out")
	d.leftOut()
	d.with("h3", "How to read it")
	d.reading()
	d.with("h3", "How it was made")
	d.made()
}

// leftOut writes how much of each list is here.
func (d *document) leftOut() {
	d.el("ul", class("list"))
	mark, r := d.size(), d.r
	d.cutList("techniques", len(r.Techniques), len(r.Techniques), false, "technique", "", "ttpcron techniques")
	d.cutList("attackers", len(r.Attackers.Rows), r.Attackers.Total, r.Attackers.AtLeast, "attacker", r.Attackers.By, r.Attackers.Command)
	d.cutList("sessions", len(r.Sessions.Rows), r.Sessions.Total, r.Sessions.AtLeast, "session", r.Sessions.By, r.Sessions.Command)
	d.cutList("credentials", len(r.Credentials.Rows), r.Credentials.Total, r.Credentials.AtLeast, d.credential(), r.Credentials.By, r.Credentials.Command)
	d.cutList("files", len(r.Files.Rows), r.Files.Total, r.Files.AtLeast, "file", r.Files.By, r.Files.Command)
	d.cutList("sensors", len(r.Sensors), len(r.Sensors), false, "sensor", "", "ttpcron sensors")
	d.cutList("rules", len(r.Rules.Rows), r.Rules.Total, r.Rules.AtLeast, "rule", r.Rules.By, r.Rules.Command)
	d.cutList("canaries", len(r.Canaries.Rows), r.Canaries.Total, r.Canaries.AtLeast, "trip of a canary", r.Canaries.By, r.Canaries.Command)
	if d.size() == mark {
		d.with("li", "No list was cut: all rows are here.")
	}
	if told := d.written("stories", len(d.told)); r.Sessions.Total > told {
		d.el("li")
		d.say("Stories: of ", atLeast(r.Sessions.Total, r.Sessions.AtLeast, "session"), " ", count(told), " are told. Any other: ")
		d.example("ttpcron session ID")
		d.end()
	}
	if apart := len(r.Cube.Attackers) - 1; apart > 0 && slices.ContainsFunc(r.Cube.Cells, func(c report.Cell) bool { return c.Attacker == 0 }) {
		d.el("li")
		d.say("Filter by attacker: the ", plural(apart, "attacker"), " with the most tags can be chosen; all others are counted together.")
		d.end()
	}
	if !d.has("data", 0) {
		d.with("li", "The filters: there are too many sensors and techniques to count by. Choose fewer when you make the report.")
	}
	d.with("li", "Long texts are cut; each says how much was left out.")
	d.rows(part{name: "notes"}, len(r.Notes), budgets["notes"], func(i int) {
		d.el("li")
		d.cut(r.Notes[i], maxText)
		d.end()
	})
	d.end()
	d.nl()
}

// cutList writes how much of a list is here, if it is cut.
func (d *document) cutList(of name, rows, total int, more bool, one, by, command string) {
	shown := d.written(of, rows)
	if shown >= total && !more {
		return
	}
	d.el("li")
	d.el("a", at(of))
	d.say(capital(string(of)))
	d.end()
	d.say(": ")
	d.howMany(of, list{rows: rows, total: total, more: more, one: one, by: by, command: command})
	d.end()
}

// reading explains the words of the page.
func (d *document) reading() {
	d.el("ul", class("list"))
	d.el("li")
	d.say("A tag says that, according to a rule, an event showed an ATT&CK technique. One event may have several tags.")
	d.end()
	d.el("li")
	d.say("The level says how much an event means where honest people work too: ")
	for l := 1; l <= 5; l++ {
		if l > 1 {
			d.say(", ")
		}
		d.level(ttpcron.Level(l))
	}
	d.say(". How sure the rule is, from 0 to 1, is the confidence, the number behind a technique in a story.")
	d.end()
	d.with("li", `What attackers wrote is shown as text. Invisible characters are escaped: a line end as \n, a mark that changes the text direction as \u202e.`)
	d.with("li", "All times are UTC. On paper the page is light; evidence is printed of the techniques that are unfolded.")
	d.end()
	d.nl()
}

// made writes the page's data source and program.
func (d *document) made() {
	r := d.r
	d.el("p")
	if d.o.Live {
		d.example("ttpcron daemon")
	} else {
		d.example("ttpcron report")
	}
	if r.Version != "" {
		d.say(", version ")
		d.name(r.Version)
	}
	if r.Store != "" {
		d.say(", from the store ")
		d.name(r.Store)
	}
	if !r.Made.IsZero() {
		d.say(", on ")
		d.timed(r.Made, "2006-01-02 15:04:05 UTC")
	}
	d.say(". The page is complete and uses no network. ")
	switch {
	case r.Masked && d.o.Live:
		d.say("Captured passwords are masked; ")
		d.example("ttpcron report --with-passwords")
		d.say(" shows them. ")
	case r.Masked:
		d.say("Captured passwords are masked; with ")
		d.example("--with-passwords")
		d.say(" they are not. ")
	default:
		d.with("strong", "It shows captured passwords; some may belong to real people.")
		d.say(" ")
	}
	d.end()
	d.el("p", class("aside"))
	d.say("Names of techniques are those of MITRE ATT&CK® ", d.o.Under.Number(), ". © 2026 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation, which does not endorse this program.")
	d.end()
	d.nl()
}
