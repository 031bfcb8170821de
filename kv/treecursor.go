package kv

import (
	"bytes"

	"github.com/ttpcron/ttpcron/kv/page"
)

// treeCursor walks through a tree like bbolt's cursor does.
type treeCursor struct {
	tree  tree
	stack []step
}

// step is an entry of a page on the way down.
type step struct {
	page treePage
	at   int
	hi   []byte // the keys of the page end before it; nil: with the tree
	lo   []byte // keys from here on belong into the page; nil: those from the first on
}

func (c *treeCursor) top() *step { return &c.stack[len(c.stack)-1] }

// down goes from the page on top to the leaf that pick leads to.
func (c *treeCursor) down(pick func(p *treePage) int) {
	for {
		s := c.top()
		s.at = pick(&s.page)
		if s.page.leaf {
			if n := len(c.stack); c.tree.depth != 0 && n != c.tree.depth {
				fail("page %d lies at another depth than others", s.page.id)
			}
			return
		}
		if len(c.stack) > page.MaxDepth {
			fail("page %d leads back to where it came from", s.page.id)
		}
		c.push(s)
	}
}

// push goes down the entry of a branch.
func (c *treeCursor) push(s *step) {
	hi, lo := s.end(s.at), s.lo
	if s.at > 0 {
		lo = s.page.key(s.at)
	}
	c.stack = append(c.stack, step{page: c.tree.child(&s.page, s.at, hi), hi: hi, lo: lo})
}

// end returns the key before which the keys end that an entry leads to.
func (s *step) end(at int) []byte {
	if at+1 < s.page.count {
		return s.page.key(at + 1)
	}
	return s.hi
}

func (c *treeCursor) begin() {
	c.stack = append(c.stack[:0], step{page: c.tree.start()})
}

func pickFirst(*treePage) int { return 0 }

func pickLast(p *treePage) int { return p.count - 1 }

func (c *treeCursor) first() bool {
	c.begin()
	c.down(pickFirst)
	return c.top().page.count > 0
}

func (c *treeCursor) last() bool {
	c.begin()
	c.down(pickLast)
	return c.top().page.count > 0
}

// descend goes to the leaf into which a key belongs, and to where it is or would
// be there.
func (c *treeCursor) descend(key []byte) (found bool) {
	c.begin()
	c.down(func(p *treePage) int {
		i, same := p.search(key)
		if p.leaf {
			found = same
		} else if !same && i > 0 {
			i--
		}
		return i
	})
	return found
}

// lookup goes to a key. Where it would be the last one of a leaf, the page above may
// have led astray: then the leaf after it begins with another key than that says.
func (c *treeCursor) lookup(key []byte) (found bool) {
	if found = c.descend(key); !found && c.top().at == c.top().page.count {
		c.nextLeaf()
	}
	return found
}

// seek goes to the first key that is not below the one given.
func (c *treeCursor) seek(key []byte) bool {
	c.descend(key)
	if s := c.top(); s.at < s.page.count {
		return true
	}
	return c.nextLeaf()
}

// next goes to the next entry. At the end it stays at the last one.
func (c *treeCursor) next() bool {
	if len(c.stack) == 0 {
		return false
	}
	if s := c.top(); s.at+1 < s.page.count {
		s.at++
		return true
	}
	return c.nextLeaf()
}

func (c *treeCursor) nextLeaf() bool {
	for n := len(c.stack) - 2; n >= 0; n-- {
		if s := &c.stack[n]; s.at+1 < s.page.count {
			c.stack = c.stack[:n+1]
			s.at++
			c.push(s)
			c.down(pickFirst)
			return true
		}
	}
	return false
}

// prev goes to the entry before. At the beginning it stays.
func (c *treeCursor) prev() bool {
	if len(c.stack) == 0 {
		return false
	}
	if s := c.top(); s.at > 0 {
		s.at--
		return true
	}
	return c.prevLeaf()
}

func (c *treeCursor) prevLeaf() bool {
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

// entry returns the entry at which the cursor stands.
func (c *treeCursor) entry() (k, v []byte, isBucket bool) {
	s := c.top()
	v, isBucket = s.page.value(s.at)
	return s.page.key(s.at), v, isBucket
}

// vouch looks at the leaf into which a key belongs and at the pages beside it and
// beside those above it, which bbolt reads too when it balances the tree, and
// returns the range of keys that belong into the leaf; nil is no limit.
func (c *treeCursor) vouch(key []byte, last bool) (lo, hi []byte) {
	again := func() {
		if last {
			c.last()
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

// besides looks at the pages beside the one to which a step leads.
func (c *treeCursor) besides(s *step) {
	for _, at := range [...]int{s.at - 1, s.at + 1} {
		if at >= 0 && at < s.page.count {
			c.tree.child(&s.page, at, s.end(at))
		}
	}
}
