package eval

import "slices"

// exactBelow is how many different hashes a sketch counts exactly.
const exactBelow = 4096

// sketch counts different hashes in bounded memory: it keeps the smallest ones.
// As hashes are spread evenly, how far up the largest of the smallest lies tells
// how many there are (k minimum values; Bar-Yossef and others, "Counting
// distinct elements in a data stream", 2002). Its standard error is one in the
// square root of exactBelow, 1.6 %.
type sketch struct {
	small   []uint64            // at most 2*exactBelow, in no order
	known   map[uint64]struct{} // those of small
	largest uint64              // hashes above it are of no interest, 0: all are
}

func (s *sketch) add(hash uint64) {
	if s.largest != 0 && hash > s.largest {
		return
	}
	if _, ok := s.known[hash]; ok {
		return
	}
	if s.known == nil {
		s.known = map[uint64]struct{}{}
	}
	s.known[hash] = struct{}{}
	s.small = append(s.small, hash)
	if len(s.small) == 2*exactBelow {
		s.shrink()
	}
}

// shrink keeps the exactBelow smallest hashes.
func (s *sketch) shrink() {
	slices.Sort(s.small)
	for _, hash := range s.small[exactBelow:] {
		delete(s.known, hash)
	}
	s.small = s.small[:exactBelow]
	s.largest = s.small[exactBelow-1]
}

func (s *sketch) count() int {
	if len(s.small) < exactBelow {
		return len(s.small)
	}
	s.shrink()
	return int(float64(exactBelow-1) / (float64(s.largest) / (1 << 64)))
}
