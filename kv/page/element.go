package page

import (
	"encoding/binary"
	"fmt"
)

// Page is one page, or the page within the value of an inline bucket.
type Page struct {
	ID       uint64
	Flags    uint16
	Count    int
	Overflow uint32
	Data     []byte
	Bad      string
}

// Element is an entry of a branch or leaf.
type Element struct {
	Key, Value []byte
	Bucket     bool   // of a leaf: the value is a bucket
	child      uint64 // of a branch
}

// Elements takes a branch or leaf apart. bbolt writes the contents of elements one after
// the other without gaps, so anything elsewhere is damage. Each element within the page is
// returned, even if the page has faults.
func (p *Page) Elements(dst []Element) (out []Element, bad string) {
	le := binary.LittleEndian
	note := func(format string, args ...any) {
		if bad == "" {
			bad = fmt.Sprintf(format, args...)
		}
	}
	next := HeadSize + p.Count*ElementSize
	if next > len(p.Data) {
		return dst, fmt.Sprintf("page %d counts %d entries, more than it can hold", p.ID, p.Count)
	}
	for i := range p.Count {
		at := HeadSize + i*ElementSize
		head := p.Data[at : at+ElementSize]
		var e Element
		var pos, ksize, vsize uint32
		if p.Flags == FlagLeaf {
			flags := le.Uint32(head)
			pos, ksize, vsize = le.Uint32(head[4:]), le.Uint32(head[8:]), le.Uint32(head[12:])
			e.Bucket = flags&1 != 0
			if flags > 1 {
				note("page %d: entry %d is of no known sort", p.ID, i)
			}
		} else {
			pos, ksize, e.child = le.Uint32(head), le.Uint32(head[4:]), le.Uint64(head[8:])
		}
		from := int64(at) + int64(pos)
		end := from + int64(ksize) + int64(vsize)
		if from != int64(next) {
			note("page %d: entry %d lies where it should not", p.ID, i)
		}
		if ksize == 0 {
			note("page %d: entry %d has no key", p.ID, i)
		}
		if end > int64(len(p.Data)) {
			note("page %d: entry %d reaches over the end of the page", p.ID, i)
			if p.Flags == FlagLeaf {
				continue
			}
			e.Key = nil // the child can be read all the same
		} else {
			e.Key = p.Data[from : from+int64(ksize) : from+int64(ksize)]
			e.Value = p.Data[from+int64(ksize) : end : end]
			next = int(end)
		}
		dst = append(dst, e)
	}
	if want := max(1, (next+Size-1)/Size); bad == "" && p.ID != 0 && int(p.Overflow)+1 != want {
		note("page %d takes %d pages where its entries need %d", p.ID, p.Overflow+1, want)
	}
	return dst, bad
}
