package ttpcron

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// FindingEvidence is the content of the evidence of a correlation's tag.
type FindingEvidence struct {
	Type      string          `json:"correlation"`
	Group     json.RawMessage `json:"group"`
	Slot      int64           `json:"slot"`
	Timespan  string          `json:"timespan"`
	Condition string          `json:"condition"`
	Field     OneOrMore       `json:"field"` // whose values count
}

// OneOrMore is a text, or a list of texts.
type OneOrMore []string

// UnmarshalJSON takes either.
func (o *OneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = OneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// FindingEvidence reads the evidence of a tag. It returns false for evidence that no
// correlation wrote.
func (t *Tag) FindingEvidence() (f FindingEvidence, ok bool) {
	if t.SourceKind != Correlation {
		return f, false
	}
	fits := true
	text := func(v jsontext.Value) string {
		s, ok := v.Text()
		fits = fits && (ok || v.IsNull())
		return s
	}
	whole := jsontext.EachMember(t.Evidence, func(name []byte, v jsontext.Value) bool {
		switch string(name) {
		case "correlation":
			f.Type = text(v)
		case "group":
			f.Group = v.Raw()
		case "slot":
			n, err := strconv.ParseInt(string(v.Raw()), 10, 64)
			f.Slot, fits = n, fits && (err == nil || v.IsNull())
		case "timespan":
			f.Timespan = text(v)
		case "condition":
			f.Condition = text(v)
		case "field":
			if v.IsString() {
				f.Field = OneOrMore{text(v)}
			} else {
				fits = fits && json.Unmarshal(v.Raw(), &f.Field) == nil
			}
		}
		return true
	})
	return f, whole && fits && f.Type != ""
}

// Window returns the finding's slot, in which the window of its events ended. It returns
// false for a timespan that no correlation has.
func (f *FindingEvidence) Window() (w Window, ok bool) {
	span, err := ParseTimespan(f.Timespan)
	if err != nil || span > MaxTimespan {
		return w, false
	}
	return Window{Since: SlotStart(f.Slot, span), Until: SlotStart(f.Slot+1, span)}, true
}

// shownBeside are fields of groups that views show in columns of their own.
var shownBeside = []string{FieldAttackerIP, FieldAttackerUUID, FieldIdentityUUID, FieldSessionID, "vantage"}

// Text says in a few words what was found: "5+ events in 10m, username root".
func (f *FindingEvidence) Text() string { return f.Named(f.Asked() + " in " + f.Timespan) }

// Named is Text with the name of the rule for what was found: "Passwords guessed, username
// root".
func (f *FindingEvidence) Named(rule string) string {
	text := rule
	ofSession := false
	jsontext.EachMember(f.Group, func(name []byte, _ jsontext.Value) bool {
		ofSession = ofSession || string(name) == FieldSessionID
		return true
	})
	jsontext.EachMember(f.Group, func(name []byte, value jsontext.Value) bool {
		if ofSession && string(name) == FieldDeckyID {
			return true // that of the session
		}
		if !slices.Contains(shownBeside, string(name)) && !value.IsNull() {
			text += ", " + string(name) + " " + GroupText(value)
		}
		return true
	})
	return text
}

// Asked says what the condition asks of a window.
func (f *FindingEvidence) Asked() string {
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

// GroupText shows a value of a group.
func GroupText(v jsontext.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	return string(v.Raw())
}
