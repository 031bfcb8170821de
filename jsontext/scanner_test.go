package jsontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCheckSaysWhatIsWrong(t *testing.T) {
	for in, want := range map[string]string{
		` {"a":[1,-0.5e+3,true,false,null,"x\n\u00e9"]} `: "",
		`0`:                                 "",
		``:                                  "JSON ends too early",
		` `:                                 "JSON ends too early",
		`{`:                                 "JSON ends too early",
		`{"a`:                               "JSON ends too early",
		`{"a"`:                              "JSON ends too early",
		`{"a":`:                             "JSON ends too early",
		`{"a":1`:                            "JSON ends too early",
		`{"a":1,`:                           "JSON ends too early",
		`[1,`:                               "JSON ends too early",
		`tru`:                               "JSON ends too early",
		`-`:                                 "JSON ends too early",
		`1.`:                                "JSON ends too early",
		`1e+`:                               "JSON ends too early",
		`x`:                                 "malformed JSON at byte 1",
		`{"a" 1}`:                           "malformed JSON at byte 6",
		`{"a":1,}`:                          "malformed JSON at byte 8",
		`{,}`:                               "malformed JSON at byte 2",
		`{a:1}`:                             "malformed JSON at byte 2",
		`[1,]`:                              "malformed JSON at byte 4",
		`[,]`:                               "malformed JSON at byte 2",
		`[1}`:                               "malformed JSON at byte 3",
		`{"a":1]`:                           "malformed JSON at byte 7",
		`01`:                                "malformed JSON at byte 2",
		`1e+-5`:                             "malformed JSON at byte 4",
		`1e5-`:                              "malformed JSON at byte 4",
		`+1`:                                "malformed JSON at byte 1",
		`nul1`:                              "malformed JSON at byte 4",
		`{} {}`:                             "malformed JSON at byte 4",
		"\"a\nb\"":                          "malformed JSON at byte 3",
		`"12345678\x"`:                      "malformed JSON at byte 10",
		`"\u12g4"`:                          "malformed JSON at byte 2",
		"\ufeff{}":                          "malformed JSON at byte 1",
		"[\v1]":                             "malformed JSON at byte 2",
		"{\"a\":1}\x00":                     "malformed JSON at byte 8",
		nested(MaxDepth):                    "",
		nested(MaxDepth + 1):                "JSON is nested deeper than 10000",
		strings.Repeat(`{"a":`, MaxDepth+1): "JSON is nested deeper than 10000",
	} {
		got := ""
		if err := Check([]byte(in)); err != nil {
			got = err.Error()
		}
		if got != want || (got == "") != json.Valid([]byte(in)) {
			t.Errorf("%.40q: %q, want %q; encoding/json says %v", in, got, want, json.Valid([]byte(in)))
		}
	}
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestScannerBoundsDepth(t *testing.T) {
	s := Scanner{MaxDepth: 3}
	for depth, want := range []string{1: "", 2: "", 3: "", 4: "JSON is nested deeper than 3"} {
		if depth == 0 {
			continue
		}
		got := ""
		s.Reset([]byte(nested(depth)))
		if err := s.End(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%d deep: %q, want %q", depth, got, want)
		}
	}
	s.Reset([]byte(`[[],[[]],[[]]]`)) // side by side they may be
	if err := s.End(); err != nil {
		t.Error(err)
	}
}

// Members come as they are written, and what is not taken is walked over.
func TestScannerGivesMembersInOrder(t *testing.T) {
	var s Scanner
	s.Reset([]byte("\t{ \"b\" : 1 ,\n\"\\u0061\":{\"in\":[\"x\",{}],\"left\":2},\"b\":\"\\ud83d\\ude00\",\"skipped\":[{\"a\":[]}],\"\":null} "))
	var got []string
	for s.Object(); s.Member(); {
		switch name := string(s.Name()); name {
		case "a":
			for s.Object(); s.Member(); {
				if string(s.Name()) != "in" {
					continue
				}
				for s.Array(); s.Element(); {
					got = append(got, fmt.Sprintf("in %c", s.Kind()))
				}
			}
		case "skipped":
		default:
			v := s.Value()
			text, isText := v.Text()
			got = append(got, fmt.Sprintf("%s %s %s %v", name, v.Raw(), text, isText))
		}
	}
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	want := []string{"b 1  false", `in "`, "in {", `b "\ud83d\ude00" 😀 true`, " null  false"}
	if !slices.Equal(got, want) {
		t.Errorf("scanned %q, want %q", got, want)
	}
}

func TestScannerRefusesWhatIsSomethingElse(t *testing.T) {
	object := func(s *Scanner) {
		for s.Object(); s.Member(); {
			s.Value()
		}
	}
	array := func(s *Scanner) {
		for s.Array(); s.Element(); {
			s.Value()
		}
	}
	for _, c := range []struct {
		name, text string
		walk       func(*Scanner)
		want       error
	}{
		{"an object", `{"a":[1]}`, object, nil},
		{"an array", `[{"a":1}]`, array, nil},
		{"an array for an object", `[1]`, object, ErrNotObject},
		{"a string for an object", `"{}"`, object, ErrNotObject},
		{"an object for an array", `{}`, array, ErrNotArray},
		{"nothing for an object", ``, object, ErrEnd},
		{"half an array for an object", `[1`, object, ErrEnd},
		{"two objects", `{} {}`, object, &SyntaxError{4}},
		{"an object that is left too early", `{"a":1}`, func(s *Scanner) { s.Object() }, &SyntaxError{2}},
		{"an object that is left where the text ends", `{`, func(s *Scanner) { s.Object() }, ErrEnd},
		{"members behind an array", `[1],"b":2}`, func(s *Scanner) {
			if s.Object(); s.Member() {
				t.Error("found a member behind an array")
			}
		}, ErrNotObject},
		{"two values where one is", `1`, func(s *Scanner) { s.Value(); s.Value() }, ErrEnd},
		{"a value where a name is", `{"a":1}`, func(s *Scanner) { s.Object(); s.Value() }, &SyntaxError{2}},
	} {
		var s Scanner
		s.Reset([]byte(c.text))
		c.walk(&s)
		if err := s.End(); fmt.Sprint(err) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if v := s.Value(); c.want != nil && (v.Raw() != nil || s.Member() || s.Element() || s.Kind() != 0) {
			t.Errorf("%s: gives something after its error", c.name)
		}
	}
}

func TestScannerForgetsTheLastText(t *testing.T) {
	var s Scanner
	s.Reset([]byte(`{"a long name":[{"\u0061":1`))
	for s.Object(); s.Member(); {
		_ = s.Name()
	}
	s.Reset([]byte(` [] `))
	if name := s.Name(); len(name) != 0 {
		t.Errorf("name %q", name)
	}
	if err := s.End(); err != nil {
		t.Error(err)
	}
}

func TestEachStopsAndRefuses(t *testing.T) {
	n := 0
	count := func(Value) bool { n++; return n < 2 }
	member := func(_ []byte, v Value) bool { return count(v) }
	for text, want := range map[string]struct {
		object, array bool
		calls         int
	}{
		`{"a":1,"b":2,"c":3}`: {true, false, 2},
		`[1,2,3]`:             {false, true, 2},
		`[]`:                  {false, true, 0},
		`{"a":1,"b":2`:        {false, false, 0},
		`[1,2,3] x`:           {false, false, 0},
		`"a"`:                 {false, false, 0},
		``:                    {false, false, 0},
	} {
		n = 0
		if object, array := EachMember([]byte(text), member), EachElement([]byte(text), count); object != want.object || array != want.array || n != want.calls {
			t.Errorf("%s: an object %v, an array %v, %d calls, want %v", text, object, array, n, want)
		}
	}
}

func TestValueKinds(t *testing.T) {
	var none Value
	if none.IsString() || none.IsObject() || !none.IsNull() || none.Raw() != nil || len(none.AppendText(nil)) != 0 {
		t.Error("the zero value is something")
	}
	EachMember([]byte(`{"string":"","object":{},"null":null,"escaped":"\"","number":0,"list":["a"]}`), func(name []byte, v Value) bool {
		n := string(name)
		_, plain := v.Plain()
		text, isText := v.Text()
		if isString := n == "string" || n == "escaped"; v.IsString() != isString || isText != isString || plain != (n == "string") ||
			v.IsObject() != (n == "object") || v.IsNull() != (n == "null") || string(v.AppendText(nil)) != text {
			t.Errorf("%s: %+v", n, v)
		}
		return true
	})
}

// What a text costs is in proportion to its length, whatever is in it.
func TestScannerKeepsNothing(t *testing.T) {
	text := []byte(`{"a":"x","\u0062":[` + strings.Repeat(`{"\u0063":"\n"},`, 1000) + `1]}`)
	var s Scanner
	walk := func() {
		s.Reset(text)
		for s.Object(); s.Member(); {
			_ = s.Name()
		}
		if err := s.End(); err != nil {
			t.Error(err)
		}
	}
	if n := testing.AllocsPerRun(10, walk); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

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
		bounded := Scanner{MaxDepth: 4}
		var deep *DepthError
		if bounded.Reset(text); bounded.End() == nil && !json.Valid(text) || Check(text) == nil && bounded.End() != nil && !errors.As(bounded.End(), &deep) {
			t.Fatalf("%q: %v with a bound of depth", text, bounded.End())
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
