package jsontext

import (
	"bytes"
	"testing"
)

func TestAppendVisible(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", `{"a":"b <&> é 漢 😀","n":1}`, `{"a":"b <&> é 漢 😀","n":1}`},
		{"controls", "\"\u009b31m\u0085\x7f\"", `"\u009b31m\u0085\u007f"`},
		{"direction", "\"\u061c\u200e\u202e\u2066\u2069\"", `"\u061c\u200e\u202e\u2066\u2069"`},
		{"separators", "\"\u2028\u2029\u00a0\"", `"\u2028\u2029\u00a0"`},
		{"hidden", "\"\ufeff\u200b\u3164\ue000\"", `"\ufeff\u200b\u3164\ue000"`},
		{"tags", "\"\U000e0041\U000e007f\"", `"\udb40\udc41\udb40\udc7f"`},
		{"not UTF-8", "\"\xff\xc3\"", `"\udcff\udcc3"`},
		{"lines", "{}\n{}\n", "{}\n{}\n"},
	} {
		if got := string(AppendVisible(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestPlain puts each byte into each place of texts of eight bytes and more.
func TestPlain(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				text := bytes.Repeat([]byte{'~'}, n)
				text[at] = byte(c)
				if got, want := plain(text), c < 0x7f; got != want {
					t.Fatalf("plain(%q) = %t", text, got)
				}
			}
		}
	}
}

// What is spelled can be told apart: bytes that are not UTF-8, characters of ASCII, others.
func TestSpell(t *testing.T) {
	for char, want := range map[string]string{"\x1b": `\x1b`, "\x7f": `\x7f`, "\x96": `\x96`, "\u0096": `\u0096`, "\u202e": `\u202e`, "\ufffd": `\ufffd`, "\U000e0001": `\U000e0001`} {
		if got := Spell(char); got != want {
			t.Errorf("%q: %s, want %s", char, got, want)
		}
	}
	seen := map[string]string{}
	for i := range 256 + 0x3000 {
		char := string([]byte{byte(i)})
		if i >= 256 {
			char = string(rune(i - 256))
		}
		if other, has := seen[Spell(char)]; has && other != char {
			t.Fatalf("%q and %q are spelled alike", char, other)
		}
		seen[Spell(char)] = char
	}
}
