package ttpcron

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func mustPayload(t testing.TB, text string) Payload {
	t.Helper()
	var p Payload
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPayloadSetSortsAndReplaces(t *testing.T) {
	var p Payload
	p.Set("user", "root")
	p.Set("command_text", "id")
	p.Set("user", "admin")
	if err := p.SetRaw("args", []byte(` [1, {"a" : "b"}] `)); err != nil {
		t.Fatal(err)
	}
	if err := p.SetRaw("pwd", []byte(`"/r\u006fot"`)); err != nil {
		t.Fatal(err)
	}
	want := `{"args":[1,{"a":"b"}],"command_text":"id","pwd":"/root","user":"admin"}`
	if got := string(p.AppendJSON(nil)); got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
	for _, bad := range []string{"", "{", `"a`, "tru", "1 2", "nul"} {
		if err := p.SetRaw("args", []byte(bad)); err == nil || !strings.Contains(err.Error(), `"args"`) {
			t.Errorf("SetRaw(args, %q): error %v, want one that names the field", bad, err)
		}
	}
	if got := string(p.AppendJSON(nil)); got != want {
		t.Errorf("a refused value changed the payload to %s", got)
	}
}

func TestPayloadText(t *testing.T) {
	p := mustPayload(t, `{"s":"text","empty":"","n":1,"null":null,"o":{"k":[1,2]}}`)
	for _, c := range []struct {
		name, text string
		ok         bool
		value      any
	}{
		{"s", "text", true, "text"},
		{"empty", "", true, ""},
		{"n", "", false, 1.0},
		{"null", "", false, nil},
		{"o", "", false, map[string]any{"k": []any{1.0, 2.0}}},
		{"missing", "", false, nil},
	} {
		if text, ok := p.Text(c.name); text != c.text || ok != c.ok {
			t.Errorf("Text(%s) = %q, %v", c.name, text, ok)
		}
		if v := p.Value(c.name); !reflect.DeepEqual(v, c.value) {
			t.Errorf("Value(%s) = %#v, want %#v", c.name, v, c.value)
		}
	}
}

func TestPayloadSaid(t *testing.T) {
	p := mustPayload(t, `{"s":"text","empty":"","n":1,"yes":true,"null":null,"o":{"k":[1,2]}}`)
	for name, want := range map[string]string{"s": "text", "empty": "", "n": "1", "yes": "true", "o": `{"k":[1,2]}`} {
		if text, ok := p.Said(name); text != want || !ok {
			t.Errorf("Said(%s) = %q, %v, want %q", name, text, ok, want)
		}
	}
	for _, name := range []string{"null", "missing"} {
		if text, ok := p.Said(name); text != "" || ok {
			t.Errorf("Said(%s) = %q, %v", name, text, ok)
		}
	}
}

func TestPayloadUnmarshal(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                     `{}`,
		" { \"b\" : \"x\" ,\n\"a\" : 2 } ":       `{"a":2,"b":"x"}`,
		`{"a":"first","a":"last"}`:               `{"a":"last"}`,
		`{"a":"\udcff","\udcfe":1}`:              `{"a":"\udcff","\udcfe":1}`,
		`{"a":{"h":"\u003c\u0026\u00e9"}}`:       `{"a":{"h":"<&é"}}`,
		`{"a":[true , false,null,-1.50e+3,"]"]}`: `{"a":[true,false,null,-1.50e+3,"]"]}`,
		`{"":"","\"}":"{\"","z":[[],{}]}`:        `{"":"","\"}":"{\"","z":[[],{}]}`,
		"{\"a\":[\"\xff\"]}":                     `{"a":["\udcff"]}`,
	} {
		p := mustPayload(t, in)
		if got, err := p.MarshalJSON(); string(got) != want || err != nil {
			t.Errorf("%s gives %s, %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{`null`, `[]`, `"a"`, `1`, ``, ` `, `{"a"}`, `{} {}`} {
		p := Payload{{Name: "kept"}}
		if err := p.UnmarshalJSON([]byte(bad)); err == nil || len(p) != 1 {
			t.Errorf("%s: error %v, payload %v", bad, err, p)
		}
	}
}

func TestPayloadClone(t *testing.T) {
	p := mustPayload(t, `{"a":"text","b":[1]}`)
	c := p.Clone()
	c[1].Raw[1] = '2'
	c.Set("a", "other")
	if got := string(p.AppendJSON(nil)); got != `{"a":"text","b":[1]}` {
		t.Errorf("changing a clone changed the original to %s", got)
	}
}

// Whatever object encoding/json accepts becomes a payload whose JSON gives the
// same payload again, with the same members as encoding/json finds.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{`{"command_text":"id"}`, `{"a":[1,{"b":"\u003c"}],"a":null}`, `{"\udc80":"\udc80"}`, "{\"a\":\"\xff\"}", ` {"a" : -0.1e5 , "b":true}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var members map[string]json.RawMessage
		valid := json.Unmarshal(data, &members) == nil && members != nil
		var p Payload
		if err := p.UnmarshalJSON(data); (err == nil) != valid {
			t.Fatalf("%q: %v, but valid is %v", data, err, valid)
		}
		if !valid {
			return
		}
		if len(p) < len(members) { // more when names differ only in bytes that are not UTF-8
			t.Fatalf("%q has %d members, the payload %d", data, len(members), len(p))
		}
		for i := 1; i < len(p); i++ {
			if p[i-1].Name >= p[i].Name {
				t.Fatalf("%q: member %q comes before %q", data, p[i-1].Name, p[i].Name)
			}
		}
		encoded := p.AppendJSON(nil)
		var again Payload
		if err := again.UnmarshalJSON(encoded); err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%q became %q, which gives %v and %v", data, encoded, again, err)
		}
		// Other programs may escape the JSON in their own way.
		html, err := json.Marshal(json.RawMessage(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalJSON(html); err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%q, escaped otherwise as %q, gives %v and %v", encoded, html, again, err)
		}
	})
}
