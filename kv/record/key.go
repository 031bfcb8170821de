package record

import (
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

// TagKey orders the tags of a day by event time, then UUID. A replay in order of
// time thus adds keys at the end of the bucket, however many tags a day has,
// where the UUID alone would scatter them over its pages.
type TagKey [22]byte

// MakeTagKey is the key of a tag, from the nanosecond of the day of its event.
func MakeTagKey(nanos int64, u ttpcron.UUID) (k TagKey) {
	PutNanos(k[:6], nanos)
	copy(k[6:], u[:])
	return k
}

// ParseTagKey reads the key of a tag.
func ParseTagKey(k []byte) (nanos int64, u ttpcron.UUID, ok bool) {
	if len(k) != len(TagKey{}) {
		return 0, u, false
	}
	for _, c := range k[:6] {
		nanos = nanos<<8 | int64(c)
	}
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
