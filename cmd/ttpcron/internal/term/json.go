package term

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/jsontext"
)

// plain reports whether a text holds nothing but ASCII without DEL, eight bytes
// at a time: one that does has its highest bit set, or gets it when 1 is added.
func plain(text []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		if w := binary.LittleEndian.Uint64(text); (w|(w+ones))&high != 0 {
			return false
		}
	}
	for _, c := range text {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// AppendVisibleJSON appends JSON with every character that is not visible
// written as \uXXXX, and every byte that is not UTF-8 as
// [jsontext.AppendString] writes it. What it decodes to stays the same: such
// characters occur in strings alone. Line ends between values stay.
//
// It is kept apart from [jsontext.AppendString] because stored ids of events are
// hashes over the output of that.
func AppendVisibleJSON(dst, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		bad := r == utf8.RuneError && n == 1
		if !bad && visible(r) {
			i += n
			continue
		}
		dst = append(dst, text[from:i]...)
		switch {
		case bad:
			dst = jsontext.AppendEscape(dst, 0xdc00|uint16(text[i]))
		case r >= 0x10000:
			dst = jsontext.AppendEscape(dst, 0xd800|uint16((r-0x10000)>>10))
			dst = jsontext.AppendEscape(dst, 0xdc00|uint16(r&0x3ff))
		default:
			dst = jsontext.AppendEscape(dst, uint16(r))
		}
		i += n
		from = i
	}
	return append(dst, text[from:]...)
}

// Exact is text that may hold bytes that are not UTF-8, such as a file name or what
// an attacker wrote. Its JSON keeps them as [jsontext.AppendString] does, where the
// JSON of a string has U+FFFD.
type Exact string

// MarshalJSON implements [json.Marshaler].
func (s Exact) MarshalJSON() ([]byte, error) { return jsontext.AppendString(nil, string(s)), nil }

// Exacts makes a list of texts exact; nil stays nil.
func Exacts(list []string) []Exact {
	if list == nil {
		return nil
	}
	out := make([]Exact, 0, len(list))
	for _, s := range list {
		out = append(out, Exact(s))
	}
	return out
}
