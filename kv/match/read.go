package match

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Cursor stands at an entry of a run.
type Cursor struct {
	Day  ttpcron.Day
	Age  int // of the run: the older, the smaller
	Next func(*Block) (bool, error)
	Want func(*Row) bool // nil: every entry

	block     Block
	group, at int
}

// CursorOf returns a cursor over a list.
func CursorOf(day ttpcron.Day, age int, l *List) *Cursor {
	given := false
	return &Cursor{Day: day, Age: age, Next: func(b *Block) (some bool, _ error) {
		if given {
			return false, nil
		}
		given, b.List = true, *l
		return len(b.Groups) > 0, nil
	}}
}

// Group returns the group at the cursor. Like Row, it and its text are valid until the
// cursor moves.
func (c *Cursor) Group() *Group { return &c.block.Groups[c.group] }

// Row returns the row at which the cursor stands.
func (c *Cursor) Row() *Row { return &c.block.Rows[c.at] }

// Values returns the values of the row.
func (c *Cursor) Values() string { return c.block.Value(&c.block.Rows[c.at]) }

// Key returns the key of the entry.
func (c *Cursor) Key() record.MatchKey { return c.Group().Key(c.Row()) }

// Move moves to the next entry and returns false if there is none.
func (c *Cursor) Move() (bool, error) {
	if c.at++; c.at < int(c.block.Groups[c.group].To) && c.Want == nil {
		return true, nil
	}
	if c.find() {
		return true, nil
	}
	return c.nextBlock()
}

// find finds a wanted entry in the block, from the cursor's position on.
func (c *Cursor) find() bool {
	for ; c.group < len(c.block.Groups); c.group++ {
		g := &c.block.Groups[c.group]
		for c.at = max(c.at, int(g.From)); c.at < int(g.To); c.at++ {
			if c.Want == nil || c.Want(&c.block.Rows[c.at]) {
				return true
			}
		}
	}
	return false
}

func (c *Cursor) nextBlock() (bool, error) {
	for {
		ok, err := c.Next(&c.block)
		if !ok || err != nil {
			return false, err
		}
		if c.group, c.at = 0, 0; c.find() {
			return true, nil
		}
	}
}

// sameGroup reports whether another cursor is in the same group of the same day.
func (c *Cursor) sameGroup(o *Cursor) bool {
	return c.Day == o.Day && c.Group().Compare(o.Group()) == 0
}

// before reports whether a cursor's entry comes before another's. If the keys are equal,
// the younger run's comes first.
func (c *Cursor) before(o *Cursor) bool {
	a, b := c.Group(), o.Group()
	switch {
	case a.Grouping != b.Grouping:
		return a.Grouping < b.Grouping
	case a.Hash.Hi != b.Hash.Hi:
		return a.Hash.Hi < b.Hash.Hi
	case a.Hash.Lo != b.Hash.Lo:
		return a.Hash.Lo < b.Hash.Lo
	case c.Day != o.Day:
		return c.Day < o.Day
	}
	return c.rowBefore(o)
}

func (c *Cursor) rowBefore(o *Cursor) bool {
	x, y := c.Row(), o.Row()
	switch {
	case x.Nanos != y.Nanos:
		return x.Nanos < y.Nanos
	case x.Seq != y.Seq:
		return x.Seq < y.Seq
	case x.Stream != y.Stream:
		return x.Stream < y.Stream
	}
	return c.Age > o.Age
}

// Merge gives the entries of several runs in their order.
type Merge struct {
	heap []*Cursor
	// alone says that no other run has an entry before the rows of the first cursor up to
	// this one, all of the same group; stepped says that the last move was among these.
	alone, stepped bool
	to             int

	given bool // Live has looked at the first entry
	some  bool // and at one with this key
	last  record.MatchKey
	day   ttpcron.Day
}

// Reset begins anew, without a run.
func (m *Merge) Reset() { *m = Merge{heap: m.heap[:0]} }

// Add adds a run. Call it before requesting the first entry. The cursor must be before its
// first entry.
func (m *Merge) Add(c *Cursor) error {
	ok, err := c.nextBlock()
	if !ok || err != nil {
		return err
	}
	m.heap = append(m.heap, c)
	for i := len(m.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !m.heap[i].before(m.heap[up]) {
			break
		}
		m.heap[i], m.heap[up] = m.heap[up], m.heap[i]
		i = up
	}
	return nil
}

// Top returns the cursor at the first entry, nil when there is none.
func (m *Merge) Top() *Cursor {
	if len(m.heap) == 0 {
		return nil
	}
	return m.heap[0]
}

// Move moves beyond the first entry.
func (m *Merge) Move() error {
	c := m.heap[0]
	if m.alone && c.at+1 < m.to {
		c.at++
		m.stepped = true
		return nil
	}
	m.stepped = false
	ok, err := c.Move()
	if err != nil {
		return err
	}
	if !ok {
		n := len(m.heap) - 1
		m.heap[0] = m.heap[n]
		m.heap = m.heap[:n]
	}
	m.down()
	return nil
}

// down moves the first cursor to where it belongs.
func (m *Merge) down() {
	for i := 0; ; {
		first := i
		for _, k := range [...]int{2*i + 1, 2*i + 2} {
			if k < len(m.heap) && m.heap[k].before(m.heap[first]) {
				first = k
			}
		}
		if first == i {
			break
		}
		m.heap[i], m.heap[first] = m.heap[first], m.heap[i]
		i = first
	}
	if m.alone = len(m.heap) > 0 && m.heap[0].Want == nil; !m.alone {
		return
	}
	c := m.heap[0]
	m.to = int(c.Group().To)
	for _, o := range m.heap[1:min(3, len(m.heap))] {
		m.alone = m.alone && (!c.sameGroup(o) || c.block.Rows[m.to-1].Compare(o.Row()) < 0)
	}
}

// Again reports whether the first entry has the key of the one before, which is given, on
// the same day.
func (m *Merge) Again(k *record.MatchKey) bool {
	return !m.stepped && len(m.heap) > 0 && m.heap[0].Key() == *k
}

// Live returns the cursor at the next match that exists, or nil. What the youngest run says
// about a match counts.
func (m *Merge) Live() (*Cursor, error) {
	for {
		if m.given {
			if err := m.Move(); err != nil {
				return nil, err
			}
		}
		if m.given = len(m.heap) > 0; !m.given {
			return nil, nil
		}
		c := m.heap[0]
		if !m.stepped {
			k := c.Key()
			if m.some && k == m.last && c.Day == m.day {
				continue
			}
			m.some, m.last, m.day = true, k, c.Day
		}
		if c.Row().Form != Went {
			return c, nil
		}
	}
}
