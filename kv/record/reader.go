package record

import (
	"encoding/binary"
	"time"
)

// Reader reads the fields of a body. After an error every read returns zero values, so
// callers check err once, at the end.
type Reader struct {
	Version byte // of the record
	Rest    []byte
	Err     error
}

// Fail notes an error, unless there is one, and ends the body.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
	r.Rest = nil
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if len(r.Rest) == 0 {
		r.Fail(errShort)
		return 0
	}
	c := r.Rest[0]
	r.Rest = r.Rest[1:]
	return c
}

// Uvarint reads a number.
func (r *Reader) Uvarint() uint64 {
	if len(r.Rest) > 0 && r.Rest[0] < 0x80 {
		c := r.Rest[0]
		r.Rest = r.Rest[1:]
		return uint64(c)
	}
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 {
		r.Fail(errShort)
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Varint reads a number that may be below 0.
func (r *Reader) Varint() int64 {
	u := r.Uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// Count reads a number that is at most limit.
func (r *Reader) Count(limit int) int {
	v := r.Uvarint()
	if v > uint64(limit) {
		r.Fail(Damagef("count %d is over the limit of %d", v, limit))
		return 0
	}
	return int(v)
}

// Bytes returns the next n bytes, which are part of the record.
func (r *Reader) Bytes(n int) []byte {
	if n > len(r.Rest) {
		r.Fail(errShort)
		return nil
	}
	b := r.Rest[:n:n]
	r.Rest = r.Rest[n:]
	return b
}

// Text reads a length and as many bytes, which it copies.
func (r *Reader) Text() string { return string(r.Bytes(r.Count(len(r.Rest)))) }

// Time reads what AppendTime wrote.
func (r *Reader) Time() time.Time {
	sec, nsec := r.Varint(), r.Count(999_999_999)
	if sec == zeroTime && nsec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// Bool reads what AppendBool wrote.
func (r *Reader) Bool() bool { return r.Byte() != 0 }

// Int reads what AppendInt wrote.
func (r *Reader) Int() int { return int(r.Varint()) }

// Finish returns the first error, or one when something is left over.
func (r *Reader) Finish() error {
	if r.Err == nil && len(r.Rest) > 0 {
		return Damagef("%d bytes after the end of the record", len(r.Rest))
	}
	return r.Err
}
