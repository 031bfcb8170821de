package ttpcron

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// TellingText is what a person wants to see of an event first: what was typed, which login
// was tried, which file came from where. It is empty if the fields that has returns do not
// say. It is an attacker's raw text, passwords included.
func TellingText(kind SourceKind, field func(name string) (text string, has bool)) (text string) {
	switch kind {
	case Command:
		text = firstText(field, "command_text", "text", "command")
	case AuthAttempt:
		text = loginText(field)
	case FileTransfer:
		text = firstText(field, "url", "filename", "payload_text", "sha256")
	case Tunnel:
		if text = firstText(field, "destination"); text == "" {
			text = joinText(field, ":", "dst_ip", "dst_port")
		}
		if text == "" {
			text = firstText(field, "data")
		}
	case HTTPRequest:
		text = requestText(field)
	case Scan:
		text = joinText(field, " ", "scan", "protocol", "dst_port")
	case ServiceRequest:
		if text = joinText(field, ": ", "service", "request_text"); firstText(field, "request_text") == "" {
			text = joinText(field, " ", "service", "user")
		}
	case CanaryFingerprint:
		text = tokenText(field)
	case Alert:
		text = firstText(field, "signature", "category")
	case SessionFact:
		text = factText(field)
	case Stdin:
		if text, _ = field("input_text"); text == "" {
			break
		}
		if program, named := field("program"); named {
			text = "(" + program + ") " + text
		}
	}
	if text == "" {
		text = firstText(field, tellingFields...)
	}
	return text
}

// loginText is user/password, or the user and the key that was offered.
func loginText(field func(name string) (string, bool)) string {
	user, _ := field("username")
	if password, has := field("password"); has {
		return user + "/" + password
	}
	if key, has := field("key_fingerprint"); has {
		return user + " key " + key
	}
	return user
}

// requestText is the method, and the address that was asked for.
func requestText(field func(name string) (string, bool)) string {
	url, _ := field("raw_url")
	if url == "" {
		url, _ = field("request_path")
	}
	if host, has := field("host"); has && (url == "" || url[0] == '/') {
		url = host + url
	}
	if method, has := field("method"); has && url != "" {
		return method + " " + url
	}
	return url
}

// tokenText is which bait was touched, in its owner's words if there are any, and by what.
func tokenText(field func(name string) (string, bool)) string {
	bait := firstText(field, "memo", "placement_path", "token_kind")
	with := firstText(field, "user_agent", "request_path", "dns_qname")
	if bait == "" || with == "" {
		return bait + with
	}
	return bait + ", " + with
}

// factText states a fact about a session in a few words.
func factText(field func(name string) (string, bool)) string {
	fact, _ := field("fact")
	switch fact {
	case "opened":
		if text := joinText(field, " ", "protocol", "dst_port"); text != "" {
			return "opened " + text
		}
	case "var", "params":
		return joinText(field, " ", "name", "value")
	case "size":
		if size, has := field("term_size"); has {
			return "terminal " + size
		}
	case "closed":
		if ms, has := field("duration_ms"); has {
			if n, err := strconv.ParseFloat(ms, 64); err == nil && n >= 0 && n < 1e12 {
				return "closed after " + (time.Duration(n) * time.Millisecond).String()
			}
		}
	}
	return firstText(field, "client_version", "hassh", "fact")
}

func firstText(field func(name string) (string, bool), names ...string) string {
	for _, name := range names {
		if text, _ := field(name); text != "" {
			return text
		}
	}
	return ""
}

// joinText joins the fields that say anything.
func joinText(field func(name string) (string, bool), between string, names ...string) (text string) {
	for _, name := range names {
		switch one, _ := field(name); {
		case one == "":
		case text == "":
			text = one
		default:
			text += between + one
		}
	}
	return text
}

// tellingFields are the payload fields that tell a person most, the best first.
var tellingFields = []string{"command_text", "user_agent", "raw_url", "request_path", "dns_qname", "username", "signature", "matched_signature", "matched"}

// Scalar returns the member called name as text: a string, or a number, true or false as
// JSON writes it. It returns false for a missing member or any other type.
func (p Payload) Scalar(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].scalarText()
		}
	}
	return "", false
}

func (f *Field) scalarText() (string, bool) {
	if f.Raw == nil {
		return f.Text, true
	}
	if len(f.Raw) == 0 || f.Raw[0] == '[' || f.Raw[0] == '{' || f.Raw[0] == 'n' {
		return "", false
	}
	return string(f.Raw), true
}

// Telling is the event's [TellingText] or, if that is empty, its whole payload: "name
// value, name value".
func (e *Event) Telling() string {
	if e.Kind == Command { // nearly all
		if text := e.Payload.CommandText(); text != "" {
			return text
		}
	}
	if text := TellingText(e.Kind, e.Payload.Scalar); text != "" {
		return text
	}
	var all strings.Builder
	for i := range e.Payload {
		f := &e.Payload[i]
		text, ok := f.scalarText()
		if !ok {
			text = string(f.Raw)
		}
		if text == "" || !f.says() {
			continue
		}
		tellMember(&all, f.Name, text)
		if all.Len() > MaxShown {
			break
		}
	}
	return all.String()
}

func tellMember(all *strings.Builder, name, text string) {
	if all.Len() > 0 {
		all.WriteString(", ")
	}
	all.WriteString(Shorten(name, MaxShown))
	all.WriteByte(' ')
	all.WriteString(Shorten(text, MaxShown))
}

// TellingEvidence is the same for the tag's evidence: the text of a finding, or what
// TellingText finds in it, or else the whole evidence.
func (t *Tag) TellingEvidence() string {
	if f, ok := t.FindingEvidence(); ok {
		return f.Text()
	}
	var evidence map[string]json.RawMessage
	if json.Unmarshal(t.Evidence, &evidence) != nil {
		return string(t.Evidence)
	}
	if len(evidence) == 0 {
		return ""
	}
	field := func(name string) (string, bool) {
		return (&Field{Raw: evidence[name]}).decoded()
	}
	if text := TellingText(t.SourceKind, field); text != "" {
		return text
	}
	var all strings.Builder
	jsontext.EachMember(t.Evidence, func(name []byte, value jsontext.Value) bool {
		if text := GroupText(value); text != "" && !value.IsNull() {
			tellMember(&all, string(name), text)
		}
		return all.Len() <= MaxShown
	})
	return all.String()
}

// decoded is the scalar that the JSON of a field says.
func (f *Field) decoded() (string, bool) {
	switch {
	case len(f.Raw) == 0:
		return "", false
	case f.Raw[0] == '"':
		text, err := jsontext.DecodeString(f.Raw)
		return text, err == nil
	}
	return f.scalarText()
}
