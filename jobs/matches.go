package jobs

import (
	"slices"
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// baseMatches are the base matches of a unit's events.
type baseMatches struct {
	list []keptMatch
	text []byte // a worker's memory, in which their text is gathered
	all  string // their text, once all are there
	// The most recent groups: the next event is mostly of one of them.
	recent [8]textPart
	next   int
}

// keptMatch is a match in few bytes: the index of its event in the unit, and where its
// text is.
type keptMatch struct {
	stream        *ttpcron.Stream
	event         int32
	group, values textPart
}

type textPart struct{ from, to int32 }

// matchSize is about how much memory a base match takes in addition to its text.
const matchSize = 80

// add takes over the matches of an event, given by its index, with their text. Matches that
// share a text keep sharing it.
func (b *baseMatches) add(event int, found []ttpcron.BaseMatch) {
	first := len(b.list)
	for i := range found {
		m := &found[i]
		one := keptMatch{stream: m.Stream, event: int32(event)}
		known := false
		for k := range found[:i] {
			if sameText(found[k].Group, m.Group) {
				one.group, known = b.list[first+k].group, true
				break
			}
		}
		if !known {
			one.group = b.group(m.Group)
		}
		known = m.Values == ""
		for k := range found[:i] {
			if !known && sameText(found[k].Values, m.Values) {
				one.values, known = b.list[first+k].values, true
			}
		}
		if !known {
			one.values = b.keep(m.Values)
		}
		b.list = append(b.list, one)
	}
}

// sameText reports whether two texts are one in memory.
func sameText(a, b string) bool {
	return len(a) == len(b) && unsafe.StringData(a) == unsafe.StringData(b)
}

// group keeps a group's text, unless it is one of the most recent.
func (b *baseMatches) group(text string) textPart {
	for _, p := range b.recent {
		if string(b.text[p.from:p.to]) == text {
			return p
		}
	}
	p := b.keep(text)
	b.recent[b.next%len(b.recent)] = p
	b.next++
	return p
}

func (b *baseMatches) keep(text string) textPart {
	from := len(b.text)
	b.text = append(b.text, text...)
	return textPart{int32(from), int32(len(b.text))}
}

// settle gives the matches their text once the unit is complete, as one string. It returns
// the memory in which the text was gathered.
func (b *baseMatches) settle() (text []byte) {
	b.all, text = string(b.text), b.text[:0]
	b.text = nil
	if cap(text) > keptText {
		return nil
	}
	return text
}

// keptText is how much memory for texts is reused for the next unit.
const keptText = 1 << 20

// bytes is how much memory the matches take once appended.
func (b *baseMatches) bytes() int { return len(b.list)*matchSize + len(b.all) }

// appendTo appends the matches of these events. It doubles its memory each time, up to a
// group's limit.
func (b *baseMatches) appendTo(dst []ttpcron.BaseMatch, events []ttpcron.Event) []ttpcron.BaseMatch {
	if n := len(b.list); cap(dst)-len(dst) < n {
		dst = slices.Grow(dst, max(n, min(cap(dst), maxGroupMatch/matchSize-len(dst))))
	}
	for i := range b.list {
		m := &b.list[i]
		e := &events[m.event]
		dst = append(dst, ttpcron.BaseMatch{
			Stream: m.stream, Group: b.all[m.group.from:m.group.to], Values: b.all[m.values.from:m.values.to], Time: e.Time, Seq: e.Seq,
		})
	}
	return dst
}
