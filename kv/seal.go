package kv

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
)

// lookAt checks what the entries of a leaf say: each record, and the name of each
// bucket.
func (t *tree) lookAt(p *treePage) {
	nested := t.Name == "" || layout.Nests(&t.Place)
	sum := layout.SumOf(&t.Place)
	for i := range p.count {
		k := p.key(i)
		v, isBucket := p.value(i)
		if isBucket != nested {
			fail("%s: %x is a bucket where none should be, or is none", t.Name, k)
		}
		if isBucket {
			at := t.Below(k)
			if len(v) < page.BucketSize || !at.Named(binary.LittleEndian.Uint64(v[8:])) {
				fail("%s: the entry of bucket %x was changed", t.Name, k)
			}
		} else if err := sum.Check(k, v); err != nil {
			fail("%s %x: entry %x: %v", t.In, t.Name, k, err)
		}
	}
}

// open looks at both ends of a bucket. All leaves of a tree are equally deep.
func (t *tree) open() {
	c := treeCursor{tree: *t}
	var first, last []byte
	if c.first() {
		first, _, _ = c.entry()
	}
	depth := len(c.stack)
	if c.last() {
		last, _, _ = c.entry()
	}
	if t.depth = len(c.stack); t.depth != depth {
		fail("%q in %q: pages lie at another depth than others", t.Name, t.In)
	}
	if t.Name != "" && t.Sealed(t.seq) && t.Seal(t.Count(t.seq), first, last) != t.seq {
		fail("%q in %q begins or ends elsewhere than it should", t.Name, t.In)
	}
}

// missing makes sure that a bucket which was not found in the file is not there
// under a name that was changed.
func (t *tree) missing() {
	c := treeCursor{tree: *t}
	for ok := c.first(); ok; ok = c.next() {
		if k, _, _ := c.entry(); layout.Find(string(k)) == nil {
			fail("bucket %q belongs to no part of the store", k)
		}
	}
}

// sealAll seals the buckets that a transaction has changed.
func (tx *txn) sealAll() error {
	for at, b := range tx.changed {
		c := b.Cursor()
		first, _ := c.First()
		first = bytes.Clone(first)
		last, _ := c.Last()
		if err := reseal(b.w, at, at.Count(b.w.Sequence()), first, last); err != nil {
			return err
		}
	}
	return nil
}

func reseal(b *bbolt.Bucket, at page.Place, count uint64, first, last []byte) error {
	if seq := at.Seal(count, first, last); seq != b.Sequence() {
		return b.SetSequence(seq)
	}
	return nil
}
