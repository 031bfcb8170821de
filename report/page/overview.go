package page

import "github.com/ttpcron/ttpcron/report"

// period says in words of which time the report is.
func (d *document) period() string {
	if d.r.First.IsZero() {
		return "nothing yet"
	}
	const day = "2 January 2006"
	first, last := d.r.First.UTC().Format(day), d.r.Last.UTC().Format(day)
	if first == last {
		return first
	}
	return first + " to " + last
}

// masthead writes what the report is of.
func (d *document) masthead() {
	d.el("header", class("masthead"))
	d.with("h1", "What attackers did")
	d.with("p", d.period(), class("period"))
	d.end()
	d.nl()
}

func (d *document) overview() {
	d.heading("overview", "Overview")
	d.el("dl", class("tiles"))
	for _, t := range []report.Named{
		{Name: "events", Times: d.r.Total.Events},
		{Name: "attackers", Times: d.r.Total.Attackers},
		{Name: "sessions", Times: d.r.Total.Sessions},
		{Name: "tags", Times: d.r.Total.Tags},
		{Name: "techniques", Times: d.r.Total.Techniques},
	} {
		d.el("div")
		d.with("dt", t.Name)
		d.with("dd", count(t.Times))
		d.end()
	}
	d.end()
}
