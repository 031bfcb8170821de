package kv

import (
	"context"
	"io"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/page"
)

// Progress says how far checking, recovering or copying a store has got.
type Progress struct {
	Place string // what is being read
	Done  int64  // pages, days or bytes
	Total int64  // 0 when it is not known
}

// CopyTo writes the bytes of the store at one moment to the writer that to returns for that
// size. What is deleted or replaced meanwhile stays in the store's file until the copy is
// done.
func (db *DB) CopyTo(ctx context.Context, to func(size int64) (io.Writer, error)) error {
	return db.view(ctx, func(tx *txn) error {
		w, err := to(tx.bolt.Size())
		if err == nil {
			_, err = tx.bolt.WriteTo(w)
		}
		return err
	})
}

// Size returns the size of the file, and how much of it is free for reuse.
func (db *DB) Size(ctx context.Context) (file, free int64, err error) {
	pageSize := 0
	err = db.view(ctx, func(tx *txn) error {
		file = tx.bolt.Size()
		pageSize = tx.bolt.DB().Info().PageSize // outside of a transaction a commit may map the file anew meanwhile
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	s := db.bolt.Stats()
	return file, int64(s.FreePageN+s.PendingPageN) * int64(pageSize), nil
}

// Freeze calls open while nobody commits. The file keeps that state until release: freed
// pages are not used again, and a write that makes the file outgrow its mapping waits.
func (db *DB) Freeze(ctx context.Context, open func() error) (release func(), err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := db.hasHeader(); err != nil {
		return nil, err
	}
	var tx *bbolt.Tx
	err = db.guard(func() (err error) {
		tx, err = db.bolt.Begin(false)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := open(); err != nil {
		tx.Rollback()
		return nil, err
	}
	return func() { tx.Rollback() }, nil
}

// commitPatience is how long a commit may take before anyone asks what it waits for.
var commitPatience = time.Second

// Blocked reports whether a commit waits for readers to end, including those of
// [DB.Freeze], because the file outgrows its mapping. Everybody else waits for the commit
// then. It may take twice a second to find out.
func (db *DB) Blocked() bool {
	began := db.commits.Load()
	if began == 0 || time.Since(time.Unix(0, began)) < commitPatience {
		return false
	}
	passes := make(chan struct{})
	go func() {
		defer close(passes)
		_ = db.guard(func() error {
			tx, err := db.bolt.Begin(false) // waits for such a commit, and for no other
			if err == nil {
				err = tx.Rollback()
			}
			return err
		})
	}()
	select {
	case <-passes:
		return false
	case <-time.After(commitPatience):
		return db.commits.Load() == began
	}
}

// copyBytes is how much of a copy is written in one transaction.
const copyBytes = 16 << 20

// copyBuckets is how many buckets are opened in one transaction: a store has two for each
// day with tags.
const copyBuckets = 8192

// Rewrite writes the content of the store into an empty file, without free space; size is
// the approximate size.
func (db *DB) Rewrite(ctx context.Context, path string, size int64, progress func(Progress)) (err error) {
	dst, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, PageSize: page.Size, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := dst.Close(); err == nil {
			err = cerr
		}
	}()
	return db.view(ctx, func(src *txn) error {
		c := copier{ctx: ctx, dst: dst, at: Progress{Place: "copy", Total: size}, progress: progress}
		defer func() {
			if c.tx != nil {
				c.tx.Rollback()
			}
		}()
		if err := c.next(); err != nil {
			return err
		}
		err := src.ForEachBucket(func(name []byte) error { return c.bucket(nil, name, src.Bucket(name)) })
		if err != nil {
			return err
		}
		return c.commit()
	})
}

// copier copies buckets in transactions of bounded size.
type copier struct {
	ctx      context.Context
	dst      *bbolt.DB
	tx       *bbolt.Tx
	size     int
	buckets  int // that bbolt holds until the commit
	at       Progress
	progress func(Progress)
}

func (c *copier) next() (err error) {
	c.tx, err = c.dst.Begin(true)
	c.size, c.buckets = 0, 0
	return err
}

// commit keeps the transaction until it ends: values are in the file that is copied, and
// if the disk cannot read a page of it, the commit panics.
func (c *copier) commit() error {
	err := c.tx.Commit()
	c.tx = nil
	return err
}

// open finds or makes the bucket at a path.
func (c *copier) open(path [][]byte) (b *bbolt.Bucket, err error) {
	b, err = c.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err != nil {
			return nil, err
		}
		b, err = b.CreateBucketIfNotExists(name)
	}
	if err == nil {
		b.FillPercent = ascendingFill
	}
	return b, err
}

func (c *copier) bucket(parent [][]byte, name []byte, from *bucket) error {
	path := append(parent[:len(parent):len(parent)], name)
	to, err := c.open(path)
	if err != nil {
		return err
	}
	c.buckets++
	var first, last []byte
	err = from.ForEach(func(k, v []byte) error {
		if first == nil {
			first = k
		}
		last = k
		if v == nil {
			if err := c.bucket(path, k, from.Bucket(k)); err != nil {
				return err
			}
			to, err = c.open(path) // another transaction may have begun
			return err
		}
		if c.size > copyBytes || c.buckets > copyBuckets {
			if err := c.flush(); err != nil {
				return err
			}
			if to, err = c.open(path); err != nil {
				return err
			}
		}
		c.size += len(k) + len(v) + page.ElementSize
		return to.Put(k, v)
	})
	if err != nil {
		return err
	}
	return reseal(to, from.Place, from.Sequence(), first, last)
}

// flush commits what has been copied and continues.
func (c *copier) flush() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.at.Done += int64(c.size)
	if c.progress != nil {
		c.progress(c.at)
	}
	if err := c.commit(); err != nil {
		return err
	}
	return c.next()
}
