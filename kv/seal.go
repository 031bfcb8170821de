package kv

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/record"
)

// A page cannot say to which bucket it belongs: where the entry of a bucket was
// changed, the bucket begins at another page, which may be whole. So the number
// that bbolt keeps for each bucket holds sums of the bucket's name and of its
// first and last key, the seal, which whoever opens the bucket compares with what
// is there. A part of a tree begins or ends with another key than the whole tree.
//
// A bucket in a bucket has a sum of its names in the upper 32 bits, so that a list
// of days can be trusted without opening each of them, and the sum of its ends in
// the lower 32. A bucket of the file has the sum of its ends in the upper 24 bits
// and a number of its own in the others.
//
// Buckets written before schema 4 have no seal until they are written to or
// copied.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	countBits = 40
	countMask = 1<<countBits - 1
)

// place says where a bucket lies: its name, and that of the bucket which it lies
// in, empty for a bucket of the file.
type place struct{ in, name string }

func (p *place) sum(more ...[]byte) uint32 {
	sum := uint32(0)
	for _, part := range append([][]byte{[]byte(p.in), []byte(p.name)}, more...) {
		sum = crc32.Update(sum, castagnoli, binary.AppendUvarint(nil, uint64(len(part))))
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// seal returns the number of a bucket with the seal in it. Keys are nil when there
// are none.
func (p *place) seal(count uint64, first, last []byte) uint64 {
	if p.in == "" {
		count &= countMask
		ends := p.sum(first, last, binary.AppendUvarint(nil, count)) >> 8
		return uint64(max(1, ends))<<countBits | count
	}
	return uint64(p.sum())<<32 | uint64(max(1, p.sum(first, last)))
}

// sealed reports whether the number of a bucket has a seal in it.
func (p *place) sealed(seq uint64) bool { return seq > countMask || p.in != "" && seq != 0 }

// named reports whether the number of a bucket, as far as it is sealed, is of one
// of that name.
func (p *place) named(seq uint64) bool {
	return p.in == "" || !p.sealed(seq) || seq>>32 == uint64(p.sum())
}

// count returns the number that a bucket keeps for itself.
func (p *place) count(seq uint64) uint64 {
	if p.in != "" {
		return 0
	}
	return seq & countMask
}

// nests reports whether the bucket holds buckets, which hold the records.
func (p *place) nests() bool { return p.in == "" && nested[p.name] }

var nested = map[string]bool{
	string(bucketHistory): true, string(bucketDays): true, string(bucketCoverage): true, string(bucketIdentity): true, string(bucketTags): true, string(bucketRollups): true,
}

// below returns the place of a bucket in the bucket.
func (p *place) below(name []byte) place { return place{in: p.name, name: string(name)} }

// checkRecord checks the sum of a record of the bucket, which covers the key and,
// in a bucket in a bucket and an index, the bucket's name.
func (p *place) checkRecord(k, rec []byte) error {
	if record.IsOldAlias(rec) && p.in == string(bucketRollups) && k[0] == record.RollupAlias {
		return nil
	}
	var prefix []byte
	if p.in != "" || p.name == string(bucketNamed) || p.name == string(bucketRejected) {
		prefix = []byte(p.name)
	}
	return record.CheckSum(rec, prefix, k)
}

// lookAt checks what the entries of a leaf say: each record, and the name of each
// bucket.
func (t *tree) lookAt(p *treePage) {
	file := t.name == ""
	for i := range p.count {
		k := p.key(i)
		v, isBucket := p.value(i)
		if isBucket != (file || t.nests()) {
			fail("%s: %x is a bucket where none should be, or is none", t.name, k)
		}
		if isBucket {
			at := t.below(k)
			if len(v) < bucketHeader || !at.named(binary.LittleEndian.Uint64(v[8:])) {
				fail("%s: the entry of bucket %x was changed", t.name, k)
			}
		} else if err := t.checkRecord(k, v); err != nil {
			fail("%s %x: entry %x: %v", t.in, t.name, k, err)
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
		fail("%q in %q: pages lie at another depth than others", t.name, t.in)
	}
	if t.name != "" && t.sealed(t.seq) && t.seal(t.count(t.seq), first, last) != t.seq {
		fail("%q in %q begins or ends elsewhere than it should", t.name, t.in)
	}
}

// late reports whether a bucket of the file may be missing.
func late(name []byte) bool {
	return slices.ContainsFunc(lateBuckets, func(b []byte) bool { return bytes.Equal(b, name) })
}

// known reports whether there is a bucket of that name in a store.
func known(name string) bool {
	return late([]byte(name)) || slices.ContainsFunc(allBuckets, func(b []byte) bool { return string(b) == name })
}

// missing makes sure that a bucket which was not found in the file is not there
// under a name that was changed.
func (t *tree) missing() {
	c := treeCursor{tree: *t}
	for ok := c.first(); ok; ok = c.next() {
		if k, _, _ := c.entry(); !known(string(k)) {
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
		if err := reseal(b.w, at, at.count(b.w.Sequence()), first, last); err != nil {
			return err
		}
	}
	return nil
}

func reseal(b *bbolt.Bucket, at place, count uint64, first, last []byte) error {
	if seq := at.seal(count, first, last); seq != b.Sequence() {
		return b.SetSequence(seq)
	}
	return nil
}
