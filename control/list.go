package control

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"unsafe"
)

// List is a list in a request or an answer. It is sent item by item, so that reading it
// takes no more memory than a small multiple of the bytes sent, however small the items
// are.
type List[T any] struct {
	Items []T

	sent []byte // the list as Parts encoded it; nil: not yet
}

// ListOf makes a list.
func ListOf[T any](items []T) List[T] { return List[T]{Items: items} }

// listFactor is how many bytes of memory a byte of an encoded list may become. An encoded
// item rarely has less than a fifth of its size in memory.
const listFactor = 32

// listSpare is how many bytes of memory even a short list may become.
const listSpare = 64 << 10

// GobEncode implements gob.GobEncoder.
func (l List[T]) GobEncode() ([]byte, error) {
	if l.sent != nil {
		return l.sent, nil
	}
	var b bytes.Buffer
	enc := gob.NewEncoder(&b)
	for i := range l.Items {
		if err := enc.Encode(&l.Items[i]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// GobDecode implements gob.GobDecoder.
func (l *List[T]) GobDecode(b []byte) error {
	var zero T
	limit := (listFactor*len(b) + listSpare) / max(1, int(unsafe.Sizeof(zero)))
	dec := gob.NewDecoder(bytes.NewReader(b))
	l.Items, l.sent = nil, nil
	for {
		var item T
		err := dec.Decode(&item)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("item %d of the list: %w", len(l.Items)+1, err)
		}
		if len(l.Items) == limit {
			return fmt.Errorf("the list has %d bytes and more than %d items", len(b), limit)
		}
		l.Items = append(l.Items, item)
	}
}

// Parts cuts a list into lists that fit into a call: each has at most about the given
// number of bytes, and at least one item. An encoding error ends it.
func Parts[T any](items []T, about int) iter.Seq2[List[T], error] {
	return func(yield func(List[T], error) bool) {
		for len(items) > 0 {
			var b bytes.Buffer
			enc := gob.NewEncoder(&b)
			n, size := 0, 0
			for n < len(items) && size < about {
				if err := enc.Encode(&items[n]); err != nil {
					yield(List[T]{}, err)
					return
				}
				if b.Len() > about && n > 0 {
					b.Truncate(size)
					break
				}
				n, size = n+1, b.Len()
			}
			if !yield(List[T]{Items: items[:n], sent: b.Bytes()}, nil) {
				return
			}
			items = items[n:]
		}
	}
}

// Small is a part of a request that is always short. It is read only if its encoding is at
// most MaxSmall bytes, so it cannot take much memory.
type Small[T any] struct{ Value T }

// MaxSmall is how long the encoding of a Small may be, in bytes.
const MaxSmall = 1 << 20

// GobEncode implements gob.GobEncoder.
func (v Small[T]) GobEncode() ([]byte, error) { return encode(&v.Value) }

// GobDecode implements gob.GobDecoder.
func (v *Small[T]) GobDecode(b []byte) error {
	if len(b) > MaxSmall {
		return fmt.Errorf("a part of the request has %d bytes, and %d are taken", len(b), MaxSmall)
	}
	return gob.NewDecoder(bytes.NewReader(b)).Decode(&v.Value)
}
