package record

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Arrived says when events arrived: those with arrival numbers up to Last and after the
// Last of the previous entry. At is the clock's time, in whole seconds; the zero time if
// unknown.
type Arrived struct {
	Last uint64
	At   time.Time
}

// AppendArrived appends the record of when events arrived, whose key is the number
// of the last of them.
func AppendArrived(dst []byte, a Arrived) []byte {
	if y := a.At.Year(); y < 1 || y > 9999 {
		a.At = time.Time{} // no time that can be shown
	}
	return End(AppendTime(typeArrived.Begin(dst), a.At), NumberKey(a.Last))
}

// ReadArrived reads the record of when events arrived.
func ReadArrived(key, rec []byte) (a Arrived, err error) {
	if len(key) != 8 {
		return a, Damagef("%x is no arrival number", key)
	}
	a.Last = binary.BigEndian.Uint64(key)
	r, err := typeArrived.Open(rec, key)
	if err == nil {
		a.At = r.Time()
		if y := a.At.Year(); y < 1 || y > 9999 {
			r.Fail(Damagef("year %d", y))
		}
		err = r.Finish()
	}
	if err != nil {
		return Arrived{}, fmt.Errorf("arrivals up to %d: %w", a.Last, err)
	}
	return a, nil
}
