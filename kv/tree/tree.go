package tree

import (
	"bytes"
	"encoding/binary"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
)

// Tree is a bucket as a snapshot has it.
type Tree struct {
	s      *Snapshot
	root   uint64
	Inline Page // of a small bucket, which has no page of its own
	Seq    uint64
	depth  int // of its leaves; 0: not known yet
	page.Place
}

// Sub reads the entry of a bucket in the bucket.
func (t *Tree) Sub(name, v []byte) Tree {
	s, at := t.s, t.Below(name)
	if len(v) < page.BucketSize {
		Fail("the entry of bucket %q is too short", name)
	}
	sub := Tree{s: s, root: binary.LittleEndian.Uint64(v), Seq: binary.LittleEndian.Uint64(v[8:]), Place: at}
	if sub.root != 0 {
		if len(v) != page.BucketSize {
			Fail("the entry of bucket %q is too long", name)
		}
		return sub
	}
	v = v[page.BucketSize:]
	le := binary.LittleEndian
	if len(v) < page.HeadSize || le.Uint64(v) != 0 || le.Uint16(v[8:]) != page.FlagLeaf || le.Uint32(v[12:]) != 0 {
		Fail("the page of bucket %q has a wrong header", name)
	}
	sub.Inline = Page{data: v, Count: int(le.Uint16(v[10:])), Leaf: true}
	if end := sub.Inline.look(0); end != len(v) {
		Fail("bucket %q has bytes that belong to nothing", name)
	}
	sub.lookAt(&sub.Inline)
	return sub
}

// Open looks at both ends of a bucket. All leaves of a tree are equally deep.
func (t *Tree) Open() {
	c := Cursor{Tree: *t}
	var first, last []byte
	if c.First() {
		first, _, _ = c.Entry()
	}
	depth := len(c.stack)
	if c.Last() {
		last, _, _ = c.Entry()
	}
	if t.depth = len(c.stack); t.depth != depth {
		Fail("%q in %q: pages lie at another depth than others", t.Name, t.In)
	}
	if t.Name != "" && t.Sealed(t.Seq) && t.Seal(t.Count(t.Seq), first, last) != t.Seq {
		Fail("%q in %q begins or ends elsewhere than it should", t.Name, t.In)
	}
}

// lookAt checks the contents of a leaf: each record, and the name of each bucket.
func (t *Tree) lookAt(p *Page) {
	nested := t.Name == "" || layout.Nests(&t.Place)
	sum := layout.SumOf(&t.Place)
	for i := range p.Count {
		k := p.Key(i)
		v, isBucket := p.value(i)
		if isBucket != nested {
			Fail("%s: %x is a bucket where none should be, or is none", t.Name, k)
		}
		if isBucket {
			at := t.Below(k)
			if len(v) < page.BucketSize || !at.Named(binary.LittleEndian.Uint64(v[8:])) {
				Fail("%s: the entry of bucket %x was changed", t.Name, k)
			}
		} else if err := sum.Check(k, v); err != nil {
			Fail("%s %x: entry %x: %v", t.In, t.Name, k, err)
		}
	}
}

// Missing makes sure that a bucket which was not found in the file is not there
// under a name that was changed.
func (t *Tree) Missing() {
	c := Cursor{Tree: *t}
	for ok := c.First(); ok; ok = c.Next() {
		if k, _, _ := c.Entry(); layout.Find(string(k)) == nil {
			Fail("bucket %q belongs to no part of the store", k)
		}
	}
}

// Start returns the page at which a walk through the tree begins.
func (t *Tree) Start() Page {
	if t.root == 0 {
		return t.Inline
	}
	return t.Page(t.root)
}

// child returns the page that an entry of a branch leads to, where the keys of
// the page end before hi unless that is nil.
func (t *Tree) child(p *Page, i int, hi []byte) Page {
	c := t.Page(p.Child(i))
	if c.Count == 0 || !bytes.Equal(c.Key(0), p.Key(i)) {
		Fail("page %d begins with another key than the page above says", c.ID)
	}
	if hi != nil && bytes.Compare(c.Key(c.Count-1), hi) >= 0 {
		Fail("page %d: keys are not in order", c.ID)
	}
	return c
}

// EachPage goes through all pages of the tree and of the buckets in it.
func (t *Tree) EachPage() {
	var walk func(t *Tree, p Page, hi []byte, depth int)
	walk = func(t *Tree, p Page, hi []byte, depth int) {
		if depth > page.MaxDepth {
			Fail("page %d leads back to where it came from", p.ID)
		}
		for i := range p.Count {
			if !p.Leaf {
				end := hi
				if i+1 < p.Count {
					end = p.Key(i + 1)
				}
				walk(t, t.child(&p, i, end), end, depth+1)
			} else if v, isBucket := p.value(i); isBucket {
				sub := t.Sub(p.Key(i), v)
				sub.Open()
				walk(&sub, sub.Start(), nil, depth+1)
			}
		}
	}
	walk(t, t.Start(), nil, 0)
}
