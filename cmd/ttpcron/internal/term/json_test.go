package term

import (
	"testing"

	"github.com/ttpcron/ttpcron/jsontext"
)

// hostile has terminal controls, changes the text's direction, hides some of it, and ends
// in invalid UTF-8.
const hostile = "\x1b[31m \u009b31mRED\u0085 \x7f \u061c\u200e\u200f\u202a\u202e\u2066\u2069 \u2028\u2029\ufeff\u200b\u00ad\u3164 \U000e0041\U000e007f \U0001d159 \xff\xc3"

// FuzzVisibleJSON shows that printing escapes the same as text output does, and
// changes no value.
func FuzzVisibleJSON(f *testing.F) {
	f.Add(hostile)
	f.Add("\ud7ff\ue000\U0010ffff\ufffd\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		printed := jsontext.AppendVisible(nil, jsontext.AppendString(nil, s))
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
