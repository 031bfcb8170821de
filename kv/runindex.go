package kv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// runIndex is a set of 64-bit hashes, each with a value of no, one or two numbers, that
// grows by batches. Hashes arrive in random order, which a B+tree pays with a
// page rewritten for each; so they are kept as sorted runs, as in a
// log-structured merge tree (O'Neil et al., 1996): a batch becomes a run, and
// runs of about its size are merged with it. Each hash is rewritten about as
// often as the set doubles, and there are as many runs.
//
// A run is a list of chunks under <prefix> <run 4> <last hash of the chunk 8>;
// <prefix> <0 4> is the list of runs.
type runIndex struct {
	bucket *bucket
	name   []byte // goes into the checksums: the bucket's name
	prefix []byte
	width  int // of a value, in bytes: 8 for each number
}

// entryValue is what is kept beside a hash. Numbers that an index does not have
// are 0.
type entryValue [2]uint64

const (
	chunkBytes = 1900    // of entries: two chunks fill a page
	maxRun     = 1 << 20 // runs longer than that are merged no more, to bound a transaction
)

// run is one sorted run.
type run struct {
	id    uint32
	count int
}

func (x *runIndex) entry() int { return 8 + x.width }

func (x *runIndex) listKey() []byte {
	return append(slices.Clone(x.prefix), 0, 0, 0, 0)
}

func (x *runIndex) chunkKey(id uint32, last uint64) []byte {
	k := make([]byte, 0, len(x.prefix)+12)
	k = binary.BigEndian.AppendUint32(append(k, x.prefix...), id)
	return binary.BigEndian.AppendUint64(k, last)
}

// runs lists the runs, oldest first.
func (x *runIndex) runs() ([]run, error) {
	rec := x.bucket.Get(x.listKey())
	if rec == nil {
		return nil, nil
	}
	r, err := openRecord(rec, x.name, x.listKey())
	if err != nil {
		return nil, x.wrap(err)
	}
	out := make([]run, r.count(len(r.rest)))
	for i := range out {
		out[i] = run{uint32(r.uvarint()), r.count(1 << 30)}
	}
	return out, x.wrap(r.finish())
}

func (x *runIndex) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("index %s: %w", x.name, err)
}

// find returns, for each hash, whether it is in the set, and its value.
func (x *runIndex) find(hashes []uint64) (found []bool, values []entryValue, err error) {
	found, values = make([]bool, len(hashes)), make([]entryValue, len(hashes))
	runs, err := x.runs()
	if err != nil || len(runs) == 0 {
		return found, values, err
	}
	order := make([]int, len(hashes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case hashes[a] < hashes[b]:
			return -1
		case hashes[a] > hashes[b]:
			return 1
		}
		return 0
	})
	for _, r := range runs {
		if err := x.findIn(r, hashes, order, found, values); err != nil {
			return nil, nil, err
		}
	}
	return found, values, nil
}

// met returns, for each hash, whether it is in the set or stands before in the
// list. A nil index is empty.
func (x *runIndex) met(hashes []uint64) ([]bool, error) {
	met := make([]bool, len(hashes))
	if x != nil {
		var err error
		if met, _, err = x.find(hashes); err != nil {
			return nil, err
		}
	}
	before := make(map[uint64]bool, len(hashes))
	for i, h := range hashes {
		met[i] = met[i] || before[h]
		before[h] = true
	}
	return met, nil
}

// findIn looks up in one run, walking hashes and chunks in ascending order.
func (x *runIndex) findIn(r run, hashes []uint64, order []int, found []bool, values []entryValue) error {
	c := x.bucket.Cursor()
	var entries []byte
	var last uint64
	have := false
	for _, i := range order {
		if found[i] {
			continue
		}
		h := hashes[i]
		if !have || h > last {
			k, v := c.Seek(x.chunkKey(r.id, h))
			var err error
			if entries, err = x.chunk(r.id, k, v); err != nil {
				return err
			}
			if entries == nil {
				return nil // beyond the run's last hash
			}
			last, have = binary.BigEndian.Uint64(k[len(k)-8:]), true
		}
		if at, ok := x.search(entries, h); ok {
			found[i], values[i] = true, x.value(entries[at:])
		}
	}
	return nil
}

// chunk checks a chunk of a run and returns its entries, nil when the key is not
// of that run.
func (x *runIndex) chunk(id uint32, k, v []byte) ([]byte, error) {
	if len(k) != len(x.prefix)+12 || !bytes.HasPrefix(k, x.prefix) || binary.BigEndian.Uint32(k[len(x.prefix):]) != id {
		return nil, nil
	}
	r, err := openRecord(v, x.name, k)
	if err != nil {
		return nil, x.wrap(err)
	}
	if len(r.rest) == 0 || len(r.rest)%x.entry() != 0 {
		return nil, x.wrap(errShort)
	}
	return r.rest, nil
}

// search returns the offset of a hash in sorted entries.
func (x *runIndex) search(entries []byte, h uint64) (int, bool) {
	size := x.entry()
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

func (x *runIndex) value(entry []byte) (v entryValue) {
	for i := range x.width / 8 {
		v[i] = binary.BigEndian.Uint64(entry[8+8*i:])
	}
	return v
}

// add adds entries, which are sorted and not in the set yet.
func (x *runIndex) add(entries []byte) error {
	runs, err := x.runs()
	if err != nil {
		return err
	}
	id := uint32(1)
	if n := len(runs); n > 0 {
		id = runs[n-1].id + 1
	}
	for n := len(runs); n > 0; n = len(runs) {
		older, count := runs[n-1], len(entries)/x.entry()
		if older.count > 2*count || older.count+count > maxRun {
			break
		}
		taken, err := x.take(older)
		if err != nil {
			return err
		}
		entries = x.merge(taken, entries)
		runs = runs[:n-1]
	}
	if err := x.write(id, entries); err != nil {
		return err
	}
	return x.writeList(append(runs, run{id, len(entries) / x.entry()}))
}

// take removes a run and returns its entries.
func (x *runIndex) take(r run) ([]byte, error) {
	out := make([]byte, 0, r.count*x.entry())
	var keys [][]byte
	c := x.bucket.Cursor()
	for k, v := c.Seek(x.chunkKey(r.id, 0)); k != nil; k, v = c.Next() {
		entries, err := x.chunk(r.id, k, v)
		if err != nil {
			return nil, err
		}
		if entries == nil {
			break
		}
		out = append(out, entries...)
		keys = append(keys, bytes.Clone(k))
	}
	if len(out) != r.count*x.entry() {
		return nil, x.wrap(damagef("run %d has %d entries, want %d", r.id, len(out)/x.entry(), r.count))
	}
	for _, k := range keys {
		if err := x.bucket.Delete(k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *runIndex) merge(a, b []byte) []byte {
	size := x.entry()
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

func (x *runIndex) write(id uint32, entries []byte) error {
	size := x.entry()
	for n := chunkBytes / size * size; len(entries) > 0; {
		part := entries[:min(n, len(entries))]
		entries = entries[len(part):]
		k := x.chunkKey(id, binary.BigEndian.Uint64(part[len(part)-size:]))
		rec := append(beginRecord(make([]byte, 0, recordHeader+len(part))), part...)
		if err := x.bucket.Put(k, endRecord(rec, x.name, k)); err != nil {
			return err
		}
	}
	return nil
}

func (x *runIndex) writeList(runs []run) error {
	rec := beginRecord(nil)
	rec = binary.AppendUvarint(rec, uint64(len(runs)))
	for _, r := range runs {
		rec = binary.AppendUvarint(rec, uint64(r.id))
		rec = binary.AppendUvarint(rec, uint64(r.count))
	}
	return x.bucket.Put(x.listKey(), endRecord(rec, x.name, x.listKey()))
}

// appendEntry appends an entry for add.
func (x *runIndex) appendEntry(dst []byte, hash uint64, v entryValue) []byte {
	dst = binary.BigEndian.AppendUint64(dst, hash)
	for _, n := range v[:x.width/8] {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

// sortEntries sorts entries for add.
func (x *runIndex) sortEntries(entries []byte) []byte {
	size := x.entry()
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
