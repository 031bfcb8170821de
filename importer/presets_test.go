package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// presetInput is the input of a preset's golden test.
func presetInput(t testing.TB, name string) []byte {
	t.Helper()
	matches, _ := filepath.Glob(filepath.Join("testdata", name, "input*"))
	if len(matches) != 1 {
		t.Fatalf("%s has no input", name)
	}
	content, err := os.ReadFile(matches[0])
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// presetRecords are the records in it that are whole.
func presetRecords(t testing.TB, name string) (all [][]byte) {
	t.Helper()
	for line := range bytes.Lines(presetInput(t, name)) {
		if line = bytes.TrimSpace(line); startsWith(line, '{') && json.Valid(line) {
			all = append(all, line)
		}
	}
	return all
}

// recognisedAs names the formats that know a record.
func recognisedAs(record []byte) (names []string) {
	for _, f := range Formats() {
		if f.lines != nil && f.lines.recognises(record) {
			names = append(names, f.Name)
		}
	}
	return names
}

// reversed is a record whose members, and theirs, come in the opposite order. Deeper, the
// order may mean something: an event may have the text of such an object.
func reversed(t testing.TB, record []byte) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(record))
	dec.UseNumber()
	var value func(depth int) string
	value = func(depth int) string {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		switch token {
		case json.Delim('{'):
			for dec.More() {
				name := value(0)
				parts = append(parts, name+":"+value(depth+1))
			}
			if depth < 2 {
				slices.Reverse(parts)
			}
			_, _ = dec.Token()
			return "{" + strings.Join(parts, ",") + "}"
		case json.Delim('['):
			for dec.More() {
				parts = append(parts, value(depth+1))
			}
			_, _ = dec.Token()
			return "[" + strings.Join(parts, ",") + "]"
		}
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(token); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(b.String())
	}
	return []byte(value(0))
}

// Every record of a preset is recognised as its own format and as no other, in whichever
// order its members come, and so is no record of the formats that are no presets.
func TestPresetsKnowTheirOwn(t *testing.T) {
	for _, f := range Formats() {
		if f.lines == nil {
			continue
		}
		known := 0
		for _, record := range presetRecords(t, f.Name) {
			for _, r := range [][]byte{record, reversed(t, record)} {
				names := recognisedAs(r)
				if f.mapping == nil {
					names = append(slices.DeleteFunc(names, func(n string) bool { return n == f.Name }), f.Name)
				}
				got := parsed{arena: &arena{}}
				err := f.lines.parser(&source{}).parse(r, &got)
				if len(names) == 0 && errors.Is(err, errForeign) {
					continue // it is in the input to be rejected
				}
				if known++; !slices.Equal(names, []string{f.Name}) {
					t.Errorf("%s: recognised as %q: %s", f.Name, names, r)
				}
			}
		}
		if f.mapping != nil && known < 6 {
			t.Errorf("%s has only %d records, reversed ones included", f.Name, known)
		}
	}
}

// presetKinds are the kinds of event that a format's records become.
func presetKinds(f *Format) (kinds []ttpcron.SourceKind) {
	for _, k := range f.mapping().Kinds() {
		kinds = append(kinds, k.Kind)
	}
	return kinds
}

// checkPreset reads content as a preset's. Every event is of one of the preset's kinds, and
// comes back from its native form as it was.
func checkPreset(t testing.TB, f *Format, content []byte) result {
	t.Helper()
	r := readBytes(t, content, f.Name)
	var native []byte
	for i := range r.Events {
		if !slices.Contains(presetKinds(f), r.Events[i].Kind) {
			t.Errorf("%s gives a %s", content, r.Events[i].Kind)
		}
		native = append(r.Events[i].AppendJSON(native), '\n')
	}
	if len(native) == 0 {
		return r
	}
	again := readBytes(t, native, "events")
	if len(again.Rejects) > 0 || len(again.Events) != len(r.Events) {
		t.Fatalf("%s: %q: %+v", content, native, again.Rejects)
	}
	for i := range r.Events {
		if e, o := &r.Events[i], &again.Events[i]; string(e.AppendJSON(nil)) != string(o.AppendJSON(nil)) || e.ContentID() != o.ContentID() {
			t.Fatalf("%s: %+v comes back as %+v", content, e, o)
		}
	}
	return r
}

// The order of members means nothing.
func TestPresetsInAnyOrder(t *testing.T) {
	for _, f := range presets() {
		for _, record := range presetRecords(t, f.Name) {
			want, got := checkPreset(t, &f, record), checkPreset(t, &f, reversed(t, record))
			if !slices.Equal(got.IDs(), want.IDs()) || len(got.Rejects) != len(want.Rejects) {
				t.Errorf("%s: %q, reversed %q: %s", f.Name, want.IDs(), got.IDs(), record)
			}
		}
	}
}

// otherValues take the place of a member's.
var otherValues = []string{"null", "7", "-1.5e3", `"x"`, `""`, `"\udcff\u0000"`, "true", "[]", "{}", `[1,["a","b"],{"name":"n","value":{}},{"a":1}]`, `{"ip":{"ip":7},"a":[1]}`}

// alike are the presets whose records differ in the name of one member only.
var alike = map[string]string{"honeyaml": "go-pot"}

// Whatever one member of a record says, or if it is missing, the rest is a record of the same
// format or of none, and never breaks anything.
func TestPresetsOfOtherRecords(t *testing.T) {
	for _, f := range presets() {
		var content []byte
		said := map[string]bool{}
		for _, record := range presetRecords(t, f.Name) {
			var all any
			if err := json.Unmarshal(record, &all); err != nil {
				t.Fatal(err)
			}
			variants(all, func(at map[string]any, name string) {
				before := at[name]
				defer func() { at[name] = before }()
				for _, value := range append([]string{""}, otherValues...) {
					if delete(at, name); value != "" {
						at[name] = json.RawMessage(value)
					}
					text, err := json.Marshal(all)
					if err != nil {
						t.Fatal(err)
					}
					for _, got := range recognisedAs(text) {
						if got != f.Name && got != alike[f.Name] && !said[got] {
							said[got] = true
							t.Errorf("a record like those of %s is recognised as %s: %s", f.Name, got, text)
						}
					}
					content = append(append(content, text...), '\n')
				}
			})
		}
		r := checkPreset(t, &f, content)
		if lines := bytes.Count(content, []byte("\n")); r.Report.Lines != lines || lines < 100 {
			t.Errorf("%s: %d of %d lines were read", f.Name, r.Report.Lines, lines)
		}
	}
}

// variants calls yield for every member in a value.
func variants(v any, yield func(object map[string]any, name string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			variants(v[name], yield)
			yield(v, name)
		}
	case []any:
		for _, item := range v {
			variants(item, yield)
		}
	}
}

// A record that is cut anywhere gives nothing, and a log the events of its beginning.
func TestPresetsCut(t *testing.T) {
	for _, f := range presets() {
		for _, record := range presetRecords(t, f.Name) {
			for end := range record {
				got := parsed{arena: &arena{}}
				if f.lines.parser(&source{}).parse(record[:end], &got) == nil && end > 0 && record[0] == '{' {
					t.Fatalf("%s: %s is read", f.Name, record[:end])
				}
			}
		}
		content := presetInput(t, f.Name)
		whole := readBytes(t, content, f.Name)
		for end := 0; end < len(content); end += 23 * cutStep() {
			r := mustRead(t, Stdin, Options{Format: f.Name, Final: true, Stdin: bytes.NewReader(content[:end])})
			if n := len(r.Events); n > len(whole.Events) || !slices.Equal(r.IDs(), whole.IDs()[:n]) {
				t.Fatalf("%s cut at %d: %q", f.Name, end, r.IDs())
			}
		}
	}
}

// A preset with text between its records joins what rotation tore, and counts the text.
func TestPresetTornByRotation(t *testing.T) {
	content := presetInput(t, "wordpot")
	whole := readBytes(t, content, "wordpot")
	for end := bytes.IndexByte(content, '{'); end < bytes.LastIndexByte(content, '{'); end += 3 * cutStep() {
		dir := t.TempDir()
		older, newer := write(t, dir, "wordpot.log.1", content[:end]), write(t, dir, "wordpot.log", content[end:])
		a, b := mustRead(t, older, Options{Format: "wordpot"}), mustRead(t, newer, Options{Format: "wordpot"})
		all := append(a.IDs(), b.IDs()...)
		ids := map[string]bool{}
		for _, id := range all {
			ids[id] = true
		}
		for _, e := range whole.Events {
			// Ordinals begin anew in each file.
			e.Ordinal = 0
			if id := e.ID + " " + e.ContentID(); !ids[id] {
				t.Errorf("cut at %d, %q is lost", end, id)
			}
		}
	}
}

// FuzzPresets reads hostile content as every preset's.
func FuzzPresets(f *testing.F) {
	all := presets()
	for i := range all {
		for _, record := range presetRecords(f, all[i].Name) {
			f.Add(uint8(i), record)
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, content []byte) {
		format := &all[int(n)%len(all)]
		if r := readAll(t, Stdin, Options{Format: format.Name, Stdin: bytes.NewReader(content)}); r.Err != nil {
			return // what cannot be a log
		}
		checkPreset(t, format, content)
	})
}
