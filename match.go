package ttpcron

import (
	"encoding/json"
	"iter"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Match says which part of an event made a rule fire. Together with the event it gives a
// tag's evidence, see [AppendEvidence], so that no tag repeats its event.
type Match struct {
	// Shows names the payload fields that the rule copies into the evidence.
	Shows FieldNames
	// Field, Start and End locate the part that matched: bytes of a payload field, or of a
	// command's text if Field is empty. End is 0 if the part is not in the event.
	Field      string
	Start, End int
	// Literal is what matched if it is not in the event: the result of decoding, or an
	// element of a list. It has at most MaxMatched bytes, and an ellipsis if it was cut.
	Literal string
	// Evidence, when set, is the whole evidence, for events whose rules look at more than
	// they hold, such as a canary's signals.
	Evidence json.RawMessage
}

// FieldNames is a list of names of payload fields.
type FieldNames string

// JoinFields makes a list of names. A name that holds a NUL byte is left out.
func JoinFields(names []string) FieldNames {
	var b strings.Builder
	for _, n := range names {
		if strings.IndexByte(n, 0) < 0 {
			b.WriteString(n)
			b.WriteByte(0)
		}
	}
	return FieldNames(b.String())
}

// All yields the names.
func (f FieldNames) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := string(f); rest != ""; {
			name, tail, _ := strings.Cut(rest, "\x00")
			if !yield(name) {
				return
			}
			rest = tail
		}
	}
}

// Has reports whether a name is in the list.
func (f FieldNames) Has(name string) bool {
	for n := range f.All() {
		if n == name {
			return true
		}
	}
	return false
}

// The most bytes of a text that evidence shows.
const (
	MaxShown   = 2048 // of a payload field
	MaxMatched = 512  // of what matched
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// Shorten returns a text of at most so many bytes, cut where a character ends and
// followed by an ellipsis when it was longer.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return CutText(s, most) + ellipsis
}

// CutText returns the first bytes of s, ending where a character ends.
func CutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	// A rune has at most three continuation bytes; bytes that are no UTF-8 at
	// all are cut where they are.
	for i := most; i > most-4 && i > 0; i-- {
		if s[i]&0xc0 != 0x80 {
			return s[:i]
		}
	}
	return s[:most]
}

// CommandText returns the text of a command: the first of the three names under
// which DECNET's writers put it that is a non-empty string.
func (p Payload) CommandText() string {
	for _, name := range [...]string{"command_text", "text", "command"} {
		if s, ok := p.Text(name); ok && s != "" {
			return s
		}
	}
	return ""
}

// Text returns what matched, empty when nothing did or the event is another one.
func (m *Match) Text(e *Event) string {
	if m.End == 0 {
		return m.Literal
	}
	if !m.Fits(e) {
		return ""
	}
	return m.searched(e)[m.Start:m.End]
}

// Fits reports whether the part that matched is within the event's text.
func (m *Match) Fits(e *Event) bool {
	return m.End == 0 || m.Start >= 0 && m.Start <= m.End && m.End <= len(m.searched(e))
}

// searched returns the text that contains the part that matched.
func (m *Match) searched(e *Event) string {
	if m.Field == "" {
		return e.Payload.CommandText()
	}
	text, _ := e.Payload.Text(m.Field)
	return text
}

// commandContext are the payload fields of a command that say in whose name it
// ran.
var commandContext = [...]string{"uid", "user", "src", "pwd"}

// AppendEvidence appends the evidence of a tag, a JSON object with the least that
// shows why a rule fired: the fields that the rule shows, the context of a
// command, what matched, and how the attacker came to be known.
func AppendEvidence(dst []byte, e *Event, m *Match) []byte {
	if m.Evidence != nil {
		return append(dst, m.Evidence...)
	}
	v := evidence{event: e, dst: append(dst, '{')}
	matched := m.Text(e)
	shown := v.fields(m.Shows, matched)
	if matched != "" && matched != shown {
		v.member("matched", Shorten(matched, MaxMatched))
	}
	return v.end()
}

// AppendSignature appends the evidence of an event that rules see only in derived form:
// some of its fields, the metric that decided, and its value.
func AppendSignature(dst []byte, e *Event, shows FieldNames, metric, value string) []byte {
	v := evidence{event: e, dst: append(dst, '{')}
	v.fields(shows, value)
	v.member("metric", metric)
	v.member("matched_signature", Shorten(value, MaxMatched))
	return v.end()
}

// AppendCarried appends the evidence of an event that carries a command: where it was
// found, the command, and which part of it matched.
func AppendCarried(dst []byte, e *Event, in, text, matched string) []byte {
	v := evidence{event: e, dst: append(dst, '{')}
	v.member("command_text", text)
	v.member("found_in", in)
	if matched != "" && matched != text {
		v.member("matched", Shorten(matched, MaxMatched))
	}
	return v.end()
}

// evidence is a JSON object that is being written.
type evidence struct {
	event *Event
	dst   []byte
	some  bool // it has members
}

// fields writes the fields that a rule shows and the context of a command. It returns the
// field that is exactly what matched.
func (v *evidence) fields(shows FieldNames, matched string) (shown string) {
	e := v.event
	for name := range shows.All() {
		if e.Kind == Command && name == "command_text" {
			shown = e.Payload.CommandText()
			v.member(name, shown)
			continue
		}
		v.field(name)
		if s, ok := e.Payload.Text(name); ok && s == matched {
			shown = s
		}
	}
	if e.Kind == Command {
		for _, name := range commandContext {
			if e.Payload.has(name) && !shows.Has(name) {
				v.field(name)
			}
		}
	}
	return shown
}

func (v *evidence) end() []byte {
	origin := v.event.AttackerOrigin
	if v.event.DerivesAttacker() {
		origin = OriginDerived
	}
	if origin != OriginRecorded {
		v.member("attacker_origin", origin.String())
	}
	return append(v.dst, '}')
}

func (v *evidence) name(name string) {
	if v.some {
		v.dst = append(v.dst, ',')
	}
	v.some = true
	v.dst = append(jsontext.AppendString(v.dst, name), ':')
}

func (v *evidence) member(name, text string) {
	v.name(name)
	v.dst = jsontext.AppendString(v.dst, Shorten(text, MaxShown))
}

// field copies a payload field when the event has it. A value that is not a string and too
// long to copy is left out, because half of it would not be JSON.
func (v *evidence) field(name string) {
	p := v.event.Payload
	for i := range p {
		switch {
		case p[i].Name != name:
		case p[i].Raw == nil:
			v.member(name, p[i].Text)
		case len(p[i].Raw) <= MaxShown && json.Valid(p[i].Raw):
			v.name(name)
			v.dst = append(v.dst, p[i].Raw...)
		}
	}
}
