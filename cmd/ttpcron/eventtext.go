package main

import (
	"encoding/json"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jsontext"
)

// eventText is what a person wants to see of an event first: what was typed, which login
// was tried, which file came from where. It is empty where the fields that has gives do
// not tell. It is an attacker's text as it is.
func eventText(kind ttpcron.SourceKind, field func(name string) (text string, has bool)) (text string) {
	switch kind {
	case ttpcron.AuthAttempt:
		text = loginText(field)
	case ttpcron.FileTransfer:
		text = firstText(field, "url", "filename", "payload_text", "sha256")
	case ttpcron.Tunnel:
		text = firstText(field, "destination", "dst_ip", "data")
	case ttpcron.ServiceRequest:
		text = firstText(field, "request_text", "service")
	case ttpcron.SessionFact:
		text = firstText(field, "client_version", "hassh", "fact")
	case ttpcron.Stdin:
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
var tellingFields = []string{"command_text", "user_agent", "raw_url", "request_path", "username", "matched_signature", "matched"}

// telling is the part of a payload that tells a person most.
func telling(kind ttpcron.SourceKind, p ttpcron.Payload) string {
	if text := eventText(kind, p.Text); text != "" {
		return text
	}
	return string(p.AppendJSON(nil))
}

// excerpt is the text that a tag was made of, as far as its evidence holds it,
// or else the evidence itself, if it says anything.
func excerpt(tag *ttpcron.Tag, t term.Terminal) string {
	if f, ok := findingOf(tag); ok {
		return beginning(t, f.text())
	}
	var evidence map[string]json.RawMessage
	s := string(tag.Evidence)
	if json.Unmarshal(tag.Evidence, &evidence) == nil {
		if len(evidence) == 0 {
			return ""
		}
		field := func(name string) (string, bool) {
			text, err := jsontext.DecodeString(evidence[name])
			return text, err == nil && evidence[name] != nil
		}
		if text := eventText(tag.SourceKind, field); text != "" {
			s = text
		}
	}
	return beginning(t, s)
}

// maxExcerpt is how much of a text a table shows where nothing limits its
// width.
const maxExcerpt = 160

// beginning is the beginning of an attacker's text, safe to show.
func beginning(t term.Terminal, s string) string {
	return t.Cut(term.Clean(s[:min(len(s), 4*maxExcerpt)]), maxExcerpt)
}
