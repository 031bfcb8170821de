package kv

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/ttpcron/ttpcron/kv/record"
)

// runIndex is an index in a bucket. A batch of hashes becomes a run, and runs of
// about its size are merged with it. Each hash is rewritten about as often as the
// set doubles, and there are as many runs.
type runIndex struct {
	bucket *bucket
	record.Index
}

// maxRun bounds a transaction: runs longer than that are merged no more.
const maxRun = 1 << 20

// runs lists the runs, oldest first.
func (x *runIndex) runs() ([]record.IndexRun, error) {
	rec := x.bucket.Get(x.ListKey())
	if rec == nil {
		return nil, nil
	}
	return x.ReadRuns(rec)
}

// find returns, for each hash, whether it is in the set, and its value.
func (x *runIndex) find(hashes []uint64) (found []bool, values []record.IndexValue, err error) {
	found, values = make([]bool, len(hashes)), make([]record.IndexValue, len(hashes))
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

// met returns, for each hash, whether it is in the set or earlier in the list. A nil index
// is empty.
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
func (x *runIndex) findIn(r record.IndexRun, hashes []uint64, order []int, found []bool, values []record.IndexValue) error {
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
			k, v := c.Seek(x.ChunkKey(r.ID, h))
			if !x.IsChunk(r.ID, k) {
				return nil // beyond the run's last hash
			}
			var err error
			if entries, err = x.ReadChunk(k, v); err != nil {
				return err
			}
			last, have = binary.BigEndian.Uint64(k[len(k)-8:]), true
		}
		if at, ok := x.Search(entries, h); ok {
			found[i], values[i] = true, x.Value(entries[at:])
		}
	}
	return nil
}

// add adds entries, which are sorted and not in the set yet.
func (x *runIndex) add(entries []byte) error {
	runs, err := x.runs()
	if err != nil {
		return err
	}
	id := uint32(1)
	if n := len(runs); n > 0 {
		id = runs[n-1].ID + 1
	}
	for n := len(runs); n > 0; n = len(runs) {
		older, count := runs[n-1], len(entries)/x.EntrySize()
		if older.Count > 2*count || older.Count+count > maxRun {
			break
		}
		taken, err := x.take(older)
		if err != nil {
			return err
		}
		entries = x.Merge(taken, entries)
		runs = runs[:n-1]
	}
	for k, part := range x.Chunks(id, entries) {
		if err := x.bucket.Put(k, x.AppendChunk(make([]byte, 0, record.HeaderSize+len(part)), k, part)); err != nil {
			return err
		}
	}
	runs = append(runs, record.IndexRun{ID: id, Count: len(entries) / x.EntrySize()})
	return x.bucket.Put(x.ListKey(), x.AppendRuns(nil, runs))
}

// take removes a run and returns its entries.
func (x *runIndex) take(r record.IndexRun) ([]byte, error) {
	out := make([]byte, 0, r.Count*x.EntrySize())
	var keys [][]byte
	c := x.bucket.Cursor()
	for k, v := c.Seek(x.ChunkKey(r.ID, 0)); x.IsChunk(r.ID, k); k, v = c.Next() {
		entries, err := x.ReadChunk(k, v)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
		keys = append(keys, bytes.Clone(k))
	}
	if len(out) != r.Count*x.EntrySize() {
		return nil, x.Wrap(record.Damagef("run %d has %d entries, want %d", r.ID, len(out)/x.EntrySize(), r.Count))
	}
	for _, k := range keys {
		if err := x.bucket.Delete(k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// remove takes hashes out of the set.
func (x *runIndex) remove(hashes []uint64) error {
	if len(hashes) == 0 {
		return nil
	}
	slices.Sort(hashes)
	runs, err := x.runs()
	if err != nil {
		return err
	}
	left := make([]record.IndexRun, 0, len(runs))
	for _, r := range runs {
		n, err := x.removeFrom(r, hashes)
		if err != nil {
			return err
		}
		if r.Count -= n; r.Count > 0 {
			left = append(left, r)
		}
	}
	if len(left) == 0 {
		return x.bucket.Delete(x.ListKey())
	}
	return x.bucket.Put(x.ListKey(), x.AppendRuns(nil, left))
}

// removeFrom removes sorted hashes from a run, and returns how many it had. Chunks that
// had any are rewritten, neighbours together.
func (x *runIndex) removeFrom(r record.IndexRun, hashes []uint64) (n int, err error) {
	var keys [][]byte // of the chunks that had any
	var parts [][]byte
	apart := true // the next chunk is no neighbour of the last part
	c := x.bucket.Cursor()
	k, v := c.Seek(x.ChunkKey(r.ID, hashes[0]))
	for len(hashes) > 0 && x.IsChunk(r.ID, k) {
		last := binary.BigEndian.Uint64(k[len(k)-8:])
		if last < hashes[0] {
			k, v = c.Seek(x.ChunkKey(r.ID, hashes[0]))
			apart = true
			continue
		}
		entries, err := x.ReadChunk(k, v)
		if err != nil {
			return 0, err
		}
		left, gone := without(entries, x.EntrySize(), hashes)
		hashes = hashes[after(hashes, last):]
		if gone > 0 {
			if apart {
				parts = append(parts, nil)
			}
			parts[len(parts)-1] = append(parts[len(parts)-1], left...)
			keys = append(keys, bytes.Clone(k))
			n += gone
		}
		apart = gone == 0
		k, v = c.Next()
	}
	for _, k := range keys {
		if err := x.bucket.Delete(k); err != nil {
			return 0, err
		}
	}
	for _, entries := range parts {
		for k, part := range x.Chunks(r.ID, entries) {
			if err := x.bucket.Put(k, x.AppendChunk(nil, k, part)); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// after returns how many of the sorted hashes are not above another.
func after(hashes []uint64, h uint64) int {
	n, ok := slices.BinarySearch(hashes, h)
	for ; ok && n < len(hashes) && hashes[n] == h; n++ {
	}
	return n
}

// without returns the entries whose hashes are not among those given, both sorted, and how
// many are.
func without(entries []byte, size int, hashes []uint64) (left []byte, gone int) {
	for ; len(entries) > 0; entries = entries[size:] {
		h := binary.BigEndian.Uint64(entries)
		for len(hashes) > 0 && hashes[0] < h {
			hashes = hashes[1:]
		}
		if len(hashes) > 0 && hashes[0] == h {
			gone++
		} else {
			left = append(left, entries[:size]...)
		}
	}
	return left, gone
}

// replace gives a hash that is in the set another value.
func (x *runIndex) replace(hash uint64, v record.IndexValue) error {
	runs, err := x.runs()
	if err != nil {
		return err
	}
	for _, r := range runs {
		key, rec := x.bucket.Cursor().Seek(x.ChunkKey(r.ID, hash))
		if !x.IsChunk(r.ID, key) {
			continue
		}
		entries, err := x.ReadChunk(key, rec)
		if err != nil {
			return err
		}
		if at, ok := x.Search(entries, hash); ok {
			key, entries = bytes.Clone(key), bytes.Clone(entries)
			copy(entries[at:], x.AppendEntry(nil, hash, v))
			return x.bucket.Put(key, x.AppendChunk(nil, key, entries))
		}
	}
	return x.Wrap(record.Damagef("%x is not in it", hash))
}
