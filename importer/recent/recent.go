// Package recent remembers what earlier records said about sessions and connections, for
// the records that say it no more. It forgets those that were not used for longest, so a
// flood of sessions takes no more memory than a few.
package recent

import (
	"hash/maphash"
	"math/bits"
)

// Most is how many values a Map has at least before it forgets any. It never has more
// than twice as many.
const Most = 8192

// Map has the values that were used last. The zero Map is empty and ready for use.
//
// It has two generations. When the young one is full it becomes the old one, and values
// that are used again move back.
type Map[K comparable, V any] struct{ young, old map[K]V }

// Get returns the value of a key, and whether it is known.
func (m *Map[K, V]) Get(key K) (V, bool) {
	v, ok := m.young[key]
	if !ok {
		if v, ok = m.old[key]; ok {
			m.Put(key, v)
		}
	}
	return v, ok
}

// Put sets the value of a key.
func (m *Map[K, V]) Put(key K, value V) {
	if m.young == nil || len(m.young) >= Most {
		m.young, m.old = map[K]V{}, m.young
	}
	m.young[key] = value
}

// Drop forgets a key.
func (m *Map[K, V]) Drop(key K) {
	delete(m.young, key)
	delete(m.old, key)
}

// Len is how many values are kept, with those that were replaced since.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }

// Hash makes keys of texts that an attacker chose, which may be long. Its seed is its own,
// so nobody can choose texts with the same key. The zero Hash is ready for use, by one
// goroutine.
type Hash struct {
	seed maphash.Seed
	made bool
}

// Key returns the key of two texts, which is never 0.
func (h *Hash) Key(a, b string) uint64 {
	if !h.made {
		h.seed, h.made = maphash.MakeSeed(), true
	}
	return maphash.String(h.seed, a) ^ bits.RotateLeft64(maphash.String(h.seed, b), 23) | 1
}
