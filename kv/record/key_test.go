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
		kinds := [...]ttpcron.SourceKind{ttpcron.Command, ttpcron.Correlation}
		of, other := kinds[rnd.IntN(2)], kinds[rnd.IntN(2)]
		ka, kb := MakeTagKey(of, a, ttpcron.UUID{255}), MakeTagKey(other, b, ttpcron.UUID{})
		pa, pb := AppendTagPosition(nil, ka[:]), AppendTagPosition(nil, kb[:])
		if of == other && a != b && (a < b) != (bytes.Compare(ka[:], kb[:]) < 0) || of != other && (other == ttpcron.Correlation) != (bytes.Compare(ka[:], kb[:]) < 0) {
			t.Fatalf("keys of %s %d and %s %d are not in order", of, a, other, b)
		}
		if n := CompareTagPositions(ka[:], kb[:]); n != bytes.Compare(pa, pb) || a != b && (a < b) != (n < 0) {
			t.Fatalf("places of %d and %d compare as %d", a, b, n)
		}
		if OfFinding(ka[:]) != (of == ttpcron.Correlation) || OfFinding(ka[:]) && !bytes.Equal(FindingAt(pa), ka[:]) {
			t.Fatalf("key of %s: %x", of, ka)
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
			kind := ttpcron.Command
			if OfFinding(k) {
				kind = ttpcron.Correlation
			}
			if again := MakeTagKey(kind, n, u); !bytes.Equal(again[:], k) {
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
