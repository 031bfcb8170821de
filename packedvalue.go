package ttpcron

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/ttpcron/ttpcron/jsontext"
)

// The forms of a packed value. They are part of groups that are stored.
const (
	packedText = 't' // its length and the text, at most MaxPacked bytes
	packedHash = 'h' // SHA-256 of what AppendSame makes of an object, an array or a longer text
	packedNull = 'n'
)

// MaxPacked is the most bytes of a text that is kept as it is.
const MaxPacked = 256

func appendPackedField(dst []byte, f *Field) []byte {
	if f.Raw == nil {
		return AppendPackedText(dst, f.Text)
	}
	return appendPackedJSON(dst, f.Raw)
}

// AppendPackedText appends a text packed, or its SHA-256 when it is longer than
// [MaxPacked].
func AppendPackedText[T string | []byte](dst []byte, text T) []byte {
	if len(text) > MaxPacked {
		sum := sha256.Sum256(jsontext.AppendSameText(nil, text))
		return append(append(dst, packedHash), sum[:]...)
	}
	return append(binary.AppendUvarint(append(dst, packedText), uint64(len(text))), text...)
}

// appendPackedJSON packs a number or a boolean as its text, as two copies of a record
// may have one or the other: see [jsontext.AppendSame].
func appendPackedJSON(dst, raw []byte) []byte {
	if isPlain(raw) {
		return AppendPackedText(dst, raw)
	}
	at := len(dst)
	dst = jsontext.AppendSame(dst, raw)
	same := dst[at:]
	if len(same) == 0 || same[0] == packedText && len(same) <= MaxPacked {
		return dst
	}
	sum := sha256.Sum256(same)
	return append(append(dst[:at], packedHash), sum[:]...)
}

// isPlain reports whether a JSON value is true, false, or a number of at most 15 digits and
// nothing else, which is in its one spelling already.
func isPlain(raw []byte) bool {
	switch string(raw) {
	case "true", "false":
		return true
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) > 0 && len(raw) <= 15 && (raw[0] != '0' || len(raw) == 1)
}

// A PackedValue is a value of a field: nothing if the event has none, a text of at most 256
// bytes (also for numbers and booleans), or the SHA-256 of anything else.
type PackedValue struct {
	Null bool
	Text string
	Hash string // 32 bytes, or empty
}

// AppendJSON appends the value as canonical JSON: a string, null, or {"sha256":"…"}.
func (v *PackedValue) AppendJSON(dst []byte) []byte {
	switch {
	case v.Null:
		return append(dst, "null"...)
	case v.Hash != "":
		dst = append(dst, `{"sha256":"`...)
		dst = hex.AppendEncode(dst, []byte(v.Hash))
		return append(dst, `"}`...)
	}
	return jsontext.AppendString(dst, v.Text)
}

// Append appends the packed value.
func (v *PackedValue) Append(dst []byte) []byte {
	switch {
	case v.Null:
		return append(dst, packedNull)
	case v.Hash != "":
		return append(append(dst, packedHash), v.Hash...)
	}
	return AppendPackedText(dst, v.Text)
}

// NextPacked reads the first of several packed values and returns what follows. It returns
// false if there is no valid packed value.
func NextPacked(packed string) (v PackedValue, rest string, ok bool) {
	one, rest, ok := CutPacked(packed)
	if !ok {
		return v, "", false
	}
	if text, ok := PackedText(one); ok {
		v.Text = text
	} else if PackedNull(one) {
		v.Null = true
	} else {
		v.Hash = one[1:]
	}
	return v, rest, true
}

// CutPacked is like NextPacked, but returns the value in packed form. Equal values are
// packed the same.
func CutPacked[T ~string | ~[]byte](packed T) (one, rest T, ok bool) {
	size := 0
	if len(packed) > 0 {
		switch packed[0] {
		case packedNull:
			size = 1
		case packedHash:
			size = 1 + sha256.Size
		case packedText:
			if head, n := packedLen(packed); head > 0 && n <= MaxPacked {
				size = head + n
			}
		}
	}
	if size == 0 || size > len(packed) {
		return one, rest, false
	}
	return packed[:size], packed[size:], true
}

// packedLen returns how many bytes come before a packed text, 0 when it is none, and how
// many the text has.
func packedLen[T ~string | ~[]byte](packed T) (head, n int) {
	switch {
	case len(packed) > 1 && packed[1] < 0x80:
		return 2, int(packed[1])
	case len(packed) > 2 && packed[2] < 0x80:
		return 3, int(packed[1]&0x7f) | int(packed[2])<<7
	}
	return 0, 0
}

// PackedText returns the text of one packed value, and false if it is not a text.
func PackedText[T ~string | ~[]byte](one T) (text T, ok bool) {
	if len(one) == 0 || one[0] != packedText {
		return text, false
	}
	head, _ := packedLen(one)
	return one[head:], head > 0
}

// PackedNull reports whether one packed value stands for a missing field.
func PackedNull[T ~string | ~[]byte](one T) bool { return len(one) == 1 && one[0] == packedNull }
