package kv

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// attackerSum adds up the tags of one attacker.
type attackerSum struct {
	tags      int
	day       ttpcron.Day // the first
	last      ttpcron.Day
	first     int64  // nanoseconds of day
	lastNanos int64  // nanoseconds of last
	named     []byte // the attacker's record in the rollup of day, which dies with the transaction
}

// attackerSums adds up the attackers in a range of hashes, over all days.
type attackerSums struct {
	rollup.Range
	most int // so many at once
	sums map[uint64]attackerSum
}

// maxSums is how many attackers are added up in one pass: about 15 MiB.
const maxSums = 1 << 17

func newAttackerSums(most int) *attackerSums {
	return &attackerSums{Range: rollup.AllHashes(), most: most, sums: map[uint64]attackerSum{}}
}

// add adds the tags of an attacker on a day; days come in ascending order.
func (a *attackerSums) add(day ttpcron.Day, hash uint64, t record.Tally, named func() []byte) {
	s, ok := a.sums[hash]
	if !ok {
		if len(a.sums) == a.most {
			a.Halve(rollup.KeysOf(nil, a.sums))
			rollup.Outside(a.sums, a.Range)
		}
		if !a.Has(hash) {
			return
		}
		s = attackerSum{day: day, last: day, first: t.First, lastNanos: t.Last, named: named()}
	}
	s.tags += t.Tags
	if s.day == day {
		s.first = min(s.first, t.First)
	}
	if s.last < day {
		s.last, s.lastNanos = day, 0
	}
	s.lastNanos = max(s.lastNanos, t.Last)
	a.sums[hash] = s
}

// next moves to the next range.
func (a *attackerSums) next() bool {
	more := a.Range.Next(len(a.sums), a.most)
	clear(a.sums)
	return more
}

// topAttackers keeps the ttpcron.MaxAttackers attackers with the most tags.
type topAttackers struct {
	list  []ttpcron.AttackerCount
	least int // tags that an attacker needs to be among them
}

func compareAttackers(a, b ttpcron.AttackerCount) int {
	return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.AttackerIP, b.AttackerIP), cmp.Compare(a.AttackerUUID, b.AttackerUUID), cmp.Compare(a.IdentityUUID, b.IdentityUUID))
}

// add keeps the list up to twice as long as needed, and then sorts and cuts it.
func (t *topAttackers) add(a ttpcron.AttackerCount) {
	t.list = append(t.list, a)
	if len(t.list) == 2*ttpcron.MaxAttackers {
		t.list = t.sorted()
		t.least = t.list[ttpcron.MaxAttackers-1].Tags
	}
}

func (t *topAttackers) sorted() []ttpcron.AttackerCount {
	slices.SortFunc(t.list, compareAttackers)
	return t.list[:min(len(t.list), ttpcron.MaxAttackers)]
}
