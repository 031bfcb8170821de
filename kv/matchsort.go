package kv

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// A commit's matches are sorted by sorting their groups, which are fewer, and giving each
// its rows: these come in order of arrival, which is mostly that of time.

// matchPart is the matches of one day and grouping.
type matchPart struct {
	day      ttpcron.Day
	grouping uint32
	text     string // of the group met last
	group    uint32
}

// newGroup is a group of a part.
type newGroup struct {
	record.GroupHash
	part   uint32
	first  uint32 // a match of it
	number uint32 // in the order in which they were met
	rows   uint32
}

// matchRoom is memory for the matches of a commit, which is used again.
type matchRoom struct {
	groups, spare  []newGroup
	slots          []uint32 // numbers plus 1 of groups, by a hash of part and text
	of             []uint32 // the group of each match
	unsorted, rows []match.Row
	values         []string
	lists          []match.Group
}

// matchSorter sorts the matches of a commit.
type matchSorter struct {
	*matchRoom
	matches []ttpcron.BaseMatch
	secret  *record.Secret
	parts   []matchPart
	index   map[partKey]uint32
	latest  []latestPart // by grouping
}

// partKey is the key of a part.
type partKey struct {
	day      ttpcron.Day
	grouping uint32
}

type latestPart struct {
	day  ttpcron.Day
	part uint32
	some bool
}

// endOfYears is the second at which the year 10000 begins.
var endOfYears = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

const daySeconds = 24 * 60 * 60

// sort puts each day's matches in order. Of those with equal keys, the last counts.
func (m *matchCommit) sort(matches []ttpcron.BaseMatch, of func(ttpcron.Day) *matchChange) error {
	if len(matches) == 0 {
		return nil
	}
	s := matchSorter{matchRoom: &m.db.room, matches: matches, secret: &m.db.secret, index: map[partKey]uint32{}}
	s.groups, s.values = s.groups[:0], s.values[:0]
	s.of = slices.Grow(s.of[:0], len(matches))
	s.unsorted = slices.Grow(s.unsorted[:0], len(matches))
	s.resize(1 << 10)
	for i := range matches {
		b := &matches[i]
		second := b.Time.Unix()
		if b.Stream == nil || b.Seq == 0 || second < 0 || second >= endOfYears {
			return fmt.Errorf("base match without stream, event or time: event %d of %v", b.Seq, b.Time)
		}
		n := m.streams.of(b.Stream)
		day := second / daySeconds
		row := match.Row{Nanos: (second-day*daySeconds)*1e9 + int64(b.Time.Nanosecond()), Seq: b.Seq, Stream: n.stream, Values: match.NoValues}
		if b.Values != "" {
			row.Values = int32(len(s.values))
			s.values = append(s.values, b.Values)
		}
		group := s.group(s.part(ttpcron.Day(day), n.grouping), uint32(i))
		s.groups[group].rows++
		s.of, s.unsorted = append(s.of, group), append(s.unsorted, row)
	}
	s.sortGroups()
	s.sortRows(of)
	return nil
}

// part returns the number of a part.
func (s *matchSorter) part(day ttpcron.Day, grouping uint32) uint32 {
	for int(grouping) >= len(s.latest) {
		s.latest = append(s.latest, latestPart{})
	}
	l := &s.latest[grouping]
	if l.some && l.day == day {
		return l.part
	}
	at := partKey{day, grouping}
	part, ok := s.index[at]
	if !ok {
		part = uint32(len(s.parts))
		s.index[at], s.parts = part, append(s.parts, matchPart{day: day, grouping: grouping})
	}
	*l = latestPart{day, part, true}
	return part
}

// group returns the number of a match's group: mostly that of the match before it in its
// part. Only a new group must be hashed with the secret.
func (s *matchSorter) group(part, i uint32) uint32 {
	p, text := &s.parts[part], s.matches[i].Group
	if p.text == text && text != "" {
		return p.group
	}
	if 2*len(s.groups) >= len(s.slots) {
		s.resize(2 * len(s.slots))
	}
	slot := s.slot(part, text)
	if *slot == 0 {
		s.groups = append(s.groups, newGroup{GroupHash: s.secret.Group(text), part: part, first: i, number: uint32(len(s.groups))})
		*slot = uint32(len(s.groups))
	}
	p.text, p.group = text, *slot-1
	return p.group
}

var groupSeed = maphash.MakeSeed()

// slot returns where the number of a group is, or belongs.
func (s *matchSorter) slot(part uint32, text string) *uint32 {
	mask := uint64(len(s.slots) - 1)
	for at := maphash.String(groupSeed, text) + uint64(part)*0x9e3779b97f4a7c15; ; at++ {
		slot := &s.slots[at&mask]
		if *slot == 0 {
			return slot
		}
		if g := &s.groups[*slot-1]; g.part == part && s.matches[g.first].Group == text {
			return slot
		}
	}
}

// resize makes room for half as many groups, a power of two.
func (s *matchSorter) resize(slots int) {
	s.slots = slices.Grow(s.slots[:0], slots)[:slots]
	clear(s.slots)
	for i := range s.groups {
		*s.slot(s.groups[i].part, s.matches[s.groups[i].first].Group) = uint32(i + 1)
	}
}

// sortGroups sorts groups by day, grouping and hash: first by the part and 16 bits of the
// hash, a digit after the other, which leaves little to compare.
func (s *matchSorter) sortGroups() {
	order := make([]int, len(s.parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.parts[a].day, s.parts[b].day), cmp.Compare(s.parts[a].grouping, s.parts[b].grouping))
	})
	rank := make([]int, len(s.parts))
	for i, part := range order {
		rank[part] = i
	}
	groups, spare := s.groups, slices.Grow(s.spare[:0], len(s.groups))[:len(s.groups)]
	counts := make([]int, max(256, len(s.parts)))
	for _, digit := range [...]func(g *newGroup) int{
		func(g *newGroup) int { return int(g.Hi >> 48 & 0xff) }, func(g *newGroup) int { return int(g.Hi >> 56) }, func(g *newGroup) int { return rank[g.part] },
	} {
		clear(counts)
		for i := range groups {
			counts[digit(&groups[i])]++
		}
		sum := 0
		for i, n := range counts {
			counts[i], sum = sum, sum+n
		}
		for i := range groups {
			d := digit(&groups[i])
			spare[counts[d]] = groups[i]
			counts[d]++
		}
		groups, spare = spare, groups
	}
	for i := 0; i < len(groups); {
		n := i + 1
		for n < len(groups) && groups[n].part == groups[i].part && groups[n].Hi>>48 == groups[i].Hi>>48 {
			n++
		}
		if n > i+1 {
			slices.SortFunc(groups[i:n], func(a, b newGroup) int { return a.Compare(b.GroupHash) })
		}
		i = n
	}
	s.groups, s.spare = groups, spare
}

// sortRows gives each group its rows, and each day its groups.
func (s *matchSorter) sortRows(of func(ttpcron.Day) *matchChange) {
	at := make([]uint32, len(s.groups)) // where the next row of a group belongs
	sum := uint32(0)
	for i := range s.groups {
		g := &s.groups[i]
		at[g.number] = sum
		sum += g.rows
	}
	s.rows = slices.Grow(s.rows[:0], len(s.unsorted))[:len(s.unsorted)]
	for i := range s.unsorted {
		n := &at[s.of[i]]
		s.rows[*n] = s.unsorted[i]
		*n++
	}
	s.lists = slices.Grow(s.lists[:0], len(s.groups))[:len(s.groups)]
	to := 0 // rows that were looked at, and those that are left of them
	left := 0
	for i := 0; i < len(s.groups); {
		day, first, base := s.parts[s.groups[i].part].day, i, left
		for ; i < len(s.groups) && s.parts[s.groups[i].part].day == day; i++ {
			g := &s.groups[i]
			from := left
			left += orderRows(s.rows[left:], s.rows[to:to+int(g.rows)])
			to += int(g.rows)
			s.lists[i] = match.Group{
				Hash: g.GroupHash, Grouping: s.parts[g.part].grouping, Text: s.matches[g.first].Group,
				From: int32(from - base), To: int32(left - base),
			}
		}
		of(day).add = match.List{Groups: s.lists[first:i:i], Rows: s.rows[base:left:left], Values: s.values}
	}
}

// orderRows puts the rows of a group in order in their place, and returns how many there
// are. Of equal ones, the last counts.
func orderRows(dst, rows []match.Row) (n int) {
	for i := 1; i < len(rows); i++ {
		if rows[i-1].Compare(&rows[i]) > 0 {
			slices.SortStableFunc(rows, func(a, b match.Row) int { return a.Compare(&b) })
			break
		}
	}
	for i := range rows {
		if n > 0 && dst[n-1].Same(&rows[i]) {
			n--
		}
		dst[n] = rows[i]
		n++
	}
	return n
}
