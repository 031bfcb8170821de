package kv

import (
	"context"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
)

// Space says what takes the room of a store's file.
type Space struct {
	FileBytes int64
	FreeBytes int64 // pages that are free for reuse
	Buckets   []BucketSpace
}

// BucketSpace describes one top-level bucket with all that is in it.
type BucketSpace struct {
	Name    string // as in ARCHITECTURE.md
	Buckets int    // buckets in it: days and kinds
	Entries int    // records
	Data    int64  // bytes of keys and values
	Bytes   int64  // bytes of the pages that they take
}

// MeasureSpace reads a store's file from one end to the other and measures its
// buckets, in the order of the list in ARCHITECTURE.md. It takes a shared lock. A
// damaged store is a *[DamagedError]; Check tells more of it.
func MeasureSpace(ctx context.Context, path string, o FileOptions) (Space, error) {
	src, err := openSource(ctx, path, o.Options, false)
	if err != nil {
		return Space{}, err
	}
	defer src.close()
	return src.space(ctx, o.Progress)
}

// MeasureSpace is what the function of that name does, for a store that is open;
// other calls go on meanwhile. Until it is done freed pages are not used again,
// and a write that makes the file outgrow its mapping waits. The same holds for
// the copy that Backup makes.
func (db *DB) MeasureSpace(ctx context.Context, progress func(Progress)) (out Space, err error) {
	src, release, err := db.snapshot(ctx)
	if err != nil {
		return Space{}, fmt.Errorf("measure store %s: %w", db.path, err)
	}
	defer release()
	err = db.within(func() error {
		out, err = src.space(ctx, progress)
		return err
	})
	return out, err
}

// snapshot opens the file as a source that stays as it is until release.
func (db *DB) snapshot(ctx context.Context) (src *source, release func(), err error) {
	// While nobody commits, the header in force is the one of a transaction that
	// begins now, which keeps the pages that it leads to.
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := db.hasHeader(); err != nil {
		return nil, nil, err
	}
	var tx *bbolt.Tx
	err = db.guard(func() (err error) {
		tx, err = db.bolt.Begin(false)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(db.path)
	if err == nil {
		src = &source{path: db.path, file: f, top: map[string]page.Bucket{}}
		if err = src.open(false); err != nil {
			f.Close()
		}
	}
	if err != nil {
		tx.Rollback()
		return nil, nil, err
	}
	return src, func() { src.close(); tx.Rollback() }, nil
}

func (s *source) space(ctx context.Context, progress func(Progress)) (Space, error) {
	path := s.path
	if s.Header == nil {
		return Space{}, &DamagedError{Path: path, Reason: "no header is whole"}
	}
	bad := ""
	pages := 0
	s.watch(ctx, progress, func(what string) { bad = what })
	tell := s.w.Read
	s.w.Read = func(n int) {
		pages += n
		tell(n)
	}
	out := Space{FileBytes: s.Bytes}
	s.readTop()
	for i := range layout.Buckets {
		name := layout.Buckets[i].Name
		b, ok := s.top[name]
		if !ok {
			continue
		}
		sum := BucketSpace{Name: name}
		pages = 0
		s.measure(b, &sum, 0)
		sum.Bytes = int64(pages) * page.Size
		out.Buckets = append(out.Buckets, sum)
	}
	_, freeBad, err := s.Freelist(func(id uint64) {
		if out.FreeBytes += page.Size; id < s.Header.Pages && s.w.Seen.Has(id) {
			bad = fmt.Sprintf("page %d is in use and in the list of free pages", id)
		}
	})
	switch {
	case s.w.Err != nil:
		return Space{}, fmt.Errorf("measure store %s: %w", path, s.w.Err)
	case err != nil:
		return Space{}, fmt.Errorf("measure store %s: %w", path, err)
	case bad != "" || freeBad != "":
		return Space{}, &DamagedError{Path: path, Reason: bad + freeBad}
	}
	out.FreeBytes += s.Bytes - int64(s.Header.Pages)*page.Size // grown, and never used
	return out, nil
}

// measure adds up a bucket and those in it.
func (s *source) measure(b page.Bucket, sum *BucketSpace, depth int) {
	s.w.Each(b, func(e page.Element) {
		sum.Data += int64(len(e.Key))
		ref, bad := b.Sub(e)
		if e.Bucket != layout.Nests(&b.Place) || e.Bucket && !ref.Named(ref.Seq) {
			s.w.Bad(fmt.Sprintf("%x is a bucket where none should be, is none, or had another name", e.Key))
		}
		switch {
		case e.Bucket && bad != "":
			s.w.Bad(bad)
		case !e.Bucket:
			sum.Entries++
			sum.Data += int64(len(e.Value))
		case depth < page.MaxDepth:
			sum.Buckets++
			s.measure(ref, sum, depth+1)
		}
	})
}
