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
var style string

//go:embed asset/page.js
var script string

// Options say how a page is written.
type Options struct {
	Under *attack.Table // the release whose matrix is shown
	Live  bool          // a daemon serves it, and it can be loaded again
}

// MaxBytes is how large a page is at most.
const MaxBytes = 5 << 20

// document is a page that is being written.
type document struct {
	html
	r *report.Report
	o Options
}

// Write writes a report as a page of at most MaxBytes. What does not fit is left out, and
// the page says what.
func Write(w io.Writer, r *report.Report, o Options) error {
	d := &document{r: r, o: o}
	d.buf = append(d.buf, "<!doctype html>\n"...)
	d.el("html", is("lang", "en"))
	d.head()
	d.el("body")
	d.el("main")
	d.with("h1", "What attackers did")
	d.end()
	d.raw("script", script)
	d.end()
	d.end()
	d.nl()
	_, err := w.Write(d.buf)
	return err
}

// head writes what a browser reads before it shows anything.
func (d *document) head() {
	d.el("head")
	d.void("meta", is("charset", "utf-8"))
	d.void("meta", is("http-equiv", "Content-Security-Policy"), attr{"content", Policy()})
	d.void("meta", is("name", "viewport"), is("content", "width=device-width, initial-scale=1"))
	d.void("meta", is("name", "referrer"), is("content", "no-referrer"))
	d.with("title", "ttpcron report")
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
