package tagger

import (
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// matches are the matches of one event in the streams of correlations. Their memory is
// used again for the next event.
type matches struct {
	list   []ttpcron.BaseMatch
	packed []byte // their groups and values, one after another
	ends   []int  // where each group, and each match's values, end in packed
}

// keptPacked is how much memory is kept for the next event.
const keptPacked = 64 << 10

func (m *matches) begin() {
	m.list, m.packed, m.ends = m.list[:0], m.packed[:0], m.ends[:0]
	if cap(m.packed) > keptPacked {
		m.packed = nil
	}
}

// add adds the matches of an event.
func (m *matches) add(e *ttpcron.Event, v *verdict, own ttpcron.Networks) {
	if !v.streams {
		return
	}
	for i := range v.findings {
		for _, s := range v.findings[i].rule.streams {
			packed, group, ok := s.Append(m.packed, e, own)
			if ok {
				m.ends = append(m.ends, len(m.packed)+group, len(packed))
				m.packed = packed
				m.list = append(m.list, ttpcron.BaseMatch{Stream: s, Time: e.Time, Seq: e.Seq})
			}
		}
	}
	// Only now does what was packed stay where it is.
	all, from := unsafe.String(unsafe.SliceData(m.packed), len(m.packed)), 0
	for i := range m.list {
		x := &m.list[i]
		group, end := m.ends[2*i], m.ends[2*i+1]
		x.Group, x.Values, from = all[from:group], all[group:end], end
	}
}
