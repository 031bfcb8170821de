package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TagTotal counts tags, and says from when to when.
type TagTotal struct {
	Tags        int
	First, Last time.Time
}

// Add adds up two totals.
func (c *TagTotal) Add(o TagTotal) {
	if c.Tags == 0 {
		*c = o
		return
	}
	c.Tags += o.Tags
	c.First, c.Last = Earlier(c.First, o.First), Later(c.Last, o.Last)
}

// AppendTotal appends the record of the total of a claim.
func AppendTotal(dst, key []byte, t TagTotal) []byte {
	dst = binary.AppendUvarint(typeTotal.Begin(dst), uint64(t.Tags))
	return End(AppendTime(AppendTime(dst, t.First), t.Last), key)
}

// ReadTotal reads the record of the total of a claim.
func ReadTotal(key, rec []byte) (t TagTotal, err error) {
	r, err := typeTotal.Open(rec, key)
	if err != nil {
		return t, fmt.Errorf("total %x: %w", key, err)
	}
	t = TagTotal{int(r.Uvarint()), r.Time(), r.Time()}
	return t, r.Finish()
}

// KindTotal counts the events of a kind.
type KindTotal struct {
	Events, Days     int
	Earliest, Latest time.Time
}

// Add adds up two totals.
func (t *KindTotal) Add(o KindTotal) {
	if t.Days == 0 && t.Events == 0 {
		*t = o
		return
	}
	t.Events += o.Events
	t.Days += o.Days
	t.Earliest, t.Latest = Earlier(t.Earliest, o.Earliest), Later(t.Latest, o.Latest)
}

// KindTotalKey is the key of the total of a kind.
func KindTotalKey(kind ttpcron.SourceKind) []byte { return append([]byte{TotalKind}, kind...) }

// AppendKindTotal appends the record of the total of a kind.
func AppendKindTotal(dst, key []byte, t KindTotal) []byte {
	dst = binary.AppendUvarint(typeKindTotal.Begin(dst), uint64(t.Events))
	dst = binary.AppendUvarint(dst, uint64(t.Days))
	return End(AppendTime(AppendTime(dst, t.Earliest), t.Latest), key)
}

// ReadKindTotal reads the record of the total of a kind.
func ReadKindTotal(key, rec []byte) (t KindTotal, err error) {
	r, err := typeKindTotal.Open(rec, key)
	if err != nil {
		return t, fmt.Errorf("total %x: %w", key, err)
	}
	t = KindTotal{int(r.Uvarint()), int(r.Uvarint()), r.Time(), r.Time()}
	return t, r.Finish()
}

// KeyTagDays is the key of the number of days on which there are tags.
var KeyTagDays = []byte{TotalTagDays}

// AppendTagDays appends the record of the number of days on which there are tags.
func AppendTagDays(dst []byte, n int) []byte {
	return appendNumber(dst, &typeTagDays, KeyTagDays, uint64(n))
}

// ReadTagDays reads the record of the number of days on which there are tags.
func ReadTagDays(rec []byte) (int, error) {
	n, err := readNumber(&typeTagDays, KeyTagDays, rec)
	return int(n), err
}
