package census

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
)

// Order says how rows are sorted and limited.
type Order struct {
	By      *Column
	Reverse bool
	Limit   int // 0: all
}

// Column is a column to sort rows by: numbers and times with the greatest first, texts
// alphabetically.
type Column struct {
	Name   string
	number func(*Row) uint64
	text   func(*Row) string
}

func counted(name string, of func(*Row) int) Column {
	return Column{Name: name, number: func(r *Row) uint64 { return uint64(of(r)) }}
}

func timed(name string, of func(*Row) time.Time) Column {
	return Column{Name: name, number: func(r *Row) uint64 {
		return uint64(max(of(r).UnixMicro(), 0)) // nanoseconds end in the year 2262
	}}
}

var columns = []Column{
	counted("tags", func(r *Row) int { return r.Tags }),
	counted("events", func(r *Row) int { return r.Events }),
	counted("tagged", func(r *Row) int { return r.Tagged }),
	counted("logins", func(r *Row) int { return r.Logins }),
	counted("won", func(r *Row) int { return r.Won }),
	counted("commands", func(r *Row) int { return r.Commands }),
	counted("requests", (*Row).Requests),
	counted("files", func(r *Row) int { return r.Files }),
	counted("attackers", func(r *Row) int { return r.Attackers }),
	counted("sessions", func(r *Row) int { return r.Sessions }),
	counted("sensors", func(r *Row) int { return r.Sensors.N }),
	counted("techniques", func(r *Row) int { return r.Techniques.N }),
	counted("paths", func(r *Row) int { return r.Paths.N }),
	counted("rules", func(r *Row) int { return r.Rules.N }),
	{Name: "level", number: func(r *Row) uint64 { // of one level, the one with most techniques first
		return uint64(r.Level)<<32 | uint64(min(r.Techniques.N, math.MaxInt32))
	}},
	counted("duration", func(r *Row) int { return int(r.Duration() / time.Millisecond) }),
	{Name: "size", number: func(r *Row) uint64 { return r.Size }},
	timed("first", func(r *Row) time.Time { return r.First }),
	timed("last", func(r *Row) time.Time { return r.Last }),
	{Name: "silent", number: func(r *Row) uint64 { return ^uint64(max(r.Last.UnixMicro(), 0)) }}, // the longest ago first
	{Name: "addresses", text: func(r *Row) string { return r.Addresses.First() }},
	{Name: "technique", text: func(r *Row) string { return r.Techniques.First() }},
	{Name: "name", text: func(r *Row) string { return strings.Join(r.Name, "\x00") }},
}

// Duration returns how long the group lasted: by the record of its end, or else from the
// first to the last event.
func (r *Row) Duration() time.Duration {
	if r.Lasted > 0 {
		return r.Lasted
	}
	return r.Last.Sub(r.First)
}

// ColumnNamed returns the column with a name, or nil.
func ColumnNamed(name string) *Column {
	i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &columns[i]
}

// appendKey appends the sort key of rows. Equal rows are sorted by their events, the most
// first, and then by name.
func (o *Order) appendKey(dst []byte, r *Row, group []byte) []byte {
	from := len(dst)
	if o.By.text != nil {
		dst = appendPart(dst, o.By.text(r))
	} else {
		dst = binary.BigEndian.AppendUint64(dst, ^o.By.number(r))
	}
	if o.Reverse {
		for i := from; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	dst = binary.BigEndian.AppendUint64(dst, ^uint64(max(r.Events, r.Tagged)))
	return append(dst, group...)
}

// sorter sorts rows. With a small limit, it keeps only that many.
type sorter struct {
	order Order
	n     int // rows that were added
	rows  rowHeap
	bytes int
	bound int
	runs  runs
}

type sortedRow struct{ key, row []byte }

// keptRows is the limit up to which rows that will not be shown are dropped at once.
const keptRows = 1000

func (s *sorter) add(r *Row, group []byte) error {
	s.n++
	key := s.order.appendKey(nil, r, group)
	few := s.order.Limit > 0 && s.order.Limit <= keptRows
	if few && len(s.rows) == s.order.Limit && bytes.Compare(key, s.rows[0].key) > 0 {
		return nil
	}
	var c coder
	c.row(r)
	row := sortedRow{key, c.b}
	if few {
		if heap.Push(&s.rows, row); len(s.rows) > s.order.Limit {
			heap.Pop(&s.rows)
		}
		return nil
	}
	s.rows = append(s.rows, row)
	if s.bytes += cap(row.key) + cap(row.row) + 48; s.bytes > s.bound {
		return s.spill()
	}
	return nil
}

func (s *sorter) spill() error {
	err := s.runs.add(s.sorted())
	s.rows, s.bytes = nil, 0
	return err
}

func (s *sorter) sorted() iter.Seq2[pair, error] {
	slices.SortFunc(s.rows, func(a, b sortedRow) int { return bytes.Compare(a.key, b.key) })
	return func(yield func(pair, error) bool) {
		for _, r := range s.rows {
			if !yield(pair{r.key, r.row}, nil) {
				return
			}
		}
	}
}

// all yields the rows in their order, as many as the limit says.
func (s *sorter) all() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		pairs := s.sorted()
		if len(s.runs.levels) > 0 {
			if err := s.spill(); err != nil {
				yield(nil, err)
				return
			}
			pairs = s.runs.all()
		}
		n := 0
		for p, err := range pairs {
			if err != nil {
				yield(nil, err)
				return
			}
			var r Row
			c := coder{b: p.value, reading: true}
			if c.row(&r); !yield(&r, nil) {
				return
			}
			if n++; n == s.order.Limit {
				return
			}
		}
	}
}

// rowHeap has the row on top that comes last.
type rowHeap []sortedRow

func (h rowHeap) Len() int           { return len(h) }
func (h rowHeap) Less(i, j int) bool { return bytes.Compare(h[i].key, h[j].key) > 0 }
func (h rowHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *rowHeap) Push(x any)        { *h = append(*h, x.(sortedRow)) }
func (h *rowHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
