package kv

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/tree"
)

// txn is a bbolt transaction that checks every page before something is read from it or
// bbolt changes it. Data from the file is invalid after it ends.
type txn struct {
	bucket
	bolt *bbolt.Tx
	snap *tree.Snapshot
}

// top returns a bucket of the file, or nil.
func (tx *txn) top(name string) *bucket { return tx.Bucket([]byte(name)) }

// view runs do in a read transaction.
func (db *DB) view(ctx context.Context, do func(tx *txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.hasHeader(); err != nil {
		return err
	}
	return db.guard(func() error {
		return db.bolt.View(func(t *bbolt.Tx) error {
			return db.within(func() error {
				s := db.snapshotOf(t)
				return do(&txn{bucket: bucket{tree: s.Tree()}, bolt: t, snap: s})
			})
		})
	})
}

// changeFile runs do in a transaction of bbolt that writes.
func (db *DB) changeFile(do func(tx *txn) error) error {
	defer db.commits.Store(0)
	return db.guard(func() error {
		return db.bolt.Update(func(t *bbolt.Tx) error {
			db.bolt.AllocSize = growStep(t.Size())
			return db.within(func() error {
				s := db.snapshotOf(t)
				if s.BadFree != "" {
					return record.Damage(s.BadFree)
				}
				root := t.Cursor().Bucket()
				tx := &txn{bucket: bucket{tree: s.Tree(), w: root, changed: map[page.Place]*bucket{}}, bolt: t, snap: s}
				if err := do(tx); err != nil {
					return err
				}
				if err := tx.sealAll(); err != nil {
					return err
				}
				db.commits.Store(time.Now().UnixNano())
				return nil
			})
		})
	})
}

// growStep is by how much a file grows at a time, which costs its own sync: a small part
// of its size.
func growStep(size int64) int { return int(min(max(size/32, 1<<20), 16<<20)) }

// snapshotOf returns a transaction's snapshot. It has the previous one's knowledge if
// nothing has been written since.
func (db *DB) snapshotOf(t *bbolt.Tx) *tree.Snapshot {
	info := db.bolt.Info()
	if info.PageSize != page.Size {
		tree.Fail("its pages have %d bytes", info.PageSize)
	}
	txid, size := uint64(t.ID()), t.Size()
	if t.Writable() {
		txid--
	}
	data := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&info.Data))), int(size))
	if last := db.last.Load(); last != nil && last.TxID == txid {
		return &tree.Snapshot{State: last, Data: data}
	}
	s := tree.New(txid, uint64(t.Cursor().Bucket().Root()), data)
	db.last.Store(s.State)
	return s
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

// bucket is a bucket of a transaction.
type bucket struct {
	tree *tree.Tree    // as it was when the transaction began; nil when it is new
	w    *bbolt.Bucket // in a transaction that writes

	page.Place
	changed map[page.Place]*bucket // those of the transaction; to be sealed

	vouched bool
	lo, hi  []byte // keys in between belong to pages that have been looked at
}

// vouch looks at the pages that bbolt reads and changes for a key.
func (b *bucket) vouch(key []byte, last bool) {
	if b.tree == nil || b.vouched && !last && (b.lo == nil || bytes.Compare(key, b.lo) >= 0) && (b.hi == nil || bytes.Compare(key, b.hi) < 0) {
		return
	}
	c := tree.Cursor{Tree: *b.tree}
	b.lo, b.hi = c.Vouch(key, last)
	b.vouched = true
}

// find looks up a key in the state at the start of the transaction.
func (b *bucket) find(key []byte) (v []byte, isBucket, ok bool) {
	if b.tree == nil {
		return nil, false, false
	}
	c := tree.Cursor{Tree: *b.tree}
	if !c.Lookup(key) {
		return nil, false, false
	}
	_, v, isBucket = c.Entry()
	return v, isBucket, true
}

// Bucket returns a bucket in the bucket, nil when there is none.
func (b *bucket) Bucket(name []byte) *bucket {
	v, isBucket, ok := b.find(name)
	if ok && !isBucket {
		tree.Fail("%q is no bucket where one should be", name)
	}
	sub := &bucket{Place: b.Below(name), changed: b.changed}
	if ok {
		t := b.tree.Sub(name, v)
		t.Open()
		sub.tree = &t
	} else if d := layout.Find(string(name)); b.Name == "" && d != nil && d.Late {
		b.tree.Missing()
	}
	if b.w == nil {
		if !ok {
			return nil
		}
		return sub
	}
	b.vouch(name, false)
	if sub.w = b.w.Bucket(name); sub.w == nil {
		return nil
	}
	return sub
}

// Get returns the value of a key, nil when there is none.
func (b *bucket) Get(key []byte) []byte {
	if b.w != nil {
		b.vouch(key, false)
		return b.w.Get(key)
	}
	v, isBucket, ok := b.find(key)
	if isBucket {
		tree.Fail("%x is a bucket where none should be", key)
	}
	if !ok {
		return nil
	}
	return v
}

// Sequence is a number that a bucket of the file keeps.
func (b *bucket) Sequence() uint64 {
	if b.w != nil {
		return b.Count(b.w.Sequence())
	}
	return b.Count(b.tree.Seq)
}

// NextSequence adds one to the number that the bucket keeps.
func (b *bucket) NextSequence() (uint64, error) {
	n := b.Sequence() + 1
	return n, b.SetSequence(n)
}

// SetSequence changes the number that the bucket keeps.
func (b *bucket) SetSequence(n uint64) error {
	b.touch()
	return b.w.SetSequence(n & page.CountMask)
}

// touch records that the bucket is changed.
func (b *bucket) touch() {
	if b.changed != nil && b.Name != "" {
		b.changed[b.Place] = b
	}
}

// Put sets the value of a key.
func (b *bucket) Put(key, value []byte) error {
	b.vouch(key, false)
	b.touch()
	return sorted(key, b.w.Put(key, value))
}

// Delete deletes a key.
func (b *bucket) Delete(key []byte) error {
	b.vouch(key, false)
	b.touch()
	return sorted(key, b.w.Delete(key))
}

// sorted reports an entry of the wrong sort.
func sorted(key []byte, err error) error {
	if errors.Is(err, berrors.ErrIncompatibleValue) {
		return record.Damagef("%x is a bucket where none should be, or is none", key)
	}
	return err
}

// CreateBucket makes a bucket in the bucket.
func (b *bucket) CreateBucket(name []byte) (*bucket, error) {
	b.vouch(name, false)
	w, err := b.w.CreateBucket(name)
	sub := &bucket{w: w, Place: b.Below(name), changed: b.changed}
	if err == nil {
		b.touch()
		sub.touch()
	}
	return sub, sorted(name, err)
}

// CreateBucketIfNotExists returns a bucket in the bucket, a new one when there
// is none.
func (b *bucket) CreateBucketIfNotExists(name []byte) (*bucket, error) {
	if sub := b.Bucket(name); sub != nil {
		return sub, nil
	}
	return b.CreateBucket(name)
}

// DeleteBucket deletes a bucket in the bucket, whose pages bbolt visits.
func (b *bucket) DeleteBucket(name []byte) error {
	sub := b.Bucket(name)
	if sub == nil {
		return berrors.ErrBucketNotFound
	}
	if sub.tree != nil {
		sub.tree.EachPage()
	}
	b.touch()
	maps.DeleteFunc(b.changed, func(at page.Place, _ *bucket) bool { return at == sub.Place || b.Name == "" && at.In == sub.Name })
	return sorted(name, b.w.DeleteBucket(name))
}

// fill says how full pages are left when they are split.
func (b *bucket) fill(percent float64) { b.w.FillPercent = percent }

// ForEach calls do for every entry; the value of a bucket is nil.
func (b *bucket) ForEach(do func(k, v []byte) error) error {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := do(k, v); err != nil {
			return err
		}
	}
	return nil
}

// ForEachBucket calls do for the name of every bucket in the bucket, which holds
// nothing else.
func (b *bucket) ForEachBucket(do func(name []byte) error) error {
	return b.ForEach(func(k, v []byte) error {
		if v != nil {
			return record.Damagef("%x is no bucket where one should be", k)
		}
		return do(k)
	})
}

// cursor walks through the entries of a bucket in the order of their keys; the
// value of a bucket is nil.
type cursor struct {
	b *bucket
	t tree.Cursor
	w *bbolt.Cursor
}

// Cursor returns a cursor without a position.
func (b *bucket) Cursor() *cursor {
	c := &cursor{b: b}
	if b.w != nil {
		c.w = b.w.Cursor()
	} else {
		c.t.Tree = *b.tree
	}
	return c
}

func (c *cursor) entry(ok bool) (k, v []byte) {
	if !ok {
		return nil, nil
	}
	k, v, isBucket := c.t.Entry()
	if isBucket {
		return k, nil
	}
	return k, v
}

// moved checks the pages around the key that bbolt's cursor has reached, which were
// checked from the previous pages.
func (c *cursor) moved(k, v []byte) ([]byte, []byte) {
	if k != nil {
		c.b.vouch(k, false)
	}
	return k, v
}

// First goes to the first entry.
func (c *cursor) First() (k, v []byte) {
	if c.w != nil {
		c.b.vouch(nil, false)
		return c.moved(c.w.First())
	}
	return c.entry(c.t.First())
}

// Last goes to the last entry.
func (c *cursor) Last() (k, v []byte) {
	if c.w != nil {
		// bbolt's own Last never returns from a bucket of several pages that the
		// transaction has emptied.
		if k, _ := c.First(); k == nil {
			return nil, nil
		}
		c.b.vouch(nil, true)
		return c.moved(c.w.Last())
	}
	return c.entry(c.t.Last())
}

// Seek goes to the first entry whose key is not below the one given.
func (c *cursor) Seek(key []byte) (k, v []byte) {
	if c.w != nil {
		c.b.vouch(key, false)
		return c.moved(c.w.Seek(key))
	}
	return c.entry(c.t.Seek(key))
}

// Next goes to the next entry.
func (c *cursor) Next() (k, v []byte) {
	if c.w != nil {
		return c.moved(c.w.Next())
	}
	return c.entry(c.t.Next())
}

// Prev goes to the entry before.
func (c *cursor) Prev() (k, v []byte) {
	if c.w != nil {
		return c.moved(c.w.Prev())
	}
	return c.entry(c.t.Prev())
}
