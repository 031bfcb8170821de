// Package literal finds which of many literals occur in a text, in one pass.
//
// At every position the last four bytes are hashed and looked up in a small bit table;
// on a hit, the literal is compared. This is Rabin and Karp's idea, with the rarest four
// bytes of each literal instead of its first. An Aho-Corasick automaton over the same
// literals exceeds a processor's caches and took five times as long when measured. Case
// is ignored, as in pattern.Fold.
//
// As in an inverted index, each literal has postings: the ids that require it. A scan
// returns these ids, not the positions of literals. A posting may apply only to some
// fields, such as the path of a program; a scan is told which field its text is.
package literal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

const (
	gram        = 4 // bytes that are hashed
	filterBits  = 18
	bucketBits  = 14
	hashFactor  = 0x9E3779B1 // 2^32 divided by the golden ratio
	bucketShift = 32 - bucketBits
	filterShift = 32 - filterBits
)

// Index is a set of literals with their postings. It is immutable and safe for
// concurrent use.
type Index struct {
	fold     [256]byte
	literals []entry
	postings []posting
	filter   [1 << filterBits / 64]uint64 // hashes of the chosen four bytes
	buckets  [1 << bucketBits]uint16      // first of the literals with a hash, from 1
	pairs    [1 << 16 / 64]uint64         // two bytes that a literal of two or three ends with
	byPair   []uint16                     // which list of ending is theirs
	ending   [][]shortLiteral             // those literals
	single   [256]uint16                  // literals of one byte, from 1
}

type entry struct {
	text string // folded
	gram uint32 // the chosen four bytes
	end  int    // where they end
	next uint16 // another literal of the bucket, from 1
	// postings[from:to] are its postings.
	from, to uint32
}

// Fields is a set of fields that texts are values of, a bit for each.
type Fields uint16

// posting is the id that requires a literal, and the fields.
type posting struct {
	id uint16
	in Fields
}

// Builder collects literals.
type Builder struct {
	postings map[string][]posting
}

// Add makes a scan report the id for texts of the fields that contain the literal, which
// is folded first. An empty literal is ignored.
func (b *Builder) Add(literal string, id int, in Fields) {
	if literal == "" {
		return
	}
	if b.postings == nil {
		b.postings = map[string][]posting{}
	}
	literal = pattern.Fold(literal)
	b.postings[literal] = append(b.postings[literal], posting{uint16(id), in})
}

// Len returns how many literals there are.
func (b *Builder) Len() int { return len(b.postings) }

// maxLiterals is how many literals can be numbered.
const maxLiterals = 1<<16 - 2

// Build makes the index. If there are more literals than can be numbered, the last in
// alphabetical order count as found wherever their first byte occurs.
func (b *Builder) Build() *Index {
	s := &Index{byPair: make([]uint16, 1<<16)}
	for c := range s.fold {
		s.fold[c] = byte(c)
		if c >= 'A' && c <= 'Z' {
			s.fold[c] = byte(c) + 'a' - 'A'
		}
	}
	texts := make([]string, 0, len(b.postings))
	for text := range b.postings {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	if len(texts) > maxLiterals {
		b.shorten(texts[maxLiterals-256:])
		return b.Build()
	}
	counts := grams(texts)
	for _, text := range texts {
		e := entry{text: text, end: rarest(text, counts), from: uint32(len(s.postings))}
		s.postings = append(s.postings, merged(b.postings[text])...)
		e.to = uint32(len(s.postings))
		s.add(e)
	}
	return s
}

// merged has each id once, in ascending order.
func merged(postings []posting) []posting {
	slices.SortFunc(postings, func(a, b posting) int { return cmp.Compare(a.id, b.id) })
	out := postings[:0]
	for _, p := range postings {
		if n := len(out); n > 0 && out[n-1].id == p.id {
			out[n-1].in |= p.in
		} else {
			out = append(out, p)
		}
	}
	return out
}

// shorten cuts literals to their first bytes, so that there are fewer: a scan then finds
// too many, and misses none.
func (b *Builder) shorten(texts []string) {
	for _, text := range texts {
		if len(text) > 1 {
			b.postings[text[:1]] = append(b.postings[text[:1]], b.postings[text]...)
			delete(b.postings, text)
		}
	}
}

// grams counts how many places in the literals have each four bytes.
func grams(texts []string) map[string]int {
	counts := map[string]int{}
	for _, t := range texts {
		for i := gram; i <= len(t); i++ {
			counts[t[i-gram:i]]++
		}
	}
	return counts
}

// rarest returns the end of the four bytes of a literal that occur in the fewest others.
// Runs of one byte are the last choice: an attacker can write many of them cheaply.
func rarest(text string, counts map[string]int) int {
	best, least := 0, 0
	for i := gram; i <= len(text); i++ {
		g := text[i-gram : i]
		n := counts[g]
		if g[0] == g[1] && g[1] == g[2] || g[1] == g[2] && g[2] == g[3] || g[0] == g[2] && g[1] == g[3] {
			n += 1 << 20
		}
		if best == 0 || n < least {
			best, least = i, n
		}
	}
	return best
}

func (s *Index) add(e entry) {
	number := uint16(len(s.literals))
	s.literals = append(s.literals, e)
	n := len(e.text)
	switch {
	case n == 1:
		s.single[e.text[0]] = number + 1
		return
	case n < gram:
		pair := uint16(e.text[n-2])<<8 | uint16(e.text[n-1])
		if s.pairs[pair>>6]&(1<<(pair&63)) == 0 {
			s.pairs[pair>>6] |= 1 << (pair & 63)
			s.byPair[pair] = uint16(len(s.ending))
			s.ending = append(s.ending, nil)
		}
		list := &s.ending[s.byPair[pair]]
		short := shortLiteral{number: number}
		if n > 2 {
			short.lead, short.long = e.text[0], true
		}
		*list = append(*list, short)
		return
	}
	var v uint32
	for _, c := range []byte(e.text[e.end-gram : e.end]) {
		v = v<<8 | uint32(c)
	}
	s.literals[number].gram = v
	h := v * hashFactor
	s.filter[h>>filterShift>>6] |= 1 << (h >> filterShift & 63)
	s.literals[number].next = s.buckets[h>>bucketShift]
	s.buckets[h>>bucketShift] = number + 1
}

// shortLiteral is a literal of two bytes, or of three, of which lead is the first.
type shortLiteral struct {
	number uint16
	lead   byte
	long   bool
}

// IDs is a set of ids, a bit for each.
type IDs []uint64

// Add puts an id into the set, which must have room for it.
func (s IDs) Add(id int) { s[id>>6] |= 1 << (id & 63) }

// With returns the set with an id in it, grown where it must be.
func (s IDs) With(id int) IDs {
	for len(s) <= id>>6 {
		s = append(s, 0)
	}
	s.Add(id)
	return s
}

// Meets reports whether two sets have an id in common.
func (s IDs) Meets(other IDs) bool {
	for i := range min(len(s), len(other)) {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// Has reports whether an id is in the index.
func (s IDs) Has(id int) bool {
	return id>>6 < len(s) && s[id>>6]&(1<<(id&63)) != 0
}

// Scanner scans texts, and remembers which literals it has reported since the
// last Reset. It is not safe for concurrent use.
type Scanner struct {
	index *Index
	seen  []Fields // in which fields each literal was
	dirty []uint16 // literals that were anywhere
}

// Scanner returns a scanner of the index.
func (s *Index) Scanner() *Scanner {
	return &Scanner{index: s, seen: make([]Fields, len(s.literals))}
}

// Reset forgets which literals were reported.
func (s *Scanner) Reset() {
	for _, number := range s.dirty {
		s.seen[number] = 0
	}
	s.dirty = s.dirty[:0]
}

// copies reports whether a text must be folded before it is scanned, since it
// may hold U+212A or U+017F.
func copies(text string) bool {
	return strings.IndexByte(text, 0xe2) >= 0 || strings.IndexByte(text, 0xc5) >= 0
}

// Cost returns how many bytes a scan of a text walks and makes.
func Cost(text string) int {
	if copies(text) {
		return 2 * len(text)
	}
	return len(text)
}

// Scan adds the ids that require a literal in the text, in one of the fields that the
// text is a value of. It skips literals that an earlier text of these fields contained.
func (s *Scanner) Scan(text string, in Fields, found IDs) {
	if copies(text) {
		text = pattern.Fold(text)
	}
	index := s.index
	var v uint32
	for i := 0; i < len(text); i++ {
		c := index.fold[text[i]]
		if n := index.single[c]; n != 0 && s.seen[n-1]&in != in {
			s.report(n-1, in, found)
		}
		v = v<<8 | uint32(c)
		if pair := uint16(v); index.pairs[pair>>6]&(1<<(pair&63)) != 0 {
			s.short(text, i+1, index.ending[index.byPair[pair]], in, found)
		}
		h := v * hashFactor
		if f := h >> filterShift; index.filter[f>>6]&(1<<(f&63)) != 0 && i >= gram-1 {
			s.verify(text, i+1, v, in, found)
		}
	}
}

// short reports those of some literals of two or three bytes that end at a
// position.
func (s *Scanner) short(text string, end int, ending []shortLiteral, in Fields, found IDs) {
	if end < 2 {
		return
	}
	var lead byte
	if end >= 3 {
		lead = s.index.fold[text[end-3]]
	}
	for i := range ending {
		e := &ending[i]
		if (!e.long || end >= 3 && e.lead == lead) && s.seen[e.number]&in != in {
			s.report(e.number, in, found)
		}
	}
}

// verify reports the literals whose chosen bytes are gram and end at a position.
func (s *Scanner) verify(text string, end int, gram uint32, in Fields, found IDs) {
	for next := s.index.buckets[gram*hashFactor>>bucketShift]; next != 0; {
		number := next - 1
		e := &s.index.literals[number]
		next = e.next
		if e.gram != gram || s.seen[number]&in == in {
			continue
		}
		from := end - e.end
		if from >= 0 && from+len(e.text) <= len(text) && s.equal(text[from:from+len(e.text)], e.text) {
			s.report(number, in, found)
		}
	}
}

// equal compares a part of a text with a folded literal of the same length.
func (s *Scanner) equal(part, literal string) bool {
	for i := range len(literal) {
		if s.index.fold[part[i]] != literal[i] {
			return false
		}
	}
	return true
}

func (s *Scanner) report(number uint16, in Fields, found IDs) {
	seen := s.seen[number]
	in &^= seen
	if in == 0 {
		return
	}
	if seen == 0 {
		s.dirty = append(s.dirty, number)
	}
	s.seen[number] = seen | in
	e := &s.index.literals[number]
	for _, p := range s.index.postings[e.from:e.to] {
		if p.in&in != 0 {
			found.Add(int(p.id))
		}
	}
}
