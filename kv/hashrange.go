package kv

import (
	"math"
	"slices"
)

// hashRange is a range of hashes, both ends within it. What is added up by hash,
// of any number, is added up one range after the other: a range ends where there
// is as much in it as memory shall hold, and what lies behind is for another pass.
type hashRange struct{ from, to uint64 }

func allHashes() hashRange { return hashRange{to: math.MaxUint64} }

func (r *hashRange) has(hash uint64) bool { return hash >= r.from && hash <= r.to }

// halve ends the range so that it holds half of the hashes given, two at least.
func (r *hashRange) halve(hashes []uint64) {
	slices.Sort(hashes)
	r.to = hashes[len(hashes)/2] - 1
}

// next goes on to the range behind, after one that held n of the hashes that may
// be held at once. It returns false when there is none.
func (r *hashRange) next(n, most int) bool {
	if r.to == math.MaxUint64 {
		return false
	}
	width := r.to - r.from // hashes are spread evenly
	if n < most/2 {
		width += width / 2
	}
	r.from = r.to + 1
	if r.to = r.from + width; r.to < r.from {
		r.to = math.MaxUint64
	}
	return true
}

// keysOf appends the keys of a map.
func keysOf[V any](dst []uint64, m map[uint64]V) []uint64 {
	for k := range m {
		dst = append(dst, k)
	}
	return dst
}

// outside drops what lies outside of a range.
func outside[V any](m map[uint64]V, r hashRange) {
	for k := range m {
		if !r.has(k) {
			delete(m, k)
		}
	}
}
