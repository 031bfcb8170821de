package tree

import (
	"bytes"

	"github.com/ttpcron/ttpcron/kv/page"
)

// Cursor walks through a tree like bbolt's cursor does.
type Cursor struct {
	Tree  Tree
	stack []step
}

// step is an entry of a page on the way down.
type step struct {
	page Page
	at   int
	hi   []byte // the keys of the page end before it; nil: with the tree
	lo   []byte // keys from here on belong to the page; nil: those from the first on
}

func (c *Cursor) top() *step { return &c.stack[len(c.stack)-1] }

// down goes from the page on top to the leaf that pick leads to.
func (c *Cursor) down(pick func(p *Page) int) {
	for {
		s := c.top()
		s.at = pick(&s.page)
		if s.page.Leaf {
			if n := len(c.stack); c.Tree.depth != 0 && n != c.Tree.depth {
				Fail("page %d lies at another depth than others", s.page.ID)
			}
			return
		}
		if len(c.stack) > page.MaxDepth {
			Fail("page %d leads back to where it came from", s.page.ID)
		}
		c.push(s)
	}
}

// push goes down the entry of a branch.
func (c *Cursor) push(s *step) {
	hi, lo := s.end(s.at), s.lo
	if s.at > 0 {
		lo = s.page.Key(s.at)
	}
	c.stack = append(c.stack, step{page: c.Tree.child(&s.page, s.at, hi), hi: hi, lo: lo})
}

// end returns the key before which the keys end that an entry leads to.
func (s *step) end(at int) []byte {
	if at+1 < s.page.Count {
		return s.page.Key(at + 1)
	}
	return s.hi
}

func (c *Cursor) begin() {
	c.stack = append(c.stack[:0], step{page: c.Tree.Start()})
}

func pickFirst(*Page) int { return 0 }

func pickLast(p *Page) int { return p.Count - 1 }

// First goes to the first entry.
func (c *Cursor) First() bool {
	c.begin()
	c.down(pickFirst)
	return c.top().page.Count > 0
}

// Last goes to the last entry.
func (c *Cursor) Last() bool {
	c.begin()
	c.down(pickLast)
	return c.top().page.Count > 0
}

// descend goes to the leaf into which a key belongs, and to where it is or would
// be there.
func (c *Cursor) descend(key []byte) (found bool) {
	c.begin()
	c.down(func(p *Page) int {
		i, same := p.search(key)
		if p.Leaf {
			found = same
		} else if !same && i > 0 {
			i--
		}
		return i
	})
	return found
}

// Lookup goes to a key. Where it would be the last one of a leaf, the page above may
// have led astray: then the leaf after it begins with another key than that says.
func (c *Cursor) Lookup(key []byte) (found bool) {
	if found = c.descend(key); !found && c.top().at == c.top().page.Count {
		c.nextLeaf()
	}
	return found
}

// Seek goes to the first key that is not below the one given.
func (c *Cursor) Seek(key []byte) bool {
	c.descend(key)
	if s := c.top(); s.at < s.page.Count {
		return true
	}
	return c.nextLeaf()
}

// Next goes to the next entry. At the end it stays at the last one.
func (c *Cursor) Next() bool {
	if len(c.stack) == 0 {
		return false
	}
	if s := c.top(); s.at+1 < s.page.Count {
		s.at++
		return true
	}
	return c.nextLeaf()
}

func (c *Cursor) nextLeaf() bool {
	for n := len(c.stack) - 2; n >= 0; n-- {
		if s := &c.stack[n]; s.at+1 < s.page.Count {
			c.stack = c.stack[:n+1]
			s.at++
			c.push(s)
			c.down(pickFirst)
			return true
		}
	}
	return false
}

// Prev goes to the entry before. At the beginning it stays.
func (c *Cursor) Prev() bool {
	if len(c.stack) == 0 {
		return false
	}
	if s := c.top(); s.at > 0 {
		s.at--
		return true
	}
	return c.prevLeaf()
}

func (c *Cursor) prevLeaf() bool {
	for n := len(c.stack) - 2; n >= 0; n-- {
		if s := &c.stack[n]; s.at > 0 {
			c.stack = c.stack[:n+1]
			s.at--
			c.push(s)
			c.down(pickLast)
			return true
		}
	}
	return false
}

// Entry returns the entry at which the cursor stands.
func (c *Cursor) Entry() (k, v []byte, isBucket bool) {
	s := c.top()
	v, isBucket = s.page.value(s.at)
	return s.page.Key(s.at), v, isBucket
}

// Vouch looks at the leaf into which a key belongs and at the pages beside it and
// beside those above it, which bbolt reads too when it balances the tree, and
// returns the range of keys that belong to the leaf; nil is no limit.
func (c *Cursor) Vouch(key []byte, last bool) (lo, hi []byte) {
	again := func() {
		if last {
			c.Last()
		} else {
			c.descend(key)
		}
	}
	again()
	lo, hi = bytes.Clone(c.top().lo), bytes.Clone(c.top().hi)
	for i := range len(c.stack) - 1 {
		c.besides(&c.stack[i])
	}
	c.nextLeaf()
	again()
	c.prevLeaf()
	return lo, hi
}

// besides checks the pages next to the one that a step leads to.
func (c *Cursor) besides(s *step) {
	for _, at := range [...]int{s.at - 1, s.at + 1} {
		if at >= 0 && at < s.page.Count {
			c.Tree.child(&s.page, at, s.end(at))
		}
	}
}
