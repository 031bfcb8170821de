package record

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestTagKeysAreInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		a, b := rnd.Int64N(DayNanos), rnd.Int64N(DayNanos)
		ka, kb := MakeTagKey(a, ttpcron.UUID{255}), MakeTagKey(b, ttpcron.UUID{})
		if a != b && (a < b) != (bytes.Compare(ka[:], kb[:]) < 0) {
			t.Fatalf("keys of %d and %d are not in order", a, b)
		}
		if nanos, u, ok := ParseTagKey(ka[:]); nanos != a || u != (ttpcron.UUID{255}) || !ok {
			t.Fatalf("key of %d came back as %d, %v, %v", a, nanos, u, ok)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9}, int64(12345))
	f.Fuzz(func(t *testing.T, k []byte, nanos int64) {
		if day, seq, ok := ParseBlockKey(k); ok && !bytes.Equal(BlockKey(day, seq), k) {
			t.Errorf("%x is not the key of its parts", k)
		}
		if n, u, ok := ParseTagKey(k); ok {
			if again := MakeTagKey(n, u); !bytes.Equal(again[:], k) {
				t.Errorf("%x is not the key of its parts", k)
			}
		}
		if nanos < 0 {
			nanos = -(nanos + 1)
		}
		nanos %= DayNanos
		at := TimeOf(20000, nanos)
		if NanosOf(at, 20000) != nanos || ttpcron.DayOf(at) != 20000 {
			t.Errorf("%d ns came back as %v", nanos, at)
		}
	})
}
