package record

import (
	"testing"
)

// TestSipHash checks the vectors of the reference implementation: key 00 … 0f,
// text 00 … n-1.
func TestSipHash(t *testing.T) {
	var s Secret
	text := make([]byte, 64)
	for i := range text {
		text[i] = byte(i)
	}
	copy(s[:], text)
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 63: 0x958a324ceb064572} {
		if got := s.sip(text[:n]); got != want {
			t.Errorf("sip of %d bytes = %#x, want %#x", n, got, want)
		}
	}
}

func TestHashKeepsPartsApart(t *testing.T) {
	s := Secret{1}
	if s.hash('a', "ab", "c") == s.hash('a', "a", "bc") || s.hash('a', "x", "") == s.hash('b', "x", "") {
		t.Error("different texts have one hash")
	}
}
