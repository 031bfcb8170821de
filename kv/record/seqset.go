package record

// SeqSet is a set of arrival numbers. Those of a day are close together and take about a
// bit each.
type SeqSet struct {
	parts map[uint64]*[seqPart / 64]uint64
	n     int
}

const seqPart = 1 << 14

// Add adds a number, and reports whether it is new.
func (s *SeqSet) Add(seq uint64) bool {
	part := s.parts[seq/seqPart]
	if part == nil {
		if s.parts == nil {
			s.parts = map[uint64]*[seqPart / 64]uint64{}
		}
		part = new([seqPart / 64]uint64)
		s.parts[seq/seqPart] = part
	}
	word, bit := &part[seq%seqPart/64], uint64(1)<<(seq%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.n++
	return true
}

// Has reports whether a number is in the set.
func (s *SeqSet) Has(seq uint64) bool {
	part := s.parts[seq/seqPart]
	return part != nil && part[seq%seqPart/64]&(1<<(seq%64)) != 0
}

// Len returns how many numbers there are.
func (s *SeqSet) Len() int { return s.n }
