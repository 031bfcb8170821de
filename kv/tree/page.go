package tree

import (
	"bytes"
	"encoding/binary"

	"github.com/ttpcron/ttpcron/kv/page"
)

// Page is a page that has been looked at, with its overflow.
type Page struct {
	ID    uint64 // 0 for the page of a small bucket
	data  []byte
	Count int
	Leaf  bool
}

// look checks the entries of a page: their contents follow one another without gaps, and
// keys ascend. Only the root page of a new file has none: bbolt keeps an empty bucket in
// its entry. It returns where the last one ends.
func (p *Page) look(root uint64) int {
	le := binary.LittleEndian
	next := page.HeadSize + p.Count*page.ElementSize
	if next > len(p.data) {
		Fail("page %d counts %d entries, more than it can hold", p.ID, p.Count)
	}
	if p.Count == 0 && p.ID != 0 && (!p.Leaf || p.ID != root) {
		Fail("page %d has no entries", p.ID)
	}
	var last []byte
	for i := range p.Count {
		at := page.HeadSize + i*page.ElementSize
		head := p.data[at : at+page.ElementSize]
		var pos, ksize, vsize uint32
		if p.Leaf {
			pos, ksize, vsize = le.Uint32(head[4:]), le.Uint32(head[8:]), le.Uint32(head[12:])
			if le.Uint32(head) > 1 {
				Fail("page %d: entry %d is of no known sort", p.ID, i)
			}
		} else {
			pos, ksize = le.Uint32(head), le.Uint32(head[4:])
		}
		end := int64(next) + int64(ksize) + int64(vsize)
		if int64(at)+int64(pos) != int64(next) || ksize == 0 || end > int64(len(p.data)) {
			Fail("page %d: entry %d lies where it should not", p.ID, i)
		}
		key := p.data[next : next+int(ksize)]
		if i > 0 && bytes.Compare(key, last) <= 0 {
			Fail("page %d: keys are not in order", p.ID)
		}
		last, next = key, int(end)
	}
	return next
}

// Key returns the key of an entry.
func (p *Page) Key(i int) []byte {
	at := page.HeadSize + i*page.ElementSize
	head := p.data[at : at+page.ElementSize]
	le := binary.LittleEndian
	var from, size int
	if p.Leaf {
		from, size = at+int(le.Uint32(head[4:])), int(le.Uint32(head[8:]))
	} else {
		from, size = at+int(le.Uint32(head)), int(le.Uint32(head[4:]))
	}
	return p.data[from : from+size : from+size]
}

// value returns the value of an entry of a leaf, and whether it is a bucket.
func (p *Page) value(i int) (v []byte, isBucket bool) {
	at := page.HeadSize + i*page.ElementSize
	head := p.data[at : at+page.ElementSize]
	le := binary.LittleEndian
	from := at + int(le.Uint32(head[4:])) + int(le.Uint32(head[8:]))
	to := from + int(le.Uint32(head[12:]))
	return p.data[from:to:to], le.Uint32(head) != 0
}

// Child returns the page that an entry of a branch leads to.
func (p *Page) Child(i int) uint64 {
	return binary.LittleEndian.Uint64(p.data[page.HeadSize+i*page.ElementSize+8:])
}

// search returns the first entry with at least the given key, and whether the keys are
// equal.
func (p *Page) search(key []byte) (int, bool) {
	lo, hi := 0, p.Count
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch bytes.Compare(p.Key(mid), key) {
		case -1:
			lo = mid + 1
		case 0:
			return mid, true
		default:
			hi = mid
		}
	}
	return lo, false
}

// Page returns a page of the tree.
func (t *Tree) Page(id uint64) Page {
	s := t.s
	if id < 2 || id >= s.pages {
		Fail("page %d is outside of the file", id)
	}
	at := s.Data[id*page.Size:]
	le := binary.LittleEndian
	flags, over := le.Uint16(at[8:]), uint64(le.Uint32(at[12:]))
	p := Page{ID: id, Count: int(le.Uint16(at[10:])), Leaf: flags == page.FlagLeaf}
	word, bit := &s.good[id/32], uint32(1)<<(id%32)
	if word.Load()&bit != 0 {
		p.data = at[:(over+1)*page.Size]
		return p
	}
	switch own := le.Uint64(at); {
	case own != id:
		Fail("page %d says that it is page %d", id, own)
	case flags != page.FlagBranch && flags != page.FlagLeaf:
		Fail("page %d has no place in a tree", id)
	case id+over >= s.pages:
		Fail("page %d reaches over the end of the file", id)
	}
	for i := range over + 1 {
		if s.free != nil && s.free.Has(id+i) {
			Fail("page %d is in use and in the list of free pages", id+i)
		}
	}
	p.data = at[:(over+1)*page.Size]
	if want := max(1, (p.look(s.root)+page.Size-1)/page.Size); want != int(over)+1 {
		Fail("page %d takes %d pages where its entries need %d", id, over+1, want)
	}
	if p.Leaf {
		t.lookAt(&p)
	}
	word.Or(bit)
	return p
}
