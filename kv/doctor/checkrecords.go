package doctor

import (
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// records checks the buckets whose records can be checked one by one.
func (c *checker) records() error {
	store := &layout.Store{Secret: c.meta.Secret, Arrival: c.meta.Arrival}
	for i := range layout.Buckets {
		in := &layout.Buckets[i]
		b, ok := c.top[in.Name]
		if !ok || in.Check == nil {
			continue
		}
		c.at(in.Name, in.Remedy)
		if in.Nested == layout.Flat {
			c.recordsOf(in, store, in.Name, b)
			continue
		}
		c.directory(b, func(name string, b page.Bucket) { c.recordsOf(in, store, name, b) })
	}
	return nil
}

// recordsOf checks and counts the records of a bucket, or of one in it.
func (c *checker) recordsOf(in *layout.Bucket, store *layout.Store, name string, b page.Bucket) {
	n := uint64(0)
	c.values(b, func(k, v []byte) {
		n++
		c.stand(in, name, k)
		c.failed(in.Check(store, name, k, v))
		if in.Number == layout.Last && len(k) == 8 && binary.BigEndian.Uint64(k) > b.Sequence {
			c.findf("number %d is there, and the last one given is %d", binary.BigEndian.Uint64(k), b.Sequence)
		}
	})
	c.kind, c.day = "", ""
	if in.Number == layout.Entries && n != b.Sequence {
		c.findf("counts %d %s and holds %d", b.Sequence, in.Noun, n)
	}
}

// stand sets the record that is being checked.
func (c *checker) stand(in *layout.Bucket, name string, k []byte) {
	c.kind, c.day = "", ""
	if in.ByKind {
		c.kind = ttpcron.SourceKind(k)
	}
	if in.Nested == layout.Kinds {
		c.kind = ttpcron.SourceKind(name)
		name = string(k[:min(len(k), 4)])
	}
	if day, ok := record.ParseDay([]byte(name)); ok && in.Nested != layout.Flat {
		c.day = day.String()
	}
}

// rejects checks the lines that could not be used, which have rising numbers, and
// their index.
func (c *checker) rejects() error {
	c.at("rejects", layout.Rebuild)
	numbered := c.top[layout.Rejects].Sequence
	last := uint64(0)
	hashes := map[uint64]bool{}
	n := uint64(0)
	c.values(c.top[layout.Rejects], func(k, v []byte) {
		n++
		r, err := record.ReadReject(k, v)
		if err == nil {
			last = binary.BigEndian.Uint64(k)
			hashes[c.meta.Secret.Reject(&r)] = true
		}
		c.failed(err)
	})
	if n > kv.MaxRejects || last > numbered || n+c.meta.Dropped != numbered {
		c.findf("holds %d rejects up to number %d, and counts %d of which %d were dropped", n, last, numbered, c.meta.Dropped)
	}
	harmed := c.harmed["rejects"]
	c.at("rejected", layout.Rebuild)
	x := runCheck{form: record.RejectedIndex(), bad: c.failed}
	x.each = func(_ []byte, hash uint64, _ record.IndexValue) { delete(hashes, hash) }
	c.values(c.top[layout.Rejected], x.entry)
	x.end()
	if len(hashes) > 0 && !harmed && !c.harmed["rejected"] {
		c.findf("%d rejects are not in the index", len(hashes))
	}
	return nil
}

// purged checks the index of the events that were purged. Of these nothing is left
// to compare it with.
func (c *checker) purged() error {
	c.at(layout.Purged, layout.Recover)
	x := runCheck{form: record.PurgedIndex(), bad: c.failed, each: func([]byte, uint64, record.IndexValue) {}}
	c.values(c.top[layout.Purged], x.entry)
	x.end()
	return nil
}
