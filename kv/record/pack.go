package record

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Names such as UUIDs, addresses and session ids are stored packed: one byte for the form,
// then as few bytes as the form allows.
const (
	packEmpty   = 0x00
	packText    = 0x01 // a length and text
	packUUID    = 0x02 // 16 bytes, for a UUID in canonical form
	PackContent = 0x03 // 16 bytes, for "sha256:" and 32 hexadecimal digits
	packIPv4    = 0x04 // 4 bytes
	packNull    = 0x05 // in groups: a value that is missing
	packHash    = 0x06 // in groups: 32 bytes, SHA-256 of a value
	packDerived = 0x07 // in groups: the UUID that follows from the text before, see [ttpcron.DeriveAttacker]
	packHex     = 0x10 // 0x10+n: n bytes, for 2n lower-case hexadecimal digits, 2 <= n <= maxPackHex
	packShort   = 0x40 // 0x40+n: text of n bytes, n <= maxPackShort

	maxPackHex   = packShort - packHex - 1
	maxPackShort = 0xff - packShort
)

// AppendPacked appends s packed. Each string has one packed form.
func AppendPacked(dst []byte, s string) []byte {
	switch n := len(s); {
	case n == 0:
		return append(dst, packEmpty)
	case n == 36:
		if u, ok := ttpcron.ParseUUID(s); ok {
			return append(append(dst, packUUID), u[:]...)
		}
	case n == len(ContentPrefix)+32 && s[:len(ContentPrefix)] == ContentPrefix:
		if out, ok := appendUnhex(append(dst, PackContent), s[len(ContentPrefix):]); ok {
			return out
		}
	case n >= 7 && n <= 15 && strings.IndexByte(s, '.') > 0:
		if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
			ip := a.As4()
			return append(append(dst, packIPv4), ip[:]...)
		}
	case n >= 4 && n <= 2*maxPackHex && n%2 == 0 && hexValues[s[0]] < 16 && hexValues[s[n-1]] < 16:
		if out, ok := appendUnhex(append(dst, byte(packHex+n/2)), s); ok {
			return out
		}
	}
	if len(s) <= maxPackShort {
		return append(append(dst, byte(packShort+len(s))), s...)
	}
	dst = binary.AppendUvarint(append(dst, packText), uint64(len(s)))
	return append(dst, s...)
}

// Packed reads a packed string.
func (r *Reader) Packed() string {
	var stack [64]byte
	return string(r.appendPacked(stack[:0]))
}

// appendPacked reads a packed string and appends it unpacked.
func (r *Reader) appendPacked(dst []byte) []byte {
	switch c := r.Byte(); {
	case c >= packShort:
		return append(dst, r.Bytes(int(c-packShort))...)
	case c >= packHex+2:
		return hex.AppendEncode(dst, r.Bytes(int(c-packHex)))
	case c == packEmpty:
		return dst
	case c == packText:
		return append(dst, r.Bytes(r.Count(len(r.Rest)))...)
	case c == packUUID:
		b := r.Bytes(16)
		if b == nil {
			return dst
		}
		return append(dst, ttpcron.UUID(b).String()...)
	case c == PackContent:
		b := r.Bytes(16)
		if b == nil {
			return dst
		}
		return hex.AppendEncode(append(dst, ContentPrefix...), b)
	case c == packIPv4:
		b := r.Bytes(4)
		if b == nil {
			return dst
		}
		return netip.AddrFrom4([4]byte(b)).AppendTo(dst)
	default:
		r.Fail(errPacked)
		return dst
	}
}

// appendUnhex appends the bytes of an even number of lower-case hexadecimal digits. It
// reports whether they are such digits; if not, dst is unchanged.
func appendUnhex(dst []byte, s string) ([]byte, bool) {
	out, bad := dst, byte(0)
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := hexValues[s[i]], hexValues[s[i+1]]
		bad |= hi | lo
		out = append(out, hi<<4|lo)
	}
	if bad > 15 {
		return dst, false
	}
	return out, true
}

// hexValues holds the values of lower-case hexadecimal digits, 255 elsewhere.
var hexValues = func() (v [256]byte) {
	for i := range v {
		v[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		v[c] = byte(i)
	}
	return v
}()
