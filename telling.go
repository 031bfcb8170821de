package ttpcron

import (
	"encoding/json"

	"github.com/ttpcron/ttpcron/jsontext"
)

// TellingText is what a person wants to see of an event first: what was typed, which login
// was tried, which file came from where. It is empty where the fields that has gives do
// not tell. It is an attacker's text as it is, passwords included.
func TellingText(kind SourceKind, field func(name string) (text string, has bool)) (text string) {
	switch kind {
	case Command:
		text = firstText(field, "command_text", "text", "command")
	case AuthAttempt:
		text = loginText(field)
	case FileTransfer:
		text = firstText(field, "url", "filename", "payload_text", "sha256")
	case Tunnel:
		text = firstText(field, "destination", "dst_ip", "data")
	case ServiceRequest:
		text = firstText(field, "request_text", "service")
	case SessionFact:
		text = firstText(field, "client_version", "hassh", "fact")
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

func firstText(field func(name string) (string, bool), names ...string) string {
	for _, name := range names {
		if text, _ := field(name); text != "" {
			return text
		}
	}
	return ""
}

// tellingFields are the payload fields that tell a person most, the best first.
var tellingFields = []string{"command_text", "user_agent", "raw_url", "request_path", "dns_qname", "username", "matched_signature", "matched"}

// Telling is [TellingText] of the event or, where that does not tell, the payload as JSON.
func (e *Event) Telling() string {
	if text := TellingText(e.Kind, e.Payload.Text); text != "" {
		return text
	}
	return string(e.Payload.AppendJSON(nil))
}

// TellingEvidence is what the evidence of the tag tells: the text of a finding, or what
// TellingText finds in it, or else the evidence itself, if it says anything.
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
		text, err := jsontext.DecodeString(evidence[name])
		return text, err == nil && evidence[name] != nil
	}
	if text := TellingText(t.SourceKind, field); text != "" {
		return text
	}
	return string(t.Evidence)
}
