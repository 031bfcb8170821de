package jsontext

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// Events are known by hashes over this form: it can never change.
func TestAppendCanonical(t *testing.T) {
	for in, want := range map[string]string{
		` 1.50e+3 `: `1.50e+3`,
		`-0`:        `-0`,
		"{ \"b\" : [ 1 , true,false , null ] ,\n\t\"a\":{ } }\r\n": `{"b":[1,true,false,null],"a":{}}`,
		`{"a":1,"a":2}`: `{"a":1,"a":2}`,
		`"\u003c\u0026\u00e9\/\u0041\ud83d\ude00"`: `"<&é/A😀"`,
		`"\b\f\n\r\t\"\\\u001B"`:                   `"\u0008\u000c\n\r\t\"\\\u001b"`,
		"\"\x7f\u0085\u2028\xff\xc3\"":             `"\u007f\u0085\u2028\udcff\udcc3"`,
		`"\udcFF\ud83d\udc41"`:                     `"\udcff` + "\U0001f441" + `"`,
		`"\ud83d"`:                                 `"` + "\ufffd" + `"`,
		`{"\u0061 b":[[],[{}],"\udc80 "]}`:         `{"a b":[[],[{}],"\udc80 "]}`,
	} {
		got, err := AppendCanonical([]byte("x"), []byte(in))
		if err != nil || string(got) != "x"+want {
			t.Errorf("%s gives %s, %v, want x%s", in, got, err, want)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":}`, `[1 2]`, `1 2`, `"a`, strings.Repeat("[", MaxDepth+1)} {
		if got, err := AppendCanonical([]byte("x"), []byte(bad)); err == nil || string(got) != "x" {
			t.Errorf("%.20q gives %.20q, %v", bad, got, err)
		}
	}
}

// The canonical form is JSON that says the same, and its own canonical form,
// also after encoding/json escaped it in its way.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"\u003c"}],"a":null}`, `{"\udc80":"\udc80"}`, "[\"\xff\"]", ` {"a" : -0.1e5 , "b":true}`, `"\ud83d\udc80"`, "\"\u2028\x7f\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := AppendCanonical(nil, text)
		if (err == nil) != json.Valid(text) {
			t.Fatalf("%q: %v, encoding/json says %v", text, err, json.Valid(text))
		}
		if err != nil {
			return
		}
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("%q became %q", text, got)
		}
		html, err := json.Marshal(json.RawMessage(got))
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{got, html} {
			if again, err := AppendCanonical(nil, form); err != nil || !bytes.Equal(again, got) {
				t.Fatalf("%q became %q, which became %q, %v", text, form, again, err)
			}
		}
		if utf8.Valid(text) && !strings.Contains(strings.ToLower(string(text)), `\udc`) {
			var want, have any
			if err := json.Unmarshal(text, &want); err != nil {
				return // a number that is too large
			}
			if err := json.Unmarshal(got, &have); err != nil || !reflect.DeepEqual(have, want) {
				t.Fatalf("%q became %q, which says %v, %v, not %v", text, got, have, err, want)
			}
		}
	})
}

// Events are known by hashes over this form: it can never change.
func TestAppendSame(t *testing.T) {
	for in, want := range map[string]string{
		`null`:                      "",
		`""`:                        "t\x00",
		`"null"`:                    "t\x04null",
		`true`:                      "t\x04true",
		`22`:                        "t\x0222",
		`22.0`:                      "t\x0222",
		`0.022e3`:                   "t\x0222",
		`-0.0`:                      "t\x010",
		`-1.50e-1`:                  "t\x05-0.15",
		`1e41`:                      "t\x041e41",
		`1.5e-42`:                   "t\x0615e-43",
		`100e9999999999`:            "t\x0e100e9999999999",
		`"` + "\xff" + `"`:          "t\x01\xff",
		`[]`:                        "a" + sum(""),
		`[null,"a",[1]]`:            "a" + sum("nt\x01aa"+sum("t\x011")),
		`{"b":1,"a":{},"c":null}`:   "o" + sum("\x01ao"+sum("")+"\x01bt\x011"),
		`{"a":1,"\u0061":2,"z":[]}`: "o" + sum("\x01at\x012\x01za"+sum("")),
	} {
		if got := AppendSame([]byte("x"), []byte(in)); string(got) != "x"+want {
			t.Errorf("%s gives %q, want %q", in, got, "x"+want)
		}
	}
	deep := strings.Repeat(`{"b":1,"a":[`, MaxDepth/2) + strings.Repeat(`]}`, MaxDepth/2)
	if got := AppendSame(nil, []byte(deep)); len(got) != 33 {
		t.Errorf("a deep value gives %d bytes", len(got))
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return string(h[:])
}
