package jsontext

import (
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// AppendVisible appends JSON with every character that is not [Visible] written as
// \uXXXX, and every byte that is not UTF-8 as [AppendString] writes it. The decoded
// value stays the same, since such characters occur only in strings. Line ends between
// values stay. text may be part of a value if it does not end within a character.
//
// It is separate from AppendString because stored event ids are hashes over the output
// of that.
func AppendVisible(dst, text []byte) []byte {
	if plain(text) {
		return append(dst, text...)
	}
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		bad := r == utf8.RuneError && n == 1
		if !bad && Visible(r) {
			i += n
			continue
		}
		dst = append(dst, text[from:i]...)
		switch {
		case bad:
			dst = AppendEscape(dst, 0xdc00|uint16(text[i]))
		case r >= 0x10000:
			dst = AppendEscape(dst, 0xd800|uint16((r-0x10000)>>10))
			dst = AppendEscape(dst, 0xdc00|uint16(r&0x3ff))
		default:
			dst = AppendEscape(dst, uint16(r))
		}
		i += n
		from = i
	}
	return append(dst, text[from:]...)
}

// plain reports whether a text holds nothing but ASCII without DEL, eight bytes
// at a time: one that does has its highest bit set, or gets it when 1 is added.
func plain(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if w := binary.LittleEndian.Uint64(text); (w|(w+ones))&highs != 0 {
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

// blank holds characters that count as letters or symbols and show nothing.
var blank = map[rune]bool{0x115f: true, 0x1160: true, 0x2800: true, 0x3164: true, 0xffa0: true, 0x1d159: true}

// Visible reports whether a character is visible and harmless: not a control character,
// direction mark or zero-width character, not an accent that piles up on others, and
// neither private nor unassigned.
func Visible(r rune) bool { return unicode.IsPrint(r) && !unicode.Is(unicode.M, r) && !Blank(r) }

// Blank reports whether a character counts as a letter or symbol but shows nothing.
func Blank(r rune) bool { return blank[r] }

// Spell writes one character that plain text does not show as it is: invalid UTF-8 and
// ASCII as \xff, others as \u202e or \U000e0001. The spelling is unique.
func Spell(char string) string {
	r, n := utf8.DecodeRuneInString(char)
	switch {
	case r == utf8.RuneError && n <= 1, r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, char[0])
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
