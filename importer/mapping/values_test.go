package mapping

import (
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/ttpcron/ttpcron"
)

// described parses a description: further keys of a format, and its events.
func described(t *testing.T, keys, events string) *Mapping {
	t.Helper()
	text := "time = \"ts\"\naddress = \"peer\"\n" + keys + "\n" + events
	if !strings.Contains(keys, "recognised-by") {
		text = "recognised-by = { ts = true }\n" + text
	}
	var table map[string]any
	if err := toml.Unmarshal([]byte(text), &table); err != nil {
		t.Fatal(err)
	}
	m, faults := Parse("some", table)
	if len(faults) > 0 {
		t.Fatal(faults[0])
	}
	return m
}

// readAll returns the events of some records.
func readAll(t *testing.T, m *Mapping, records ...string) (all []ttpcron.Event) {
	t.Helper()
	equal := map[string]uint32{}
	s := source
	s.Number = func(e *ttpcron.Event) {
		id := e.ContentID()
		e.Ordinal = equal[id]
		equal[id]++
	}
	r := m.NewReader(s)
	for _, record := range records {
		if _, err := r.Read([]byte(record), room{}, func(e *ttpcron.Event) { all = append(all, *e) }); err != nil {
			t.Fatalf("%s: %v", record, err)
		}
	}
	return all
}

func TestMoreValues(t *testing.T) {
	for _, tt := range []struct{ value, member, want string }{
		{`{ from = "a", milliseconds = true }`, `12.5`, `{"x":12500}`},
		{`{ from = "a", milliseconds = true }`, `"2.1"`, `{"x":2100}`},
		{`{ from = "a", milliseconds = true }`, `"1m1.52s"`, `{"x":61520}`},
		{`{ from = "a", milliseconds = true }`, `"350ms"`, `{"x":350}`},
		{`{ from = "a", milliseconds = true }`, `"soon"`, `{}`},
		{`{ from = "a", milliseconds = true }`, `-3`, `{}`},
		{`{ from = "a", milliseconds = true }`, `{"s":1}`, `{}`},
		{`{ from = "a", missing = [""] }`, `""`, `{}`},
		{`{ from = "a", missing = [""] }`, `"b"`, `{"x":"b"}`},
		{`{ from = "a", missing = [""], default = "c" }`, `""`, `{"x":"c"}`},
		{`{ from = ["a", "ts"], missing = [""] }`, `""`, `{"x":"2026-05-04T05:49:05Z"}`},
		{`{ from = "a", cut-prefix = "-", missing = [""] }`, `"-"`, `{}`},
		{`{ from = "a", missing = ["", "-1"] }`, `-1`, `{}`},
		{`{ from = ["a", "ts"], missing = ["-"], lower = true }`, `"-"`, `{"x":"2026-05-04t05:49:05z"}`},
		{`{ from = "a", missing = ["-1"] }`, `-11`, `{"x":-11}`},
		{`"a"`, `""`, `{"x":""}`},
	} {
		m := described(t, "", "[[event]]\nkind = \"other\"\npayload.x = "+tt.value)
		events := readAll(t, m, `{"ts":"2026-05-04T05:49:05Z","peer":"203.0.113.7","a":`+tt.member+`}`)
		if got := string(events[0].Payload.AppendJSON(nil)); got != tt.want {
			t.Errorf("%s of %s is %s, want %s", tt.value, tt.member, got, tt.want)
		}
	}
}

// A list of tables recognises a record that meets the conditions of one.
func TestRecognisedByOneOf(t *testing.T) {
	m := described(t, `recognised-by = [{ ts = true, a = true }, { kind = "b*", "c.d" = false }]`, "[[event]]\nkind = \"other\"\npayload.x = \"a\"")
	for record, want := range map[string]bool{
		`{"ts":"x","a":1}`:               true,
		`{"ts":"x"}`:                     false,
		`{"kind":"bc"}`:                  true,
		`{"kind":"bc","c":{"d":1}}`:      false,
		`{"kind":"x","ts":"x","a":null}`: false,
		`{"kind":"x","ts":"x","a":0}`:    true,
		`{}`:                             false,
	} {
		if got := m.Recognises([]byte(record)); got != want {
			t.Errorf("%s is recognised: %v, want %v", record, got, want)
		}
	}
	_, faults := Parse("some", map[string]any{"time": "ts", "recognised-by": []any{map[string]any{"a": true}, map[string]any{"b": false}}})
	if !strings.Contains(faults[0].Error(), "recognised-by: names no member") {
		t.Errorf("conditions that any record meets: %v", faults)
	}
}

// Equal events of an event that is numbered are different ones.
func TestNumbered(t *testing.T) {
	m := described(t, "", "[[event]]\nkind = \"service_request\"\neach = \"a\"\nnumbered = true\npayload = { service = { value = \"ftp\" }, request_text = \".\" }")
	events := readAll(t, m, `{"ts":"2026-05-04T05:49:05Z","peer":"203.0.113.7","a":["PWD","LIST","PWD"]}`)
	if len(events) != 3 || events[0].ContentID() == events[2].ContentID() || events[2].Ordinal != 1 {
		t.Errorf("got %+v", events)
	}
}

// A field that every event has gives way to an event's own.
func TestCommonPayload(t *testing.T) {
	m := described(t, "[payload]\nx = \"a\"\ny = { value = 1 }", "[[event]]\nkind = \"other\"\npayload.x = \"b\"\n[[event]]\nkind = \"other\"\neach = \"c\"")
	var got []string
	for _, e := range readAll(t, m, `{"ts":"2026-05-04T05:49:05Z","peer":"203.0.113.7","a":"of the record","b":"own","c":[{"a":"of the element"}]}`) {
		got = append(got, string(e.Payload.AppendJSON(nil)))
	}
	if want := `{"x":"own","y":1} {"x":"of the element","y":1}`; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// None of the tables of a list may be met.
func TestUnlessAny(t *testing.T) {
	m := described(t, "", "[[event]]\nkind = \"other\"\nunless = [{ a = 1, b = true }, { c = \"x*\" }]\npayload.x = { value = 1 }")
	for record, want := range map[string]int{`"a":1`: 1, `"a":1,"b":2`: 0, `"c":"xy"`: 0, `"c":"y"`: 1, `"a":1,"b":null,"c":"y"`: 1} {
		if got := len(readAll(t, m, `{"ts":"2026-05-04T05:49:05Z","peer":"203.0.113.7",`+record+`}`)); got != want {
			t.Errorf("%s gives %d events, want %d", record, got, want)
		}
	}
}

// What the format says of all events is looked for in the element of an event first.
func TestCommonKeysOfElements(t *testing.T) {
	m := described(t, "sensor = \"on\"", "[[event]]\nkind = \"other\"\neach = \"list\"\npayload.x = { value = 1 }")
	events := readAll(t, m, `{"ts":"2026-05-04T05:49:05Z","peer":"203.0.113.7","list":[{"peer":"203.0.113.8","ts":"2026-05-04T05:49:06Z"},{"on":"s2"}]}`)
	if len(events) != 2 || events[0].AttackerIP != "203.0.113.8" || events[0].Time.Second() != 6 || events[1].AttackerIP != "203.0.113.7" || events[1].DeckyID != "s2" {
		t.Errorf("got %+v", events)
	}
}
