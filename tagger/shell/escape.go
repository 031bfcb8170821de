package shell

import (
	"strings"
	"unicode/utf8"
)

type escapeStyle uint8

const (
	ansiEscapes escapeStyle = iota // $'…' and the format of printf
	echoEscapes                    // echo -e and %b: \0nnn too, and \c ends the text
)

// plainEscapes are the escapes that stand for one byte.
var plainEscapes = map[byte]byte{
	'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': '\n', 'r': '\r', 't': '\t', 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// unescape decodes backslash escapes: Bash's, and \nnn without the zero in echo, as in
// BusyBox. numeric is true if a byte was given by its number, which is how text is hidden,
// and stop if \c ends the output. What the budget does not allow stays as it is.
func (m *budget) unescape(s string, style escapeStyle) (out string, numeric, stop bool) {
	if strings.IndexByte(s, '\\') < 0 || !m.spend(2*len(s)) {
		return s, false, false
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		i++
		c := s[i]
		switch {
		case c == 'c' && style == echoEscapes:
			return string(b), numeric, true
		case c >= '0' && c <= '7':
			digits := 3
			if c == '0' && style == echoEscapes {
				digits = 4
			}
			v, n := number(s[i:], 8, digits)
			b = append(b, byte(v))
			i += n - 1
			numeric = true
		case c == 'x' || c == 'u' || c == 'U':
			digits := 2
			if c == 'u' {
				digits = 4
			} else if c == 'U' {
				digits = 8
			}
			v, n := number(s[i+1:], 16, digits)
			if n == 0 {
				b = append(b, '\\', c)
				continue
			}
			if c == 'x' {
				b = append(b, byte(v))
			} else {
				b = utf8.AppendRune(b, rune(v))
			}
			i += n
			numeric = true
		default:
			if p, ok := plainEscapes[c]; ok {
				b = append(b, p)
			} else {
				b = append(b, '\\', c)
			}
		}
	}
	return string(b), numeric, false
}

// number reads up to limit digits and returns their value and count.
func number(s string, base, limit int) (v uint32, n int) {
	for n < len(s) && n < limit {
		d := hexValue(s[n])
		if d < 0 || d >= base {
			break
		}
		v = v*uint32(base) + uint32(d)
		n++
	}
	return v, n
}
