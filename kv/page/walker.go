package page

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Walker visits the entries of buckets in order of their keys, and notes faults of the
// pages on its way. What is below a bad page is left out.
type Walker struct {
	File *File
	Seen Bitmap // pages that have been visited
	Bad  func(what string)
	Read func(pages int) // progress, and a place to stop: see err
	Err  error           // ends every walk

	Free  Bitmap // pages in the list of free pages; nil: not compared
	Stale int    // pages met that are in it
}

// Each calls do for the entries of a bucket, and compares their first and last key with its
// seal. Key and value are valid until do returns.
func (w *Walker) Each(b Bucket, do func(e Element)) {
	if !b.sealed {
		w.entries(b, do)
		return
	}
	var first, last []byte
	bad, harmed := w.Bad, false
	w.Bad = func(what string) {
		harmed = true
		bad(what)
	}
	w.entries(b, func(e Element) {
		if first == nil {
			first = bytes.Clone(e.Key)
		}
		last = append(last[:0], e.Key...)
		do(e)
	})
	w.Bad = bad
	if !harmed && w.Err == nil && b.Seal(b.Sequence, first, last) != b.Seq {
		w.Bad(fmt.Sprintf("bucket %q begins or ends elsewhere than it should", b.Name))
	}
}

func (w *Walker) entries(b Bucket, do func(e Element)) {
	var last []byte
	if b.Inline == nil && b.Root == 0 {
		return // a bucket that was not found
	}
	if b.Inline == nil {
		w.page(b.Root, nil, &last, do, 0)
		return
	}
	le := binary.LittleEndian
	p := Page{Data: b.Inline, Flags: le.Uint16(b.Inline[8:]), Count: int(le.Uint16(b.Inline[10:]))}
	if p.Flags != FlagLeaf || le.Uint64(b.Inline) != 0 || le.Uint32(b.Inline[12:]) != 0 {
		w.Bad("the page of a small bucket has a wrong header")
		p.Flags = FlagLeaf
	}
	w.leaf(&p, &last, do)
	end := HeadSize
	if elements, _ := p.Elements(nil); len(elements) > 0 {
		for _, e := range elements {
			end += ElementSize + len(e.Key) + len(e.Value)
		}
	}
	if end != len(b.Inline) {
		w.Bad("a small bucket has bytes that belong to nothing")
	}
}

func (w *Walker) page(id uint64, first []byte, last *[]byte, do func(e Element), depth int) {
	if w.Err != nil {
		return
	}
	p, err := w.File.Page(id)
	if err != nil {
		// A page that the disk cannot read is damage like any other; the rest may be
		// readable.
		w.Bad(err.Error())
		return
	}
	defer w.File.Done(p.Data)
	if p.Bad == "" && (p.Flags == FlagFreelist || depth > MaxDepth) {
		p.Bad = fmt.Sprintf("page %d has no place in a tree", id)
	}
	if p.Bad != "" {
		w.Bad(p.Bad)
		return
	}
	for i := range uint64(p.Overflow) + 1 {
		if !w.Seen.Add(id + i) {
			w.Bad(fmt.Sprintf("page %d is used twice", id+i))
			return
		}
		if w.Free != nil && w.Free.Has(id+i) {
			w.Stale++
			w.Bad(fmt.Sprintf("page %d is in the list of free pages: it may be old", id+i))
		}
	}
	if w.Read != nil {
		w.Read(int(p.Overflow) + 1)
	}
	if p.Flags == FlagLeaf {
		w.leafFrom(&p, first, last, do)
		return
	}
	elements, bad := p.Elements(nil)
	switch {
	case bad != "":
		w.Bad(bad)
	case len(elements) == 0:
		w.Bad(fmt.Sprintf("page %d leads nowhere", id))
	case first != nil && !bytes.Equal(elements[0].Key, first):
		w.Bad(fmt.Sprintf("page %d begins with another key than the page above says", id))
	}
	for i := range elements {
		w.page(elements[i].child, elements[i].Key, last, do, depth+1)
	}
}

// leafFrom visits a leaf which the page above says begins with a key.
func (w *Walker) leafFrom(p *Page, first []byte, last *[]byte, do func(e Element)) {
	if elements, _ := p.Elements(nil); first == nil && len(elements) == 0 && p.ID != w.File.Header.Root {
		w.Bad(fmt.Sprintf("page %d has no entries", p.ID))
	} else if first != nil {
		if len(elements) == 0 || !bytes.Equal(elements[0].Key, first) {
			w.Bad(fmt.Sprintf("page %d begins with another key than the page above says", p.ID))
		}
	}
	w.leaf(p, last, do)
}

func (w *Walker) leaf(p *Page, last *[]byte, do func(e Element)) {
	elements, bad := p.Elements(nil)
	if bad != "" {
		w.Bad(bad)
	}
	for _, e := range elements {
		if w.Err != nil {
			return
		}
		if *last != nil && bytes.Compare(e.Key, *last) <= 0 {
			w.Bad(fmt.Sprintf("page %d: keys are not in order", p.ID))
		}
		*last = append((*last)[:0], e.Key...)
		do(e)
	}
}
