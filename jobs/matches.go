package jobs

import "github.com/ttpcron/ttpcron"

// baseMatches are the base matches of a unit's events.
type baseMatches struct {
	list []ttpcron.BaseMatch
	text []byte
	ends []int // in text: of the group and of the values of each
	all  string
}

// matchSize is about what a base match takes beside its text.
const matchSize = 80

// add takes over the matches of an event. Their text is not the caller's to keep.
func (b *baseMatches) add(found []ttpcron.BaseMatch) {
	for i := range found {
		m := &found[i]
		b.text = append(b.text, m.Group...)
		b.ends = append(b.ends, len(b.text))
		b.text = append(b.text, m.Values...)
		b.ends = append(b.ends, len(b.text))
		b.list = append(b.list, ttpcron.BaseMatch{Stream: m.Stream, Time: m.Time, Seq: m.Seq})
	}
}

// settle gives the matches their text, once all are there: one string for a unit.
func (b *baseMatches) settle() {
	all, from := string(b.text), 0
	for i := range b.list {
		m, group, values := &b.list[i], b.ends[2*i], b.ends[2*i+1]
		m.Group, m.Values = all[from:group], all[group:values]
		from = values
	}
	b.text, b.ends = nil, nil
	b.all = all
}

// bytes is what the matches take in memory.
func (b *baseMatches) bytes() int { return len(b.list)*matchSize + len(b.all) }
