package record

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"time"

	"github.com/ttpcron/ttpcron"
)

// DayNanos is how many nanoseconds a day has.
const DayNanos = 24 * int64(time.Hour)

// NanosOf returns the nanoseconds of t since the day began.
func NanosOf(t time.Time, day ttpcron.Day) int64 {
	return (t.Unix()-int64(day)*86400)*int64(time.Second) + int64(t.Nanosecond())
}

// TimeOf returns the instant so many nanoseconds after the day began.
func TimeOf(day ttpcron.Day, nanos int64) time.Time {
	return time.Unix(int64(day)*86400+nanos/int64(time.Second), nanos%int64(time.Second)).UTC()
}

func appendDayKey(dst []byte, d ttpcron.Day) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(d))
}

// DayKey is the key of a day. Days before 1970 are never stored.
func DayKey(d ttpcron.Day) []byte { return appendDayKey(make([]byte, 0, 4), d) }

// ParseDay reads the key of a day.
func ParseDay(k []byte) (ttpcron.Day, bool) {
	if len(k) != 4 {
		return 0, false
	}
	d := ttpcron.Day(binary.BigEndian.Uint32(k))
	return d, d >= 0
}

const blockKeySize = 12

// BlockKey is the key of a block: the day and the arrival number of its first event.
func BlockKey(d ttpcron.Day, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendDayKey(make([]byte, 0, blockKeySize), d), seq)
}

// ParseBlockKey reads the key of a block.
func ParseBlockKey(k []byte) (d ttpcron.Day, seq uint64, ok bool) {
	if len(k) != blockKeySize {
		return 0, 0, false
	}
	d, ok = ParseDay(k[:4])
	return d, binary.BigEndian.Uint64(k[4:]), ok
}

// TagKey orders a day's tags of events by event time, then UUID, and after them those of
// findings in the same way. So a replay in order of time adds keys at the end, however many
// tags a day has. UUIDs alone would scatter them over the bucket's pages, and so would
// findings, which come later, among tags of events.
type TagKey [22]byte

// tagOfFinding is set in the first byte of keys of tags of findings. It is no part of the
// nanosecond, which has 47 bits.
const tagOfFinding = 0x80

// MakeTagKey is the key of a tag of events of a kind, or of a correlation, from the
// nanosecond of the day of its event.
func MakeTagKey(kind ttpcron.SourceKind, nanos int64, u ttpcron.UUID) (k TagKey) {
	copy(k[:], TagsFrom(kind == ttpcron.Correlation, nanos))
	copy(k[6:], u[:])
	return k
}

// TagsFrom is the first possible key of tags of findings, or of events, from a nanosecond
// of the day on.
func TagsFrom(findings bool, nanos int64) []byte {
	k := make([]byte, 6)
	PutNanos(k, nanos)
	if findings {
		k[0] |= tagOfFinding
	}
	return k
}

// OfFinding reports whether the key of a tag is that of a finding.
func OfFinding(k []byte) bool { return len(k) > 0 && k[0]&tagOfFinding != 0 }

// AppendTagPosition appends the place of a tag among all tags of its day by time and
// UUID: the key that it would have if it were one of an event.
func AppendTagPosition(dst, key []byte) []byte {
	start := len(dst)
	dst = append(dst, key...)
	dst[start] &^= tagOfFinding
	return dst
}

// FindingAt is the key of the tag of a finding at a place among all tags of a day.
func FindingAt(position []byte) []byte {
	k := append([]byte(nil), position...)
	k[0] |= tagOfFinding
	return k
}

// CompareTagPositions compares the places of two tags among all tags of a day.
func CompareTagPositions(a, b []byte) int {
	return cmp.Or(cmp.Compare(a[0]&^tagOfFinding, b[0]&^tagOfFinding), bytes.Compare(a[1:], b[1:]))
}

// ParseTagKey reads the key of a tag.
func ParseTagKey(k []byte) (nanos int64, u ttpcron.UUID, ok bool) {
	if len(k) != len(TagKey{}) {
		return 0, u, false
	}
	for _, c := range k[:6] {
		nanos = nanos<<8 | int64(c)
	}
	nanos &^= tagOfFinding << 40
	return nanos, ttpcron.UUID(k[6:]), nanos < DayNanos
}

// PutNanos writes a nanosecond of the day as the first six bytes of a tag's key.
func PutNanos(k []byte, nanos int64) {
	for i := 5; i >= 0; i-- {
		k[i] = byte(nanos)
		nanos >>= 8
	}
}

// NumberKey is the key of what has a number or a hash.
func NumberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// KindDay is the unit in which events are stored.
type KindDay struct {
	Kind ttpcron.SourceKind
	Day  ttpcron.Day
}

// KindDayOf returns where an event is stored.
func KindDayOf(e *ttpcron.Event) KindDay { return KindDay{e.Kind, ttpcron.DayOf(e.Time)} }
