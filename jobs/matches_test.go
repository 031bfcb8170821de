package jobs

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/ttpcron/ttpcron"
)

// Kept matches do not change when their text is overwritten, and a shared text is kept
// once.
func TestBaseMatches(t *testing.T) {
	s := ttpcron.NewStream("R", ttpcron.AuthAttempt, nil, nil, [16]byte{})
	var b baseMatches
	want := []string{"one|v", "one|w", "two|v", "one|", "one|w", "|"}
	events := []ttpcron.Event{{Seq: 7, Time: time.Unix(70, 0)}, {}, {Seq: 9, Time: time.Unix(90, 5)}}
	for i := range 2 {
		page := []byte("onetwovw")
		text := func(from, to int) string { return unsafe.String(unsafe.SliceData(page[from:]), to-from) }
		m := func(group, values string) ttpcron.BaseMatch {
			return ttpcron.BaseMatch{Stream: s, Group: group, Values: values}
		}
		b.add(2*i, []ttpcron.BaseMatch{m(text(0, 3), text(6, 7)), m(text(0, 3), text(7, 8)), m(text(3, 6), text(6, 7)), m(text(0, 3), ""), m(strings.Clone("one"), text(7, 8)), m("", "")})
		copy(page, "xxxxxxxx")
	}
	memory := b.settle()
	copy(memory[:cap(memory)], "overwritten by the next unit")
	list := b.appendTo(nil, events)
	for i, m := range list {
		e := &events[i/len(want)*2]
		if got := m.Group + "|" + m.Values; got != want[i%len(want)] || m.Seq != e.Seq || !m.Time.Equal(e.Time) || m.Stream != s {
			t.Errorf("match %d is %s of %d, want %s", i, got, m.Seq, want[i%len(want)])
		}
	}
	if len(list) != 2*len(want) || b.all != "onevwtwo"+"vw" {
		t.Errorf("%d matches, kept is %q", len(list), b.all)
	}
}
