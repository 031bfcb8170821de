package page

import (
	"encoding/binary"
	"hash/crc32"
)

// A page does not say which bucket it belongs to. If the entry of a bucket was changed, the
// bucket begins at another page, which may be intact. So the number that bbolt keeps for
// each bucket holds a seal: checksums of the bucket's name and of its first and last key,
// which are compared when the bucket is opened. A part of a tree begins or ends with
// another key than the whole tree.
//
// A nested bucket has the checksum of its names in the upper 32 bits, so that a list of
// days can be trusted without opening each, and the checksum of its ends in the lower 32. A
// top-level bucket has the checksum of its ends in the upper 24 bits and its own number in
// the others.
//
// Buckets written before schema 4 have no seal until they are written to or
// copied.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const countBits = 40

// CountMask has the bits of the number that a top-level bucket keeps.
const CountMask = 1<<countBits - 1

// Place says where a bucket is: its name, and the name of the bucket that contains it,
// empty for a top-level bucket.
type Place struct{ In, Name string }

func (p *Place) sum(more ...[]byte) uint32 {
	sum := uint32(0)
	for _, part := range append([][]byte{[]byte(p.In), []byte(p.Name)}, more...) {
		sum = crc32.Update(sum, castagnoli, binary.AppendUvarint(nil, uint64(len(part))))
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// Seal returns the number of a bucket with the seal in it. Keys are nil if there are none.
func (p *Place) Seal(count uint64, first, last []byte) uint64 {
	if p.In == "" {
		count &= CountMask
		ends := p.sum(first, last, binary.AppendUvarint(nil, count)) >> 8
		return uint64(max(1, ends))<<countBits | count
	}
	return uint64(p.sum())<<32 | uint64(max(1, p.sum(first, last)))
}

// Sealed reports whether the number of a bucket has a seal in it.
func (p *Place) Sealed(seq uint64) bool { return seq > CountMask || p.In != "" && seq != 0 }

// Named reports whether the number of a bucket, if sealed, belongs to a bucket of that
// name.
func (p *Place) Named(seq uint64) bool {
	return p.In == "" || !p.Sealed(seq) || seq>>32 == uint64(p.sum())
}

// Count returns the number that a bucket keeps for itself.
func (p *Place) Count(seq uint64) uint64 {
	if p.In != "" {
		return 0
	}
	return seq & CountMask
}

// Below returns the place of a bucket in the bucket.
func (p *Place) Below(name []byte) Place { return Place{In: p.Name, Name: string(name)} }
