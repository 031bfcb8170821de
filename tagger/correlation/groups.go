package correlation

import (
	"iter"
	"unsafe"
)

// groups are a node's groups within the group that is judged, as long as they may matter.
type groups struct {
	order recent
	of    []*group // by entry in order
	free  []*group
	freed int // bytes of these
}

// group is one of them.
type group struct {
	counter counter
	values  []byte // packed, of the node's keys
	ends    []int32
	size    int
}

// maxFree is how many bytes are kept for later groups.
const maxFree = 1 << 20

func (g *group) bytes() int {
	return int(unsafe.Sizeof(*g)) + 2*recentEntrySize + cap(g.values) + 4*cap(g.ends) + g.counter.size()
}

// find returns the group with these values, which is new when it is not there.
func (gs *groups) find(k key, at instant, n *node, values []byte, ends []int32) *group {
	e, fresh := gs.order.touch(k, at)
	if !fresh {
		return gs.of[e]
	}
	for int(e) >= len(gs.of) {
		gs.of = append(gs.of, nil)
	}
	var g *group
	if last := len(gs.free) - 1; last >= 0 {
		g, gs.free[last] = gs.free[last], nil
		gs.free = gs.free[:last]
		gs.freed -= g.bytes()
	} else {
		g = &group{counter: newCounter(n)}
	}
	g.values, g.ends = append(g.values[:0], values...), append(g.ends[:0], ends...)
	gs.of[e] = g
	return g
}

// seenAt yields the groups that have matches of a time, which must be the latest.
func (gs *groups) seenAt(t instant) iter.Seq[*group] {
	return func(yield func(*group) bool) {
		if gs.order.n == 0 {
			return
		}
		entries := gs.order.entries
		for e := entries[0].next; e != 0 && entries[e].at == t; e = entries[e].next {
			if !yield(gs.of[e]) {
				return
			}
		}
	}
}

// forget drops the group whose last match is oldest. It returns the bytes that this frees.
func (gs *groups) forget() int {
	e := gs.order.oldest()
	g := gs.of[e]
	gs.order.remove(e)
	gs.of[e] = nil
	return gs.drop(g)
}

func (gs *groups) drop(g *group) int {
	size := g.size
	g.counter.clear()
	g.size = 0
	if n := g.bytes(); gs.freed+n <= maxFree {
		gs.free, gs.freed = append(gs.free, g), gs.freed+n
	}
	return size
}

// forgetIdle forgets groups that had no match in the window that ends at t.
func (gs *groups) forgetIdle(t instant, span int64) (size int) {
	for gs.order.n > 0 && !gs.order.entries[gs.order.oldest()].at.within(t, span) {
		size += gs.forget()
	}
	return size
}

// clear forgets all groups.
func (gs *groups) clear() (size int) {
	for gs.order.n > 0 {
		size += gs.forget()
	}
	if len(gs.order.entries)*recentEntrySize > maxFree {
		gs.order, gs.of = recent{}, nil
	}
	return size
}
