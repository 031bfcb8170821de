// Package page writes a report as one HTML page that needs nothing else: no network, no
// other file. It can be read without its script; the script filters, sorts and saves.
//
// Start with [Write]. Whatever it writes goes through a writer that alone knows how text
// becomes HTML. The page says in a content security policy which style and which script
// may act, by their hashes: whatever an attacker's text would be taken for, it cannot act.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"io"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/report"
)

//go:embed asset/page.css
var pageStyle string

//go:embed asset/matrix.css
var matrixStyle string

var style = pageStyle + matrixStyle

//go:embed asset/page.js
var script string

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
	r *report.Report
	o Options
	*layout
}

// Write writes a report as a page of at most MaxBytes. What does not fit is left out, and
// the page says what.
func Write(w io.Writer, r *report.Report, o Options) error {
	if o.Under == nil {
		o.Under = attack.Current()
	}
	// Rows link to each other, and whether one fits is known when all were written. So the
	// page is written twice, and the second time only what fits is linked to. That makes
	// rows shorter, never longer.
	d := &document{r: r, o: o, layout: newLayout(r)}
	d.page()
	d.settle()
	d.html = html{buf: d.buf[:0]}
	d.page()
	_, err := w.Write(d.buf)
	return err
}

// section is a part of the page that can be gone to.
type section struct {
	name  name
	title string
	write func(*document)
}

// sections are in the order of the page.
var sections = []section{
	{"overview", "Overview", (*document).overview},
	{"matrix", "Matrix", (*document).matrix},
	{"activity", "Activity", (*document).activity},
	{"new", "New", (*document).newcomers},
	{"techniques", "Techniques", (*document).techniques},
	{"attackers", "Attackers", (*document).attackers},
	{"sessions", "Sessions", (*document).sessions},
	{"credentials", "Credentials", (*document).credentials},
	{"files", "Files", (*document).files},
	{"sensors", "Sensors", (*document).sensors},
	{"rules", "Rules", (*document).rules},
	{"canaries", "Canaries", (*document).canaries},
	{"about", "About", (*document).about},
}

// page writes the page from its first byte to its last.
func (d *document) page() {
	d.buf = append(d.buf, "<!doctype html>\n"...)
	d.el("html", is("lang", "en"))
	d.head()
	d.el("body")
	d.with("a", "Skip to the report", class("skip"), is("href", "#overview"))
	d.masthead()
	d.nav()
	d.el("main")
	d.filters()
	for _, s := range sections {
		d.el("section", named(s.name), attr{"aria-labelledby", string(s.name) + "-h"})
		s.write(d)
		d.end()
		d.nl()
	}
	d.end()
	d.data()
	d.raw("script", script)
	d.end()
	d.end()
	d.nl()
}

// heading writes the heading of a section.
func (d *document) heading(section name, text string) {
	d.with("h2", text, attr{"id", string(section) + "-h"})
	d.nl()
}

// nav writes the links to the sections.
func (d *document) nav() {
	d.el("nav", is("aria-label", "Sections"), class("sections"))
	d.el("ul")
	for _, s := range sections {
		d.el("li")
		d.with("a", s.title, attr{"href", "#" + string(s.name)})
		d.end()
	}
	d.end()
	d.end()
	d.nl()
}

// head writes what a browser reads before it shows anything.
func (d *document) head() {
	d.el("head")
	d.void("meta", is("charset", "utf-8"))
	d.void("meta", is("http-equiv", "Content-Security-Policy"), attr{"content", Policy()})
	d.void("meta", is("name", "viewport"), is("content", "width=device-width, initial-scale=1"))
	d.void("meta", is("name", "referrer"), is("content", "no-referrer"))
	d.void("meta", is("name", "color-scheme"), is("content", "light dark"))
	d.with("title", "What attackers did: "+d.period())
	d.raw("style", style)
	d.end()
	d.nl()
}

// raw writes an element with the program's own style or script.
func (d *document) raw(element name, text string) {
	d.el(element)
	d.buf = append(d.buf, text...)
	d.end()
}

// policy is the content security policy of every page.
var policy = "default-src 'none'; style-src '" + hashOf(style) + "'; script-src '" + hashOf(script) +
	"'; img-src blob: data:; base-uri 'none'; form-action 'none'"

// Policy returns the content security policy of every page, for a server to send as a
// header too.
func Policy() string { return policy }

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
