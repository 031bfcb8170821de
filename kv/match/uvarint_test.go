package match

import (
	"encoding/binary"
	"testing"
)

// FuzzUvarint: numbers are read as the standard library reads them, at any position.
func FuzzUvarint(f *testing.F) {
	for i := range 64 {
		f.Add(binary.AppendUvarint(nil, 1<<i), 0)
		f.Add(append(binary.AppendUvarint([]byte{0x80}, 1<<i-1), 1, 2, 3, 4, 5, 6, 7, 8), 1)
	}
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, 0)
	f.Add([]byte{0x80, 0x00}, 0)
	f.Fuzz(func(t *testing.T, p []byte, at int) {
		if at < 0 || at > len(p)+1 {
			return
		}
		want, n := binary.Uvarint(p[min(at, len(p)):])
		v, next := uvarint(p, at)
		if n <= 0 && next >= 0 || n > 0 && (v != want || next != at+n) {
			t.Errorf("%x at %d is %d up to %d, want %d, %d", p, at, v, next, want, n)
		}
	})
}
