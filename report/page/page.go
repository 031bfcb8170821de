// Package page writes a report as one self-contained HTML page, without network access
// or other files. It is readable without its script, which filters, sorts and saves.
//
// Start with [Write]. All output goes through a writer that alone knows how text becomes
// HTML. A content security policy allows only the page's own style and script, by hash,
// so that an attacker's text could not run even if it were taken for code.
package page

import (
	"io"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/report"
)

// Options say how a page is written.
type Options struct {
	Under *attack.Table // the release whose matrix is shown; nil: the current one
	Live  bool          // a daemon serves it, and it can be loaded again
}

// MaxBytes is how large a page is at most.
const MaxBytes = 5 << 20

// document is a page that is being written.
type document struct {
	html
	*layout
	r *report.Report
	o Options
}

// Write writes a report as a page of at most MaxBytes. What does not fit is left out, and
// the page says what.
func Write(w io.Writer, r *report.Report, o Options) error {
	if o.Under == nil {
		o.Under = attack.Current()
	}
	// Rows link to each other, and which of them fit is known only when all are written.
	// So the page is written twice, and the second time it links only to what fits. That
	// makes rows shorter, never longer.
	d := &document{r: r, o: o, layout: newLayout(r)}
	d.page()
	d.settle()
	d.page()
	_, err := w.Write(d.buf)
	return err
}

// section is a part of the page that can be gone to.
type section struct {
	name  name
	title string // in the navigation
	write func(*document)
	rows  func(*report.Report) int // how many there are of what it lists; nil: it lists nothing
}

// sections are in the order of the page.
var sections = []section{
	{"overview", "Overview", (*document).overview, nil},
	{"matrix", "Matrix", (*document).matrix, nil},
	{"activity", "Activity", (*document).activity, nil},
	{"new", "New", (*document).newcomers, newcomersOf},
	{"techniques", "Techniques", (*document).techniques, func(r *report.Report) int { return len(r.Techniques) }},
	{"attackers", "Attackers", (*document).attackers, func(r *report.Report) int { return r.Attackers.Total }},
	{"sessions", "Sessions", (*document).sessions, func(r *report.Report) int { return r.Sessions.Total }},
	{"credentials", "Credentials", (*document).credentials, func(r *report.Report) int { return r.Credentials.Total }},
	{"files", "Files", (*document).files, func(r *report.Report) int { return r.Files.Total }},
	{"sensors", "Sensors", (*document).sensors, func(r *report.Report) int { return r.Total.Sensors }},
	{"rules", "Rules", (*document).rules, func(r *report.Report) int { return r.Rules.Total }},
	{"canaries", "Canaries", (*document).canaries, func(r *report.Report) int { return r.Canaries.Total }},
	{"about", "About", (*document).about, nil},
}

// page writes the page from its first byte to its last.
func (d *document) page() {
	d.begin()
	d.el("html", is("lang", "en"))
	d.head()
	d.el("body")
	d.with("a", "Skip to the report", class("skip"), at("overview"))
	d.masthead()
	d.nav()
	d.el("main")
	d.filters()
	for i := range sections {
		d.section(&sections[i])
	}
	d.end()
	d.data()
	d.script()
	d.end()
	d.end()
	d.nl()
}

// head writes the head of the HTML document.
func (d *document) head() {
	d.el("head")
	d.void("meta", is("charset", "utf-8"))
	d.void("meta", is("name", "generator"), is("content", generator))
	d.void("meta", is("http-equiv", "Content-Security-Policy"), said("content", Policy()))
	d.void("meta", is("name", "viewport"), is("content", "width=device-width, initial-scale=1"))
	d.void("meta", is("name", "referrer"), is("content", "no-referrer"))
	d.el("title")
	d.say("What attackers did")
	if p := period(d.r); p != "" {
		d.say(", ", p)
	}
	d.end()
	d.style()
	d.end()
	d.nl()
}

// heading writes the heading of a section.
func (d *document) heading(section name, text string) {
	d.with("h2", text, headed("id", section))
	d.nl()
}

// nav writes the links to the sections.
func (d *document) nav() {
	d.el("nav", is("aria-label", "Sections"), class("sections"))
	d.el("ul")
	for _, s := range sections {
		d.el("li")
		d.el("a", at(s.name))
		d.text(s.title)
		if s.rows != nil && !(s.name == "new" && allNew(d.r)) {
			d.text(" ")
			d.with("span", count(s.rows(d.r)))
		}
		d.end()
		d.end()
	}
	d.end()
	d.end()
	d.nl()
}
