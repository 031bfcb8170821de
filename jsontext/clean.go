package jsontext

import (
	"strings"
	"unicode/utf8"
)

// Clean makes an attacker's text safe to show. It escapes what a terminal or page would
// act on and what a reader could not see: control characters, including line ends and
// escape sequences; invalid UTF-8; direction marks and zero-width characters; accents
// that pile up on others; private and unassigned characters. For the exact text, use
// JSON.
func Clean(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r != utf8.RuneError || n > 1) && Visible(r): // what text output escapes and what JSON escapes is the same
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(Spell(s[i : i+n]))
		}
		i += n
	}
	return b.String()
}
