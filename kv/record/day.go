package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// AppendDay appends the record of what is counted of a day's events.
func AppendDay(dst []byte, k KindDay, h ttpcron.DayHistory) []byte {
	dst = typeDay.Begin(dst)
	for _, v := range [...]uint64{uint64(h.Events), h.FirstSeq, h.LastSeq, uint64(NanosOf(h.Earliest, k.Day)), uint64(NanosOf(h.Latest, k.Day))} {
		dst = binary.AppendUvarint(dst, v)
	}
	return End(dst, []byte(k.Kind), DayKey(k.Day))
}

// ReadDay reads the record of what is counted of a day's events.
func ReadDay(k KindDay, rec []byte) (h ttpcron.DayHistory, err error) {
	r, err := typeDay.Open(rec, []byte(k.Kind), DayKey(k.Day))
	if err != nil {
		return h, fmt.Errorf("counts of %s events of %s: %w", k.Kind, k.Day, err)
	}
	h = ttpcron.DayHistory{Kind: k.Kind, Day: k.Day, Events: int(r.Uvarint()), FirstSeq: r.Uvarint(), LastSeq: r.Uvarint()}
	h.Earliest, h.Latest = TimeOf(k.Day, int64(r.Uvarint())), TimeOf(k.Day, int64(r.Uvarint()))
	return h, r.Finish()
}

// Earlier returns the earlier of two times.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Later returns the later of two times.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
