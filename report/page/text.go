package page

import (
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// How many bytes of a text are shown at most, before they are escaped.
const (
	maxName = 160  // of a name, such as that of a user
	maxText = 1000 // of what an event was about
)

// say writes a sentence, or a part of one.
func (d *document) say(words ...string) {
	for _, w := range words {
		d.text(w)
	}
}

// name writes a short text by anyone, isolated from the text around it: right-to-left
// letters cannot reorder that.
func (d *document) name(text string) {
	if text == "" {
		d.with("span", "empty", class("none"))
		return
	}
	d.el("bdi")
	d.cut(text, maxName)
	d.end()
}

// sensor writes the name of a sensor, which some records lack.
func (d *document) sensor(name string) { d.nameOr(name, name == "", "(no name)") }

// nameOr writes a name, or if it is lacking a word of our own.
func (d *document) nameOr(text string, lacking bool, word string) {
	if lacking {
		d.with("span", word, class("none"))
		return
	}
	d.name(text)
}

// maybe writes a short text of whomever, or nothing.
func (d *document) maybe(text string) {
	if text != "" {
		d.name(text)
	}
}

// code writes what somebody typed or sent. It reads from left to right, as programs do.
func (d *document) code(text string) {
	if text == "" {
		return
	}
	d.el("code", class("x"), is("dir", "ltr"))
	d.cut(text, maxText)
	d.end()
}

// short writes a text that should be one word, such as the name of a fact.
func (d *document) short(element name, text string, attrs ...attr) {
	d.el(element, attrs...)
	d.cut(text, maxName)
	d.end()
}

// cut writes the first bytes of a text and how many were left out.
func (d *document) cut(text string, most int) {
	shown := ttpcron.CutText(text, most)
	d.text(shown)
	if left := len(text) - len(shown); left > 0 {
		d.with("span", " … "+plural(left, "more byte"), class("cut"))
	}
}

// command writes a command that can be copied into a shell. If it is too long for a page,
// only its beginning is shown, and it cannot be copied.
func (d *document) command(words ...string) {
	all := strings.Join(words, " ")
	if len(all) > maxText {
		d.example(all)
		return
	}
	d.with("code", all, class("cmd"))
}

// example writes a command that needs more than can be copied.
func (d *document) example(words string) {
	d.el("code", class("eg"))
	d.cut(words, maxText)
	d.end()
}

// commandOn writes a command with its argument, if a shell takes that literally.
func (d *document) commandOn(before, command, what string) {
	if plainWord(what) {
		d.text(before)
		d.command(command, what)
	}
}

// plainWord reports whether a shell takes a word literally, and no program takes it as a
// flag.
func plainWord(w string) bool {
	if w == "" || w[0] == '-' || len(w) > maxName {
		return false
	}
	for i := range len(w) {
		c := w[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:@/", rune(c)) {
			return false
		}
	}
	return true
}

// evidenceRef links to the evidence of a technique, if it is on the page.
func (d *document) evidenceRef(technique int) attr {
	if technique < 0 || technique >= len(d.r.Techniques) || !d.has("details", technique) {
		return attr{}
	}
	return ref("t", technique)
}

// techniqueLink writes the id and name of a technique, and links to its evidence.
func (d *document) techniqueLink(i int) {
	t := d.r.Techniques[i]
	d.el("a", d.evidenceRef(i), class("tid"))
	d.cut(t.ID, maxName)
	d.end()
	d.text(" " + d.o.Under.TechniqueName(t.ID))
}

// attackerLink writes who acted, and links to the row: place is that in the cube.
func (d *document) attackerLink(place int, shown string) {
	if shown == "" && place > 0 && place < len(d.r.Cube.Attackers) {
		shown = d.r.Cube.Attackers[place]
	}
	if shown == "" {
		d.with("span", "unknown", class("none"))
		return
	}
	var link attr
	if row, listed := d.rowOf[place]; listed && d.has("attackers", row) {
		link = ref("a", place)
	}
	d.linked(link, shown)
}

// ruleLink writes the id of a rule, and links to its row.
func (d *document) ruleLink(rule string) {
	var link attr
	if row, listed := d.ruleAt[rule]; listed && d.has("rules", row) {
		link = ref("r", row)
	}
	d.linked(link, rule)
}

// linked writes a name that leads somewhere, if there is a link.
func (d *document) linked(link attr, shown string) {
	d.el("a", link)
	d.name(shown)
	d.end()
}

// marked says who is no attacker.
func (d *document) marked(m ttpcron.Mark) {
	words := map[ttpcron.Mark]string{ttpcron.MarkOwnNetwork: "own network", ttpcron.MarkResolver: "resolver"}
	if w := words[m]; w != "" {
		d.text(" ")
		d.with("span", w, class("mark"))
	}
}

// levels are how a level is written: a letter and a word, so that no colour is needed.
var levels = [6]struct {
	class  name
	letter string
}{1: {"lv l1", "I"}, {"lv l2", "L"}, {"lv l3", "M"}, {"lv l4", "H"}, {"lv l5", "C"}}

// rank returns a level as a number from 1 to 5.
func rank(l ttpcron.Level) int { return int(l.Rank()) }

func (d *document) level(l ttpcron.Level) {
	as := levels[rank(l)]
	d.el("span", class(as.class))
	d.with("b", as.letter, is("aria-hidden", "true"))
	d.text(l.String())
	d.end()
}

// levelLetter writes a level if there is no room for the word.
func (d *document) levelLetter(l ttpcron.Level) {
	as := levels[rank(l)]
	d.el("abbr", class(as.class), said("title", l.String()))
	d.with("b", as.letter)
	d.end()
}

// moment writes a time to the second.
func (d *document) moment(t time.Time) { d.timed(t, "2006-01-02 15:04:05") }

// timed writes a time in machine-readable form, with any text.
func (d *document) timed(t time.Time, layout string) {
	if t.IsZero() {
		return
	}
	d.with("time", t.UTC().Format(layout), stamp(t))
}

// gauge draws a number relative to the largest.
func (d *document) gauge(n, most int) {
	const width = 56
	long := 0
	if most > 0 && n > 0 {
		long = max(1, min(n, most)*width/most)
	}
	d.el("svg", class("gauge"), num("width", width), num("height", 8), is("aria-hidden", "true"))
	d.void("rect", num("width", long), num("height", 8))
	d.end()
}
