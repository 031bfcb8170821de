package importer

import (
	"bytes"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// arena allocates the strings and payloads of one batch from a few large pieces. They are
// never overwritten.
type arena struct {
	text   strings.Builder
	fields []ttpcron.Field
	chunk  int // size of the last text chunk: it doubles, so that small files stay small
	size   int // bytes of text given out
	raw    []byte
	escape []byte // room for a string with escapes
}

const (
	minChunk = 2 << 10
	maxChunk = 64 << 10
)

// Text returns b as a string. A nil arena allocates it by itself.
func (a *arena) Text(b []byte) string {
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
	return a.Text(b)
}

// decoded returns the value of a JSON string, or false for anything else.
func (a *arena) decoded(v jsontext.Value) (string, bool) {
	b, plain := v.Plain()
	switch {
	case plain:
		return a.Text(b), true
	case a == nil || !v.IsString():
		return v.Text()
	}
	a.escape = v.AppendText(a.escape[:0])
	return a.Text(a.escape), true
}

// repeated is decoded of a string that may well be the same as the last one;
// anything else gives "".
func (a *arena) repeated(last string, v jsontext.Value) string {
	if b, plain := v.Plain(); plain {
		return a.same(last, b)
	}
	s, _ := a.decoded(v)
	return s
}

// Raw returns a copy of b.
func (a *arena) Raw(b []byte) []byte {
	a.size += len(b)
	if len(b) > maxChunk/8 {
		return bytes.Clone(b)
	}
	if cap(a.raw)-len(a.raw) < len(b) {
		a.raw = make([]byte, 0, min(max(2*cap(a.raw), minChunk, len(b)), maxChunk))
	}
	start := len(a.raw)
	a.raw = append(a.raw, b...)
	return a.raw[start:len(a.raw):len(a.raw)]
}

// Fields returns room for n fields, all empty.
func (a *arena) Fields(n int) ttpcron.Payload {
	if cap(a.fields)-len(a.fields) < n {
		a.fields = make([]ttpcron.Field, 0, max(n, min(max(2*cap(a.fields), 32), 1024)))
	}
	start := len(a.fields)
	a.fields = a.fields[:start+n]
	return a.fields[start : start+n : start+n]
}

// named is repeated of a name, which may also be a number.
func (a *arena) named(last string, v jsontext.Value) string {
	if raw := v.Raw(); len(raw) > 0 && isNumber(raw) {
		return a.same(last, raw)
	}
	return a.repeated(last, v)
}
