package page

import "github.com/ttpcron/ttpcron/report"

// masthead writes what the report covers, and how it was made.
func (d *document) masthead() {
	d.el("header", class("masthead"))
	d.el("div", class("title"))
	d.with("h1", "What attackers did")
	d.el("p", class("period"))
	switch p := period(d.r); p {
	case "":
		d.say("No event yet")
	default:
		d.say(p, " ")
		d.with("span", "UTC", class("zone"))
	}
	d.end()
	d.end()
	d.el("div", class("tools"))
	d.with("button", "Dark", named("theme"), is("type", "button"), flag("hidden", true))
	d.with("button", "Print", named("print"), is("type", "button"), flag("hidden", true))
	d.end()
	d.el("dl", class("facts"))
	d.fact("Sensors", d.sensorNames)
	d.fact("Store", func() { d.name(d.r.Store) })
	if !d.r.Made.IsZero() {
		d.fact("Made", func() { d.timed(d.r.Made, "2006-01-02 15:04 UTC") })
	}
	d.fact("Matrix", func() { d.say("ATT&CK ", d.o.Under.Number()) })
	d.fact("Filters", func() {
		d.filterWords()
		d.with("span", "", named("asked")) // what is set on the page
	})
	if d.r.Masked {
		d.fact("Passwords", func() { d.say("masked") })
	} else {
		d.fact("Passwords", func() { d.with("strong", "shown as they were captured") })
	}
	d.end()
	d.end()
	d.nl()
}

func (d *document) fact(title string, write func()) {
	d.el("div")
	d.short("dt", title)
	d.el("dd")
	write()
	d.end()
	d.end()
}

// sensorNames writes the names of a few sensors.
func (d *document) sensorNames() {
	const most = 4
	named := d.r.Sensors
	if len(named) > 0 && named[0].Name == "" {
		named = named[1:]
	}
	switch {
	case len(d.r.Sensors) == 0:
		d.say("none")
	case len(named) == 0:
		d.say("none with a name")
	}
	for i, s := range named {
		if i > 0 {
			d.say(", ")
		}
		if i == most {
			d.say("and ")
			d.with("a", plural(len(named)-most, "other"), at("sensors"))
			break
		}
		d.name(s.Name)
	}
}

// filterWords writes the filters in words.
func (d *document) filterWords() {
	if len(d.r.Filters) == 0 {
		d.with("span", "none: all of the store", class("unfiltered"))
		return
	}
	left := d.rows(part{name: "head"}, len(d.r.Filters), budgets["head"], func(i int) {
		if i > 0 {
			d.say("; ")
		}
		d.say("only ")
		d.name(d.r.Filters[i])
	})
	if left > 0 {
		d.say("; and ", plural(left, "more filter"))
	}
}

// newcomersOf counts what is new.
func newcomersOf(r *report.Report) int {
	return r.New.Attackers.Total + r.New.Techniques.Total + r.New.Sensors.Total + r.New.Files.Total
}
