package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

//go:embed asset/page.css
var pageStyle string

//go:embed asset/matrix.css
var matrixStyle string

var style = pageStyle + matrixStyle

// script is the script as a page carries it: asset/page.js, made small, see TestScript.
//
//go:embed asset/page.min.js
var script string

// style writes the style of the page, as it is.
func (h *html) style() { h.asset("style", style) }

// script writes the script of the page, as it is.
func (h *html) script() { h.asset("script", script) }

// asset writes an element with the program's own style or script.
func (h *html) asset(element name, text string) {
	h.el(element)
	h.buf = append(h.buf, text...)
	h.end()
	h.nl()
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
