package kv

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Every value in the file is a record: a version byte, the CRC-32C of the
// version, the record's key and the body as four bytes, little-endian, and the
// body. The key is part of the sum so that a record which ends up in another
// place is found out too. bbolt itself sums nothing but its two meta pages.

const recordHeader = 5

// recordVersion is the version of every kind of record so far.
const recordVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errShort    = damage("record ends early")
	errChecksum = damage("checksum does not match")
	errPacked   = damage("packed string has an unknown form")
)

// beginRecord appends a header that endRecord completes.
func beginRecord(dst []byte) []byte { return append(dst, recordVersion, 0, 0, 0, 0) }

// endRecord sets the checksum of a record that beginRecord began. The key is
// given in parts.
func endRecord(rec []byte, key ...[]byte) []byte {
	binary.LittleEndian.PutUint32(rec[1:], recordSum(rec, key))
	return rec
}

func recordSum(rec []byte, key [][]byte) uint32 {
	sum := crc32.Update(0, castagnoli, rec[:1])
	for _, k := range key {
		sum = crc32.Update(sum, castagnoli, k)
	}
	return crc32.Update(sum, castagnoli, rec[recordHeader:])
}

// openRecord checks a record and returns a reader of its body.
func openRecord(rec []byte, key ...[]byte) (reader, error) {
	switch {
	case len(rec) < recordHeader:
		return reader{}, errShort
	case rec[0] != recordVersion:
		return reader{}, damagef("record has version %d, want %d", rec[0], recordVersion)
	case binary.LittleEndian.Uint32(rec[1:]) != recordSum(rec, key):
		return reader{}, errChecksum
	}
	return reader{rest: rec[recordHeader:]}, nil
}

// reader takes a body apart. After an error every read returns zero values, so
// that callers check err once, at the end.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail(errShort)
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		c := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(c)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads a number that is at most limit.
func (r *reader) count(limit int) int {
	v := r.uvarint()
	if v > uint64(limit) {
		r.fail(damagef("count %d is over the limit of %d", v, limit))
		return 0
	}
	return int(v)
}

// bytes returns the next n bytes, which are part of the record.
func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// text reads a length and as many bytes, which it copies.
func (r *reader) text() string { return string(r.bytes(r.count(len(r.rest)))) }

// time reads what appendTime wrote.
func (r *reader) time() time.Time {
	sec, nsec := r.varint(), r.count(999_999_999)
	if sec == zeroTime && nsec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (r *reader) bool() bool { return r.byte() != 0 }

// int reads what appendInt wrote.
func (r *reader) int() int { return int(r.varint()) }

// finish returns the first error, or one when something is left over.
func (r *reader) finish() error {
	if r.err == nil && len(r.rest) > 0 {
		return damagef("%d bytes after the end of the record", len(r.rest))
	}
	return r.err
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendInt(dst []byte, n int) []byte { return binary.AppendVarint(dst, int64(n)) }

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// zeroTime stands for time.Time{}: a second of the year 1 less one.
const zeroTime = -62135596801

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(binary.AppendVarint(dst, zeroTime), 0)
	}
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendUvarint(dst, uint64(t.Nanosecond()))
}
