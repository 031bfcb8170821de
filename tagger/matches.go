package tagger

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// baseStream is a stream of a rule. Streams that group by the same fields share a number,
// and so do those that have the same values.
type baseStream struct {
	*ttpcron.Stream
	group, values int
}

// streamNumbers numbers groups and values of streams.
type streamNumbers struct{ groups, values map[string]int }

func newStreamNumbers() streamNumbers {
	return streamNumbers{map[string]int{}, map[string]int{}}
}

func (n streamNumbers) of(s *ttpcron.Stream) baseStream {
	var group []string
	for _, f := range s.Group {
		group = append(group, f.From, strconv.FormatBool(f.Optional))
	}
	return baseStream{s, numberOf(n.groups, fmt.Sprintf("%q", group)), numberOf(n.values, fmt.Sprintf("%q", s.Values))}
}

func numberOf(numbers map[string]int, text string) int {
	n, ok := numbers[text]
	if !ok {
		n = len(numbers)
		numbers[text] = n
	}
	return n
}

// matches are the matches of one event in the streams of correlations. Their memory is
// used again for the next event.
type matches struct {
	list   []ttpcron.BaseMatch
	packed []byte // groups and values, each once, one after another
	at     []packedAt

	// What is packed of the event by now, by number.
	groups, values []packedPart
	event          uint64
}

// packedAt says where group and values of a match are in packed.
type packedAt struct{ group, values packedPart }

// packedPart is a part of packed.
type packedPart struct {
	from, to int
	none     bool   // there is no such group
	event    uint64 // of which it is
}

// keptPacked is how much memory is kept for the next event.
const keptPacked = 64 << 10

func (m *matches) begin() {
	m.list, m.packed, m.at = m.list[:0], m.packed[:0], m.at[:0]
	if cap(m.packed) > keptPacked {
		m.packed = nil
	}
}

// add adds the matches of an event. Matches with the same group have the same text for it.
func (m *matches) add(e *ttpcron.Event, v *verdict, own ttpcron.Networks) {
	if !v.streams {
		return
	}
	m.event++
	for i := range v.findings {
		streams := v.findings[i].rule.streams
		for k := range streams {
			s := &streams[k]
			group := m.group(s, e, own)
			if group.none {
				continue
			}
			m.at = append(m.at, packedAt{group, m.valuesOf(s, e, own)})
			m.list = append(m.list, ttpcron.BaseMatch{Stream: s.Stream, Time: e.Time, Seq: e.Seq})
		}
	}
	// Only now does what was packed stay where it is.
	all := unsafe.String(unsafe.SliceData(m.packed), len(m.packed))
	for i := range m.list {
		at := &m.at[i]
		m.list[i].Group, m.list[i].Values = all[at.group.from:at.group.to], all[at.values.from:at.values.to]
	}
}

// group packs the group of an event in a stream, unless that was done.
func (m *matches) group(s *baseStream, e *ttpcron.Event, own ttpcron.Networks) packedPart {
	p := m.part(&m.groups, s.group)
	if p.event != m.event {
		packed, ok := s.AppendGroup(m.packed, e, own)
		*p = packedPart{len(m.packed), len(packed), !ok, m.event}
		m.packed = packed
	}
	return *p
}

// valuesOf does the same with values.
func (m *matches) valuesOf(s *baseStream, e *ttpcron.Event, own ttpcron.Networks) packedPart {
	p := m.part(&m.values, s.values)
	if p.event != m.event {
		packed := s.AppendValues(m.packed, e, own)
		*p = packedPart{len(m.packed), len(packed), false, m.event}
		m.packed = packed
	}
	return *p
}

func (m *matches) part(parts *[]packedPart, n int) *packedPart {
	for len(*parts) <= n {
		*parts = append(*parts, packedPart{})
	}
	return &(*parts)[n]
}
