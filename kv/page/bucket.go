package page

import (
	"bytes"
	"encoding/binary"
)

// Bucket is a bucket within its parent.
type Bucket struct {
	Root     uint64
	Sequence uint64
	Inline   []byte // the page of a bucket without pages of its own; nil otherwise

	// Set by Sub, which knows them:
	Place
	sealed bool
	Seq    uint64 // as it is in the file
}

// ParseBucket reads the value of an entry that is a bucket. The reference keeps
// a copy.
func ParseBucket(v []byte) (b Bucket, bad string) {
	if len(v) < BucketSize {
		return b, "the entry of a bucket is too short"
	}
	b.Root, b.Sequence = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
	switch {
	case b.Root != 0 && len(v) != BucketSize:
		return b, "the entry of a bucket is too long"
	case b.Root == 0 && len(v) < BucketSize+HeadSize:
		return b, "a bucket points nowhere"
	case b.Root == 0:
		b.Inline = bytes.Clone(v[BucketSize:])
	}
	return b, ""
}

// Sub reads the entry of a bucket in the bucket.
func (b *Bucket) Sub(e Element) (Bucket, string) {
	ref, bad := ParseBucket(e.Value)
	ref.Place = b.Below(e.Key)
	ref.Seq, ref.sealed = ref.Sequence, ref.Place.Sealed(ref.Sequence)
	if ref.sealed {
		ref.Sequence = ref.Count(ref.Seq)
	}
	return ref, bad
}
