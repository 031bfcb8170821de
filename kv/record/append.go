package record

import (
	"encoding/binary"
	"time"
)

// AppendText appends a length and text.
func AppendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// AppendInt appends a number that may be below 0.
func AppendInt(dst []byte, n int) []byte { return binary.AppendVarint(dst, int64(n)) }

// AppendBool appends a byte, 1 or 0.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// zeroTime stands for time.Time{}: a second of the year 1 less one.
const zeroTime = -62135596801

// AppendTime appends a time as seconds since 1970 and nanoseconds.
func AppendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(binary.AppendVarint(dst, zeroTime), 0)
	}
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendUvarint(dst, uint64(t.Nanosecond()))
}

func cut(s string, n int) string { return s[:min(len(s), n)] }
