// Package match keeps the base matches of a day as sorted runs of blocks, and merges
// runs. It knows no transaction.
//
// Matches arrive in order of arrival and are read by group, in random order, so they are
// kept as in a log-structured merge tree (O'Neil et al., 1996). Additions and removals of a
// commit become a run. An entry of a younger run replaces one of an older run with the same
// key.
//
// Start with [List], which has entries in order, [Writer], which makes blocks of them,
// [Cursor], which reads them, and [Merge].
package match

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron/kv/record"
)

// List is entries in order, those of a group one after another. Most entries hold no
// pointer.
type List struct {
	Groups []Group
	Rows   []Row
	Values []string // packed, one for the rows that share it
}

// Group is a group of matches, and which rows they are.
type Group struct {
	Hash     record.GroupHash
	Grouping uint32
	From, To int32  // its rows, without the last
	Text     string // a [ttpcron.Group]
}

// Row is a match of a run, or says that one went.
type Row struct {
	Nanos  int64 // of the day
	Seq    uint64
	Stream uint32
	Values int32 // its index among the values, below 0 for none
	Form   Form
	Known  bool // said of what a commit brings: the store has it just so
}

// Form says what an entry does.
type Form byte

// The forms of entries. They are stored.
const (
	Came     Form = iota
	Went          // the match is no more
	Replaced      // the match had other values before
)

// NoValues stands in a row that has no values. All that went have none.
const NoValues = -1

// MaxEntries is how many entries a block has at most.
const MaxEntries = 512

// Key returns the key of a row of the group.
func (g *Group) Key(r *Row) record.MatchKey {
	return record.MatchKey{Grouping: g.Grouping, Hash: g.Hash, Nanos: r.Nanos, Seq: r.Seq, Stream: r.Stream}
}

// Compare orders groups.
func (g *Group) Compare(o *Group) int {
	if g.Grouping != o.Grouping {
		return cmp.Compare(g.Grouping, o.Grouping)
	}
	return g.Hash.Compare(o.Hash)
}

func (g *Group) compareKey(k *record.MatchKey) int {
	if g.Grouping != k.Grouping {
		return cmp.Compare(g.Grouping, k.Grouping)
	}
	return g.Hash.Compare(k.Hash)
}

// Compare orders the rows of a group.
func (r *Row) Compare(o *Row) int {
	switch {
	case r.Nanos != o.Nanos:
		return cmp.Compare(r.Nanos, o.Nanos)
	case r.Seq != o.Seq:
		return cmp.Compare(r.Seq, o.Seq)
	}
	return cmp.Compare(r.Stream, o.Stream)
}

// Same reports whether two rows of a group have one key.
func (r *Row) Same(o *Row) bool {
	return r.Seq == o.Seq && r.Stream == o.Stream && r.Nanos == o.Nanos
}

// Reset makes the list empty.
func (l *List) Reset() { l.Groups, l.Rows, l.Values = l.Groups[:0], l.Rows[:0], l.Values[:0] }

// Value returns the values of a row.
func (l *List) Value(r *Row) string {
	if r.Values < 0 {
		return ""
	}
	return l.Values[r.Values]
}

// Add adds an entry behind the others.
func (l *List) Add(g *Group, r *Row, values string) {
	if n := len(l.Groups); n == 0 || l.Groups[n-1].Compare(g) != 0 {
		at := int32(len(l.Rows))
		l.Groups = append(l.Groups, Group{Hash: g.Hash, Grouping: g.Grouping, Text: g.Text, From: at, To: at})
	}
	one := *r
	if one.Values = NoValues; values != "" {
		one.Values = int32(len(l.Values))
		l.Values = append(l.Values, values)
	}
	l.Rows = append(l.Rows, one)
	l.Groups[len(l.Groups)-1].To++
}

// Seek returns the first row whose key is not below one, and its group.
func (l *List) Seek(k *record.MatchKey) (group, row int) {
	group, ok := slices.BinarySearchFunc(l.Groups, k, func(g Group, k *record.MatchKey) int { return g.compareKey(k) })
	if !ok {
		if group < len(l.Groups) {
			return group, int(l.Groups[group].From)
		}
		return group, len(l.Rows)
	}
	g := &l.Groups[group]
	of := Row{Nanos: k.Nanos, Seq: k.Seq, Stream: k.Stream}
	n, _ := slices.BinarySearchFunc(l.Rows[g.From:g.To], &of, func(r Row, of *Row) int { return r.Compare(of) })
	if row = int(g.From) + n; row == int(g.To) {
		group++
	}
	return group, row
}

// Find returns the row with a key and its group, or nil.
func (l *List) Find(k *record.MatchKey) (*Group, *Row) {
	group, row := l.Seek(k)
	if group == len(l.Groups) {
		return nil, nil
	}
	if g, r := &l.Groups[group], &l.Rows[row]; g.Key(r) == *k {
		return g, r
	}
	return nil, nil
}

// Last returns the key of the last entry.
func (l *List) Last() record.MatchKey {
	return l.Groups[len(l.Groups)-1].Key(&l.Rows[len(l.Rows)-1])
}

// Begin leaves out the entries whose key is below one.
func (l *List) Begin(k *record.MatchKey) {
	group, row := l.Seek(k)
	if l.Groups = slices.Delete(l.Groups, 0, group); len(l.Groups) > 0 {
		l.Groups[0].From = int32(row)
	}
}
