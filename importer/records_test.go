package importer

import "testing"

// TestMatcherKnowsWords: what is no word of JSON ends a record that continues with the next
// line, so that the line is looked at by itself.
func TestMatcherKnowsWords(t *testing.T) {
	for text, want := range map[string]matchState{
		`{"a":true}`: matchWhole, `{"a": false , "b":null}`: matchWhole, `[-1.5e+3]`: matchWhole, `{"a":` + "\n" + `nu`: matchWord,
		`{"a":` + "\n" + `nonsense`: matchBroken, `{"a":truth}`: matchBroken, `{"a":True}`: matchBroken, `{"a":nulls}`: matchBroken,
		`{"a":+1}`: matchBroken, `{"a":x}`: matchBroken,
	} {
		for cut := range len(text) {
			var m matcher
			m.feed([]byte(text[:cut]))
			m.feed([]byte(text[cut:]))
			if m.state != want {
				t.Errorf("%q cut at %d: state %d, want %d", text, cut, m.state, want)
			}
		}
	}
}
