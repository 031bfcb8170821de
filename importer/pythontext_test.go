package importer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/jsontext"
)

func TestPython(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`,
		`{'a': 'b', "it's": "x'y", 'n': -1.5, 't': True, 'f': False, 'o': None}`: `{"a":"b","it's":"x'y","n":-1.5,"t":true,"f":false,"o":null}`,
		`{'a': {'b': [1, 'c', (2, 3), (4,)]}, }`:                                 `{"a":{"b":[1,"c",[2,3],[4]]}}`,
		`{'a': b'\x00\xff"\n', 'b': '\u20ac\U0001f600\\ \'"\t'}`:                 `{"a":"\u0000\u00ff\"\n","b":"\u20ac😀\\ '\"\t"}`,
		`{'a': 'b'} `: `{"a":"b"}`,
		`{'a': 'b'`:   "", `{'a'}`: "", `{'a': }`: "", `{1: 2}`: "", `{'a': nan}`: "", `{'a': 'b'} x`: "", `{'a': '\q'}`: "",
		`{'a': '\x0'}`: "", `{'a': 1 2}`: "", `{'a': open('x')}`: "", `{'a': '\U00110000'}`: "", `{'a': 0x10}`: "", ``: "", `{'a': [1}`: "",
		`{'a': 'b\`: "", "{'a': 'b\x01'}": `{"a":"b\u0001"}`,
	} {
		got, ok := appendPython(nil, []byte(text))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%s is %s (%v), want %s", text, got, ok, want)
		}
	}
	if _, ok := appendPython(nil, []byte(strings.Repeat("{'a':", 1000)+"1"+strings.Repeat("}", 1000))); ok {
		t.Error("nested too deeply")
	}
}

// What is read as Python is JSON, which says the same if it is read as it is.
func FuzzPython(f *testing.F) {
	for _, s := range []string{`{'a': 'b\x00', 'c': [None, (1,), True, -2e5]}`, `{'a': b"\\", 'b': {}}`, `{'a': 007}`, `{'a': 1.}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := appendPython([]byte("x"), text)
		if !ok {
			return
		}
		if err := jsontext.Check(got[1:]); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		if len(got) > 6*len(text)+1 {
			t.Fatalf("%d bytes became %d", len(text), len(got))
		}
		var v any
		if err := json.Unmarshal(got[1:], &v); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
	})
}
