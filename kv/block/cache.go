package block

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Cache reads single events. It keeps the blocks that it read last, because tags in order
// of time need blocks in about the order of arrival, for each sensor its own. It is not
// safe for concurrent use.
type Cache struct {
	Reader *Reader
	// Find returns the record of the block of a kind and day that would contain an event
	// with an arrival number, and the block's first arrival number; no record if there is
	// none.
	Find func(at record.KindDay, seq uint64) (first uint64, rec []byte, err error)
	// Blocks is how many are kept at most, 0 for 128. Reading in order of arrival needs no
	// more than two.
	Blocks int

	kept  []*keptBlock // the one that was used last comes last
	bytes int          // that they take, about
	read  int          // bytes of all blocks that were read
	epoch int
}

type keptBlock struct {
	at     record.KindDay
	first  uint64
	sum    [record.HeaderSize]byte // version and checksum of its record
	epoch  int                     // in which it was known to be as stored
	events []ttpcron.Event
	bytes  int
}

// The limit of a Cache, not counting two blocks: most blocks take 100 KiB.
const (
	keptBlocks = 128
	keptBytes  = 16 << 20
	largeBytes = 1 << 20 // a block of more is kept with the one before it alone: it is one event
)

// Changed says that the result of Find may have changed. Unchanged blocks stay.
func (c *Cache) Changed() { c.epoch++ }

// Bytes returns about how many bytes of events were read so far.
func (c *Cache) Bytes() int { return c.read }

// Event returns the event of a kind and day with an arrival number, or nil. It is valid
// until Event is called twice more.
func (c *Cache) Event(at record.KindDay, seq uint64) (*ttpcron.Event, error) {
	b := c.held(at, seq)
	if b == nil {
		var err error
		if b, err = c.find(at, seq); err != nil {
			return nil, fmt.Errorf("%s events of %s: %w", at.Kind, at.Day, err)
		}
		if b == nil {
			return nil, nil
		}
	}
	i, ok := slices.BinarySearchFunc(b.events, seq, func(e ttpcron.Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	if !ok {
		return nil, nil
	}
	return &b.events[i], nil
}

// held returns the block that has an event, if it is known to be as stored.
func (c *Cache) held(at record.KindDay, seq uint64) *keptBlock {
	for i := len(c.kept) - 1; i >= 0; i-- {
		b := c.kept[i]
		if b.epoch == c.epoch && b.first <= seq && b.events[len(b.events)-1].Seq >= seq && b.at == at {
			c.use(i)
			return b
		}
	}
	return nil
}

func (c *Cache) use(i int) {
	if n := len(c.kept) - 1; i < n {
		b := c.kept[i]
		copy(c.kept[i:], c.kept[i+1:])
		c.kept[n] = b
	}
}

func (c *Cache) find(at record.KindDay, seq uint64) (*keptBlock, error) {
	first, rec, err := c.Find(at, seq)
	if err != nil || rec == nil {
		return nil, err
	}
	for i, b := range c.kept {
		if b.first == first && b.at == at {
			if len(rec) >= len(b.sum) && [record.HeaderSize]byte(rec) == b.sum {
				b.epoch = c.epoch
				c.use(i)
				return b, nil
			}
			c.drop(i)
			break
		}
	}
	events, err := c.Reader.Read(at.Kind, at.Day, first, rec)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", first, err)
	}
	b := &keptBlock{at: at, first: first, sum: [record.HeaderSize]byte(rec), epoch: c.epoch, events: events}
	for i := range events {
		b.bytes += costOf(&events[i])
	}
	c.kept, c.bytes, c.read = append(c.kept, b), c.bytes+b.bytes, c.read+b.bytes
	for i := len(c.kept) - 3; i >= 0; i-- {
		if c.kept[i].bytes > largeBytes {
			c.drop(i)
		}
	}
	for len(c.kept) > 2 && (c.bytes > keptBytes || len(c.kept) > cmp.Or(c.Blocks, keptBlocks)) {
		c.drop(0)
	}
	return b, nil
}

func (c *Cache) drop(i int) {
	c.bytes -= c.kept[i].bytes
	c.kept = slices.Delete(c.kept, i, i+1)
}
