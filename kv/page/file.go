// Package page reads the pages of a store's file without trusting them: a page may be in
// the wrong place, have a wrong count, or belong to another bucket than the one that leads
// to it. It knows neither bbolt nor records.
//
// bbolt maps the file and trusts it: a page that points outside of the file or at
// itself ends the process, and nothing can catch that. What must bear any content
// reads pages with a [File] and goes through buckets with a [Walker].
//
// The format is that of bbolt's data file version 2 (internal/common of
// go.etcd.io/bbolt v1.5.0): little-endian, as on every machine that ttpcron is
// built for.
package page

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Size is the size of a page in a new file, the same on every machine.
const Size = 4096

// A file's header comes after the head of its page.
const (
	Magic        = 0xED0CDAED // its first four bytes
	Version      = 2          // the next four
	HeaderOffset = HeadSize
	HeaderBytes  = 64
)

// Sizes within a page, in bytes.
const (
	HeadSize    = 16 // id, flags, count and overflow
	ElementSize = 16 // the head of an entry
	BucketSize  = 16 // the head of the entry of a bucket
)

// A page's flags say what it is.
const (
	FlagBranch   = 0x01
	FlagLeaf     = 0x02
	FlagMeta     = 0x04
	FlagFreelist = 0x10
)

// NoFreelist stands for the page of the list of free pages where there is none.
const NoFreelist = ^uint64(0)

// MaxDepth is how deep a tree is at most.
const MaxDepth = 40

const (
	maxPageBytes = 64 << 20 // of a page with its overflow; a block takes 16 MiB at most
	longFreelist = 0xffff   // count of a free list whose first id is its count
	maxFilePages = 1 << 40
)

// File reads the pages of a file with plain reads.
type File struct {
	R     io.ReaderAt
	Bytes int64 // of the file

	Headers [2]Header
	Header  *Header // the one in force; nil when neither is whole

	buffers [][]byte // for reuse
}

// Header is the header of a file: there are two, and commits write them in
// turn.
type Header struct {
	Bad      string // why it cannot be used
	Root     uint64 // page of the root bucket
	Sequence uint64
	Freelist uint64 // page
	Pages    uint64 // pages in use lie below
	TxID     uint64
}

// Open reads the headers of a file. Only a file that cannot be read is an
// error; one without a usable header has a nil meta.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{R: r, Bytes: size}
	for i := range f.Headers {
		buf := make([]byte, Size)
		n, err := r.ReadAt(buf, int64(i)*Size)
		if err != nil && err != io.EOF {
			return nil, err
		}
		m := ParseHeader(buf[:n], uint64(i), size)
		f.Headers[i] = m
		if m.Bad == "" && (f.Header == nil || m.TxID > f.Header.TxID) {
			f.Header = &f.Headers[i]
		}
	}
	return f, nil
}

// ParseHeader reads a header from its page, the first or the second of a file of a
// size.
func ParseHeader(page []byte, id uint64, size int64) (m Header) {
	if len(page) < HeaderOffset+HeaderBytes {
		m.Bad = "the file ends before it"
		return m
	}
	b := page[HeaderOffset:]
	le := binary.LittleEndian
	switch {
	case le.Uint32(b) != Magic:
		m.Bad = "it does not begin as a header does"
	case FNV64a(b[:HeaderBytes-8]) != le.Uint64(b[HeaderBytes-8:]):
		m.Bad = "its checksum does not match"
	case le.Uint32(b[4:]) != Version || le.Uint32(b[8:]) != Size:
		m.Bad = fmt.Sprintf("it has version %d and pages of %d bytes", le.Uint32(b[4:]), le.Uint32(b[8:]))
	case le.Uint64(page) != id || le.Uint16(page[8:]) != FlagMeta:
		m.Bad = "its page does not say that it is a header"
	}
	if m.Bad != "" {
		return m
	}
	m.Root, m.Sequence, m.Freelist = le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:])
	m.Pages, m.TxID = le.Uint64(b[40:]), le.Uint64(b[48:])
	if m.Pages > maxFilePages || int64(m.Pages)*Size > size {
		m.Bad = fmt.Sprintf("it counts %d pages and the file has %d: the file was cut short", m.Pages, size/Size)
	}
	return m
}

// WholeHeader reports whether bbolt takes the body of a header.
func WholeHeader(m []byte) bool {
	le := binary.LittleEndian
	return le.Uint32(m) == Magic && le.Uint32(m[4:]) == Version && FNV64a(m[:HeaderBytes-8]) == le.Uint64(m[HeaderBytes-8:])
}

// FNV64a is the checksum of bbolt's meta pages.
func FNV64a(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// Page reads a page with its overflow. Its faults are returned as text; data is nil if
// nothing can be used. Return data with done.
func (f *File) Page(id uint64) (p Page, err error) {
	p.ID = id
	if id < 2 || id >= f.Header.Pages {
		p.Bad = fmt.Sprintf("page %d is outside of the file", id)
		return p, nil
	}
	buf := f.buffer()
	if _, err := f.R.ReadAt(buf, int64(id)*Size); err != nil {
		return p, fmt.Errorf("read page %d: %w", id, err)
	}
	le := binary.LittleEndian
	own, flags := le.Uint64(buf), le.Uint16(buf[8:])
	p.Count, p.Overflow = int(le.Uint16(buf[10:])), le.Uint32(buf[12:])
	switch {
	case own != id:
		p.Bad = fmt.Sprintf("page %d says that it is page %d", id, own)
	case flags != FlagBranch && flags != FlagLeaf && flags != FlagFreelist:
		p.Bad = fmt.Sprintf("page %d is of no known sort (%#x)", id, flags)
	case id+uint64(p.Overflow) >= f.Header.Pages:
		p.Bad = fmt.Sprintf("page %d reaches over the end of the file", id)
	case flags != FlagFreelist && (int64(p.Overflow)+1)*Size > maxPageBytes:
		p.Bad = fmt.Sprintf("page %d is too long (%d pages)", id, p.Overflow)
	}
	if p.Bad != "" {
		f.Done(buf)
		return p, nil
	}
	p.Flags = flags
	if p.Overflow > 0 && flags != FlagFreelist {
		f.Done(buf)
		buf = make([]byte, (int64(p.Overflow)+1)*Size)
		if _, err := f.R.ReadAt(buf, int64(id)*Size); err != nil {
			return p, fmt.Errorf("read page %d: %w", id, err)
		}
	}
	p.Data = buf
	return p, nil
}

func (f *File) buffer() []byte {
	if n := len(f.buffers); n > 0 {
		b := f.buffers[n-1]
		f.buffers = f.buffers[:n-1]
		return b
	}
	return make([]byte, Size)
}

// Done takes back the data of a page.
func (f *File) Done(b []byte) {
	if len(b) == Size && len(f.buffers) < MaxDepth {
		f.buffers = append(f.buffers, b)
	}
}
