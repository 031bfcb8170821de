package rollup

import (
	"math"
	"slices"
)

// Range is a range of hashes, both ends within it. What is added up by hash,
// of any number, is added up one range after the other: a range ends where there
// is as much in it as memory shall hold, and what lies behind is for another pass.
type Range struct{ From, To uint64 }

// AllHashes is the range of all hashes.
func AllHashes() Range { return Range{To: math.MaxUint64} }

// Has reports whether a hash is in the range.
func (r *Range) Has(hash uint64) bool { return hash >= r.From && hash <= r.To }

// Halve ends the range so that it holds half of the hashes given, two at least.
func (r *Range) Halve(hashes []uint64) {
	slices.Sort(hashes)
	r.To = hashes[len(hashes)/2] - 1
}

// Next goes on to the range behind, after one that held n of the hashes that may
// be held at once. It returns false when there is none.
func (r *Range) Next(n, most int) bool {
	if r.To == math.MaxUint64 {
		return false
	}
	width := r.To - r.From // hashes are spread evenly
	if n < most/2 {
		width += width / 2
	}
	r.From = r.To + 1
	if r.To = r.From + width; r.To < r.From {
		r.To = math.MaxUint64
	}
	return true
}

// KeysOf appends the keys of a map.
func KeysOf[V any](dst []uint64, m map[uint64]V) []uint64 {
	for k := range m {
		dst = append(dst, k)
	}
	return dst
}

// Outside drops what lies outside of a range.
func Outside[V any](m map[uint64]V, r Range) {
	for k := range m {
		if !r.Has(k) {
			delete(m, k)
		}
	}
}
