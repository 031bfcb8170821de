package correlation

import "hash/maphash"

// A key stands for bytes that are compared but not kept: two hashes with seeds that are
// secret to the process.
type key struct{ a, b uint64 }

type keyer struct{ a, b maphash.Seed }

func newKeyer() keyer { return keyer{maphash.MakeSeed(), maphash.MakeSeed()} }

func (k *keyer) key(b []byte) key { return key{maphash.Bytes(k.a, b), maphash.Bytes(k.b, b)} }

// recent is a set of keys in the order in which they were last seen. Emptying it costs as
// much as it has entries now, not as many as it ever had.
type recent struct {
	entries []recentEntry // the first links the others into a ring, the latest next
	table   []int32       // open addressing: entries by key, 0 for none
	free    int32         // the first of the entries that are not used, linked by next
	n       int
}

type recentEntry struct {
	key        key
	at         instant
	prev, next int32
	place      int32 // in table
}

const recentEntrySize = 48 + 2*4 // with what it takes of a table that is half full

// touch notes that a key was seen just now. It returns the number of its entry, which
// stays the same until it is removed.
func (r *recent) touch(k key, at instant) (entry int32, fresh bool) {
	if len(r.entries) == 0 {
		r.entries = append(r.entries, recentEntry{})
	}
	if 2*(r.n+1) > len(r.table) {
		r.grow()
	}
	mask := uint64(len(r.table) - 1)
	p := k.a & mask
	for ; r.table[p] != 0; p = (p + 1) & mask {
		if e := r.table[p]; r.entries[e].key == k {
			r.entries[e].at = at
			if r.entries[0].next != e {
				r.unlink(e)
				r.link(e)
			}
			return e, false
		}
	}
	e := r.free
	if e != 0 {
		r.free = r.entries[e].next
	} else {
		e = int32(len(r.entries))
		r.entries = append(r.entries, recentEntry{})
	}
	r.entries[e].key, r.entries[e].at, r.entries[e].place = k, at, int32(p)
	r.table[p] = e
	r.link(e)
	r.n++
	return e, true
}

// oldest returns the entry that was not seen for longest. There is one.
func (r *recent) oldest() int32 { return r.entries[0].prev }

// remove takes an entry out.
func (r *recent) remove(e int32) {
	r.unlink(e)
	// Entries behind it move up, so that a search does not end at the hole.
	mask := int32(len(r.table) - 1)
	hole := r.entries[e].place
	for p := (hole + 1) & mask; r.table[p] != 0; p = (p + 1) & mask {
		o := &r.entries[r.table[p]]
		if home := int32(o.key.a & uint64(mask)); (p-home)&mask >= (p-hole)&mask {
			r.table[hole], o.place = r.table[p], hole
			hole = p
		}
	}
	r.table[hole] = 0
	r.entries[e].next, r.free = r.free, e
	r.n--
}

// clear empties the set.
func (r *recent) clear() {
	if r.n == 0 {
		return
	}
	for e := r.entries[0].next; e != 0; e = r.entries[e].next {
		r.table[r.entries[e].place] = 0
	}
	r.entries = r.entries[:1]
	r.entries[0] = recentEntry{}
	r.free, r.n = 0, 0
}

func (r *recent) link(e int32) {
	first := r.entries[0].next
	r.entries[e].prev, r.entries[e].next = 0, first
	r.entries[first].prev, r.entries[0].next = e, e
}

func (r *recent) unlink(e int32) {
	prev, next := r.entries[e].prev, r.entries[e].next
	r.entries[prev].next, r.entries[next].prev = next, prev
}

func (r *recent) grow() {
	r.table = make([]int32, max(8, 2*len(r.table)))
	mask := uint64(len(r.table) - 1)
	for e := r.entries[0].next; e != 0; e = r.entries[e].next {
		p := r.entries[e].key.a & mask
		for r.table[p] != 0 {
			p = (p + 1) & mask
		}
		r.table[p], r.entries[e].place = e, int32(p)
	}
}

// size is about how many bytes it takes.
func (r *recent) size() int { return cap(r.entries)*48 + 4*len(r.table) }
