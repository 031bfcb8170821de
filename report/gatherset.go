package report

import "math/bits"

// idSet is a set of small numbers. Most have few; others use a bit map.
type idSet struct {
	n   uint16 // how many; inRow: ids has the number of the row
	ids [7]uint16
}

const inRow = ^uint16(0)

// bitRows are the rows of sets that have many numbers. They have a bound: beyond, numbers
// are not added.
type bitRows struct {
	rows  [][]uint64
	free  []uint32
	words int
	bound int // words
	lost  bool
}

func (s *idSet) row() uint32 { return uint32(s.ids[0])<<16 | uint32(s.ids[1]) }

func (r *bitRows) add(s *idSet, id uint16) {
	if s.n == inRow {
		r.set(s.row(), id)
		return
	}
	for _, has := range s.ids[:s.n] {
		if has == id {
			return
		}
	}
	if int(s.n) < len(s.ids) {
		s.ids[s.n] = id
		s.n++
		return
	}
	if r.words >= r.bound {
		r.lost = true
		return
	}
	var row uint32
	if n := len(r.free); n > 0 {
		row, r.free = r.free[n-1], r.free[:n-1]
	} else {
		row = uint32(len(r.rows))
		r.rows = append(r.rows, nil)
	}
	for _, has := range s.ids {
		r.set(row, has)
	}
	r.set(row, id)
	s.n, s.ids[0], s.ids[1] = inRow, uint16(row>>16), uint16(row)
}

func (r *bitRows) set(row uint32, id uint16) {
	b := r.rows[row]
	if word := int(id / 64); word >= len(b) {
		if r.words >= r.bound {
			r.lost = true
			return
		}
		grown := make([]uint64, word+1)
		copy(grown, b)
		r.words += len(grown) - len(b)
		r.rows[row], b = grown, grown
	}
	b[id/64] |= 1 << (id % 64)
}

// each calls do for the numbers of a set.
func (r *bitRows) each(s *idSet, do func(id uint16)) {
	if s.n != inRow {
		for _, id := range s.ids[:s.n] {
			do(id)
		}
		return
	}
	for word, b := range r.rows[s.row()] {
		for ; b != 0; b &= b - 1 {
			do(uint16(word*64 + bits.TrailingZeros64(b)))
		}
	}
}

// drop releases a set's memory.
func (r *bitRows) drop(s *idSet) {
	if s.n == inRow {
		row := s.row()
		r.words -= len(r.rows[row])
		r.rows[row] = nil
		r.free = append(r.free, row)
	}
}

// count is how many numbers a set has.
func (r *bitRows) count(s *idSet) (n int) {
	if s.n != inRow {
		return int(s.n)
	}
	for _, b := range r.rows[s.row()] {
		n += bits.OnesCount64(b)
	}
	return n
}

// met reports whether something appeared before at the same instant: tags of one event
// have its time and come close together.
type met struct {
	sec, nsec int64
	seen      pairs
	lost      bool // of an instant there was more than can be told apart
}

func (m *met) at(sec, nsec int64) {
	if m.sec == sec && m.nsec == nsec {
		return
	}
	m.sec, m.nsec, m.lost = sec, nsec, m.lost || m.seen.lost
	m.seen.n, m.seen.lost = 0, false
	if len(m.seen.slots) > firstSlots { // what has grown takes long to clear
		m.seen.slots = nil
	}
	clear(m.seen.slots)
}
