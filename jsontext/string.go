package jsontext

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// Value is a JSON value in a text that a [Scanner] has checked. The zero Value
// stands for a missing one.
type Value struct {
	raw     []byte
	escaped bool // a string that holds a backslash
}

// Raw returns the text of the value, including the quotes of a string, or nil for
// a missing one. It points into the scanned text.
func (v Value) Raw() []byte { return v.raw }

// IsString reports whether the value is a string.
func (v Value) IsString() bool { return v.begins('"') }

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return v.begins('{') }

// IsNull reports whether the value is null or missing.
func (v Value) IsNull() bool { return len(v.raw) == 0 || v.raw[0] == 'n' }

func (v Value) begins(c byte) bool { return len(v.raw) > 0 && v.raw[0] == c }

func (v Value) inside() []byte {
	if len(v.raw) < 2 {
		return nil
	}
	return v.raw[1 : len(v.raw)-1]
}

// Plain returns the text of a string that contains no escapes, without copying it.
// It is false for every other value.
func (v Value) Plain() ([]byte, bool) {
	if v.escaped || !v.IsString() {
		return nil, false
	}
	return v.inside(), true
}

// Text decodes a string; it is false for any other value. A lone \udcNN from 80 to
// ff becomes the byte 0xNN (PEP 383), and raw bytes that are not UTF-8 stay as
// they are; any other lone surrogate becomes U+FFFD, as in [encoding/json]. What
// AppendString made comes back byte for byte.
func (v Value) Text() (string, bool) {
	if !v.IsString() {
		return "", false
	}
	if !v.escaped {
		return string(v.inside()), true
	}
	return string(v.AppendText(make([]byte, 0, len(v.raw)))), true
}

// AppendText appends the decoded text of a string, and nothing for any other value.
func (v Value) AppendText(dst []byte) []byte {
	if !v.IsString() {
		return dst
	}
	if !v.escaped {
		return append(dst, v.inside()...)
	}
	return appendUnescaped(dst, v.inside())
}

var errNotString = errors.New("not a JSON string")

// DecodeString decodes text, which must be one JSON string without white space
// around it, as [Value.Text] does.
func DecodeString(text []byte) (string, error) {
	if len(text) < 2 || text[0] != '"' {
		return "", errNotString
	}
	var s Scanner
	s.Reset(text)
	v := s.Value()
	if len(v.raw) != len(text) {
		return "", errNotString
	}
	out, _ := v.Text()
	return out, nil
}

// appendUnescaped decodes the inside of a string that was checked.
func appendUnescaped(out, body []byte) []byte {
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		switch e := body[i+1]; e {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			var n int
			out, n = appendUnit(out, body[i:])
			i += n
			continue
		default:
			out = append(out, e)
		}
		i += 2
	}
	return out
}

// appendUnit decodes the \uXXXX that body begins with, or two that are a pair, and
// returns how many bytes they took.
func appendUnit(out, body []byte) ([]byte, int) {
	r := unit(body)
	switch {
	case r >= 0xd800 && r < 0xdc00 && len(body) >= 12 && body[6] == '\\' && body[7] == 'u':
		if low := unit(body[6:]); low >= 0xdc00 && low <= 0xdfff {
			return utf8.AppendRune(out, (r-0xd800)<<10|(low-0xdc00)+0x10000), 12
		}
	case r >= 0xdc80 && r <= 0xdcff:
		return append(out, byte(r)), 6
	}
	return utf8.AppendRune(out, r), 6 // a surrogate becomes U+FFFD
}

// unit reads the digits of \uXXXX.
func unit(escape []byte) rune {
	var r rune
	for _, c := range escape[2:6] {
		digit := c - '0'
		if digit > 9 {
			digit = (c | 0x20) - 'a' + 10
		}
		r = r<<4 | rune(digit)
	}
	return r
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. A byte 0xNN that is not part of valid
// UTF-8 is written \udcNN (PEP 383). Control characters, DEL, and the line
// separators U+2028 and U+2029 are escaped. The stored identity of events is a hash
// over this output, so it can never change.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				dst = AppendEscape(append(dst, s[start:i]...), 0xdc00|uint16(c))
			case r == '\u2028' || r == '\u2029' || r >= 0x80 && r < 0xa0:
				dst = AppendEscape(append(dst, s[start:i]...), uint16(r))
			default:
				i += n
				continue
			}
			i += n
			start = i
			continue
		}
		if n := verbatim(s[i:]); n > 0 {
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = AppendEscape(dst, uint16(c))
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// AppendEscape appends the escape of one unit of UTF-16, such as \u009b.
func AppendEscape(dst []byte, unit uint16) []byte {
	return append(dst, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
}

// verbatim returns how many leading bytes of s are ASCII that needs no escaping.
func verbatim[T string | []byte](s T) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64([]byte(s[i : i+8]))
		quote, slash := w^ones*'"', w^ones*'\\'
		hit := (w - ones*0x20) &^ w // control characters
		hit |= (quote - ones) &^ quote
		hit |= (slash - ones) &^ slash
		hit |= w | (w + ones) // DEL and above
		if hit &= highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}
