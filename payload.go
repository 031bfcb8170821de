package ttpcron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Field is one member of an event's payload. A JSON string is kept decoded in
// Text; any other value is kept as compact JSON in Raw, its strings escaped as
// [jsontext.AppendString] does, and Text is empty.
type Field struct {
	Name string
	Text string
	Raw  json.RawMessage // nil for a string
}

// Payload is what a sensor recorded beyond the fields that every event has: a
// JSON object, its members sorted by name, each name once.
type Payload []Field

// TextPayload returns the payload {name: text}.
func TextPayload(name, text string) Payload { return Payload{{Name: name, Text: text}} }

// Text returns the string member called name. It returns false for a member that is missing
// or not a string, which no rule matches.
func (p Payload) Text(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Text, p[i].Raw == nil
		}
	}
	return "", false
}

// Said returns the member called name as text: a string as it is, anything else as its JSON. It
// returns false for a member that is missing or null.
func (p Payload) Said(name string) (string, bool) {
	for i := range p {
		if f := &p[i]; f.Name == name {
			if f.Raw == nil {
				return f.Text, true
			}
			if string(f.Raw) == "null" {
				break
			}
			return string(f.Raw), true
		}
	}
	return "", false
}

// has reports whether there is a member called name.
func (p Payload) has(name string) bool {
	for i := range p {
		if p[i].Name == name {
			return true
		}
	}
	return false
}

// Value returns the member called name as [encoding/json] decodes it, or nil
// when it is missing.
func (p Payload) Value(name string) any {
	for i := range p {
		if p[i].Name != name {
			continue
		}
		if p[i].Raw == nil {
			return p[i].Text
		}
		var v any
		if json.Unmarshal(p[i].Raw, &v) != nil {
			return nil
		}
		return v
	}
	return nil
}

// Set sets a string member, replacing one of the same name.
func (p *Payload) Set(name, text string) { p.put(Field{Name: name, Text: text}) }

// SetRaw sets a member from its JSON text, replacing one of the same name. A JSON string is
// decoded. Malformed JSON is an error and changes nothing.
func (p *Payload) SetRaw(name string, raw []byte) error {
	var s jsontext.Scanner
	s.Reset(raw)
	f := Field{Name: name}
	if s.Kind() == '"' {
		f.Text, _ = s.Value().Text()
	} else {
		f.Raw = s.AppendCanonical(make([]byte, 0, len(raw)))
	}
	if err := s.End(); err != nil {
		return fmt.Errorf("payload field %q: %w", name, err)
	}
	p.put(f)
	return nil
}

func (p *Payload) put(f Field) {
	s := *p
	i := sort.Search(len(s), func(i int) bool { return s[i].Name >= f.Name })
	if i < len(s) && s[i].Name == f.Name {
		s[i] = f
		return
	}
	s = append(s, Field{})
	copy(s[i+1:], s[i:])
	s[i] = f
	*p = s
}

// AppendJSON appends the payload as a JSON object. Bytes that are not UTF-8 are
// written as [jsontext.AppendString] does, so that decoding gives them back.
func (p Payload) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendString(dst, p[i].Name)
		dst = append(dst, ':')
		if p[i].Raw == nil {
			dst = jsontext.AppendString(dst, p[i].Text)
		} else {
			dst = append(dst, p[i].Raw...)
		}
	}
	return append(dst, '}')
}

// MarshalJSON implements [json.Marshaler].
func (p Payload) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// UnmarshalJSON implements [json.Unmarshaler]. Of members with one name the
// last counts.
func (p *Payload) UnmarshalJSON(data []byte) error {
	var r EventReader
	r.scanner.Reset(data)
	out, _ := r.payload(nil, heap{})
	if err := r.scanner.End(); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	*p = out // {} is a payload, null is none
	return nil
}

// sorted sorts fields by name and keeps the last of those with the same name. It sorts
// once, at the end, because an object with a million members must not take quadratic time.
func (p Payload) sorted() Payload {
	inOrder := true
	for i := 1; i < len(p) && inOrder; i++ {
		inOrder = p[i-1].Name < p[i].Name
	}
	if inOrder {
		return p
	}
	slices.SortStableFunc(p, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return lastOfEach(p)
}

// lastOfEach keeps the last of every run of fields with one name.
func lastOfEach(sorted Payload) Payload {
	out := sorted[:0]
	for i, f := range sorted {
		if i+1 == len(sorted) || sorted[i+1].Name != f.Name {
			out = append(out, f)
		}
	}
	return out
}

// Clone returns a copy that shares no memory with p.
func (p Payload) Clone() Payload {
	out := make(Payload, len(p))
	for i, f := range p {
		out[i] = Field{Name: strings.Clone(f.Name), Text: strings.Clone(f.Text), Raw: bytes.Clone(f.Raw)}
	}
	return out
}

// GobEncode implements gob.GobEncoder. A payload is sent as its JSON, which has some bytes
// for every member.
func (p Payload) GobEncode() ([]byte, error) { return p.AppendJSON(nil), nil }

// GobDecode implements gob.GobDecoder.
func (p *Payload) GobDecode(text []byte) error { return p.UnmarshalJSON(text) }

// PayloadText returns the field payload_text of a file that came in or went out: its URL
// and its name, as far as they are known.
func PayloadText(url, filename string) string {
	if url == "" || filename == "" {
		return url + filename
	}
	return url + " " + filename
}

// Destination returns the field destination of a tunnel: where it was to lead. The port may
// be empty.
func Destination(host, port string) string {
	switch {
	case port == "":
		return host
	case strings.Contains(host, ":"):
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}
