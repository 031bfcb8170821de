package doctor

import (
	"context"
	"fmt"
	"os"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
)

// Space says what takes the room of a store's file.
type Space struct {
	FileBytes int64
	FreeBytes int64 // pages that are free for reuse
	Buckets   []BucketSpace
}

// BucketSpace describes one top-level bucket with everything in it.
type BucketSpace struct {
	Name    string // as in ARCHITECTURE.md
	Buckets int    // buckets in it: days and kinds
	Entries int    // records
	Data    int64  // bytes of keys and values
	Bytes   int64  // bytes of the pages that they take
	// GrowsWith is what the bucket grows with: "events", "tags", or "" for neither.
	GrowsWith string
}

// MeasureSpace reads a store's whole file and measures its buckets, in the order of
// [layout.Buckets]. It takes a shared lock. For a damaged store it returns a
// *[kv.DamagedError]; Check says more.
func MeasureSpace(ctx context.Context, path string, o Options) (Space, error) {
	src, err := openSource(ctx, path, o.Options, false)
	if err != nil {
		return Space{}, err
	}
	defer src.close()
	return src.space(ctx, o.Progress)
}

// MeasureOpen is like MeasureSpace, for a store that is open; other calls continue
// meanwhile, see [kv.DB.Freeze].
func MeasureOpen(ctx context.Context, db *kv.DB, progress func(kv.Progress)) (Space, error) {
	src, release, err := frozen(ctx, db)
	if err != nil {
		return Space{}, fmt.Errorf("measure store %s: %w", db.Path(), err)
	}
	defer release()
	return src.space(ctx, progress)
}

// frozen opens the file of an open store as a source that stays as it is until
// release.
func frozen(ctx context.Context, db *kv.DB) (src *source, release func(), err error) {
	thaw, err := db.Freeze(ctx, func() error {
		f, err := os.Open(db.Path())
		if err != nil {
			return err
		}
		src = &source{path: db.Path(), file: f, top: map[string]page.Bucket{}}
		if err = src.open(false); err != nil {
			f.Close()
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return src, func() { src.close(); thaw() }, nil
}

func (s *source) space(ctx context.Context, progress func(kv.Progress)) (Space, error) {
	path := s.path
	if s.Header == nil {
		return Space{}, &kv.DamagedError{Path: path, Reason: "no header is whole"}
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
		sum := BucketSpace{Name: name, GrowsWith: layout.Buckets[i].GrowsWith}
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
		return Space{}, &kv.DamagedError{Path: path, Reason: bad + freeBad}
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
