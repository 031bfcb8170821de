package importer

import (
	"strings"

	"github.com/ttpcron/ttpcron"
)

// arena gives out the strings and payloads of one batch from a few large
// allocations. What it gives out is never overwritten.
type arena struct {
	text   strings.Builder
	fields []ttpcron.Field
	chunk  int // size of the last text chunk: it doubles, so that small files stay small
	size   int // bytes of text given out
}

const (
	minChunk = 2 << 10
	maxChunk = 64 << 10
)

// string returns b as a string. A nil arena allocates it by itself.
func (a *arena) string(b []byte) string {
	if len(b) == 0 || a == nil {
		return string(b)
	}
	a.size += len(b)
	if len(b) > maxChunk/8 {
		return string(b)
	}
	if a.text.Cap()-a.text.Len() < len(b) {
		a.chunk = min(max(2*a.chunk, minChunk, len(b)), maxChunk)
		a.text = strings.Builder{}
		a.text.Grow(a.chunk)
	}
	start := a.text.Len()
	a.text.Write(b)
	return a.text.String()[start:]
}

// same returns last when it equals b, which saves both memory and the copy:
// sessions, addresses and sensors repeat from line to line.
func (a *arena) same(last string, b []byte) string {
	if last == string(b) {
		return last
	}
	return a.string(b)
}

// payload returns room for n fields, all empty.
func (a *arena) payload(n int) ttpcron.Payload {
	if cap(a.fields)-len(a.fields) < n {
		a.fields = make([]ttpcron.Field, 0, min(max(2*cap(a.fields), 32), 1024))
	}
	start := len(a.fields)
	a.fields = a.fields[:start+n]
	return a.fields[start : start+n : start+n]
}
