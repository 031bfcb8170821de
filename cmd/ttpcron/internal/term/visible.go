package term

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Clean makes text that an attacker may have written fit to be shown: it escapes what
// a terminal would obey and what a reader could not see. These are control characters,
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
		case (r != utf8.RuneError || n > 1) && jsontext.Visible(r): // what text output escapes and what JSON escapes is the same
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(jsontext.Spell(s[i : i+n]))
		}
		i += n
	}
	return b.String()
}

var escapes = regexp.MustCompile(`\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})`)

// Unclean returns what Clean has most likely made a text of: escapes are the bytes and
// characters that they stand for. Of text in which they were typed as they are it cannot
// know.
func Unclean(s string) string {
	return escapes.ReplaceAllStringFunc(s, func(e string) string {
		switch e[1] {
		case 'n':
			return "\n"
		case 'r':
			return "\r"
		case 't':
			return "\t"
		}
		n, _ := strconv.ParseUint(e[2:], 16, 32)
		if e[1] == 'x' {
			return string([]byte{byte(n)})
		}
		return string(rune(n))
	})
}

// CleanLines is [Clean] for text of several lines.
func CleanLines(p []byte) []byte {
	var b []byte
	for line := range bytes.Lines(p) {
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		b = append(b, Clean(string(text))...)
		if ended {
			b = append(b, '\n')
		}
	}
	return b
}
