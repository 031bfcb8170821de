package page

import "github.com/ttpcron/ttpcron/report"

// overview writes what somebody reads who reads nothing else.
func (d *document) overview() {
	d.heading("overview", "Overview")
	t := &d.r.Total
	if t.Events == 0 {
		d.nothingAtAll()
		return
	}
	d.still("The filters do not change this.")
	d.tiles(t)
	d.el("ul", class("said"))
	for _, sentence := range []func(*report.Total) bool{
		d.whoCame, d.loginsTried, d.whatWasSeen, d.worstSeen, d.filesMoved, d.canariesTripped, d.whatIsNew, d.whatIsLoud, d.whoIsSilent, d.isOver,
	} {
		mark := d.size()
		d.el("li")
		said := sentence(t)
		d.end()
		if !said {
			d.back(mark)
		}
	}
	d.end()
	d.nl()
}

// nothingAtAll says what to do about a report without events.
func (d *document) nothingAtAll() {
	if len(d.r.Filters) > 0 {
		d.el("p", class("nothing"))
		d.say("No event matches: ")
		d.filtersAgain()
		if d.o.Live {
			d.say(". How far back this page goes is what ")
			d.example("http-report-since")
			d.say(" in the daemon's configuration says: ")
		} else {
			d.say(". Leave out a filter of ")
			d.example("ttpcron report")
			d.say(", or ask for an earlier time: ")
		}
		d.command("ttpcron status")
		d.say(" says what the store holds.")
		d.end()
		return
	}
	d.el("p", class("nothing"))
	d.say("The store holds no event yet. ")
	d.example("ttpcron run-once --input FOLDER")
	d.say(" reads the logs of a honeypot and tags what they show; ")
	d.command("ttpcron import --list-formats")
	d.say(" lists which logs it can read. Then ")
	if d.o.Live {
		d.say("load this page again.")
	} else {
		d.say("make this report again.")
	}
	d.end()
}

// filtersAgain repeats the first filters.
func (d *document) filtersAgain() {
	for i, f := range d.r.Filters[:min(len(d.r.Filters), 4)] {
		if i > 0 {
			d.say("; ")
		}
		d.name(f)
	}
}

func (d *document) tiles(t *report.Total) {
	d.el("ul", class("tiles"))
	more := func(n int) string {
		if t.AtLeast {
			return count(n) + "+"
		}
		return count(n)
	}
	d.tile("activity", count(t.Events), noun(t.Events, "event"))
	d.tile("attackers", more(t.Attackers), noun(t.Attackers, "attacker"))
	d.tile("sessions", more(t.Sessions), noun(t.Sessions, "session"))
	d.tile("credentials", count(t.LoginsTried), noun(t.LoginsTried, "login")+" tried")
	d.tile("credentials", count(t.LoginsWon), noun(t.LoginsWon, "login")+" worked")
	d.tile("techniques", count(t.Techniques), noun(t.Techniques, "technique"))
	d.tile("matrix", count(t.Tags), noun(t.Tags, "tag"))
	d.tile("files", count(d.r.Files.Total), noun(d.r.Files.Total, "file"))
	d.tile("canaries", count(d.r.Canaries.Total), noun(d.r.Canaries.Total, "canary trip"))
	d.el("li", class("highest"))
	d.el("a", at("techniques"))
	d.el("strong")
	if t.Level > 0 {
		d.level(t.Level)
	} else {
		d.say("none")
	}
	d.end()
	d.with("span", "highest level")
	d.end()
	d.end()
	d.end()
	d.nl()
}

func (d *document) tile(to name, number, what string) {
	d.el("li")
	d.el("a", at(to))
	d.with("strong", number)
	d.text(" ")
	d.with("span", what)
	d.end()
	d.end()
}
