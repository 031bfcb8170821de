package lazy

import (
	"sync"
	"sync/atomic"
	"testing"
)

// A value is made once, however many callers need it at a time, and again after a release.
func TestValue(t *testing.T) {
	var v Value[int]
	var made atomic.Int32
	get := func() *int {
		return v.Get(func() *int { n := int(made.Add(1)); return &n })
	}
	for round := range 3 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if n := get(); *n != round+1 {
					t.Errorf("round %d: %d", round, *n)
				}
			})
		}
		all.Wait()
		v.Release()
	}
}

// A value that is nil is not made again and again.
func TestNil(t *testing.T) {
	var v Value[int]
	n := 0
	for range 3 {
		if v.Get(func() *int { n++; return nil }) != nil {
			t.Error("not nil")
		}
	}
	if n != 1 {
		t.Errorf("made %d times", n)
	}
	v.Set(&n)
	if v.Get(nil) != &n {
		t.Error("what was set is not there")
	}
}
