package page

import (
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// How many bytes of a text are shown at most, before they are escaped.
const (
	maxName = 200  // of a name, such as that of a user
	maxText = 1000 // of what an event was about
)

// name writes a short text of whomever, kept apart from the order of what stands around
// it: letters that are written from right to left cannot move it.
func (d *document) name(text string) {
	d.el("bdi")
	d.cut(text, maxName)
	d.end()
}

// code writes what somebody typed or sent.
func (d *document) code(text string) {
	d.el("code", class("x"), is("dir", "ltr"))
	d.cut(text, maxText)
	d.end()
}

// cut writes the first bytes of a text and says how many were left out.
func (d *document) cut(text string, most int) {
	shown := ttpcron.CutText(text, most)
	d.text(shown)
	if left := len(text) - len(shown); left > 0 {
		d.with("span", "… "+count(left)+" more bytes", class("cut"))
	}
}

// command writes a command that can be copied into a shell. Nothing is written if a part
// of it has another meaning there.
func (d *document) command(words ...string) {
	for _, w := range words[1:] {
		if !plainWord(w) {
			return
		}
	}
	d.with("code", strings.Join(words, " "), class("cmd"))
}

// plainWord reports whether a shell takes a word as it is, and no program as a flag.
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

// techniqueLink writes the id and name of a technique, and links to its evidence.
func (d *document) techniqueLink(i int) {
	t := d.r.Techniques[i]
	if d.has(part{name: "techniques"}, i) {
		d.el("a", ref("t", i))
	} else {
		d.el("span")
	}
	d.text(t.ID)
	d.end()
	d.text(" ")
	d.text(d.o.Under.TechniqueName(t.ID))
}

// attackerLink writes who acted, and links to the row.
func (d *document) attackerLink(place int, shown string) {
	row, listed := d.rowOf[place]
	if shown == "" {
		shown = d.attackerName(place)
	}
	if place > 0 && listed && d.has(part{name: "attackers"}, row) {
		d.el("a", ref("a", place))
	} else {
		d.el("span")
	}
	d.name(shown)
	d.end()
}

func (d *document) attackerName(place int) string {
	if place > 0 && place < len(d.r.Cube.Attackers) {
		return d.r.Cube.Attackers[place]
	}
	return "others"
}

// mitre writes a link to MITRE's page of a technique.
func (d *document) mitre(id string) {
	if url := attack.URL(id); url != "" {
		d.with("a", "ATT&CK", attr{"href", url}, is("rel", "noreferrer"), class("out"))
	}
}
