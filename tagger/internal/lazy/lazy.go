// Package lazy makes values when they are first needed, and lets go of them again.
package lazy

import (
	"sync"
	"sync/atomic"
)

// Value is a value that is made when it is first needed. It is safe for concurrent
// use and must not be copied.
type Value[T any] struct {
	made atomic.Pointer[made[T]]
	mu   sync.Mutex
}

// made distinguishes a value that is nil from one that was not made.
type made[T any] struct{ value *T }

// Get returns the value, which it makes unless it is there. All callers get the
// same one until it is released.
func (v *Value[T]) Get(make func() *T) *T {
	if m := v.made.Load(); m != nil {
		return m.value
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.made.Load()
	if m == nil {
		m = &made[T]{make()}
		v.made.Store(m)
	}
	return m.value
}

// Set puts a value in place that was made otherwise.
func (v *Value[T]) Set(value *T) { v.made.Store(&made[T]{value}) }

// Release lets go of the value. Whoever has it may go on using it; the next Get
// makes another.
func (v *Value[T]) Release() { v.made.Store(nil) }
