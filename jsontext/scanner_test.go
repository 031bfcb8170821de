package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzScanner compares the scanner with encoding/json.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":"x\n\u00e9\udc80","c":[true,false,null,-0.5e+3]}`, `{}`, ` [ ] `, `{"a":{"a":[{}]}}`, `01`, `-`, `"\u12"`, "\"\x01\"", `{"a":1,}`,
		`"12345678"`, `"1234567\"8"`, "\"\xff\xfe\"", `nul`, `1.`, `1e`, `{"a" : 1 , "b" : 2}`, strings.Repeat("[", 200),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := Check(text), json.Valid(text); (got == nil) != want {
			t.Fatalf("%q: %v, encoding/json says %v", text, got, want)
		}
		members := map[string]string{}
		if !EachMember(text, func(name []byte, v Value) bool {
			members[string(name)] = string(v.Raw())
			return true
		}) {
			return
		}
		var decoded map[string]json.RawMessage
		if err := json.Unmarshal(text, &decoded); err != nil {
			t.Fatalf("%q: scanned, but %v", text, err)
		}
		for name, raw := range members {
			// Names that are not UTF-8 are decoded differently, on purpose.
			if want, ok := decoded[name]; ok && string(want) != raw {
				t.Fatalf("%q: member %q is %q, encoding/json says %q", text, name, raw, want)
			}
		}
	})
}
