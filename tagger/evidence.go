package tagger

import (
	"encoding/json"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// maxEvidence bounds each text of the evidence, in bytes before quoting.
const maxEvidence = 2048

// maxMatched bounds the text that matched.
const maxMatched = 512

// ellipsis ends a text that was cut.
const ellipsis = "…"

// commandContext are the payload fields of a command that say in whose name it
// ran.
var commandContext = [...]string{"uid", "user", "src", "pwd"}

// appendEvidence writes the evidence of one rule's tags: the rule's
// evidence_fields, the context of a command, and what matched.
func appendEvidence(b []byte, e *ttpcron.Event, f *finding, text string, origin ttpcron.Origin) []byte {
	r, matched := f.rule, f.matched
	if b == nil {
		b = make([]byte, 0, 64+len(text)+len(matched))
	}
	b = append(b, '{')
	shown := ""
	for _, name := range r.definition.evidence {
		if e.Kind == ttpcron.Command && name == patternFields[ttpcron.Command] {
			b = appendMember(b, name, text)
			shown = text
			continue
		}
		b = appendField(b, e.Payload, name)
		if s, ok := e.Payload.Text(name); ok && s == matched {
			shown = s
		}
	}
	if e.Kind == ttpcron.Command {
		for _, name := range commandContext {
			if !contains(r.definition.evidence, name) {
				b = appendField(b, e.Payload, name)
			}
		}
	}
	switch {
	case e.Kind == ttpcron.CanaryFingerprint && f.metric != "":
		b = appendMember(b, "metric", f.metric)
		b = appendMember(b, "matched_signature", bounded(matched, maxMatched))
	case matched != "" && matched != shown:
		b = appendMember(b, "matched", bounded(matched, maxMatched))
	}
	if origin != ttpcron.OriginRecorded {
		b = appendMember(b, "attacker_origin", origin.String())
	}
	return append(b, '}')
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return cut(s, most) + ellipsis
}

func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = jsontext.AppendString(b, name)
	return append(b, ':')
}

func appendMember(b []byte, name, text string) []byte {
	return jsontext.AppendString(appendName(b, name), bounded(text, maxEvidence))
}

// appendField copies a payload field when the event has it. A value that is no
// string and too long to copy is left out: half of it would not be JSON.
func appendField(b []byte, p ttpcron.Payload, name string) []byte {
	for i := range p {
		if p[i].Name != name {
			continue
		}
		if p[i].Raw == nil {
			return appendMember(b, name, p[i].Text)
		}
		if len(p[i].Raw) <= maxEvidence && json.Valid(p[i].Raw) {
			return append(appendName(b, name), p[i].Raw...)
		}
	}
	return b
}
