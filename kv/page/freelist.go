package page

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Freelist reads the ids of free pages and calls do for each. The list may be long, so it
// is read in parts. Its faults are returned as text.
func (f *File) Freelist(do func(id uint64)) (p Page, bad string, err error) {
	p, err = f.Page(f.Header.Freelist)
	if err != nil || p.Bad != "" {
		return p, p.Bad, err
	}
	defer f.Done(p.Data)
	if p.Flags != FlagFreelist {
		return p, fmt.Sprintf("page %d is not the list of free pages", p.ID), nil
	}
	count, at := uint64(p.Count), int64(HeadSize)
	if p.Count == longFreelist {
		count, at = binary.LittleEndian.Uint64(p.Data[HeadSize:]), at+8
	}
	if room := uint64((int64(p.Overflow)+1)*Size-at) / 8; count > room {
		return p, fmt.Sprintf("the list of free pages counts %d and has room for %d", count, room), nil
	}
	r := io.NewSectionReader(f.R, int64(p.ID)*Size+at, int64(count)*8)
	buf := make([]byte, 64<<10)
	for last := uint64(0); ; {
		n, err := io.ReadFull(r, buf)
		for b := buf[:n/8*8]; len(b) > 0; b = b[8:] {
			id := binary.LittleEndian.Uint64(b)
			if id <= last && bad == "" {
				bad = fmt.Sprintf("the list of free pages is not in order at page %d", id)
			}
			last = id
			do(id)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return p, bad, nil
		}
		if err != nil {
			return p, bad, fmt.Errorf("read the list of free pages: %w", err)
		}
	}
}

// Bitmap is a set of pages.
type Bitmap []uint64

// NewBitmap makes a set of pages below n.
func NewBitmap(n uint64) Bitmap { return make(Bitmap, n/64+1) }

// Has reports whether i is in the set.
func (b Bitmap) Has(i uint64) bool { return b[i/64]&(1<<(i%64)) != 0 }

// Add adds i and reports whether it was missing.
func (b Bitmap) Add(i uint64) bool {
	if b.Has(i) {
		return false
	}
	b[i/64] |= 1 << (i % 64)
	return true
}
