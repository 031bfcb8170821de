package jobs

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// What is kept of matches is what they said, also when their text is overwritten, and a
// text that several share is kept once.
func TestBaseMatches(t *testing.T) {
	s := ttpcron.NewStream("R", ttpcron.AuthAttempt, nil, nil, [16]byte{})
	var b baseMatches
	want := []string{"one|v", "one|w", "two|v", "one|", "one|w", "|"}
	for i := range 2 {
		page := []byte("onetwovw")
		text := func(from, to int) string { return unsafe.String(unsafe.SliceData(page[from:]), to-from) }
		m := func(group, values string) ttpcron.BaseMatch {
			return ttpcron.BaseMatch{Stream: s, Group: group, Values: values, Seq: uint64(i)}
		}
		b.add([]ttpcron.BaseMatch{m(text(0, 3), text(6, 7)), m(text(0, 3), text(7, 8)), m(text(3, 6), text(6, 7)), m(text(0, 3), ""), m(strings.Clone("one"), text(7, 8)), m("", "")})
		copy(page, "xxxxxxxx")
	}
	p := b.settle()
	copy(p.text[:cap(p.text)], "overwritten by the next unit")
	for i, m := range b.list {
		if got := m.Group + "|" + m.Values; got != want[i%len(want)] || m.Seq != uint64(i/len(want)) || m.Stream != s {
			t.Errorf("match %d is %s of %d, want %s", i, got, m.Seq, want[i%len(want)])
		}
	}
	if b.all != strings.Repeat("onevwtwoone", 2) {
		t.Errorf("kept is %q", b.all)
	}
}
