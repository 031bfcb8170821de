package ttpcron

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Masked stands where a captured password was.
const Masked = "[masked]"

// passwordPrograms are programs that read passwords from their standard input.
var passwordPrograms = []string{"passwd", "chpasswd", "su", "sudo", "login", "htpasswd", "smbpasswd"}

// holdsPassword reports whether a field of the payload of an event holds a captured
// password: that of a login, or what was typed into a program that asks for one. The text
// of a command is none: whatever a password in it is, it belongs to what was typed.
func holdsPassword(kind SourceKind, name string, field func(string) (string, bool)) bool {
	switch {
	case strings.EqualFold(name, "password") || strings.EqualFold(name, "passwd"):
		return true
	case kind == Stdin && name == "input_text":
		program, has := field("program")
		return !has || slices.Contains(passwordPrograms, program)
	}
	return false
}

// MaskPasswords replaces the captured passwords in the event's payload by [Masked], and
// reports whether there was one. It changes no memory that the event shares with others.
// The id of an event without a name of its own is a hash over what was recorded: whoever
// has it can still try passwords against it.
func (e *Event) MaskPasswords() (masked bool) {
	for i := range e.Payload {
		f := &e.Payload[i]
		if !f.says() || !holdsPassword(e.Kind, f.Name, e.Payload.Text) {
			continue
		}
		if !masked {
			e.Payload = slices.Clone(e.Payload)
			masked = true
		}
		e.Payload[i] = Field{Name: f.Name, Text: Masked}
	}
	return masked
}

// MaskPasswords replaces the captured passwords in the tag's text and evidence by
// [Masked]. See [Event.MaskPasswords].
func (t *Tag) MaskPasswords() {
	t.Match, t.Evidence = Match{}, maskEvidence(t.SourceKind, t.Evidence)
	switch {
	case t.TextMasked != "":
		t.Text = t.TextMasked
	case t.Seq == 0: // the text is that of the evidence
		t.Text = Shorten(t.TellingEvidence(), MaxShown)
	}
}

// SetText sets Text and TextMasked to what the event tells, or where the tag has none to
// what its evidence tells.
func (t *Tag) SetText(e *Event) {
	t.TextMasked = ""
	if e == nil {
		t.Text = Shorten(t.TellingEvidence(), MaxShown)
		return
	}
	t.Text = Shorten(e.Telling(), MaxShown)
	if masked := *e; masked.MaskPasswords() {
		t.TextMasked = Shorten(masked.Telling(), MaxShown)
	}
}

// maskEvidence masks an evidence object, in which what matched may be a password, or hold
// one, of which nothing else tells.
func maskEvidence(kind SourceKind, evidence json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(evidence, &members) != nil {
		return json.RawMessage(`{}`)
	}
	field := func(name string) (string, bool) {
		text, err := jsontext.DecodeString(members[name])
		return text, err == nil && members[name] != nil
	}
	return rewriteMembers(evidence, func(name string, value jsontext.Value) []byte {
		switch {
		case name == "group" && kind == Correlation:
			return rewriteMembers(value.Raw(), func(name string, v jsontext.Value) []byte {
				if holdsPassword(kind, name, field) && !v.IsNull() {
					return maskedText()
				}
				return v.Raw()
			})
		case value.IsNull():
		case holdsPassword(kind, name, field), kind == AuthAttempt && (name == "matched" || name == "matched_signature") && !isNamed(value, field),
			kind == Stdin && name == "matched" && holdsPassword(kind, "input_text", field):
			return maskedText()
		}
		return value.Raw()
	})
}

func maskedText() []byte { return jsontext.AppendString(nil, Masked) }

// isNamed reports whether what matched of a login is something else than its password.
func isNamed(value jsontext.Value, field func(string) (string, bool)) bool {
	text, ok := value.Text()
	if !ok {
		return false
	}
	for _, name := range [...]string{"username", "service", "client_version", "key_fingerprint", "method"} {
		if s, has := field(name); has && s == text {
			return true
		}
	}
	return false
}

// rewriteMembers writes a JSON object with other values for its members.
func rewriteMembers(object json.RawMessage, to func(name string, value jsontext.Value) []byte) json.RawMessage {
	out := json.RawMessage{'{'}
	jsontext.EachMember(object, func(name []byte, value jsontext.Value) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(jsontext.AppendString(out, string(name)), ':')
		out = append(out, to(string(name), value)...)
		return true
	})
	return append(out, '}')
}
