package term

import (
	"bytes"
	"testing"

	"github.com/ttpcron/ttpcron/jsontext"
)

// hostile drives a terminal, turns text around, hides some of it, and is no
// UTF-8 at its end.
const hostile = "\x1b[31m \u009b31mRED\u0085 \x7f \u061c\u200e\u200f\u202a\u202e\u2066\u2069 \u2028\u2029\ufeff\u200b\u00ad\u3164 \U000e0041\U000e007f \U0001d159 \xff\xc3"

func TestVisibleJSON(t *testing.T) {
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
		if got := string(AppendVisibleJSON(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// FuzzVisibleJSON shows that printing escapes the same as text output does, and
// changes no value.
func FuzzVisibleJSON(f *testing.F) {
	f.Add(hostile)
	f.Add("\ud7ff\ue000\U0010ffff\ufffd\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		printed := AppendVisibleJSON(nil, jsontext.AppendString(nil, s))
		for _, r := range string(printed) {
			if Clean(string(r)) != string(r) {
				t.Fatalf("%q is printed as %s, with %U in it", s, printed, r)
			}
		}
		if back, err := jsontext.DecodeString(printed); err != nil || back != s {
			t.Fatalf("%q comes back from %s as %q: %v", s, printed, back, err)
		}
	})
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
