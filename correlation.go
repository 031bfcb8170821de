package ttpcron

import (
	"strings"
	"time"
)

// A correlation is a rule over several events: a technique that no single event shows. The
// rules that it names match events; each such base match belongs to a group, by the values
// of some fields, and has values of others that the rule counts or adds up. The types that
// pass between finding base matches, storing them and judging groups are here, in
// packedvalue.go, group.go, finding.go and judgement.go.

// Stream is what correlations need from the matches of one base rule among events of one
// kind: the group of each match, and some values of its event.
type Stream struct {
	// ID names the stream and is made from the other members. It contains a |, so it is
	// never a rule's id, but the store uses it like one to remember what has looked at
	// which events.
	ID     string
	Rule   string // id of the base rule
	Kind   SourceKind
	Group  []GroupField // ordered by name
	Values []string     // fields of events
	// Digest covers everything that decides which matches exist.
	Digest [16]byte
}

// GroupField is a field that matches are grouped by.
type GroupField struct {
	Name     string // of the field in the group
	From     string // the field of the event; see [Event.AppendField]
	Optional bool   // an event without it takes part with null
}

// NewStream returns the stream of these members, with its ID.
func NewStream(rule string, kind SourceKind, group []GroupField, values []string, digest [16]byte) *Stream {
	s := &Stream{Rule: rule, Kind: kind, Group: group, Values: values, Digest: digest}
	id := append([]byte("match|"), kind...)
	id = append(append(append(id, '|'), rule...), '|')
	for i, f := range group {
		if i > 0 {
			id = append(id, ',')
		}
		id = append(append(append(id, f.Name...), '='), f.From...)
		if f.Optional {
			id = append(id, '?')
		}
	}
	id = append(id, '|')
	for i, v := range values {
		if i > 0 {
			id = append(id, ',')
		}
		id = append(id, v...)
	}
	s.ID = string(id)
	return s
}

// IsStream reports whether an id that the store keeps like a rule's is a stream's.
func IsStream(id string) bool { return len(id) > 6 && id[:6] == "match|" }

// Def returns the stream as the definition that a store keeps of what has looked at events.
func (s *Stream) Def() RuleDef { return RuleDef{ID: s.ID, Version: 1, Digest: s.Digest} }

// Grouping names the fields of the stream's groups, separated by commas. Streams of one
// grouping share groups.
func (s *Stream) Grouping() string {
	var b []byte
	for i, f := range s.Group {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Name...)
	}
	return string(b)
}

// GroupingFields returns the names of the fields of a grouping, see [Stream.Grouping].
func GroupingFields(grouping string) []string {
	if grouping == "" {
		return nil
	}
	return strings.Split(grouping, ",")
}

// BaseMatch is the part of a base rule's match that correlations need.
type BaseMatch struct {
	Stream *Stream
	Group  string // a [Group]
	Values string // packed values of Stream.Values, see [EachPacked]
	Time   time.Time
	Seq    uint64 // arrival number of the event
}

// Append appends the match of an event to dst: its group and its values, see AppendGroup
// and AppendValues.
func (s *Stream) Append(dst []byte, e *Event, own Networks) (packed []byte, group int, ok bool) {
	start := len(dst)
	dst, ok = s.AppendGroup(dst, e, own)
	group = len(dst) - start
	if ok {
		dst = s.AppendValues(dst, e, own)
	}
	return dst, group, ok
}

// AppendGroup appends the group to which an event's match belongs. It returns false, and
// appends nothing, if the event lacks a field that the stream groups by. Addresses in the
// networks own, and those of resolvers, take no part in groups by address.
func (s *Stream) AppendGroup(dst []byte, e *Event, own Networks) (group []byte, ok bool) {
	start := len(dst)
	dst = append(dst, byte(e.Vantage))
	for i := range s.Group {
		f := &s.Group[i]
		if f.From == FieldAttackerIP && !f.Optional && e.marked(own) {
			return dst[:start], false
		}
		before := len(dst)
		if dst = e.AppendField(dst, f.From); len(dst) == before {
			if !f.Optional {
				return dst[:start], false
			}
			dst = append(dst, packedNull)
		}
	}
	return dst, true
}

// AppendValues appends the stream's values of an event. A missing value is packed as null.
func (s *Stream) AppendValues(dst []byte, e *Event, own Networks) []byte {
	for _, name := range s.Values {
		before := len(dst)
		if name != FieldUnmarkedIP {
			dst = e.AppendField(dst, name)
		} else if !e.marked(own) {
			dst = e.AppendField(dst, FieldAttackerIP)
		}
		if len(dst) == before {
			dst = append(dst, packedNull)
		}
	}
	return dst
}

func (e *Event) marked(own Networks) bool { return own.Contains(e.AttackerIP) || e.ByResolver() }

// Fields that every event may have, under the names of its native form. Any other name is a
// payload field.
const (
	FieldAttackerIP   = "attacker_ip"
	FieldAttackerUUID = "attacker_uuid"
	FieldIdentityUUID = "identity_uuid"
	FieldSessionID    = "session_id"
	FieldDeckyID      = "decky_id"
)

// FieldUnmarkedIP is a stream value: the event's address if it may take part in groups by
// address, and null for addresses of own networks and resolvers.
const FieldUnmarkedIP = "attacker_ip?unmarked"

// AppendField appends the value of a field, packed: see [EachPacked]. It appends nothing
// for a field that is missing or null, or for one of the fields above that is empty. The
// attacker is that of [Event.Attacker].
func (e *Event) AppendField(dst []byte, name string) []byte {
	own := ""
	switch name {
	case FieldAttackerIP:
		own = e.AttackerIP
	case FieldAttackerUUID:
		own, _ = e.Attacker()
	case FieldIdentityUUID:
		own = e.IdentityUUID
	case FieldSessionID:
		own = e.SessionID
	case FieldDeckyID:
		own = e.DeckyID
	default:
		for i := range e.Payload {
			if f := &e.Payload[i]; f.Name == name {
				return appendPackedField(dst, f)
			}
		}
		return dst
	}
	if own == "" {
		return dst
	}
	return AppendPackedText(dst, own)
}
