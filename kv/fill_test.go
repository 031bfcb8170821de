package kv

import "testing"

// TestScatteredFill: full pages that became too large are split into parts of about the
// same size, none of which is too large again.
func TestScatteredFill(t *testing.T) {
	for _, c := range []struct {
		before, added int
		want          float64
	}{
		{0, 10, 0.95}, {100, 100, 0.95}, {100, 300, 0.95}, {100, 50, 0.7125}, {1000, 1, 0.475475}, {1, 1000, 0.95},
	} {
		got := scatteredFill(c.before, c.added)
		if got < c.want-0.01 || got > 0.95+1e-9 {
			t.Errorf("%d added to %d: %v, want %v", c.added, c.before, got, c.want)
		}
	}
}

// TestGrowStep: a file grows by a small part of itself.
func TestGrowStep(t *testing.T) {
	for size, want := range map[int64]int{0: 1 << 20, 1 << 20: 1 << 20, 64 << 20: 2 << 20, 1 << 30: 16 << 20} {
		if got := growStep(size); got != want {
			t.Errorf("a file of %d bytes grows by %d, want %d", size, got, want)
		}
	}
}
