package jsontext

import (
	"strings"
	"unicode/utf8"
)

// Clean makes text that an attacker may have written fit to be shown: it escapes what
// a terminal or a page would obey and what a reader could not see. These are control characters,
// with line ends and escape sequences among them; bytes that are not UTF-8; characters
// of direction and of no width; accents that pile up on others; private and unassigned
// characters. Whoever wants the exact text takes the JSON.
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
