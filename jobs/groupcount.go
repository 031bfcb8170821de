package jobs

import (
	"hash/maphash"
	"sync"

	"github.com/ttpcron/ttpcron"
)

// groupCount counts the groups that correlations judge, each once, even if it is in
// several readings or correlations. It keeps hashes: all of them while there are few, then
// only those whose lowest bit is 0, then a quarter, and so on. With [ttpcron.ExactGroups]
// hashes, the count is rarely off by more than two per cent.
type groupCount struct {
	mu   sync.Mutex
	kept map[uint64]struct{}
	low  uint64 // bits that are 0 in all hashes that are kept
	most int
}

func newGroupCount(most int) *groupCount {
	return &groupCount{kept: map[uint64]struct{}{}, most: most}
}

func (c *groupCount) add(hashes []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range hashes {
		if h&c.low != 0 {
			continue
		}
		c.kept[h] = struct{}{}
		for len(c.kept) > c.most {
			c.low = c.low<<1 | 1
			for h := range c.kept {
				if h&c.low != 0 {
					delete(c.kept, h)
				}
			}
		}
	}
}

// count returns the number of different groups.
func (c *groupCount) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.kept) * int(c.low+1)
}

// groupHashes are the hashes of the groups that a worker has judged and that are not
// counted yet.
type groupHashes struct {
	of   *groupCount
	list []uint64
}

func (h *groupHashes) add(hash uint64) {
	if h.list = append(h.list, hash); len(h.list) == 512 {
		h.settle()
	}
}

func (h *groupHashes) settle() {
	h.of.add(h.list)
	h.list = h.list[:0]
}

var groupSeed, groupingSeed = maphash.MakeSeed(), maphash.MakeSeed()

func hashOfGrouping(names string) uint64 { return maphash.String(groupingSeed, names) }

// hashOf returns a group's hash. It includes that of its grouping, since values of
// different fields may be equal.
func hashOf(g ttpcron.Group, grouping uint64) uint64 {
	return maphash.String(groupSeed, string(g)) ^ grouping
}
