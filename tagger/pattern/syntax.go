package pattern

import (
	"slices"
	"unicode"
)

type op uint8

const (
	opEmpty     op = iota
	opLiteral      // one rune
	opClass        // one rune of a set
	opConcat       // subs, one after the other
	opAlternate    // one of subs
	opRepeat       // subs[0], min to max times
	opGroup        // subs[0], captured
	opAtomic       // subs[0], never backtracked into
	opLook         // subs[0] holds here (or does not), consuming nothing
	opBackref      // what group n captured
	opCondition    // subs[0] if group n took part, else subs[1]
	opBegin        // \A, and ^
	opBeginLine    // ^ under (?m)
	opEnd          // \Z
	opDollar       // $: the end, or before a newline that is the end
	opEndLine      // $ under (?m)
	opWord         // \b
	opNotWord      // \B
)

// node is a node of a parsed expression. The parser has resolved the flags, so a node does
// not depend on its place.
type node struct {
	op   op
	fold bool   // for opLiteral, opClass and opBackref: ignore case
	char rune   // opLiteral
	set  []rune // opClass: sorted pairs of first and last
	subs []*node

	min, max         int // opRepeat; max is -1 for no limit
	lazy, possessive bool

	group          int  // opGroup, opBackref, opCondition; from 1
	behind, negate bool // opLook
	width          int  // opLook with behind: how many runes it looks back

	knowledge *known // what known found out; nil before
}

// The sets are those of Python's re under re.ASCII: attackers type ASCII into shells, and
// Go's \b knows nothing else.
var (
	digitSet = []rune{'0', '9'}
	spaceSet = []rune{'\t', '\r', ' ', ' '}
	wordSet  = []rune{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	// anySet is what a dot matches without (?s).
	anySet  = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	fullSet = []rune{0, unicode.MaxRune}
)

// normalise sorts pairs and joins adjacent ones.
func normalise(set []rune) []rune {
	type pair struct{ lo, hi rune }
	pairs := make([]pair, 0, len(set)/2)
	for i := 0; i+1 < len(set); i += 2 {
		pairs = append(pairs, pair{set[i], set[i+1]})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return int(a.lo - b.lo) })
	out := make([]rune, 0, len(set))
	for _, p := range pairs {
		if n := len(out); n > 0 && p.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p.hi)
			continue
		}
		out = append(out, p.lo, p.hi)
	}
	return out
}

// complement returns the runes that are not in a normalised set.
func complement(set []rune) []rune {
	out := make([]rune, 0, len(set)+2)
	next := rune(0)
	for i := 0; i+1 < len(set); i += 2 {
		if set[i] > next {
			out = append(out, next, set[i]-1)
		}
		next = set[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

// contains reports whether a normalised set holds r.
func contains(set []rune, r rune) bool {
	if len(set) <= 8 {
		for i := 0; i+1 < len(set); i += 2 {
			if r >= set[i] && r <= set[i+1] {
				return true
			}
		}
		return false
	}
	lo, hi := 0, len(set)/2
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		switch {
		case r < set[2*m]:
			hi = m
		case r > set[2*m+1]:
			lo = m + 1
		default:
			return true
		}
	}
	return false
}

// containsFold reports whether a set holds r in any case.
func containsFold(set []rune, r rune) bool {
	if contains(set, r) {
		return true
	}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if contains(set, f) {
			return true
		}
	}
	return false
}

// equalFold reports whether two runes are one letter.
func equalFold(a, b rune) bool {
	if a == b {
		return true
	}
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return false
}

// width returns how many runes a node always consumes, or false if that varies.
func (n *node) fixedWidth() (int, bool) {
	switch n.op {
	case opLiteral, opClass:
		return 1, true
	case opConcat:
		sum := 0
		for _, s := range n.subs {
			w, ok := s.fixedWidth()
			if !ok {
				return 0, false
			}
			sum += w
		}
		return sum, true
	case opAlternate, opCondition:
		first, ok := n.subs[0].fixedWidth()
		for _, s := range n.subs[1:] {
			w, same := s.fixedWidth()
			ok = ok && same && w == first
		}
		return first, ok
	case opRepeat:
		w, ok := n.subs[0].fixedWidth()
		return w * n.min, ok && n.min == n.max
	case opGroup, opAtomic:
		return n.subs[0].fixedWidth()
	case opBackref:
		return 0, false
	}
	return 0, true // nothing, or an assertion
}

const maxLeast = 1 << 20

// least returns the length of the shortest match in bytes, or less.
func (n *node) least() int {
	sum := 0
	switch n.op {
	case opLiteral, opClass:
		return 1 // another case of a character may be shorter
	case opConcat:
		for _, s := range n.subs {
			sum = min(sum+s.least(), maxLeast)
		}
	case opAlternate:
		sum = maxLeast
		for _, s := range n.subs {
			sum = min(sum, s.least())
		}
	case opRepeat:
		return min(n.min*n.subs[0].least(), maxLeast)
	case opGroup, opAtomic:
		return n.subs[0].least()
	}
	return sum
}
