package term

import (
	"bytes"
	"regexp"
	"strconv"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Clean makes text that an attacker may have written fit to be shown, see
// [jsontext.Clean].
func Clean(s string) string { return jsontext.Clean(s) }

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
