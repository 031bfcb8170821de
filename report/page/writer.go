package page

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/jsontext"
)

// name is the name of an element or attribute, or a value that only the program decides.
// It has its own type, so that an attacker's text, a string, cannot become one.
type name string

// attr is an attribute, or none if its name is empty. The functions below make its value,
// all of them fit for quotes. No other file in this package makes one, turns a string into
// a name or appends to the page: TestOnlyTheWriterWrites.
type attr struct {
	name  name
	value string
}

// html writes HTML. There are two ways in: names, which are constants of this package, and
// text, which is always escaped. It closes what it opened, so nothing that is left out
// leaves an element open.
type html struct {
	buf  []byte
	open []name
}

// el opens an element.
func (h *html) el(element name, attrs ...attr) {
	h.tag(element, attrs)
	h.buf = append(h.buf, '>')
	h.open = append(h.open, element)
}

// end closes the element that was opened last.
func (h *html) end() {
	last := len(h.open) - 1
	h.buf = append(append(append(h.buf, "</"...), h.open[last]...), '>')
	h.open = h.open[:last]
}

// void writes an element without content, such as a line break, or a shape in a drawing:
// only there the slash matters, since the element would stay open without it.
func (h *html) void(element name, attrs ...attr) {
	h.tag(element, attrs)
	h.buf = append(h.buf, "/>"...)
}

// with writes an element that holds text alone.
func (h *html) with(element name, text string, attrs ...attr) {
	h.el(element, attrs...)
	h.text(text)
	h.end()
}

func (h *html) tag(element name, attrs []attr) {
	h.buf = append(append(h.buf, '<'), element...)
	for _, a := range attrs {
		if a.name == "" {
			continue
		}
		h.buf = append(append(h.buf, ' '), a.name...)
		if a.value != "" {
			h.buf = append(append(append(h.buf, '=', '"'), a.value...), '"')
		}
	}
}

// json writes data for the script as an element that is not executed. No text in it can
// end the element: what a browser would take for a tag is escaped as in JSON.
func (h *html) json(id name, value any) {
	data, err := json.Marshal(value) // escapes <, > and &, and the line ends of JavaScript
	if err != nil {
		panic("page: " + err.Error()) // the script is given strings and numbers alone
	}
	h.el("script", is("type", "application/json"), named(id))
	h.buf = append(h.buf, data...)
	h.end()
}

// begin begins a document.
func (h *html) begin() { h.buf, h.open = append(h.buf[:0], "<!doctype html>\n"...), h.open[:0] }

// size is how many bytes were written.
func (h *html) size() int { return len(h.buf) }

// back removes everything written since that size. All elements opened since must be
// closed.
func (h *html) back(size int) { h.buf = h.buf[:size] }

// text writes text by anyone: what a browser would obey is escaped, and what a reader
// could not see is spelled out.
func (h *html) text(s string) { h.buf = appendText(h.buf, s) }

// nl ends a line of the file, which a browser does not show.
func (h *html) nl() { h.buf = append(h.buf, '\n') }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "`", "&#96;")

func appendText(dst []byte, s string) []byte {
	return append(dst, escaper.Replace(jsontext.Clean(s))...)
}

// class gives an element classes, or none.
func class(names name) attr {
	if names == "" {
		return attr{}
	}
	return attr{"class", string(names)}
}

// id names an element by a constant and a number.
func id(prefix name, n int) attr { return attr{"id", string(prefix) + strconv.Itoa(n)} }

// named names an element by a constant.
func named(whole name) attr { return attr{"id", string(whole)} }

// headed names an element by the heading of a section, or says which heading it has.
func headed(attribute, section name) attr { return attr{attribute, string(section) + "-h"} }

// at links to an element of the page that is named by a constant.
func at(whole name) attr { return attr{"href", "#" + string(whole)} }

// byTechnique links to the attackers of a technique, through the script's filter, unless
// it is not a technique.
func byTechnique(technique string) attr {
	if attack.URL(technique) == "" {
		return attr{}
	}
	return attr{"href", "#attackers?technique=" + string(appendText(nil, url.QueryEscape(technique)))}
}

// outside links to MITRE's page of a technique, unless it is not a technique.
func outside(technique string) attr {
	to := attack.URL(technique)
	if to == "" {
		return attr{}
	}
	return attr{"href", string(appendText(nil, to))}
}

// stamp gives a time as programs read it.
func stamp(t time.Time) attr { return attr{"datetime", t.UTC().Format(time.RFC3339)} }

// ref links to an element of the page.
func ref(prefix name, n int) attr { return attr{"href", "#" + string(prefix) + strconv.Itoa(n)} }

// is gives an attribute a value that the program decides.
func is(attribute, value name) attr { return attr{attribute, string(value)} }

// num gives an attribute a whole number.
func num(attribute name, n int) attr { return attr{attribute, strconv.Itoa(n)} }

// float gives an attribute a number with a digit after the point.
func float(attribute name, x float64) attr { return attr{attribute, decimal(x)} }

// decimal writes a coordinate.
func decimal(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// across is the path of a horizontal line.
func across(from, to int, y float64) attr {
	return attr{"d", "M" + strconv.Itoa(from) + " " + decimal(y) + "H" + strconv.Itoa(to)}
}

// nums gives an attribute whole numbers with spaces between them.
func nums(attribute name, list []int) attr {
	var b []byte
	for i, n := range list {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return attr{attribute, string(b)}
}

// said sets an attribute to text by anyone. It is for attributes that are shown or read
// aloud, such as title and aria-label, and not for any that a browser obeys.
func said(attribute name, text string) attr {
	switch attribute {
	case "title", "aria-label", "alt", "placeholder", "value", "content", "label", "data-tactic", "data-takes":
		return attr{attribute, string(appendText(nil, text))}
	}
	panic(fmt.Sprintf("page: attribute %s is no place for text", attribute))
}

// flag is an attribute without a value, or none.
func flag(attribute name, on bool) attr {
	if !on {
		return attr{}
	}
	return attr{attribute, ""}
}
