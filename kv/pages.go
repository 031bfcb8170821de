package kv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// pageFile reads the pages of a bbolt file with plain reads. bbolt maps the file
// and trusts it: a page that points outside of the file or at itself ends the
// process, and nothing can catch that. Checking and recovering must bear any
// content, so they read pages themselves and believe nothing.
//
// The format is that of bbolt's data file version 2 (internal/common of
// go.etcd.io/bbolt v1.5.0): little-endian, as on every machine that ttpcron is
// built for.
type pageFile struct {
	r    io.ReaderAt
	size int64 // of the file

	metas [2]metaPage
	meta  *metaPage // the one in force; nil when neither is whole

	buffers [][]byte // for reuse
}

// metaPage is the header of a file: there are two, and commits write them in
// turn.
type metaPage struct {
	bad      string // why it cannot be used
	root     uint64 // page of the root bucket
	sequence uint64
	freelist uint64 // page
	pages    uint64 // pages in use lie below
	txid     uint64
}

const (
	pageHeader    = 16
	elementSize   = 16
	bucketHeader  = 16
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagMeta      = 0x04
	flagFreelist  = 0x10
	noFreelist    = ^uint64(0)
	bboltVersion  = 2
	maxPageBytes  = 64 << 20 // of a page with its overflow; a block takes 16 MiB at most
	maxTreeDepth  = 40
	maxFreelist   = 1 << 30 // bytes
	longFreelist  = 0xffff  // count of a free list whose first id is its count
	maxFilePages  = 1 << 40
	metaBodyBytes = metaBytes
)

// openPages reads the headers of a file. Only a file that cannot be read is an
// error; one without a usable header has a nil meta.
func openPages(r io.ReaderAt, size int64) (*pageFile, error) {
	f := &pageFile{r: r, size: size}
	for i := range f.metas {
		buf := make([]byte, pageSize)
		n, err := r.ReadAt(buf, int64(i)*pageSize)
		if err != nil && err != io.EOF {
			return nil, err
		}
		m := parseMeta(buf[:n], uint64(i), size)
		f.metas[i] = m
		if m.bad == "" && (f.meta == nil || m.txid > f.meta.txid) {
			f.meta = &f.metas[i]
		}
	}
	return f, nil
}

func parseMeta(page []byte, id uint64, size int64) (m metaPage) {
	if len(page) < metaOffset+metaBodyBytes {
		m.bad = "the file ends before it"
		return m
	}
	b := page[metaOffset:]
	le := binary.LittleEndian
	switch {
	case le.Uint32(b) != metaMagic:
		m.bad = "it does not begin as a header does"
	case fnv64a(b[:metaBodyBytes-8]) != le.Uint64(b[metaBodyBytes-8:]):
		m.bad = "its checksum does not match"
	case le.Uint32(b[4:]) != bboltVersion || le.Uint32(b[8:]) != pageSize:
		m.bad = fmt.Sprintf("it has version %d and pages of %d bytes", le.Uint32(b[4:]), le.Uint32(b[8:]))
	case le.Uint64(page) != id || le.Uint16(page[8:]) != flagMeta:
		m.bad = "its page does not say that it is a header"
	}
	if m.bad != "" {
		return m
	}
	m.root, m.sequence, m.freelist = le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:])
	m.pages, m.txid = le.Uint64(b[40:]), le.Uint64(b[48:])
	if m.pages > maxFilePages || int64(m.pages)*pageSize > size {
		m.bad = fmt.Sprintf("it counts %d pages and the file has %d: the file was cut short", m.pages, size/pageSize)
	}
	return m
}

// page reads a page with its overflow. What is wrong with it comes back as text;
// data is nil when nothing of it can be used. Give data back with done.
func (f *pageFile) page(id uint64) (p page, err error) {
	p.id = id
	if id < 2 || id >= f.meta.pages {
		p.bad = fmt.Sprintf("page %d is outside of the file", id)
		return p, nil
	}
	buf := f.buffer()
	if _, err := f.r.ReadAt(buf, int64(id)*pageSize); err != nil {
		return p, fmt.Errorf("read page %d: %w", id, err)
	}
	le := binary.LittleEndian
	own, flags := le.Uint64(buf), le.Uint16(buf[8:])
	p.count, p.overflow = int(le.Uint16(buf[10:])), le.Uint32(buf[12:])
	switch {
	case own != id:
		p.bad = fmt.Sprintf("page %d says that it is page %d", id, own)
	case flags != flagBranch && flags != flagLeaf && flags != flagFreelist:
		p.bad = fmt.Sprintf("page %d is of no known sort (%#x)", id, flags)
	case id+uint64(p.overflow) >= f.meta.pages:
		p.bad = fmt.Sprintf("page %d reaches over the end of the file", id)
	case flags != flagFreelist && (int64(p.overflow)+1)*pageSize > maxPageBytes:
		p.bad = fmt.Sprintf("page %d is too long (%d pages)", id, p.overflow)
	}
	if p.bad != "" {
		f.done(buf)
		return p, nil
	}
	p.flags = flags
	if p.overflow > 0 && flags != flagFreelist {
		f.done(buf)
		buf = make([]byte, (int64(p.overflow)+1)*pageSize)
		if _, err := f.r.ReadAt(buf, int64(id)*pageSize); err != nil {
			return p, fmt.Errorf("read page %d: %w", id, err)
		}
	}
	p.data = buf
	return p, nil
}

func (f *pageFile) buffer() []byte {
	if n := len(f.buffers); n > 0 {
		b := f.buffers[n-1]
		f.buffers = f.buffers[:n-1]
		return b
	}
	return make([]byte, pageSize)
}

func (f *pageFile) done(b []byte) {
	if len(b) == pageSize && len(f.buffers) < maxTreeDepth {
		f.buffers = append(f.buffers, b)
	}
}

// page is one page, or the page within the value of an inline bucket.
type page struct {
	id       uint64
	flags    uint16
	count    int
	overflow uint32
	data     []byte
	bad      string
}

// element is an entry of a branch or leaf.
type element struct {
	key, value []byte
	bucket     bool   // of a leaf: the value is a bucket
	child      uint64 // of a branch
}

// elements takes a branch or leaf apart: bbolt writes the contents of elements
// one after the other without gaps, so whatever lies elsewhere is damage. Each
// element that lies within the page is returned, whatever is said of the page.
func (p *page) elements(dst []element) (out []element, bad string) {
	le := binary.LittleEndian
	note := func(format string, args ...any) {
		if bad == "" {
			bad = fmt.Sprintf(format, args...)
		}
	}
	next := pageHeader + p.count*elementSize
	if next > len(p.data) {
		return dst, fmt.Sprintf("page %d counts %d entries, more than it can hold", p.id, p.count)
	}
	for i := range p.count {
		at := pageHeader + i*elementSize
		head := p.data[at : at+elementSize]
		var e element
		var pos, ksize, vsize uint32
		if p.flags == flagLeaf {
			flags := le.Uint32(head)
			pos, ksize, vsize = le.Uint32(head[4:]), le.Uint32(head[8:]), le.Uint32(head[12:])
			e.bucket = flags&1 != 0
			if flags > 1 {
				note("page %d: entry %d is of no known sort", p.id, i)
			}
		} else {
			pos, ksize, e.child = le.Uint32(head), le.Uint32(head[4:]), le.Uint64(head[8:])
		}
		from := int64(at) + int64(pos)
		end := from + int64(ksize) + int64(vsize)
		if from != int64(next) {
			note("page %d: entry %d lies where it should not", p.id, i)
		}
		if ksize == 0 {
			note("page %d: entry %d has no key", p.id, i)
		}
		if end > int64(len(p.data)) {
			note("page %d: entry %d reaches over the end of the page", p.id, i)
			if p.flags == flagLeaf {
				continue
			}
			e.key = nil // the child can be read all the same
		} else {
			e.key = p.data[from : from+int64(ksize) : from+int64(ksize)]
			e.value = p.data[from+int64(ksize) : end : end]
			next = int(end)
		}
		dst = append(dst, e)
	}
	if want := max(1, (next+pageSize-1)/pageSize); bad == "" && p.id != 0 && int(p.overflow)+1 != want {
		note("page %d takes %d pages where its entries need %d", p.id, p.overflow+1, want)
	}
	return dst, bad
}

// freelist reads the ids of free pages and calls do for each. The list may be
// long, so it is read in parts. What is wrong with it comes back as text.
func (f *pageFile) freelist(do func(id uint64)) (p page, bad string, err error) {
	p, err = f.page(f.meta.freelist)
	if err != nil || p.bad != "" {
		return p, p.bad, err
	}
	defer f.done(p.data)
	if p.flags != flagFreelist {
		return p, fmt.Sprintf("page %d is not the list of free pages", p.id), nil
	}
	count, at := uint64(p.count), int64(pageHeader)
	if p.count == longFreelist {
		count, at = binary.LittleEndian.Uint64(p.data[pageHeader:]), at+8
	}
	if room := uint64((int64(p.overflow)+1)*pageSize-at) / 8; count > room {
		return p, fmt.Sprintf("the list of free pages counts %d and has room for %d", count, room), nil
	}
	r := io.NewSectionReader(f.r, int64(p.id)*pageSize+at, int64(count)*8)
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

// bitmap is a set of pages.
type bitmap []uint64

func newBitmap(n uint64) bitmap { return make(bitmap, n/64+1) }

func (b bitmap) has(i uint64) bool { return b[i/64]&(1<<(i%64)) != 0 }

// add adds i and reports whether it was missing.
func (b bitmap) add(i uint64) bool {
	if b.has(i) {
		return false
	}
	b[i/64] |= 1 << (i % 64)
	return true
}

// walker visits the entries of buckets in the order of their keys, and notes
// what is wrong with the pages on its way. What lies below a bad page is left
// out.
type walker struct {
	f    *pageFile
	seen bitmap // pages that have been visited
	bad  func(what string)
	read func(pages int) // progress, and a place to stop: see err
	err  error           // ends every walk

	free  bitmap // pages in the list of free pages; nil: not compared
	stale int    // pages met that are in it
}

// bucketRef is a bucket within its parent.
type bucketRef struct {
	root     uint64
	sequence uint64
	inline   []byte // the page of a bucket without pages of its own; nil otherwise

	// Set by buckets, which knows them:
	place
	sealed bool
	seq    uint64 // as it is in the file
}

// parseBucket reads the value of an entry that is a bucket. The reference keeps
// a copy.
func parseBucket(v []byte) (b bucketRef, bad string) {
	if len(v) < bucketHeader {
		return b, "the entry of a bucket is too short"
	}
	b.root, b.sequence = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
	switch {
	case b.root != 0 && len(v) != bucketHeader:
		return b, "the entry of a bucket is too long"
	case b.root == 0 && len(v) < bucketHeader+pageHeader:
		return b, "a bucket points nowhere"
	case b.root == 0:
		b.inline = bytes.Clone(v[bucketHeader:])
	}
	return b, ""
}

// each calls do for the entries of a bucket, and compares their first and last key
// with its seal. Key and value die when do returns.
func (w *walker) each(b bucketRef, do func(e element)) {
	if !b.sealed {
		w.entries(b, do)
		return
	}
	var first, last []byte
	bad, harmed := w.bad, false
	w.bad = func(what string) {
		harmed = true
		bad(what)
	}
	w.entries(b, func(e element) {
		if first == nil {
			first = bytes.Clone(e.key)
		}
		last = append(last[:0], e.key...)
		do(e)
	})
	w.bad = bad
	if !harmed && w.err == nil && b.seal(b.sequence, first, last) != b.seq {
		w.bad(fmt.Sprintf("bucket %q begins or ends elsewhere than it should", b.name))
	}
}

func (w *walker) entries(b bucketRef, do func(e element)) {
	var last []byte
	if b.inline == nil && b.root == 0 {
		return // a bucket that was not found
	}
	if b.inline == nil {
		w.page(b.root, nil, &last, do, 0)
		return
	}
	le := binary.LittleEndian
	p := page{data: b.inline, flags: le.Uint16(b.inline[8:]), count: int(le.Uint16(b.inline[10:]))}
	if p.flags != flagLeaf || le.Uint64(b.inline) != 0 || le.Uint32(b.inline[12:]) != 0 {
		w.bad("the page of a small bucket has a wrong header")
		p.flags = flagLeaf
	}
	w.leaf(&p, &last, do)
	end := pageHeader
	if elements, _ := p.elements(nil); len(elements) > 0 {
		for _, e := range elements {
			end += elementSize + len(e.key) + len(e.value)
		}
	}
	if end != len(b.inline) {
		w.bad("a small bucket has bytes that belong to nothing")
	}
}

func (w *walker) page(id uint64, first []byte, last *[]byte, do func(e element), depth int) {
	if w.err != nil {
		return
	}
	p, err := w.f.page(id)
	if err != nil {
		// A page that the disk does not give is damage as any other; the rest
		// may be readable.
		w.bad(err.Error())
		return
	}
	defer w.f.done(p.data)
	if p.bad == "" && (p.flags == flagFreelist || depth > maxTreeDepth) {
		p.bad = fmt.Sprintf("page %d has no place in a tree", id)
	}
	if p.bad != "" {
		w.bad(p.bad)
		return
	}
	for i := range uint64(p.overflow) + 1 {
		if !w.seen.add(id + i) {
			w.bad(fmt.Sprintf("page %d is used twice", id+i))
			return
		}
		if w.free != nil && w.free.has(id+i) {
			w.stale++
			w.bad(fmt.Sprintf("page %d is in the list of free pages: it may be old", id+i))
		}
	}
	if w.read != nil {
		w.read(int(p.overflow) + 1)
	}
	if p.flags == flagLeaf {
		w.leafFrom(&p, first, last, do)
		return
	}
	elements, bad := p.elements(nil)
	switch {
	case bad != "":
		w.bad(bad)
	case len(elements) == 0:
		w.bad(fmt.Sprintf("page %d leads nowhere", id))
	case first != nil && !bytes.Equal(elements[0].key, first):
		w.bad(fmt.Sprintf("page %d begins with another key than the page above says", id))
	}
	for i := range elements {
		w.page(elements[i].child, elements[i].key, last, do, depth+1)
	}
}

// leafFrom visits a leaf which the page above says begins with a key.
func (w *walker) leafFrom(p *page, first []byte, last *[]byte, do func(e element)) {
	if elements, _ := p.elements(nil); first == nil && len(elements) == 0 && p.id != w.f.meta.root {
		w.bad(fmt.Sprintf("page %d has no entries", p.id))
	} else if first != nil {
		if len(elements) == 0 || !bytes.Equal(elements[0].key, first) {
			w.bad(fmt.Sprintf("page %d begins with another key than the page above says", p.id))
		}
	}
	w.leaf(p, last, do)
}

func (w *walker) leaf(p *page, last *[]byte, do func(e element)) {
	elements, bad := p.elements(nil)
	if bad != "" {
		w.bad(bad)
	}
	for _, e := range elements {
		if w.err != nil {
			return
		}
		if *last != nil && bytes.Compare(e.key, *last) <= 0 {
			w.bad(fmt.Sprintf("page %d: keys are not in order", p.id))
		}
		*last = append((*last)[:0], e.key...)
		do(e)
	}
}
