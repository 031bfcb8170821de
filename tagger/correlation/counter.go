package correlation

import (
	"math/bits"
	"slices"
	"unsafe"
)

// A counter is what a node remembers of the matches of one of its groups: never a whole
// window, only what decides whether windows that end now or later satisfy it. Matches
// arrive in order of time.
type counter interface {
	// add takes a match. It reports whether a limit was met.
	add(m *match) (bounded bool)
	// satisfied reports whether the window that ends at t satisfies the condition. It is
	// called once, after all matches of that time have been added.
	satisfied(t instant) bool
	// reached returns how far the window that ends at t gets towards the condition: the
	// number of events, values or rules, or the sum.
	reached(t instant) progress
	// clear forgets all.
	clear()
	// size is about how many bytes it takes.
	size() int
}

// match is a match as a counter takes it.
type match struct {
	at    instant
	item  int
	event bool   // of a base rule; else of a correlation
	seq   uint64 // of the event
	value key
	sum   amount
}

// progress is how far a window gets.
type progress struct {
	count int
	sum   amount
	seen  uint64 // the rules of a temporal correlation
}

func (p progress) less(o progress) bool {
	return p.count < o.count || p.count == o.count && p.sum.less(o.sum)
}

func newCounter(n *node) counter {
	switch n.def.Type {
	case EventCount:
		return &eventCount{need: n.limit.count, span: n.span, many: len(n.refs) > 1}
	case ValueCount:
		return &valueCount{need: n.limit.count, span: n.span}
	case ValueSum:
		return &valueSum{need: n.limit.sum, span: n.span}
	case Temporal:
		return &temporal{need: n.limit.count, expr: n.limit.expr, span: n.span, last: make([]instant, len(n.refs))}
	}
	o := &ordered{need: n.limit.count, ways: n.ways, span: n.span, rules: len(n.refs)}
	starts := o.need * o.rules
	if n.ways != nil {
		starts = 0
		for _, way := range n.ways {
			starts += len(way)
		}
	}
	o.starts = slices.Repeat([]instant{never}, starts)
	return o
}

// eventCount remembers the times of the last events, as many as it needs.
type eventCount struct {
	need  int
	span  int64
	many  bool // an event may match several of the rules
	times []instant
	first int // of times, once it is full
	seq   uint64
	event bool // the last match was of an event, with that seq
}

func (c *eventCount) add(m *match) bool {
	if c.many {
		if c.event && m.event && c.seq == m.seq {
			return false
		}
		c.event, c.seq = m.event, m.seq
	}
	if len(c.times) < c.need {
		c.times = append(c.times, m.at)
		return false
	}
	c.times[c.first] = m.at
	if c.first++; c.first == c.need {
		c.first = 0
	}
	return false
}

func (c *eventCount) satisfied(t instant) bool {
	return len(c.times) == c.need && c.times[c.first].within(t, c.span)
}

func (c *eventCount) reached(t instant) (p progress) {
	for _, at := range c.times {
		if at.within(t, c.span) {
			p.count++
		}
	}
	return p
}

func (c *eventCount) clear() { c.times, c.first, c.event = c.times[:0], 0, false }
func (c *eventCount) size() int {
	return int(unsafe.Sizeof(*c)) + cap(c.times)*int(unsafe.Sizeof(instant{}))
}

// valueCount remembers the values that were seen last, as many as it needs, each with
// when that was.
type valueCount struct {
	need   int
	span   int64
	values recent
}

func (c *valueCount) add(m *match) bool {
	if _, fresh := c.values.touch(m.value, m.at); fresh && c.values.n > c.need {
		c.values.remove(c.values.oldest())
	}
	return false
}

func (c *valueCount) satisfied(t instant) bool {
	return c.values.n == c.need && c.values.entries[c.values.oldest()].at.within(t, c.span)
}

func (c *valueCount) reached(t instant) (p progress) {
	if c.values.n == 0 {
		return p
	}
	for e := c.values.entries[0].next; e != 0 && c.values.entries[e].at.within(t, c.span); e = c.values.entries[e].next {
		p.count++
	}
	return p
}

func (c *valueCount) clear()    { c.values.clear() }
func (c *valueCount) size() int { return int(unsafe.Sizeof(*c)) + c.values.size() }

// maxInstants is how many times with numbers a value_sum remembers of a group.
const maxInstants = 100_000

// valueSum remembers the latest numbers, as many as the sum needs, with those of the same
// time added up.
type valueSum struct {
	need  amount
	span  int64
	parts []part
	first int // of the parts that count
	total amount
	// The last match, until the next one: of the numbers that an event has as a match of
	// several rules the greatest counts, so that no match takes something from the sum.
	waits bool
	last  match
}

type part struct {
	at  instant
	sum amount
}

func (c *valueSum) add(m *match) (bounded bool) {
	if c.waits && c.last.event && m.event && c.last.seq == m.seq {
		if c.last.sum.less(m.sum) {
			c.last = *m
		}
		return false
	}
	c.take()
	for len(c.parts)-c.first > maxInstants {
		c.drop()
		bounded = true
	}
	c.last, c.waits = *m, true
	return bounded
}

// take adds the last match up.
func (c *valueSum) take() {
	if !c.waits {
		return
	}
	c.waits = false
	at, sum := c.last.at, c.last.sum
	if n := len(c.parts); n > c.first && c.parts[n-1].at == at {
		old := c.parts[n-1].sum
		sum = old.add(sum).atMost(c.need)
		c.parts[n-1].sum, c.total = sum, c.total.sub(old).add(sum)
	} else if sum != (amount{}) {
		if c.first > 64 && 2*c.first > len(c.parts) {
			c.parts = c.parts[:copy(c.parts, c.parts[c.first:])]
			c.first = 0
		}
		c.parts, c.total = append(c.parts, part{at, sum}), c.total.add(sum)
	}
	for c.first < len(c.parts) && !c.total.sub(c.parts[c.first].sum).less(c.need) {
		c.drop()
	}
}

func (c *valueSum) expire(t instant) {
	for c.first < len(c.parts) && !c.parts[c.first].at.within(t, c.span) {
		c.drop()
	}
}

func (c *valueSum) drop() {
	c.total = c.total.sub(c.parts[c.first].sum)
	c.first++
}

func (c *valueSum) satisfied(t instant) bool {
	c.take()
	c.expire(t)
	return !c.total.less(c.need)
}

func (c *valueSum) reached(instant) progress { return progress{sum: c.total} }

func (c *valueSum) clear() {
	c.parts, c.first, c.total, c.waits = c.parts[:0], 0, amount{}, false
}

func (c *valueSum) size() int {
	return int(unsafe.Sizeof(*c)) + cap(c.parts)*int(unsafe.Sizeof(part{}))
}

// temporal remembers when each of the rules matched last.
type temporal struct {
	need int // unless there is a condition
	expr *expr
	span int64
	last []instant
	ever uint64 // the rules that have matched at all
}

func (c *temporal) add(m *match) bool {
	c.last[m.item] = m.at
	c.ever |= 1 << m.item
	return false
}

// seen returns the rules that have matched in the window that ends at t.
func (c *temporal) seen(t instant) (seen uint64) {
	for rest := c.ever; rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(rest); c.last[i].within(t, c.span) {
			seen |= 1 << i
		}
	}
	return seen
}

func (c *temporal) satisfied(t instant) bool {
	if c.expr != nil {
		return c.expr.holds(c.seen(t))
	}
	return bits.OnesCount64(c.ever) >= c.need && bits.OnesCount64(c.seen(t)) >= c.need
}

func (c *temporal) reached(t instant) progress {
	seen := c.seen(t)
	return progress{count: bits.OnesCount64(seen), seen: seen}
}

func (c *temporal) clear() { c.ever = 0 }
func (c *temporal) size() int {
	return int(unsafe.Sizeof(*c)) + cap(c.last)*int(unsafe.Sizeof(instant{}))
}

// ordered remembers, for the rules at the start of an order, the latest time at which they
// may have begun. Rules that match at the same time count as in order.
type ordered struct {
	span int64
	now  uint64 // the rules that match at the time that matches were added last
	ever uint64
	// ways are orders, one of which is enough; starts has an entry for each rule of each.
	ways [][]int
	// Without ways, need rules in order are enough. For each number of rules less one, and
	// for each rule, starts has the latest start of that many rules that match in order,
	// none of them after that rule.
	need   int
	rules  int
	starts []instant
}

func (c *ordered) add(m *match) bool {
	c.now |= 1 << m.item
	return false
}

func (c *ordered) satisfied(t instant) bool {
	now := c.now
	c.now = 0
	c.ever |= now
	if c.ways == nil {
		for ; now != 0; now &= now - 1 {
			c.matched(bits.TrailingZeros64(now), t)
		}
		return c.starts[len(c.starts)-1].within(t, c.span)
	}
	some := false
	starts := c.starts
	for _, way := range c.ways {
		for i, rule := range way {
			if now&(1<<rule) == 0 {
				continue
			}
			if i == 0 {
				starts[0] = t
			} else {
				starts[i] = starts[i-1]
			}
		}
		some = some || starts[len(way)-1].within(t, c.span)
		starts = starts[len(way):]
	}
	return some
}

// matched counts a rule's match if a number of rules is enough.
func (c *ordered) matched(rule int, t instant) {
	for n := range c.need {
		start := t
		if n > 0 {
			if rule == 0 {
				return
			}
			start = c.starts[(n-1)*c.rules+rule-1]
		}
		of := c.starts[n*c.rules : (n+1)*c.rules]
		for i := rule; i < c.rules; i++ {
			of[i] = later(of[i], start)
		}
	}
}

func (c *ordered) reached(t instant) (p progress) {
	if c.ways == nil {
		for n := range c.need {
			if c.starts[(n+1)*c.rules-1].within(t, c.span) {
				p.count = n + 1
			}
		}
		return p
	}
	starts := c.starts
	for _, way := range c.ways {
		n, seen := 0, uint64(0)
		for n < len(way) && starts[n].within(t, c.span) {
			seen |= 1 << way[n]
			n++
		}
		if n > p.count {
			p = progress{count: n, seen: seen}
		}
		starts = starts[len(way):]
	}
	return p
}

func (c *ordered) clear() {
	if c.ever != 0 {
		for i := range c.starts {
			c.starts[i] = never
		}
	}
	c.ever, c.now = 0, 0
}

func (c *ordered) size() int {
	return int(unsafe.Sizeof(*c)) + cap(c.starts)*int(unsafe.Sizeof(instant{}))
}
