package kv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/page"
)

// Compacted says what compacting a store gained.
type Compacted struct{ Before, After int64 } // bytes of the file

// Compact writes a store anew without the room that is free in it, checks the
// new file like [Check] does, and puts it in the place of the old one, all of it
// at once. Nobody else may have the store open. Interrupted at any moment it
// leaves the old store.
func Compact(ctx context.Context, path string, o FileOptions) (Compacted, error) {
	if _, err := os.Stat(path); err != nil {
		return Compacted{}, fmt.Errorf("open store %s: %w", path, err)
	}
	db, err := Open(ctx, path, o.Options)
	if err != nil {
		return Compacted{}, err
	}
	defer db.Close()
	old, err := os.Open(path)
	if err != nil {
		return Compacted{}, err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return Compacted{}, err
	}
	free := db.bolt.Stats()
	used := info.Size() - int64(free.FreePageN+free.PendingPageN)*page.Size
	out := Compacted{Before: info.Size()}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return Compacted{}, err
	}
	err = newFile(path, true, used, func(f *os.File) error {
		if err := dressLike(f, old); err != nil {
			return err
		}
		if err := db.copyTo(ctx, f.Name(), used, o.Progress); err != nil {
			return err
		}
		if err := verify(ctx, f, path, o.Progress); err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			out.After = info.Size()
		}
		return err
	})
	if err != nil {
		return Compacted{}, fmt.Errorf("compact store %s: %w", path, err)
	}
	return out, nil
}

// copyBytes is how much of a copy is written in one transaction.
const copyBytes = 16 << 20

// copyBuckets is how many buckets are opened in one transaction: a store has two
// for each day with tags.
const copyBuckets = 8192

// copyTo writes the content of the store into an empty file.
func (db *DB) copyTo(ctx context.Context, path string, size int64, progress func(Progress)) (err error) {
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

// commit keeps the transaction until it is over: values lie in the file that is
// copied, and a page of it that the disk cannot give ends a commit with a panic.
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

// flush commits what has been copied and goes on.
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
