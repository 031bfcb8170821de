package kv

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// attackerSource lists the attackers of a day in the order of their hashes.
type attackerSource interface {
	// next returns the next attacker; ok is false at the end.
	next() (hash uint64, a attackerTally, ok bool, err error)
	of() ttpcron.Day
}

// storedAttackers reads the attackers of a day from its rollup.
type storedAttackers struct {
	day     ttpcron.Day
	cursor  *cursor
	started bool
}

func (s *storedAttackers) of() ttpcron.Day { return s.day }

func (s *storedAttackers) next() (hash uint64, a attackerTally, ok bool, err error) {
	var k, rec []byte
	if s.started {
		k, rec = s.cursor.Next()
	} else {
		k, rec = s.cursor.Seek([]byte{rollupAttacker})
		s.started = true
	}
	if len(k) != 9 || k[0] != rollupAttacker {
		return 0, a, false, nil
	}
	a, err = readAttacker(rec, dayKey(s.day), k)
	return binary.BigEndian.Uint64(k[1:]), a, err == nil, err
}

// countedAttackers lists attackers that were counted in memory.
type countedAttackers struct {
	day     ttpcron.Day
	hashes  []uint64
	tallies map[uint64]*attackerTally
}

func (c *countedAttackers) of() ttpcron.Day { return c.day }

func (c *countedAttackers) next() (hash uint64, a attackerTally, ok bool, err error) {
	if len(c.hashes) == 0 {
		return 0, a, false, nil
	}
	hash, c.hashes = c.hashes[0], c.hashes[1:]
	return hash, *c.tallies[hash], true, nil
}

// dayAttacker is the attacker that a source stands at.
type dayAttacker struct {
	source attackerSource
	day    ttpcron.Day
	hash   uint64
	at     attackerTally
}

// attackerHeap holds sources, the one with the lowest hash first.
type attackerHeap []*dayAttacker

func (h attackerHeap) Len() int           { return len(h) }
func (h attackerHeap) Less(i, j int) bool { return h[i].hash < h[j].hash }
func (h attackerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *attackerHeap) Push(v any)        { *h = append(*h, v.(*dayAttacker)) }

func (h *attackerHeap) Pop() any {
	old := *h
	v := old[len(old)-1]
	*h = old[:len(old)-1]
	return v
}

// open adds a source, unless it is empty.
func (h *attackerHeap) open(s attackerSource) error {
	hash, a, ok, err := s.next()
	if ok {
		heap.Push(h, &dayAttacker{s, s.of(), hash, a})
	}
	return err
}

// advance moves the first source to its next attacker, or drops it at its end.
func (h *attackerHeap) advance() error {
	d := (*h)[0]
	var ok bool
	var err error
	if d.hash, d.at, ok, err = d.source.next(); err != nil {
		return err
	}
	if !ok {
		heap.Pop(h)
		return nil
	}
	heap.Fix(h, 0)
	return nil
}

// topAttackers keeps the MaxAttackers with the most tags.
type topAttackers struct{ list []AttackerCount }

func compareAttackers(a, b AttackerCount) int {
	return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.AttackerIP, b.AttackerIP), cmp.Compare(a.AttackerUUID, b.AttackerUUID), cmp.Compare(a.IdentityUUID, b.IdentityUUID))
}

// add keeps the list up to twice as long as needed, and then sorts and cuts it.
func (t *topAttackers) add(a AttackerCount) {
	t.list = append(t.list, a)
	if len(t.list) == 2*MaxAttackers {
		t.list = t.sorted()
	}
}

func (t *topAttackers) sorted() []AttackerCount {
	slices.SortFunc(t.list, compareAttackers)
	return t.list[:min(len(t.list), MaxAttackers)]
}
