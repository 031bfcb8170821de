package recent

import (
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map[int, string]
	if _, ok := m.Get(1); ok {
		t.Error("an empty map knows a key")
	}
	m.Put(1, "one")
	m.Put(1, "uno")
	if v, ok := m.Get(1); v != "uno" || !ok {
		t.Errorf("Get: %q, %t", v, ok)
	}
	m.Drop(1)
	if v, ok := m.Get(1); ok {
		t.Errorf("a dropped key has the value %q", v)
	}
}

// TestMapForgets: what is used stays, whatever comes beside it; what is not is forgotten,
// and no flood grows the map.
func TestMapForgets(t *testing.T) {
	var m Map[int, int]
	m.Put(-1, 1)
	m.Put(-2, 2)
	for i := range 5 * Most {
		m.Put(i, i)
		if v, ok := m.Get(-1); v != 1 || !ok {
			t.Fatalf("a key in use is forgotten after %d others", i)
		}
		if n := m.Len(); n > 2*Most {
			t.Fatalf("%d values are kept", n)
		}
	}
	if _, ok := m.Get(-2); ok {
		t.Error("a key that nobody used is kept")
	}
	for i := 5*Most - 1; i > 4*Most; i-- {
		if _, ok := m.Get(i); !ok {
			t.Fatalf("one of the last %d keys is forgotten", 5*Most-i)
		}
	}
	// A key in the old generation goes too.
	m.Drop(-1)
	if _, ok := m.Get(-1); ok {
		t.Error("a dropped key is known")
	}
}

func TestHash(t *testing.T) {
	var h, other Hash
	long := strings.Repeat("x", 1<<20)
	seen := map[uint64]bool{}
	for _, texts := range [][2]string{{"", ""}, {"a", ""}, {"", "a"}, {"a", "b"}, {"b", "a"}, {"ab", ""}, {long, "a"}, {long, "b"}} {
		key := h.Key(texts[0], texts[1])
		if key == 0 || seen[key] {
			t.Errorf("the key of %.10q is %d, which is another's", texts, key)
		}
		seen[key] = true
		if h.Key(texts[0], texts[1]) != key {
			t.Errorf("%.10q has two keys", texts)
		}
	}
	if h.Key("a", "b") == other.Key("a", "b") {
		t.Error("two hashes have one seed")
	}
}
