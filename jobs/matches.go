package jobs

import (
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// baseMatches are the base matches of a unit's events.
type baseMatches struct {
	list []ttpcron.BaseMatch
	packing
	all string
}

// packing is memory in which the text of matches is gathered: a worker's, for one unit
// after another.
type packing struct {
	text []byte
	at   []matchText
}

// matchText says where group and values of a match are in text.
type matchText struct{ group, values textPart }

type textPart struct{ from, to int32 }

// matchSize is about what a base match takes beside its text.
const matchSize = 80

// add takes over the matches of an event. Their text is not the caller's to keep. Matches
// that have one text go on to share it.
func (b *baseMatches) add(found []ttpcron.BaseMatch) {
	first := len(b.at)
	for i := range found {
		m := &found[i]
		var at matchText
		known := false
		for k := range found[:i] {
			if sameText(found[k].Group, m.Group) {
				at.group, known = b.at[first+k].group, true
				break
			}
		}
		if !known {
			at.group = b.keep(m.Group)
		}
		known = false
		for k := range found[:i] {
			if sameText(found[k].Values, m.Values) {
				at.values, known = b.at[first+k].values, true
				break
			}
		}
		if !known {
			at.values = b.keep(m.Values)
		}
		b.at = append(b.at, at)
		b.list = append(b.list, ttpcron.BaseMatch{Stream: m.Stream, Time: m.Time, Seq: m.Seq})
	}
}

// sameText reports whether two texts are one in memory.
func sameText(a, b string) bool {
	return len(a) == len(b) && unsafe.StringData(a) == unsafe.StringData(b)
}

func (b *baseMatches) keep(text string) textPart {
	from := len(b.text)
	b.text = append(b.text, text...)
	return textPart{int32(from), int32(len(b.text))}
}

// settle gives the matches their text, once all are there: one string for a unit. It
// returns the memory that they were gathered in.
func (b *baseMatches) settle() packing {
	b.all = string(b.text)
	for i := range b.list {
		m, at := &b.list[i], &b.at[i]
		m.Group, m.Values = b.all[at.group.from:at.group.to], b.all[at.values.from:at.values.to]
	}
	p := packing{b.text[:0], b.at[:0]}
	b.packing = packing{}
	if cap(p.text) > keptText {
		p.text = nil
	}
	return p
}

// keptText is how much memory for texts is kept for the next unit.
const keptText = 1 << 20

// bytes is what the matches take in memory.
func (b *baseMatches) bytes() int { return len(b.list)*matchSize + len(b.all) }
