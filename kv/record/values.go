package record

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
)

// AppendValues appends packed values, see [ttpcron.CutPacked], in fewer bytes, after some
// bytes that stay as they are. What is no such text, or would come back otherwise, stays
// as it is too.
func AppendValues(dst []byte, text string, lead int) []byte {
	start, n := len(dst), 0
	if len(text) < lead {
		return appendAsItIs(dst, text)
	}
	dst = append(append(dst, 0), text[:lead]...)
	for rest := text[lead:]; rest != ""; n++ {
		one, after, ok := ttpcron.CutPacked(rest)
		value, isText := ttpcron.PackedText(one)
		if !ok || n == maxValues || isText && !shortest(one, value) {
			return appendAsItIs(dst[:start], text)
		}
		dst = appendValue(dst, one)
		rest = after
	}
	dst[start] = byte(n + 1)
	return dst
}

// appendValue appends a packed value in fewer bytes.
func appendValue(dst []byte, one string) []byte {
	if text, ok := ttpcron.PackedText(one); ok {
		return AppendPacked(dst, text)
	}
	if ttpcron.PackedNull(one) {
		return append(dst, packNull)
	}
	return append(append(dst, packHash), one[1:]...)
}

// maxValues is how many values are counted in a byte, which is 0 before a text that is not
// packed.
const maxValues = 126

// shortest reports whether a packed text has its length in as few bytes as it can.
func shortest(one, text string) bool {
	head := 2
	if len(text) >= 0x80 {
		head = 3
	}
	return len(one) == head+len(text)
}

func appendAsItIs(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(append(dst, 0), uint64(len(text))), text...)
}

// AppendValues reads what the function of this name wrote, and appends the text.
func (r *Reader) AppendValues(dst []byte, lead int) []byte {
	n := r.Byte()
	if n == 0 {
		return append(dst, r.Bytes(r.Count(len(r.Rest)))...)
	}
	dst = append(dst, r.Bytes(lead)...)
	for ; n > 1 && r.Err == nil; n-- {
		if len(r.Rest) == 0 {
			r.Fail(errShort)
			break
		}
		switch r.Rest[0] {
		case packNull:
			r.Byte()
			dst = (&ttpcron.PackedValue{Null: true}).Append(dst)
		case packHash:
			r.Byte()
			dst = (&ttpcron.PackedValue{Hash: string(r.Bytes(sha256.Size))}).Append(dst)
		default:
			dst = r.appendValue(dst)
		}
	}
	return dst
}

// appendValue reads a packed string, and appends it as a packed value.
func (r *Reader) appendValue(dst []byte) []byte {
	start := len(dst)
	dst = r.appendPacked(ttpcron.AppendPackedText(dst, ""))
	from := start + 2
	n := len(dst) - from
	switch {
	case n > ttpcron.MaxPacked:
		r.Fail(Damagef("a value of %d bytes", n))
	case n < 0x80:
		dst[from-1] = byte(n)
	default:
		dst = append(dst, 0)
		copy(dst[from+1:], dst[from:])
		dst[from-1], dst[from] = byte(n)|0x80, byte(n>>7)
	}
	return dst
}
