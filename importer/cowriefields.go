package importer

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// The fields of the current event. A value of an unexpected type is kept in full.

// put adds a field of text.
func (p *cowrieParser) put(name, text string) {
	p.fields = append(p.fields, ttpcron.Field{Name: name, Text: text})
}

// text adds a text. A whole number or a boolean becomes text, since they count as equal in
// an event (see jsontext.AppendSame); anything else is unchanged.
func (p *cowrieParser) text(name string, m cowrieMember) {
	v := p.member(m)
	raw := v.Raw()
	switch {
	case len(raw) == 0:
	case v.IsString():
		p.repeats[m] = p.to.arena.repeated(p.repeats[m], v)
		p.put(name, p.repeats[m])
	case isNumber(raw) && !jsontext.IsWhole(raw), nests(raw):
		p.canonical(name, v)
	default:
		p.put(name, p.to.arena.Text(raw))
	}
}

// number adds what should be a number, which some programs spell as a text.
func (p *cowrieParser) number(name string, m cowrieMember) {
	v := p.member(m)
	raw := v.Raw()
	if digits, plain := v.Plain(); plain && jsontext.IsWhole(digits) {
		raw = digits
	}
	switch {
	case len(raw) == 0:
	case jsontext.IsWhole(raw):
		p.fields = append(p.fields, ttpcron.Field{Name: name, Raw: p.to.arena.Raw(raw)})
	case isNumber(raw):
		p.canonical(name, v)
	default:
		p.text(name, m)
	}
}

func (p *cowrieParser) canonical(name string, v jsontext.Value) {
	p.nested.Reset(v.Raw())
	p.scratch = p.nested.AppendCanonical(p.scratch[:0])
	if err := p.nested.End(); err != nil && p.fieldErr == nil {
		p.fieldErr = fmt.Errorf("%s: %w", name, err)
	}
	p.fields = append(p.fields, ttpcron.Field{Name: name, Raw: p.to.arena.Raw(p.scratch)})
}

// scalar returns a member's value as text: "" if it is missing or has another type.
func (p *cowrieParser) scalar(m cowrieMember) string {
	v := p.member(m)
	if s, ok := p.to.arena.decoded(v); ok {
		return s
	}
	if raw := v.Raw(); len(raw) > 0 && !nests(raw) {
		return p.to.arena.Text(raw)
	}
	return ""
}

// protocol adds the protocol of the connection under a name.
func (p *cowrieParser) protocol(name string) {
	text, _ := p.member(cowProtocol).Plain()
	switch string(text) {
	case "ssh":
		p.put(name, "ssh")
	case "telnet":
		p.put(name, "telnet")
	default:
		p.text(name, cowProtocol)
	}
}

// milliseconds returns a session's duration as JSON, or nil.
func (p *cowrieParser) milliseconds() json.RawMessage {
	m, scale := cowDurationMS, 1.0
	if !p.there(m) {
		m, scale = cowDuration, 1000
	}
	text := p.scalar(m)
	if len(text) > 32 {
		return nil
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && c != '.' {
			return nil
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if n = math.Round(n * scale); err != nil || n > 1e15 {
		return nil
	}
	p.scratch = strconv.AppendInt(p.scratch[:0], int64(n), 10)
	return p.to.arena.Raw(p.scratch)
}

func nests(raw []byte) bool    { return raw[0] == '{' || raw[0] == '[' }
func isNumber(raw []byte) bool { return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' }
