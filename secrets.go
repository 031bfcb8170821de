package ttpcron

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Masked replaces a captured password.
const Masked = "[masked]"

// passwordPrograms are programs that read passwords from their standard input.
var passwordPrograms = []string{"passwd", "chpasswd", "su", "sudo", "login", "htpasswd", "smbpasswd"}

// holdsPassword reports whether a field of the payload of an event holds a captured
// password: that of a login, or what was typed into a program that asks for one. The text
// of a command does not count: a password in it is part of what was typed.
func holdsPassword(kind SourceKind, name string, field func(string) (string, bool)) bool {
	switch {
	case isPassword(name):
		return true
	case kind == Stdin && name == "input_text":
		program, has := field("program")
		return !has || slices.Contains(passwordPrograms, program)
	}
	return false
}

// hasPasswords reports whether MaskPasswords would mask anything. It must be fast, because
// it runs for the event of every tag that is read.
func (e *Event) hasPasswords() bool {
	for i := range e.Payload {
		f := &e.Payload[i]
		switch {
		case f.Raw != nil && (f.Raw[0] == '{' || f.Raw[0] == '['):
			if holdsNested(f.Raw) {
				return true
			}
		case !f.says():
		case isPassword(f.Name), e.Kind == Stdin && f.Name == "input_text" && holdsPassword(e.Kind, f.Name, e.Payload.Text):
			return true
		}
	}
	return false
}

// passwordNames are names of members that hold passwords, whatever the kind, in upper or
// lower case. pwd is not one of them, because in a command it is the folder.
var passwordNames = [...]string{"password", "passwd", "pass", "passphrase", "secret"}

// isPassword reports whether a member of that name holds a password.
func isPassword(name string) bool {
	for _, password := range passwordNames {
		if len(name) == len(password) && strings.EqualFold(name, password) {
			return true
		}
	}
	return false
}

// holdsNested reports whether a list or object may have a member that holds a password.
func holdsNested(raw []byte) bool {
	for i := 0; ; i++ {
		n := bytes.IndexAny(raw[i:], "pPsS\\")
		if n < 0 {
			return false
		}
		if i += n; raw[i] == '\\' {
			return true // an escape may spell anything
		}
		if len(raw) > i+4 && (bytes.EqualFold(raw[i:i+4], []byte("pass")) || bytes.EqualFold(raw[i:i+4], []byte("secr"))) {
			return true
		}
	}
}

// MaskPasswords replaces the captured passwords in the event's payload by [Masked], and
// reports whether there was one. It changes no memory that the event shares with others.
// The id of an event without an id from its source is a hash of its record, so anyone who
// has it can still try passwords against it.
func (e *Event) MaskPasswords() (masked bool) {
	if !e.hasPasswords() {
		return false
	}
	of := e.Payload
	for i := range of {
		f := of[i]
		switch {
		case !f.says():
			continue
		case holdsPassword(e.Kind, f.Name, of.Text):
			f = Field{Name: f.Name, Text: Masked}
		case f.Raw == nil || !holdsNested(f.Raw):
			continue
		default:
			raw := maskNested(f.Raw, 0)
			if bytes.Equal(raw, f.Raw) {
				continue
			}
			f.Raw = raw
		}
		if !masked {
			e.Payload = slices.Clone(of)
			masked = true
		}
		e.Payload[i] = f
	}
	return masked
}

// MaskPasswords replaces the captured passwords in the tag's text and evidence by
// [Masked]. See [Event.MaskPasswords].
func (t *Tag) MaskPasswords() {
	t.Evidence = maskEvidence(t.SourceKind, t.Evidence, t.MatchedSecret || t.Seq == 0 && t.matchedAlone())
	t.Match, t.Finding = Match{}, nil
	switch {
	case t.TextMasked != "":
		t.Text = t.TextMasked
	case t.Seq == 0: // the text is that of the evidence
		t.Text = Shorten(t.TellingEvidence(), MaxShown)
	}
}

// matchedSecret reports whether what matched in an event with passwords is or may be one of
// them. What decoding found, or a list holds, may come from any field.
func (t *Tag) matchedSecret(e *Event) bool {
	m := &t.Match
	switch {
	case m.Evidence != nil || m.End == 0:
		return m.Evidence != nil || m.Literal != ""
	case m.Field == "" && e.Kind == Command:
		return false
	}
	for i := range e.Payload {
		if f := &e.Payload[i]; f.Name == m.Field {
			return holdsPassword(e.Kind, f.Name, e.Payload.Text) || f.Raw != nil && holdsNested(f.Raw)
		}
	}
	return true
}

// matchedAlone reports whether only what matched is known of a field, because the event is
// gone. The field may be a password, unless the event is a command.
func (t *Tag) matchedAlone() bool {
	var members map[string]any
	if t.SourceKind == Command || json.Unmarshal(t.Evidence, &members) != nil {
		return false
	}
	for _, name := range matchedMembers {
		matched, _ := members[name].(string)
		matched, _ = strings.CutSuffix(matched, ellipsis)
		if matched == "" {
			continue
		}
		alone := true
		for other, value := range members {
			text, _ := value.(string)
			if !slices.Contains(matchedMembers, other) && !isPassword(other) && strings.Contains(text, matched) {
				alone = false
			}
		}
		if alone {
			return true
		}
	}
	return false
}

// matchedMembers are the members of evidence that say what matched.
var matchedMembers = []string{"matched", "matched_signature"}

// SetText sets Text, TextMasked and MatchedSecret from the event, or from the evidence if
// the tag's event is gone.
func (t *Tag) SetText(e *Event) {
	t.TextMasked, t.MatchedSecret = "", false
	if e == nil {
		t.Text = Shorten(t.TellingEvidence(), MaxShown)
		return
	}
	t.Text = Shorten(e.Telling(), MaxShown)
	if !e.hasPasswords() { // nearly all
		return
	}
	t.MatchedSecret = t.matchedSecret(e)
	masked := Event{Kind: e.Kind, Payload: e.Payload}
	masked.MaskPasswords()
	if text := Shorten(masked.Telling(), MaxShown); text != t.Text {
		t.TextMasked = text
	}
}

// maskEvidence masks an evidence object. What matched may be or hold a password that
// nothing else shows; with secret it is one.
func maskEvidence(kind SourceKind, evidence json.RawMessage, secret bool) json.RawMessage {
	if !secret && kind != AuthAttempt && kind != Stdin && len(evidence) > 0 && evidence[0] == '{' && !holdsNested(evidence) && json.Valid(evidence) { // nearly all
		return evidence
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(evidence, &members) != nil {
		return json.RawMessage(`{}`)
	}
	field := func(name string) (string, bool) {
		text, err := jsontext.DecodeString(members[name])
		return text, err == nil && members[name] != nil
	}
	matched := func(name string) bool { return slices.Contains(matchedMembers, name) }
	return rewriteMembers(evidence, func(name string, value jsontext.Value) []byte {
		switch {
		case value.IsNull():
		case holdsPassword(kind, name, field), kind == AuthAttempt && matched(name) && !isNamed(value, field), secret && kind != AuthAttempt && matched(name),
			kind == Stdin && matched(name) && holdsPassword(kind, "input_text", field):
			return maskedText()
		default:
			return maskNested(value.Raw(), 0)
		}
		return value.Raw()
	})
}

// maxNested is how deep passwords are looked for: each level is read once more, and an
// attacker may nest without end.
const maxNested = 32

// maskNested masks the members of objects that hold passwords, and what is nested too deep
// and may have one. What is neither a list nor an object is left as it is.
func maskNested(raw []byte, depth int) []byte {
	switch {
	case len(raw) == 0 || raw[0] != '{' && raw[0] != '[' || !holdsNested(raw):
	case depth > maxNested:
		return maskedText()
	case raw[0] == '{':
		return rewriteMembers(raw, func(name string, value jsontext.Value) []byte {
			if isPassword(name) && !value.IsNull() {
				return maskedText()
			}
			return maskNested(value.Raw(), depth+1)
		})
	case raw[0] == '[':
		out := []byte{'['}
		jsontext.EachElement(raw, func(value jsontext.Value) bool {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, maskNested(value.Raw(), depth+1)...)
			return true
		})
		return append(out, ']')
	}
	return raw
}

func maskedText() []byte { return jsontext.AppendString(nil, Masked) }

// isNamed reports whether what matched of a login is something other than its password.
func isNamed(value jsontext.Value, field func(string) (string, bool)) bool {
	text, ok := value.Text()
	if password, has := field("password"); !ok || has && password == text {
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
