package ttpcron

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// EventReader reads events in their native form, each in a single pass over its
// text. The zero value accepts what [Event.UnmarshalJSON] does.
type EventReader struct {
	// MaxDepth is how deep JSON may nest; 0 means [jsontext.MaxDepth].
	MaxDepth int
	// MaxMembers is how many members a payload may have; 0 means any number.
	MaxMembers int

	scanner jsontext.Scanner
	raw     []byte // room for a value of a payload
	text    []byte // room for a string with escapes
}

// maxScratch is how many bytes of scratch space a reader keeps between events.
const maxScratch = 64 << 10

// Room is where an EventReader allocates the parts of an event, so that events can
// share allocations.
type Room interface {
	// Text returns b as a string.
	Text(b []byte) string
	// Raw returns a copy of b.
	Raw(b []byte) []byte
	// Fields returns n empty fields.
	Fields(n int) Payload
}

// The members of an event that are strings, and their number.
const (
	memberKind = iota
	memberID
	memberTime
	memberTimeOrigin
	memberAttacker
	memberAttackerOrigin
	memberIP
	memberIPOrigin
	memberIdentity
	memberSession
	memberSessionOrigin
	memberConnection
	memberDecky
	memberVantage
	stringMembers
)

// memberOf returns stringMembers for any other name.
func memberOf(name []byte) int {
	switch string(name) {
	case "source_kind":
		return memberKind
	case "source_id":
		return memberID
	case "time":
		return memberTime
	case "time_origin":
		return memberTimeOrigin
	case "attacker_uuid":
		return memberAttacker
	case "attacker_origin":
		return memberAttackerOrigin
	case "attacker_ip":
		return memberIP
	case "address_origin":
		return memberIPOrigin
	case "identity_uuid":
		return memberIdentity
	case "session_id":
		return memberSession
	case "session_origin":
		return memberSessionOrigin
	case "connection":
		return memberConnection
	case "decky_id":
		return memberDecky
	case "vantage":
		return memberVantage
	}
	return stringMembers
}

var (
	errNoPayload        = errors.New("payload is missing")
	errPayloadNotObject = fmt.Errorf("payload: %w", jsontext.ErrNotObject)
)

// Read reads an event as [Event.UnmarshalJSON] does and allocates its parts in room, or on
// the heap if room is nil. Strings that e already has, such as the previous event's
// session, are reused rather than allocated again.
//
// Malformed JSON is reported before a payload with too many members, and that
// before any other error. On an error e is unchanged.
func (r *EventReader) Read(line []byte, e *Event, room Room) error {
	if room == nil {
		room = heap{}
	}
	s := &r.scanner
	s.MaxDepth = r.MaxDepth
	s.Reset(line)
	var texts [stringMembers]jsontext.Value
	var first error // in what the members say
	var ordinal jsontext.Value
	var payload Payload
	fields := 0
	for s.Object(); s.Member(); {
		if name := s.Name(); string(name) == "payload" {
			payload, fields = nil, 0
			switch s.Kind() {
			case '{':
				payload, fields = r.payload(e.Payload, room)
			case 'n':
			default:
				first = cmp.Or(first, errPayloadNotObject)
			}
		} else if string(name) == "ordinal" {
			ordinal = s.Value()
		} else if m := memberOf(name); m < stringMembers {
			if texts[m] = s.Value(); first == nil && !texts[m].IsString() && !texts[m].IsNull() {
				first = fmt.Errorf("%s is not a string", name)
			}
		}
	}
	if err := s.End(); err != nil {
		return err
	}
	if r.MaxMembers > 0 && fields > r.MaxMembers {
		return fmt.Errorf("payload has more than %d members", r.MaxMembers)
	}
	if first != nil {
		return first
	}
	return r.fill(e, &texts, ordinal, payload, room)
}

// fill makes the event from what was found.
func (r *EventReader) fill(e *Event, texts *[stringMembers]jsontext.Value, ordinal jsontext.Value, payload Payload, room Room) error {
	timeOrigin, err := parseOrigin("time_origin", texts[memberTimeOrigin])
	if err != nil {
		return err
	}
	origin, err := parseOrigin("attacker_origin", texts[memberAttackerOrigin])
	if err != nil {
		return err
	}
	addressOrigin, err := parseOrigin("address_origin", texts[memberIPOrigin])
	if err != nil {
		return err
	}
	sessionOrigin, err := parseOrigin("session_origin", texts[memberSessionOrigin])
	if err != nil {
		return err
	}
	vantage, err := parseVantage(texts[memberVantage])
	if err != nil {
		return err
	}
	number, err := parseOrdinal(ordinal)
	if err != nil {
		return err
	}
	at, err := parseTime(texts[memberTime])
	if err != nil {
		return err
	}
	if payload == nil {
		return errNoPayload
	}
	e.Kind = SourceKind(r.string(string(e.Kind), texts[memberKind], room))
	e.ID = r.string(e.ID, texts[memberID], room)
	e.Time, e.TimeOrigin = at, timeOrigin
	e.AttackerUUID = r.string(e.AttackerUUID, texts[memberAttacker], room)
	e.AttackerIP = r.string(e.AttackerIP, texts[memberIP], room)
	e.AttackerOrigin, e.AddressOrigin, e.Vantage = origin, addressOrigin, vantage
	e.IdentityUUID = r.string(e.IdentityUUID, texts[memberIdentity], room)
	e.SessionID, e.SessionOrigin = r.string(e.SessionID, texts[memberSession], room), sessionOrigin
	e.Connection = r.string(e.Connection, texts[memberConnection], room)
	e.DeckyID = r.string(e.DeckyID, texts[memberDecky], room)
	e.Ordinal, e.Payload, e.Seq = number, payload, 0
	return nil
}

// string decodes a string; it returns last when that is the same, and "" for
// null.
func (r *EventReader) string(last string, v jsontext.Value, room Room) string {
	b, plain := v.Plain()
	if !plain {
		r.text = v.AppendText(r.text[:0])
		b = r.text
	}
	if string(b) == last {
		return last
	}
	return room.Text(b)
}

// payload reads the object that comes next, and returns how many members it has,
// names that occur again included. Strings that last has in the same place are
// kept.
func (r *EventReader) payload(last Payload, room Room) (Payload, int) {
	s := &r.scanner
	var stack [16]Field // few payloads have more
	fields, members := Payload(stack[:0]), 0
	for s.Object(); s.Member(); {
		members++
		if r.MaxMembers > 0 && members > r.MaxMembers {
			continue
		}
		var f, was Field
		if n := len(fields); n < len(last) {
			was = last[n]
		}
		if name := s.Name(); string(name) == was.Name {
			f.Name = was.Name
		} else {
			f.Name = room.Text(name)
		}
		if s.Kind() == '"' {
			f.Text = r.string(was.Text, s.Value(), room)
		} else {
			r.raw = s.AppendCanonical(r.raw[:0])
			f.Raw = room.Raw(r.raw)
		}
		fields = append(fields, f)
	}
	if cap(r.raw)+cap(r.text) > maxScratch {
		r.raw, r.text = nil, nil
	}
	fields = fields.sorted()
	if len(fields) == 0 {
		return Payload{}, members // not nil, which is none
	}
	out := room.Fields(len(fields))
	copy(out, fields)
	return out, members
}

func parseOrigin(member string, v jsontext.Value) (Origin, error) {
	s, _ := v.Text()
	switch s {
	case "", OriginRecorded.String():
		return OriginRecorded, nil
	case OriginResolved.String():
		return OriginResolved, nil
	case OriginDerived.String():
		return OriginDerived, nil
	}
	return 0, fmt.Errorf("%s %.40q is none of recorded, resolved and derived", member, s)
}

func parseVantage(v jsontext.Value) (Vantage, error) {
	s, _ := v.Text()
	switch s {
	case "", VantageHoneypot.String():
		return VantageHoneypot, nil
	case VantageHost.String():
		return VantageHost, nil
	}
	return 0, fmt.Errorf("vantage %.40q is neither honeypot nor host", s)
}

// parseOrdinal reads a number of so many digits as ordinals have.
func parseOrdinal(v jsontext.Value) (uint32, error) {
	if len(v.Raw()) == 0 || v.IsNull() {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(v.Raw()), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("ordinal %.40q is not a whole number below %d", v.Raw(), uint64(1)<<32)
	}
	return uint32(n), nil
}

func parseTime(v jsontext.Value) (time.Time, error) {
	if b, plain := v.Plain(); plain {
		if t, ok := ParseUTC(b); ok {
			return t, nil
		}
	}
	s, _ := v.Text()
	if s == "" {
		return time.Time{}, errors.New("time is missing")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q is not RFC 3339, such as 2026-05-04T05:49:05Z", s)
	}
	return t.UTC(), nil
}

// heap is a Room in which every part is an allocation of its own.
type heap struct{}

func (heap) Text(b []byte) string { return string(b) }
func (heap) Raw(b []byte) []byte  { return bytes.Clone(b) }
func (heap) Fields(n int) Payload { return make(Payload, n) }
