package ttpcron

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// EventReader reads events in their native form, one after the other, each in
// one walk over its text. What often repeats from one event to the next, such as
// a session, is kept once. The zero value reads what [Event.UnmarshalJSON] does.
type EventReader struct {
	// MaxDepth is how deep JSON may nest; 0 stands for [jsontext.MaxDepth].
	MaxDepth int
	// MaxMembers is how many members a payload may have; 0 means any number.
	MaxMembers int

	scanner jsontext.Scanner
	members [stringMembers]jsontext.Value // of the current event
	fields  Payload                       // room for the payload of the current event
	raw     []byte                        // room for a value of it
	text    []byte                        // room for a string with escapes
	last    Event
}

// Room is where an EventReader puts what an event consists of, so that events
// can share allocations.
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
	memberIdentity
	memberSession
	memberDecky
	stringMembers
)

var memberNames = [stringMembers]string{
	memberKind: "source_kind", memberID: "source_id", memberTime: "time", memberTimeOrigin: "time_origin",
	memberAttacker: "attacker_uuid", memberAttackerOrigin: "attacker_origin", memberIP: "attacker_ip",
	memberIdentity: "identity_uuid", memberSession: "session_id", memberDecky: "decky_id",
}

// memberOf returns stringMembers for any other name.
func memberOf(name []byte) int {
	for m := range memberNames {
		if memberNames[m] == string(name) {
			return m
		}
	}
	return stringMembers
}

var (
	errNoPayload        = errors.New("payload is missing")
	errPayloadNotObject = fmt.Errorf("payload: %w", jsontext.ErrNotObject)
)

// Read reads an event as [Event.UnmarshalJSON] does, into room, which may be nil.
// Of several errors the first of the text as JSON counts, then too many members,
// then the first of what it says. e stays as it is when there is one.
func (r *EventReader) Read(line []byte, e *Event, room Room) error {
	if room == nil {
		room = heap{}
	}
	s := &r.scanner
	s.MaxDepth = r.MaxDepth
	s.Reset(line)
	clear(r.members[:])
	var first error // of what the text says
	var payload Payload
	members := 0
	for s.Object(); s.Member(); {
		if name := s.Name(); string(name) == "payload" {
			payload, members = nil, 0
			switch s.Kind() {
			case '{':
				payload, members = r.payload(room)
			case 'n':
			default:
				first = cmp.Or(first, errPayloadNotObject)
			}
		} else if m := memberOf(name); m < stringMembers {
			v := s.Value()
			if first == nil && !v.IsString() && !v.IsNull() {
				first = fmt.Errorf("%s is not a string", memberNames[m])
			}
			r.members[m] = v
		}
	}
	if err := s.End(); err != nil {
		return err
	}
	if r.MaxMembers > 0 && members > r.MaxMembers {
		return fmt.Errorf("payload has more than %d members", r.MaxMembers)
	}
	if first != nil {
		return first
	}
	return r.finish(e, payload, room)
}

// finish makes the event of what was found.
func (r *EventReader) finish(e *Event, payload Payload, room Room) error {
	var out Event
	var err error
	if out.TimeOrigin, err = parseOrigin("time_origin", r.members[memberTimeOrigin]); err != nil {
		return err
	}
	if out.AttackerOrigin, err = parseOrigin("attacker_origin", r.members[memberAttackerOrigin]); err != nil {
		return err
	}
	if out.Time, err = parseTime(r.members[memberTime]); err != nil {
		return err
	}
	if payload == nil {
		return errNoPayload
	}
	out.Kind = SourceKind(r.string(string(r.last.Kind), r.members[memberKind], room))
	out.ID = r.string(r.last.ID, r.members[memberID], room)
	out.AttackerUUID = r.string(r.last.AttackerUUID, r.members[memberAttacker], room)
	out.AttackerIP = r.string(r.last.AttackerIP, r.members[memberIP], room)
	out.IdentityUUID = r.string(r.last.IdentityUUID, r.members[memberIdentity], room)
	out.SessionID = r.string(r.last.SessionID, r.members[memberSession], room)
	out.DeckyID = r.string(r.last.DeckyID, r.members[memberDecky], room)
	out.Payload = payload
	r.last = out
	*e = out
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
// names that occur again included.
func (r *EventReader) payload(room Room) (Payload, int) {
	s := &r.scanner
	fields, members := r.fields[:0], 0
	for s.Object(); s.Member(); {
		members++
		if r.MaxMembers > 0 && members > r.MaxMembers {
			continue
		}
		var f, last Field
		if n := len(fields); n < len(r.last.Payload) {
			last = r.last.Payload[n]
		}
		if name := s.Name(); string(name) == last.Name {
			f.Name = last.Name
		} else {
			f.Name = room.Text(name)
		}
		if s.Kind() == '"' {
			f.Text = r.string(last.Text, s.Value(), room)
		} else {
			r.raw = s.AppendCanonical(r.raw[:0])
			f.Raw = room.Raw(r.raw)
		}
		fields = append(fields, f)
	}
	fields = fields.sorted()
	r.fields = fields
	if len(fields) == 0 {
		return Payload{}, members // not nil, which is none
	}
	out := room.Fields(len(fields))
	copy(out, fields)
	clear(fields)
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

func parseTime(v jsontext.Value) (time.Time, error) {
	if b, plain := v.Plain(); plain {
		var t time.Time
		if t.UnmarshalText(b) == nil {
			return t.UTC(), nil
		}
	}
	s, _ := v.Text()
	if s == "" {
		return time.Time{}, errors.New("time is missing")
	}
	t, err := time.Parse(time.RFC3339Nano, s) // more lenient
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q is not RFC 3339", s)
	}
	return t.UTC(), nil
}

// heap is the Room of what stands alone.
type heap struct{}

func (heap) Text(b []byte) string { return string(b) }
func (heap) Raw(b []byte) []byte  { return bytes.Clone(b) }
func (heap) Fields(n int) Payload { return make(Payload, n) }
