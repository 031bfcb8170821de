package tagger

import (
	"hash/maphash"
	"strings"
)

// Bounds of one generation of a cache. Honeypot commands repeat: two
// generations of this size hit on 94 to 97 of 100 events.
const (
	cacheEntries = 8192
	cacheBytes   = 4 << 20
	cacheText    = 64 << 10 // longer texts are evaluated each time
	cacheSeen    = 1 << 15  // texts that the doorkeeper remembers
)

// cache remembers verdicts by text. It keeps two generations: when the young one is full
// it becomes the old one, and entries that are used again move back. A text is admitted
// when it occurs for the second time: most never do.
type cache struct {
	young, old map[string]*verdict
	seed       maphash.Seed
	// doorkeeper (TinyLFU's word) remembers which texts have occurred: the upper half of a
	// hash, in the slot that the lower half selects.
	doorkeeper []uint32
	bytes      int // of the young generation, roughly
	hits       int
	misses     int
}

func (c *cache) get(text string) *verdict {
	if v := c.young[text]; v != nil {
		c.hits++
		return v
	}
	if v := c.old[text]; v != nil {
		c.hits++
		c.put(text, v)
		return v
	}
	c.misses++
	return nil
}

// admits reports whether the text was there before, as far as is remembered.
func (c *cache) admits(text string) bool {
	if len(text) > cacheText {
		return false
	}
	if c.doorkeeper == nil {
		c.seed, c.doorkeeper = maphash.MakeSeed(), make([]uint32, cacheSeen)
	}
	h := maphash.String(c.seed, text)
	place, rest := h%cacheSeen, uint32(h>>32)|1
	known := c.doorkeeper[place] == rest
	c.doorkeeper[place] = rest
	return known
}

// put remembers a verdict. The text is copied: it may be a part of something
// large.
func (c *cache) put(text string, v *verdict) {
	if len(text) > cacheText || v.failed {
		return
	}
	if c.young == nil || len(c.young) >= cacheEntries || c.bytes >= cacheBytes {
		c.young, c.old, c.bytes = make(map[string]*verdict), c.young, 0
	}
	c.young[strings.Clone(text)] = v
	c.bytes += 2*len(text) + 64 + 96*len(v.findings)
}
