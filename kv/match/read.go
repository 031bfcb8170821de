package match

import (
	"slices"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Block is the entries of a block that was read, in memory that is used again.
type Block struct {
	Entries []Entry
	// Want says of which streams, by number, the entries are read; nil: of all.
	Want    []bool
	text    []byte
	values  []string
	streams []uint32
}

// Read reads a block. The text of its entries is part of the record or, where it is to
// be kept, of a copy that the block has.
func (b *Block) Read(day ttpcron.Day, key, rec []byte, keep bool) error {
	b.Entries, b.values, b.streams = b.Entries[:0], b.values[:0], b.streams[:0]
	_, first, ok := record.ParseMatchBlockKey(key)
	if !ok {
		return record.Damagef("%x is no key of a block of matches", key)
	}
	r, err := record.TypeMatches.Open(rec, record.DayKey(day), key)
	if err != nil {
		return err
	}
	if keep {
		b.text = append(b.text[:0], r.Rest...)
		r.Rest = b.text
	}
	unit := int64(1)
	if u := int(r.Byte()); u < len(timeUnits) {
		unit = timeUnits[u]
	} else {
		r.Fail(record.Damagef("time unit %d", u))
	}
	for range r.Count(MaxEntries) {
		s := r.Uvarint()
		if s == 0 || s > 1<<31 {
			r.Fail(record.Damagef("stream %d", s))
		}
		b.streams = append(b.streams, uint32(s))
	}
	if b.Want != nil && r.Err == nil && !slices.ContainsFunc(b.streams, b.wants) {
		return nil
	}
	for range r.Count(MaxEntries) {
		b.values = append(b.values, text(&r))
	}
	e, read := Entry{MatchKey: first}, 0
	groups := r.Count(MaxEntries)
	for g := range groups {
		if g > 0 {
			h := r.Hash()
			if r.Err == nil && h.Compare(e.Hash) <= 0 {
				r.Fail(record.Damage("groups are not in order"))
			}
			e.Hash = h
		}
		e.Group = text(&r)
		n := r.Count(MaxEntries - read)
		if n == 0 {
			r.Fail(record.Damage("group without matches"))
		}
		begins := b.group(&r, &e, n, unit)
		if r.Err != nil {
			break
		}
		if g == 0 && begins != first {
			return record.Damage("block of matches begins otherwise than its key says")
		}
		read += n
	}
	if err := r.Finish(); err != nil {
		return err
	}
	if groups == 0 {
		return record.Damage("block without matches")
	}
	return nil
}

func (b *Block) wants(stream uint32) bool {
	return b.Want == nil || int(stream) < len(b.Want) && b.Want[stream]
}

// group reads the matches of a group, whose last one e is then, and returns the key of the
// first.
func (b *Block) group(r *record.Reader, e *Entry, n int, unit int64) (begins record.MatchKey) {
	limit := uint64(record.DayNanos / unit)
	time := uint64(0)
	for i := range n {
		stream := r.Uvarint()
		step := r.Uvarint()
		seq := e.Seq + uint64(r.Varint())
		value := r.Uvarint()
		form := Form(stream & 3)
		stream >>= 2
		if stream >= uint64(len(b.streams)) || value >= uint64(len(b.values)) || form > Replaced || step >= limit {
			r.Fail(record.Damage("match that makes no sense"))
			return begins
		}
		if time += step; time >= limit {
			r.Fail(record.Damage("time outside its day"))
			return begins
		}
		last := e.MatchKey
		e.Nanos, e.Seq, e.Stream, e.Form, e.Values = int64(time)*unit, seq, b.streams[stream], form, b.values[value]
		if i > 0 && last.Compare(&e.MatchKey) >= 0 {
			r.Fail(record.Damage("matches are not in order"))
			return begins
		}
		if i == 0 {
			begins = e.MatchKey
		}
		if b.wants(e.Stream) {
			b.Entries = append(b.Entries, *e)
		}
	}
	return begins
}

// text reads a text that is part of the record.
func text(r *record.Reader) string {
	t := r.Bytes(r.Count(len(r.Rest)))
	return unsafe.String(unsafe.SliceData(t), len(t))
}

// Cursor stands at an entry of a run.
type Cursor struct {
	Day  ttpcron.Day
	Age  int // of the run: the older, the smaller
	Next func(*Block) (bool, error)
	Want func(*Entry) bool // nil: every entry

	block Block
	at    int
}

// CursorOf returns a cursor over entries that are in order.
func CursorOf(day ttpcron.Day, age int, entries []Entry) *Cursor {
	return &Cursor{Day: day, Age: age, Next: func(b *Block) (some bool, _ error) {
		b.Entries, entries = entries, nil
		return len(b.Entries) > 0, nil
	}}
}

// Entry returns the entry at which the cursor stands. It is good until the cursor moves.
func (c *Cursor) Entry() *Entry { return &c.block.Entries[c.at] }

// Move moves to the next entry, and is false when there is none. A new cursor stands
// before the first.
func (c *Cursor) Move() (bool, error) {
	for {
		for c.at++; c.at < len(c.block.Entries); c.at++ {
			if c.Want == nil || c.Want(&c.block.Entries[c.at]) {
				return true, nil
			}
		}
		ok, err := c.Next(&c.block)
		if !ok || err != nil {
			return false, err
		}
		c.at = -1
	}
}

// before reports whether the entry of a cursor comes before that of another: the entry
// of the younger run first where they have one key.
func (c *Cursor) before(o *Cursor) bool {
	a, b := &c.block.Entries[c.at].MatchKey, &o.block.Entries[o.at].MatchKey
	switch {
	case a.Grouping != b.Grouping:
		return a.Grouping < b.Grouping
	case a.Hash.Hi != b.Hash.Hi:
		return a.Hash.Hi < b.Hash.Hi
	case a.Hash.Lo != b.Hash.Lo:
		return a.Hash.Lo < b.Hash.Lo
	case c.Day != o.Day:
		return c.Day < o.Day
	case a.Nanos != b.Nanos:
		return a.Nanos < b.Nanos
	case a.Seq != b.Seq:
		return a.Seq < b.Seq
	case a.Stream != b.Stream:
		return a.Stream < b.Stream
	}
	return c.Age > o.Age
}

// Merge gives the entries of several runs in their order.
type Merge struct {
	heap []*Cursor
	last record.MatchKey // that was given
	day  ttpcron.Day
	some bool
}

// Reset begins anew, without a run.
func (m *Merge) Reset() { m.heap, m.some = m.heap[:0], false }

// Add adds a run, before the first entry is asked for. The cursor stands before its
// first entry.
func (m *Merge) Add(c *Cursor) error {
	c.at = -1
	c.block.Entries = c.block.Entries[:0]
	ok, err := c.Move()
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
	ok, err := m.heap[0].Move()
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
			return
		}
		m.heap[i], m.heap[first] = m.heap[first], m.heap[i]
		i = first
	}
}

// Live returns the cursor at the next match that there is, nil when there is none: what
// the youngest run says of a match counts.
func (m *Merge) Live() (*Cursor, error) {
	for len(m.heap) > 0 {
		c := m.heap[0]
		if e := c.Entry(); !m.some || c.Day != m.day || e.MatchKey != m.last {
			m.some, m.day, m.last = true, c.Day, e.MatchKey
			if e.Form != Went {
				return c, nil
			}
		}
		if err := m.Move(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
