package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// finding is what the evidence of a correlation's tag says.
type finding struct {
	Type      string          `json:"correlation"`
	Group     json.RawMessage `json:"group"`
	Slot      int64           `json:"slot"`
	Timespan  string          `json:"timespan"`
	Condition string          `json:"condition"`
	Field     oneOrMore       `json:"field"` // whose values count
}

// oneOrMore is a text, or a list of texts.
type oneOrMore []string

// UnmarshalJSON takes either.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// findingOf reads the evidence of a tag. It is false for anything else than what a
// correlation leaves.
func findingOf(tag *ttpcron.Tag) (f finding, ok bool) {
	return f, tag.SourceKind == ttpcron.Correlation && json.Unmarshal(tag.Evidence, &f) == nil && f.Type != ""
}

// shownBeside are fields of groups that views show in columns of their own.
var shownBeside = []string{ttpcron.FieldAttackerIP, ttpcron.FieldAttackerUUID, ttpcron.FieldIdentityUUID, ttpcron.FieldSessionID, "vantage"}

// text says in a few words what was found: "5+ events in 10m, username root".
func (f *finding) text() string {
	text := f.asked() + " in " + f.Timespan
	ofSession := false
	jsontext.EachMember(f.Group, func(name []byte, _ jsontext.Value) bool {
		ofSession = ofSession || string(name) == ttpcron.FieldSessionID
		return true
	})
	jsontext.EachMember(f.Group, func(name []byte, value jsontext.Value) bool {
		if ofSession && string(name) == ttpcron.FieldDeckyID {
			return true // that of the session
		}
		if !slices.Contains(shownBeside, string(name)) && !value.IsNull() {
			text += ", " + string(name) + " " + groupValue(value)
		}
		return true
	})
	return text
}

// asked says what the condition asks of a window.
func (f *finding) asked() string {
	op, n, _ := strings.Cut(f.Condition, " ")
	count := n + "+"
	if op == "gt" {
		count = "more than " + n
	} else if op != "gte" {
		count = ""
	}
	fields := strings.Join(f.Field, " and ")
	switch {
	case f.Type == "event_count" && count != "":
		return count + " events"
	case f.Type == "value_count" && count != "":
		return strings.TrimSpace(count + " values of " + fields)
	case f.Type == "value_sum" && count != "":
		return "sum of " + fields + " " + count
	case f.Type == "temporal" && count != "":
		return count + " rules"
	case f.Type == "temporal_ordered" && count != "":
		return count + " rules in order"
	case f.Condition != "":
		return f.Condition
	}
	return f.Type
}

// groupValue shows a value of a group.
func groupValue(v jsontext.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	return string(v.Raw())
}
