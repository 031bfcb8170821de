package doctor

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// tagQueue holds the records of a day's tags, in the order in which their events arrived,
// until they are checked: so each block of events is read once, in whatever order the
// sensors' events arrived.
type tagQueue struct {
	bytes []byte // keys and records
	tags  []queuedTag
}

type queuedTag struct {
	kind         ttpcron.SourceKind // of its claim
	seq          uint64
	key, rec, to int // where its key and record begin, and where that ends
}

// The most that a tagQueue holds.
const (
	queuedTags  = 1 << 16
	queuedBytes = 4 << 20
)

func (q *tagQueue) full() bool { return len(q.tags) >= queuedTags || len(q.bytes) >= queuedBytes }

// add copies a tag, or anything else under its key.
func (q *tagQueue) add(s *source, k, v []byte) {
	t := queuedTag{key: len(q.bytes), rec: len(q.bytes) + len(k), to: len(q.bytes) + len(k) + len(v)}
	if id, seq, ok := record.PeekTag(v); ok {
		t.seq = seq
		if cl := s.claim(id); cl != nil {
			t.kind = cl.Kind
		}
	}
	q.bytes = append(append(q.bytes, k...), v...)
	q.tags = append(q.tags, t)
}

// empty calls do for the tags, and forgets them. It ends when do returns false.
func (q *tagQueue) empty(do func(k, v []byte) bool) {
	slices.SortStableFunc(q.tags, func(a, b queuedTag) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.seq, b.seq))
	})
	for _, t := range q.tags {
		if !do(q.bytes[t.key:t.rec], q.bytes[t.rec:t.to]) {
			break
		}
	}
	q.bytes, q.tags = q.bytes[:0], q.tags[:0]
}
