package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Index is the form of a set of 64-bit hashes, each with a value of no, one or two numbers,
// that grows by batches. Hashes arrive in random order, for which a B+tree would rewrite a
// page each, so they are kept as sorted runs, as in a log-structured merge tree (O'Neil et
// al., 1996).
//
// A run is a list of chunks under <prefix> <run 4> <last hash of the chunk 8>;
// <prefix> <0 4> is the list of runs.
type Index struct {
	Name   []byte // goes into the checksums: the bucket's name
	Prefix []byte
	Width  int // of a value, in bytes: 8 for each number
}

// IndexValue is what is kept with a hash. Numbers that an index does not have are 0.
type IndexValue [2]uint64

// chunkBytes is the most bytes of entries in a chunk: two chunks fill a page.
const chunkBytes = 1900

// IndexRun is one sorted run.
type IndexRun struct {
	ID    uint32
	Count int
}

// ContentIndex is the index of content-derived ids of a kind and day. Its values say where
// the event is and what facts it has.
func ContentIndex(kind ttpcron.SourceKind, day ttpcron.Day) Index {
	return Index{Name: []byte(kind), Prefix: DayKey(day), Width: 8}
}

// NamedIndex is the index of given ids. Its values are the digest of an event's record and
// its place.
func NamedIndex() Index { return Index{Name: []byte("named"), Width: 16} }

// RejectedIndex is that of the index of rejects.
func RejectedIndex() Index { return Index{Name: []byte("rejected")} }

// PurgedIndex is that of the index of events that were purged.
func PurgedIndex() Index { return Index{Name: []byte("purged")} }

// EntrySize returns the size of an entry.
func (x *Index) EntrySize() int { return 8 + x.Width }

// ListKey is the key of the list of runs.
func (x *Index) ListKey() []byte {
	return append(slices.Clone(x.Prefix), 0, 0, 0, 0)
}

// ChunkKey is the key of the chunk of a run that ends with a hash.
func (x *Index) ChunkKey(id uint32, last uint64) []byte {
	k := make([]byte, 0, len(x.Prefix)+12)
	k = binary.BigEndian.AppendUint32(append(k, x.Prefix...), id)
	return binary.BigEndian.AppendUint64(k, last)
}

// AppendRuns appends the record of the list of runs.
func (x *Index) AppendRuns(dst []byte, runs []IndexRun) []byte {
	dst = typeIndexRuns.Begin(dst)
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	for _, r := range runs {
		dst = binary.AppendUvarint(dst, uint64(r.ID))
		dst = binary.AppendUvarint(dst, uint64(r.Count))
	}
	return End(dst, x.Name, x.ListKey())
}

// ReadRuns reads the list of runs, oldest first.
func (x *Index) ReadRuns(rec []byte) ([]IndexRun, error) {
	r, err := typeIndexRuns.Open(rec, x.Name, x.ListKey())
	if err != nil {
		return nil, x.Wrap(err)
	}
	out := make([]IndexRun, r.Count(len(r.Rest)))
	for i := range out {
		out[i] = IndexRun{uint32(r.Uvarint()), r.Count(1 << 30)}
	}
	return out, x.Wrap(r.Finish())
}

// Wrap says of which index an error speaks.
func (x *Index) Wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("index %s: %w", x.Name, err)
}

// IsChunk reports whether a key is that of a chunk of a run.
func (x *Index) IsChunk(id uint32, k []byte) bool {
	return len(k) == len(x.Prefix)+12 && bytes.HasPrefix(k, x.Prefix) && binary.BigEndian.Uint32(k[len(x.Prefix):]) == id
}

// AppendChunk appends the record of a chunk.
func (x *Index) AppendChunk(dst, key, entries []byte) []byte {
	return End(append(typeIndexChunk.Begin(dst), entries...), x.Name, key)
}

// ReadChunk checks a chunk and returns its entries, which are part of the record.
func (x *Index) ReadChunk(key, rec []byte) ([]byte, error) {
	r, err := typeIndexChunk.Open(rec, x.Name, key)
	if err != nil {
		return nil, x.Wrap(err)
	}
	if len(r.Rest) == 0 || len(r.Rest)%x.EntrySize() != 0 {
		return nil, x.Wrap(errShort)
	}
	return r.Rest, nil
}

// Chunks cuts entries into chunks, and yields each with its key.
func (x *Index) Chunks(id uint32, entries []byte) iter.Seq2[[]byte, []byte] {
	size := x.EntrySize()
	return func(yield func(key, part []byte) bool) {
		for part := range slices.Chunk(entries, chunkBytes/size*size) {
			if !yield(x.ChunkKey(id, binary.BigEndian.Uint64(part[len(part)-size:])), part) {
				return
			}
		}
	}
}

// Search returns the offset of a hash in sorted entries.
func (x *Index) Search(entries []byte, h uint64) (int, bool) {
	size := x.EntrySize()
	lo, hi := 0, len(entries)/size
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if binary.BigEndian.Uint64(entries[mid*size:]) < h {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	at := lo * size
	return at, at < len(entries) && binary.BigEndian.Uint64(entries[at:]) == h
}

// Value returns the value of an entry.
func (x *Index) Value(entry []byte) (v IndexValue) {
	for i := range x.Width / 8 {
		v[i] = binary.BigEndian.Uint64(entry[8+8*i:])
	}
	return v
}

// Merge makes one list of two that are sorted.
func (x *Index) Merge(a, b []byte) []byte {
	size := x.EntrySize()
	out := make([]byte, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if binary.BigEndian.Uint64(a) <= binary.BigEndian.Uint64(b) {
			out, a = append(out, a[:size]...), a[size:]
		} else {
			out, b = append(out, b[:size]...), b[size:]
		}
	}
	return append(append(out, a...), b...)
}

// AppendEntry appends an entry.
func (x *Index) AppendEntry(dst []byte, hash uint64, v IndexValue) []byte {
	dst = binary.BigEndian.AppendUint64(dst, hash)
	for _, n := range v[:x.Width/8] {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

// SortEntries returns the entries in order.
func (x *Index) SortEntries(entries []byte) []byte {
	size := x.EntrySize()
	n := len(entries) / size
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return bytes.Compare(entries[a*size:(a+1)*size], entries[b*size:(b+1)*size])
	})
	out := make([]byte, 0, len(entries))
	for _, i := range order {
		out = append(out, entries[i*size:(i+1)*size]...)
	}
	return out
}
