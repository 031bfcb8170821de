package page

import (
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// The limits of an event in a story.
const (
	maxDetails = 6
	maxTags    = 12
)

// shortName returns a name for screen readers.
func shortName(s string) string { return ttpcron.Shorten(s, 40) }

// line writes an event of a story: when, what, and which techniques it showed.
func (d *document) line(l *report.Line) {
	outcome := name("")
	switch l.Outcome {
	case "worked":
		outcome = "worked"
	case "failed":
		outcome = "failed"
	}
	d.el("li", class(outcome))
	d.timed(l.Time, "15:04:05")
	d.short("span", l.What, class("what"))
	d.el("div", class("did"))
	d.code(l.Text)
	if l.Outcome != "" {
		d.text(" ")
		d.short("span", l.Outcome, class("outcome"))
	}
	for _, f := range l.Details[:min(len(l.Details), maxDetails)] {
		d.el("p", class("detail"))
		d.cut(f.Name, maxName)
		d.say(": ")
		d.code(f.Text)
		d.end()
	}
	d.others(len(l.Details)-maxDetails, "more fact")
	d.end()
	d.el("div", class("shows"))
	for i := range l.Tags[:min(len(l.Tags), maxTags)] {
		d.lineTag(&l.Tags[i])
	}
	d.others(len(l.Tags)-maxTags, "more technique")
	d.end()
	d.end()
}

// others writes how many were left out.
func (d *document) others(n int, one string) {
	if n > 0 {
		d.with("p", plural(n, one), class("left"))
	}
}

// lineTag writes a technique that an event showed.
func (d *document) lineTag(t *report.LineTag) {
	d.el("span", class("chip"))
	d.levelLetter(t.Level)
	d.text(" ")
	if i, known := d.techniqueAt(t.Technique); known {
		d.el("a", d.evidenceRef(i))
		d.cut(t.Technique, maxName)
		d.end()
		own := d.o.Under.TechniqueName(t.Technique)
		if _, sub, is := strings.Cut(own, ": "); is {
			own = sub
		}
		d.text(" ")
		d.with("span", own, class("aside"))
	} else {
		d.cut(t.Technique, maxName)
	}
	if t.Confidence > 0 {
		d.text(" ")
		d.with("span", strconv.FormatFloat(t.Confidence, 'f', 2, 64), class("aside"), said("title", "confidence"))
	}
	d.end()
	d.text(" ")
}
