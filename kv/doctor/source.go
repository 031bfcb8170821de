package doctor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/block"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// source is a store's file, read page by page.
type source struct {
	*page.File
	path   string
	file   *os.File
	w      *page.Walker
	top    map[string]page.Bucket
	blocks *block.Reader
	meta   record.Meta // as far as it is read

	claimList []*record.Claim        // number 1 first, nil where damaged
	noVantage map[*record.Claim]bool // those that do not tell it
	histories map[ttpcron.SourceKind]page.Bucket
	cache     block.Cache // of events that tags refer to
	deriver   record.Deriver
}

// openSource opens and locks the file of a store; any regular file if it may
// have lost its header.
func openSource(ctx context.Context, path string, o kv.Options, headless bool) (*source, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, &kv.NotStoreError{Path: path, Reason: "it is a folder"}
	} else if err == nil && !info.Mode().IsRegular() {
		return nil, &kv.NotStoreError{Path: path, Reason: "it is no regular file"}
	}
	f, err := kv.LockFile(ctx, path, o.LockTimeout, false)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, file: f, top: map[string]page.Bucket{}}
	if err := s.open(headless); err != nil {
		_ = storefile.Release(f)
		return nil, err
	}
	return s, nil
}

func (s *source) open(headless bool) error {
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("open store %s: %w", s.path, err)
	}
	look := kv.CheckHeader(s.file, s.path)
	if other := (*kv.NotStoreError)(nil); !headless && errors.As(look, &other) {
		return other
	}
	if empty := (*kv.UnfinishedError)(nil); errors.As(look, &empty) {
		return empty
	}
	return s.openReader(s.file, info.Size())
}

func (s *source) openReader(r io.ReaderAt, size int64) (err error) {
	if s.File, err = page.Open(r, size); err != nil {
		return fmt.Errorf("read store %s: %w", s.path, err)
	}
	s.blocks, err = block.NewReader(1)
	s.histories, s.cache = map[ttpcron.SourceKind]page.Bucket{}, block.Cache{Reader: s.blocks, Find: s.findBlock, Blocks: 2}
	return err
}

// findBlock finds the block where an event would be.
func (s *source) findBlock(at record.KindDay, seq uint64) (first uint64, rec []byte, err error) {
	err = s.Find(s.histories[at.Kind], record.BlockKey(at.Day, seq), func(e page.Element) {
		if day, n, ok := record.ParseBlockKey(e.Key); ok && day == at.Day && !e.Bucket {
			first, rec = n, bytes.Clone(e.Value)
		}
	})
	return first, rec, err
}

func (s *source) close() {
	s.blocks.Close()
	_ = storefile.Release(s.file)
}

// watch makes the walker, which reports damaged pages to bad.
func (s *source) watch(ctx context.Context, progress func(kv.Progress), bad func(string)) {
	s.w = &page.Walker{File: s.File, Seen: page.NewBitmap(s.Header.Pages), Bad: bad}
	done := int64(0)
	s.w.Read = func(pages int) {
		done += int64(pages)
		if err := ctx.Err(); err != nil {
			s.w.Err = err
		}
		if progress != nil {
			progress(kv.Progress{Done: done, Total: int64(s.Header.Pages)})
		}
	}
}

// directory lists the buckets of the file, or of a bucket in it.
func (s *source) directory(b page.Bucket, do func(name string, b page.Bucket)) {
	for name, ref := range s.buckets(b) {
		do(name, ref)
	}
}

// buckets lists the buckets of the file, or of a bucket in it. There may be any number.
// Faults in the list are reported at once, and the list is read again when it is used.
func (s *source) buckets(b page.Bucket) iter.Seq2[string, page.Bucket] {
	seen := slices.Clone(s.w.Seen)
	n := 0
	s.w.Each(b, func(e page.Element) {
		if !e.Bucket {
			s.w.Bad(fmt.Sprintf("%x is no bucket where one should be", e.Key))
		} else if ref, bad := b.Sub(e); bad != "" {
			s.w.Bad(bad)
		} else if !ref.Place.Named(ref.Seq) {
			s.w.Bad(fmt.Sprintf("bucket %q had another name", e.Key))
			n++
		} else {
			n++
		}
	})
	for i := range seen { // all but the pages of the list
		seen[i] = ^(s.w.Seen[i] &^ seen[i])
	}
	return func(yield func(string, page.Bucket) bool) {
		again := page.Walker{File: s.File, Seen: seen, Bad: func(string) {}}
		stopped := false
		again.Each(b, func(e page.Element) {
			if again.Err = s.w.Err; stopped || again.Err != nil || !e.Bucket {
				return
			}
			if ref, bad := b.Sub(e); bad == "" {
				n--
				stopped = !yield(string(e.Key), ref)
			}
			if stopped {
				again.Err = errStopped
			}
		})
		if again.Err == nil && n != 0 {
			s.w.Bad("a list of buckets could not be read again")
		}
	}
}

// errStopped ends a walk whose rest is not needed.
var errStopped = errors.New("stopped")

// readTop reads the list of top-level buckets.
func (s *source) readTop() {
	s.directory(page.Bucket{Root: s.Header.Root}, func(name string, b page.Bucket) { s.top[name] = b })
}

// values calls do for the records of a top-level bucket that holds no buckets.
func (s *source) values(b page.Bucket, do func(k, v []byte)) {
	s.w.Each(b, func(e page.Element) {
		if e.Bucket {
			s.w.Bad(fmt.Sprintf("%x is a bucket where none should be", e.Key))
			return
		}
		do(e.Key, e.Value)
	})
}

// readClaims reads the claims into memory; there are as many as rules ever made.
func (s *source) readClaims(bad func(error)) {
	s.noVantage = map[*record.Claim]bool{}
	s.values(s.top[layout.Claims], func(k, v []byte) {
		if len(k) != 4 {
			bad(record.Damagef("%x is no number of a claim", k))
			return
		}
		id := binary.BigEndian.Uint32(k)
		if want := uint32(len(s.claimList) + 1); id != want {
			if bad(record.Damagef("claim %d is missing", want)); id < want || id > want+1<<16 {
				return
			}
			for uint32(len(s.claimList)+1) < id {
				s.claimList = append(s.claimList, nil)
			}
		}
		cl, err := record.ReadClaim(k, v)
		if err != nil {
			bad(fmt.Errorf("claim %d: %w", id, err))
			s.claimList = append(s.claimList, nil)
			return
		}
		s.claimList = append(s.claimList, &cl)
		if !record.TellsVantage(v) {
			s.noVantage[&cl] = true
		}
	})
}

// claim returns a claim by number, nil when there is none.
func (s *source) claim(id uint32) *record.Claim {
	if id == 0 || uint64(id) > uint64(len(s.claimList)) {
		return nil
	}
	return s.claimList[id-1]
}
