package kv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// bbolt maps the file and trusts what it finds there: a page whose count was
// changed hides entries, one that leads to itself ends the process. So the pages
// that a transaction reads are looked at before anything is taken from them. What
// a page can say of itself is looked at once for each state of the store; what
// must agree between a page and the one above it, whenever a reader goes down.
// Nothing is read for it that would not be read anyway.

// snapshot is the file as one transaction sees it.
type snapshot struct {
	*state
	data []byte // the mapped pages in use; dies with the transaction
}

// state is what has been found out about a state of the store. It outlives the
// transactions that see that state, and so holds nothing of the mapping: a write
// may map the file anew.
type state struct {
	txid    uint64 // of the transaction that made it
	pages   uint64
	root    uint64
	free    page.Bitmap // pages that are in the list of free pages, nil when it is not known
	badFree string      // what is wrong with that list
	good    []atomic.Uint32
}

// fail ends a transaction over a damaged page; guard makes it an error.
func fail(format string, args ...any) { panic(record.Damage(fmt.Sprintf(format, args...))) }

// snapshotOf returns the snapshot of a transaction. It knows what the one before
// knew when nothing has been written since.
func (db *DB) snapshotOf(t *bbolt.Tx) *snapshot {
	info := db.bolt.Info()
	if info.PageSize != page.Size {
		fail("its pages have %d bytes", info.PageSize)
	}
	txid, size := uint64(t.ID()), t.Size()
	if t.Writable() {
		txid--
	}
	data := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&info.Data))), int(size))
	if last := db.last.Load(); last != nil && last.txid == txid {
		return &snapshot{last, data}
	}
	pages := uint64(size) / page.Size
	s := &snapshot{&state{txid: txid, pages: pages, root: uint64(t.Cursor().Bucket().Root()), good: make([]atomic.Uint32, pages/32+1)}, data}
	s.readFree()
	db.last.Store(s.state)
	return s
}

// readFree reads the list of free pages. It stays unknown when two commits have
// passed since the transaction began and the header is not there any more.
func (s *snapshot) readFree() {
	for i := range 2 {
		m := page.ParseHeader(s.data[i*page.Size:(i+1)*page.Size], uint64(i), int64(len(s.data)))
		if m.Bad != "" || m.TxID != s.txid || m.Freelist == page.NoFreelist {
			continue
		}
		f := page.File{R: bytes.NewReader(s.data), Bytes: int64(len(s.data)), Header: &m}
		free := page.NewBitmap(s.pages)
		_, bad, err := f.Freelist(func(id uint64) {
			if id < 2 || id >= s.pages {
				s.badFree = "the list of free pages holds some outside of the file"
				return
			}
			free.Add(id)
		})
		if err != nil {
			bad = err.Error()
		}
		if bad != "" {
			s.badFree = bad
		}
		if s.badFree == "" {
			s.free = free
		}
		return
	}
}

// treePage is a page that has been looked at, with its overflow.
type treePage struct {
	id    uint64 // 0 for the page of a small bucket
	data  []byte
	count int
	leaf  bool
}

// tree returns the list of the file's buckets.
func (s *snapshot) tree() *tree {
	t := &tree{s: s, root: s.root}
	t.open()
	return t
}

// page returns a page of the tree.
func (t *tree) page(id uint64) treePage {
	s := t.s
	if id < 2 || id >= s.pages {
		fail("page %d is outside of the file", id)
	}
	at := s.data[id*page.Size:]
	le := binary.LittleEndian
	flags, over := le.Uint16(at[8:]), uint64(le.Uint32(at[12:]))
	p := treePage{id: id, count: int(le.Uint16(at[10:])), leaf: flags == page.FlagLeaf}
	word, bit := &s.good[id/32], uint32(1)<<(id%32)
	if word.Load()&bit != 0 {
		p.data = at[:(over+1)*page.Size]
		return p
	}
	switch own := le.Uint64(at); {
	case own != id:
		fail("page %d says that it is page %d", id, own)
	case flags != page.FlagBranch && flags != page.FlagLeaf:
		fail("page %d has no place in a tree", id)
	case id+over >= s.pages:
		fail("page %d reaches over the end of the file", id)
	}
	for i := range over + 1 {
		if s.free != nil && s.free.Has(id+i) {
			fail("page %d is in use and in the list of free pages", id+i)
		}
	}
	p.data = at[:(over+1)*page.Size]
	if want := max(1, (p.look(s.root)+page.Size-1)/page.Size); want != int(over)+1 {
		fail("page %d takes %d pages where its entries need %d", id, over+1, want)
	}
	if p.leaf {
		t.lookAt(&p)
	}
	word.Or(bit)
	return p
}

// look looks at the entries of a page: their contents lie one after the other
// without gaps, and keys rise. Only the root page of a new file has none: bbolt
// keeps an empty bucket in its entry. It returns where the last one ends.
func (p *treePage) look(root uint64) int {
	le := binary.LittleEndian
	next := page.HeadSize + p.count*page.ElementSize
	if next > len(p.data) {
		fail("page %d counts %d entries, more than it can hold", p.id, p.count)
	}
	if p.count == 0 && p.id != 0 && (!p.leaf || p.id != root) {
		fail("page %d has no entries", p.id)
	}
	var last []byte
	for i := range p.count {
		at := page.HeadSize + i*page.ElementSize
		head := p.data[at : at+page.ElementSize]
		var pos, ksize, vsize uint32
		if p.leaf {
			pos, ksize, vsize = le.Uint32(head[4:]), le.Uint32(head[8:]), le.Uint32(head[12:])
			if le.Uint32(head) > 1 {
				fail("page %d: entry %d is of no known sort", p.id, i)
			}
		} else {
			pos, ksize = le.Uint32(head), le.Uint32(head[4:])
		}
		end := int64(next) + int64(ksize) + int64(vsize)
		if int64(at)+int64(pos) != int64(next) || ksize == 0 || end > int64(len(p.data)) {
			fail("page %d: entry %d lies where it should not", p.id, i)
		}
		key := p.data[next : next+int(ksize)]
		if i > 0 && bytes.Compare(key, last) <= 0 {
			fail("page %d: keys are not in order", p.id)
		}
		last, next = key, int(end)
	}
	return next
}

// key returns the key of an entry.
func (p *treePage) key(i int) []byte {
	at := page.HeadSize + i*page.ElementSize
	head := p.data[at : at+page.ElementSize]
	le := binary.LittleEndian
	var from, size int
	if p.leaf {
		from, size = at+int(le.Uint32(head[4:])), int(le.Uint32(head[8:]))
	} else {
		from, size = at+int(le.Uint32(head)), int(le.Uint32(head[4:]))
	}
	return p.data[from : from+size : from+size]
}

// value returns the value of an entry of a leaf, and whether it is a bucket.
func (p *treePage) value(i int) (v []byte, isBucket bool) {
	at := page.HeadSize + i*page.ElementSize
	head := p.data[at : at+page.ElementSize]
	le := binary.LittleEndian
	from := at + int(le.Uint32(head[4:])) + int(le.Uint32(head[8:]))
	to := from + int(le.Uint32(head[12:]))
	return p.data[from:to:to], le.Uint32(head) != 0
}

// child returns the page that an entry of a branch leads to.
func (p *treePage) child(i int) uint64 {
	return binary.LittleEndian.Uint64(p.data[page.HeadSize+i*page.ElementSize+8:])
}

// search returns the first entry whose key is not below the one given, and
// whether it is that key.
func (p *treePage) search(key []byte) (int, bool) {
	lo, hi := 0, p.count
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch bytes.Compare(p.key(mid), key) {
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

// tree is a bucket as a snapshot has it.
type tree struct {
	s      *snapshot
	root   uint64
	inline treePage // of a small bucket, which has no page of its own
	seq    uint64
	depth  int // of its leaves; 0: not known yet
	page.Place
}

// sub reads the entry of a bucket in the bucket.
func (t *tree) sub(name, v []byte) tree {
	s, at := t.s, t.Below(name)
	if len(v) < page.BucketSize {
		fail("the entry of bucket %q is too short", name)
	}
	sub := tree{s: s, root: binary.LittleEndian.Uint64(v), seq: binary.LittleEndian.Uint64(v[8:]), Place: at}
	if sub.root != 0 {
		if len(v) != page.BucketSize {
			fail("the entry of bucket %q is too long", name)
		}
		return sub
	}
	v = v[page.BucketSize:]
	le := binary.LittleEndian
	if len(v) < page.HeadSize || le.Uint64(v) != 0 || le.Uint16(v[8:]) != page.FlagLeaf || le.Uint32(v[12:]) != 0 {
		fail("the page of bucket %q has a wrong header", name)
	}
	sub.inline = treePage{data: v, count: int(le.Uint16(v[10:])), leaf: true}
	if end := sub.inline.look(0); end != len(v) {
		fail("bucket %q has bytes that belong to nothing", name)
	}
	sub.lookAt(&sub.inline)
	return sub
}

// start returns the page at which a walk through the tree begins.
func (t *tree) start() treePage {
	if t.root == 0 {
		return t.inline
	}
	return t.page(t.root)
}

// child returns the page that an entry of a branch leads to, where the keys of
// the page end before hi unless that is nil.
func (t *tree) child(p *treePage, i int, hi []byte) treePage {
	c := t.page(p.child(i))
	if c.count == 0 || !bytes.Equal(c.key(0), p.key(i)) {
		fail("page %d begins with another key than the page above says", c.id)
	}
	if hi != nil && bytes.Compare(c.key(c.count-1), hi) >= 0 {
		fail("page %d: keys are not in order", c.id)
	}
	return c
}

// eachPage goes through all pages of the tree and of the buckets in it.
func (t *tree) eachPage() {
	var walk func(t *tree, p treePage, hi []byte, depth int)
	walk = func(t *tree, p treePage, hi []byte, depth int) {
		if depth > page.MaxDepth {
			fail("page %d leads back to where it came from", p.id)
		}
		for i := range p.count {
			if !p.leaf {
				end := hi
				if i+1 < p.count {
					end = p.key(i + 1)
				}
				walk(t, t.child(&p, i, end), end, depth+1)
			} else if v, isBucket := p.value(i); isBucket {
				sub := t.sub(p.key(i), v)
				sub.open()
				walk(&sub, sub.start(), nil, depth+1)
			}
		}
	}
	walk(t, t.start(), nil, 0)
}
