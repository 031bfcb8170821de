package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// source is a store's file that is read page by page.
type source struct {
	*pageFile
	path   string
	file   *os.File
	w      *walker
	top    map[string]bucketRef
	secret secret
	blocks blockReader
	schema int

	claimList []*claim // number 1 first, nil where damaged
}

// openSource opens and locks the file of a store; any regular file if it may
// have lost its header.
func openSource(ctx context.Context, path string, o Options, headless bool) (*source, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &NotStoreError{Path: path, Reason: "it is no regular file"}
	}
	f, err := lockFile(ctx, path, o.LockTimeout, false)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, file: f, top: map[string]bucketRef{}}
	if err := s.open(headless); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *source) open(headless bool) error {
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("open store %s: %w", s.path, err)
	}
	if other := (*NotStoreError)(nil); !headless && errors.As(checkFile(s.path), &other) {
		return other
	}
	if info.Size() == 0 {
		return &NotStoreError{Path: s.path, Reason: "it is empty"}
	}
	return s.openReader(s.file, info.Size())
}

func (s *source) openReader(r io.ReaderAt, size int64) (err error) {
	if s.pageFile, err = openPages(r, size); err != nil {
		return fmt.Errorf("read store %s: %w", s.path, err)
	}
	s.blocks.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlockBytes), zstd.WithDecoderLowmem(true))
	return err
}

func (s *source) close() {
	s.blocks.decoder.Close()
	s.file.Close() // gives back the lock
}

// watch makes the walker, which tells bad of damaged pages.
func (s *source) watch(ctx context.Context, progress func(Progress), bad func(string)) {
	s.w = &walker{f: s.pageFile, seen: newBitmap(s.meta.pages), bad: bad}
	done := int64(0)
	s.w.read = func(pages int) {
		done += int64(pages)
		if err := ctx.Err(); err != nil {
			s.w.err = err
		}
		if progress != nil {
			progress(Progress{Done: done, Total: int64(s.meta.pages)})
		}
	}
}

// directory lists the buckets of the file, or of a bucket in it.
func (s *source) directory(b bucketRef, do func(name string, b bucketRef)) {
	type entry struct {
		name string
		ref  bucketRef
	}
	var all []entry
	s.w.each(b, func(e element) {
		if !e.bucket {
			s.w.bad(fmt.Sprintf("%x is no bucket where one should be", e.key))
			return
		}
		ref, bad := parseBucket(e.value)
		if bad != "" {
			s.w.bad(bad)
			return
		}
		all = append(all, entry{string(e.key), ref})
	})
	for _, e := range all {
		do(e.name, e.ref)
	}
}

// readTop reads the list of top-level buckets.
func (s *source) readTop() {
	s.directory(bucketRef{root: s.meta.root}, func(name string, b bucketRef) { s.top[name] = b })
}

// values calls do for the records of a top-level bucket that holds no buckets.
func (s *source) values(b bucketRef, do func(k, v []byte)) {
	s.w.each(b, func(e element) {
		if e.bucket {
			s.w.bad(fmt.Sprintf("%x is a bucket where none should be", e.key))
			return
		}
		do(e.key, e.value)
	})
}

// readClaims reads the claims into memory; there are as many as rules ever made.
func (s *source) readClaims(bad func(format string, args ...any)) {
	s.values(s.top[string(bucketClaims)], func(k, v []byte) {
		if len(k) != 4 {
			bad("%x is no number of a claim", k)
			return
		}
		id := binary.BigEndian.Uint32(k)
		if want := uint32(len(s.claimList) + 1); id != want {
			if bad("claim %d is missing", want); id < want || id > want+1<<16 {
				return
			}
			for uint32(len(s.claimList)+1) < id {
				s.claimList = append(s.claimList, nil)
			}
		}
		cl, err := readClaim(k, v)
		if err != nil {
			bad("claim %d: %v", id, err)
			s.claimList = append(s.claimList, nil)
			return
		}
		s.claimList = append(s.claimList, &cl)
	})
}

// claim returns a claim by number, nil when there is none.
func (s *source) claim(id uint32) *claim {
	if id == 0 || uint64(id) > uint64(len(s.claimList)) {
		return nil
	}
	return s.claimList[id-1]
}
