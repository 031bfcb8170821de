package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `""`},
		{"uname -a", `"uname -a"`},
		{"a\"b\\c\n\r\t", `"a\"b\\c\n\r\t"`},
		{"\x00\x1b[31m\x7f", `"\u0000\u001b[31m\u007f"`},
		{"<&>", `"<&>"`},
		{"é 漢 😀", `"é 漢 😀"`},
		{"\u0080\u009f\u00a0", "\"\\u0080\\u009f\u00a0\""},
		{"\u2028\u2029", `"\u2028\u2029"`},
		{"\xff\x80", `"\udcff\udc80"`},
		{"caf\xc3", `"caf\udcc3"`},
		{"\xed\xa0\x80", `"\udced\udca0\udc80"`}, // a surrogate in UTF-8 is not UTF-8
		{"\ufffd", "\"\ufffd\""},
	} {
		if got := string(AppendString(nil, c.in)); got != c.want {
			t.Errorf("AppendString(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestDecodeString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`""`, ""},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u00e9\u6f22"`, "é漢"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\uD83D\uDE00"`, "😀"},
		{`"\udcff\udc80"`, "\xff\x80"},
		{`"\udcc3\udca9"`, "é"},       // two bytes that Python could not read together
		{`"\udc41"`, "\ufffd"},        // no byte: PEP 383 escapes none under 80
		{`"\ud83d"`, "\ufffd"},        // half a pair, at the end
		{`"\ud83dx"`, "\ufffdx"},      // and before a letter
		{`"\ud83d\n"`, "\ufffd\n"},    // before another escape
		{`"\ud83d\u0041"`, "\ufffdA"}, // before one that is no other half
		{`"\ud83d\ud83d"`, "\ufffd\ufffd"},
		{`"\ud83d\ue000"`, "\ufffd\ue000"},
		{`"\ude00\ud83d"`, "\ufffd\ufffd"},
		{"\"\xff\"", "\xff"}, // raw bytes, as a careless logger writes them
		{"\"\\n\xc3\"", "\n\xc3"},
	} {
		got, err := DecodeString([]byte(c.in))
		if err != nil || got != c.want {
			t.Errorf("DecodeString(%s) = %q, %v, want %q", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"", `"`, `a`, `"a`, `a"`, `"a""`, ` "a"`, `"a" `, `"\x"`, `"\u12"`, "\"\n\"", `1`, `null`, `{"a":"b"}`, `"a","b"`} {
		if got, err := DecodeString([]byte(bad)); err == nil {
			t.Errorf("DecodeString(%q) = %q without an error", bad, got)
		}
	}
}

// Every text comes back byte for byte, the encoded form is valid JSON in valid
// UTF-8 with nothing in it that a terminal obeys, and any other JSON decoder
// reads valid text alike.
func FuzzStringRoundTrip(f *testing.F) {
	for _, s := range []string{"", "wget http://203.0.113.7/a", "\x00\xff\xc3\xa9\xc3", "\xed\xb3\xbf", "\u2028\x7f\u0085", `\udc80`, "😀\\\"", "\xf0\x9f\x98"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded := AppendString(nil, s)
		if !json.Valid(encoded) || !utf8.Valid(encoded) {
			t.Fatalf("%q became %q", s, encoded)
		}
		for _, r := range string(encoded) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q became %q, which holds control character %U", s, encoded, r)
			}
		}
		decoded, err := DecodeString(encoded)
		if err != nil || decoded != s {
			t.Fatalf("%q came back as %q, %v", s, decoded, err)
		}
		if utf8.ValidString(s) {
			var other string
			if err := json.Unmarshal(encoded, &other); err != nil || other != s {
				t.Fatalf("encoding/json reads %q back as %q, %v", s, other, err)
			}
		}
	})
}

// What is decoded from JSON agrees with encoding/json wherever text is valid,
// and decoding what was decoded and encoded again changes nothing.
func FuzzDecodeString(f *testing.F) {
	for _, s := range []string{`"\udc80"`, `"\ud83d\ude00"`, `"\ud83d\udc80"`, `"a"`, "\"\xff\"", `"\ud800\u0041"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := DecodeString(raw)
		var other string
		otherErr := json.Unmarshal(raw, &other)
		if err != nil {
			if trimmed := strings.Trim(string(raw), " \t\r\n"); otherErr == nil && trimmed == string(raw) && trimmed[0] == '"' {
				t.Fatalf("%q is refused: %v", raw, err)
			}
			return
		}
		if otherErr != nil {
			t.Fatalf("%q gives %q, and encoding/json refuses it: %v", raw, got, otherErr)
		}
		if utf8.ValidString(got) && utf8.Valid(raw) && !strings.Contains(strings.ToLower(string(raw)), `\udc`) && got != other {
			t.Fatalf("%q gives %q, encoding/json gives %q", raw, got, other)
		}
		again, err := DecodeString(AppendString(nil, got))
		if err != nil || again != got {
			t.Fatalf("%q came back as %q, %v", got, again, err)
		}
	})
}
