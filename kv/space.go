package kv

import (
	"context"
	"fmt"
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
	if src.meta == nil {
		return Space{}, &DamagedError{Path: path, Reason: "no header is whole"}
	}
	bad := ""
	pages := 0
	src.watch(ctx, o.Progress, func(what string) { bad = what })
	tell := src.w.read
	src.w.read = func(n int) {
		pages += n
		tell(n)
	}
	out := Space{FileBytes: src.size}
	src.readTop()
	for _, name := range allBuckets {
		b, ok := src.top[string(name)]
		if !ok {
			continue
		}
		s := BucketSpace{Name: string(name)}
		pages = 0
		src.measure(b, &s, 0)
		s.Bytes = int64(pages) * pageSize
		out.Buckets = append(out.Buckets, s)
	}
	_, freeBad, err := src.freelist(func(uint64) { out.FreeBytes += pageSize })
	switch {
	case src.w.err != nil:
		return Space{}, fmt.Errorf("measure store %s: %w", path, src.w.err)
	case err != nil:
		return Space{}, fmt.Errorf("measure store %s: %w", path, err)
	case bad != "" || freeBad != "":
		return Space{}, &DamagedError{Path: path, Reason: bad + freeBad}
	}
	out.FreeBytes += src.size - int64(src.meta.pages)*pageSize // grown, and never used
	return out, nil
}

// measure adds up a bucket and those in it.
func (s *source) measure(b bucketRef, sum *BucketSpace, depth int) {
	var below []bucketRef
	s.w.each(b, func(e element) {
		sum.Data += int64(len(e.key))
		ref, bad := parseBucket(e.value)
		switch {
		case !e.bucket:
			sum.Entries++
			sum.Data += int64(len(e.value))
		case bad == "" && depth < maxTreeDepth:
			sum.Buckets++
			below = append(below, ref)
		}
	})
	for _, ref := range below {
		s.measure(ref, sum, depth+1)
	}
}
