package page

import (
	"bytes"
	"encoding/binary"
)

// Find calls do for the last entry of a bucket whose key is not after the given one, if
// there is one. Key and value are valid until do returns. If the pages on the way are
// damaged it finds nothing: a [Walker] says what is wrong with them.
func (f *File) Find(b Bucket, key []byte, do func(e Element)) error {
	if b.Inline != nil {
		p := Page{Data: b.Inline, Flags: FlagLeaf, Count: int(binary.LittleEndian.Uint16(b.Inline[10:]))}
		p.find(key, do)
		return nil
	}
	if b.Root == 0 {
		return nil // a bucket that was not found
	}
	id := b.Root
	for range MaxDepth {
		p, err := f.Page(id)
		if err != nil || p.Bad != "" {
			return err
		}
		id = 0
		p.find(key, func(e Element) {
			if p.Flags == FlagLeaf {
				do(e)
			} else {
				id = e.child
			}
		})
		leaf := p.Flags == FlagLeaf
		f.Done(p.Data)
		if leaf || id == 0 {
			return nil
		}
	}
	return nil
}

// find calls do with the last entry whose key is not after the given one.
func (p *Page) find(key []byte, do func(e Element)) {
	elements, _ := p.Elements(nil)
	for i := len(elements) - 1; i >= 0; i-- {
		if elements[i].Key != nil && bytes.Compare(elements[i].Key, key) <= 0 {
			do(elements[i])
			return
		}
	}
}
