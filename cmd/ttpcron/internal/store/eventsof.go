package store

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/block"
)

// Blocks lists the blocks in which there may be events that a query selects, by day, kind
// and arrival. It looks at all of the days that the window of the query covers.
func (s History) Blocks(ctx context.Context, q ttpcron.EventQuery) (blocks []ttpcron.EventBlock, err error) {
	for at := (kv.BlockPosition{}); !at.End; {
		page, err := calls.EventBlocks.ask(ctx, s.conn, blocksFrom{q, at})
		if err != nil {
			return nil, err
		}
		blocks, at = append(blocks, page.Blocks...), page.Next
	}
	return blocks, nil
}

// openBytes is roughly the most that EventsOf keeps of blocks that overlap in time.
const openBytes = 16 << 20

// EventsOf yields the events of some blocks that a query selects, in the order of time, and
// of arrival where that is the same. Where more blocks overlap in time than fit into 16 MiB
// the order is only about that of time. An event is good until the next.
func (s History) EventsOf(ctx context.Context, q ttpcron.EventQuery, blocks []ttpcron.EventBlock) iter.Seq2[*ttpcron.Event, error] {
	return func(yield func(*ttpcron.Event, error) bool) {
		for len(blocks) > 0 {
			n := 1
			for n < len(blocks) && blocks[n].Day == blocks[0].Day {
				n++
			}
			day := slices.Clone(blocks[:n])
			blocks = blocks[n:]
			slices.SortStableFunc(day, func(a, b ttpcron.EventBlock) int { return cmp.Compare(a.Since, b.Since) })
			m := mergedEvents{rest: day, load: func(b ttpcron.EventBlock) ([]ttpcron.Event, error) {
				return calls.EventsIn.ask(ctx, s.conn, eventsIn{q, b})
			}}
			for {
				e, err := m.next()
				if err != nil {
					yield(nil, err)
					return
				}
				if e == nil {
					break
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// mergedEvents merges blocks of a day.
type mergedEvents struct {
	rest  []ttpcron.EventBlock // not opened yet, by the time of their first event
	load  func(ttpcron.EventBlock) ([]ttpcron.Event, error)
	open  openEvents
	bytes int // that they take, about
}

// openEvents is a heap of events by block, those of each in order.
type openEvents []*openBlock

type openBlock struct {
	events []ttpcron.Event
	bytes  int
}

func (o openEvents) Len() int           { return len(o) }
func (o openEvents) Less(i, j int) bool { return earlier(&o[i].events[0], &o[j].events[0]) < 0 }
func (o openEvents) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *openEvents) Push(b any)        { *o = append(*o, b.(*openBlock)) }

func (o *openEvents) Pop() any {
	n := len(*o) - 1
	b := (*o)[n]
	(*o)[n] = nil
	*o = (*o)[:n]
	return b
}

func earlier(a, b *ttpcron.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq))
}

// next returns the next event, nil at the end.
func (m *mergedEvents) next() (*ttpcron.Event, error) {
	if err := m.openNext(); err != nil || len(m.open) == 0 {
		return nil, err
	}
	b := m.open[0]
	e := &b.events[0]
	if b.events = b.events[1:]; len(b.events) > 0 {
		heap.Fix(&m.open, 0)
	} else {
		m.bytes -= b.bytes
		heap.Pop(&m.open)
	}
	return e, nil
}

// openNext opens the blocks that may hold an event which precedes all that are open, as far
// as there is room.
func (m *mergedEvents) openNext() error {
	for len(m.rest) > 0 {
		if len(m.open) > 0 {
			first := &m.open[0].events[0]
			if m.bytes >= openBytes || int(first.Time.Sub(m.rest[0].Day.Start()).Seconds()) < m.rest[0].Since {
				return nil
			}
		}
		events, err := m.load(m.rest[0])
		if err != nil {
			return err
		}
		m.rest = m.rest[1:]
		if len(events) == 0 {
			continue
		}
		slices.SortStableFunc(events, func(a, b ttpcron.Event) int { return earlier(&a, &b) })
		b := &openBlock{events: events, bytes: block.Cost(events)}
		m.bytes += b.bytes
		heap.Push(&m.open, b)
	}
	return nil
}
