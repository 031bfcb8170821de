package ttpcron

import (
	"slices"
	"unsafe"
)

// Packer packs the matches of one event after another in several streams: each field, group
// and list of values once, for all streams that share it. The result is the same as with
// [Stream.Append]. A Packer reuses its memory and is not safe for concurrent use.
type Packer struct {
	own       Networks
	attackers *Attackers
	streams   []packedStream
	fields    []packedField
	groups    []packedGroup
	lists     []packedValues

	event   *Event
	turn    uint64 // of the event
	marked  bool   // the address takes no part in groups by address
	packed  []byte
	matches []BaseMatch
	at      []packedAt // of each match
}

type packedStream struct {
	stream        *Stream
	group, values int
}

// packedField is a field of events, and where that of the event at hand lies.
type packedField struct {
	name     string
	from     fieldSource
	place    int    // in the payload of the event that had it last
	turn     uint64 // of the event that was packed last
	at, upTo int    // the same when it has none
}

// fieldSource says where a field of an event is.
type fieldSource uint8

const (
	inPayload fieldSource = iota
	ofAttacker
	ofAddress
	ofUnmarked // address
	ofIdentity
	ofSession
	ofSensor
)

// packedGroup is what streams group by, and where the group of the event at hand lies.
type packedGroup struct {
	fields    []GroupField
	from      []int  // the fields
	byAddress bool   // not where the address is optional
	turn      uint64 // of the event that was packed last
	missing   bool   // it has none
	at, upTo  int
}

// packedValues are the values that streams need, and where those of the event at hand lie.
type packedValues struct {
	names    []string
	from     []int // the fields
	turn     uint64
	at, upTo int
}

// packedAt says where a match lies.
type packedAt struct{ group, groupEnd, values, valuesEnd int }

// keptPacked is how much memory is kept for the next event.
const keptPacked = 64 << 10

// NewPacker returns a packer for streams. Addresses in the networks own take no part in
// groups by address. attackers caches the attackers known by address alone.
func NewPacker(streams []*Stream, own Networks, attackers *Attackers) *Packer {
	p := &Packer{own: own, attackers: attackers}
	for _, s := range streams {
		x := packedStream{stream: s}
		x.group = slices.IndexFunc(p.groups, func(g packedGroup) bool {
			return slices.EqualFunc(g.fields, s.Group, func(a, b GroupField) bool { return a.From == b.From && a.Optional == b.Optional })
		})
		if x.group < 0 {
			g := packedGroup{fields: s.Group}
			for _, f := range s.Group {
				g.from = append(g.from, p.field(f.From))
				g.byAddress = g.byAddress || f.From == FieldAttackerIP && !f.Optional
			}
			x.group = len(p.groups)
			p.groups = append(p.groups, g)
		}
		x.values = slices.IndexFunc(p.lists, func(v packedValues) bool { return slices.Equal(v.names, s.Values) })
		if x.values < 0 {
			v := packedValues{names: s.Values}
			for _, name := range s.Values {
				v.from = append(v.from, p.field(name))
			}
			x.values = len(p.lists)
			p.lists = append(p.lists, v)
		}
		p.streams = append(p.streams, x)
	}
	return p
}

// field numbers a field.
func (p *Packer) field(name string) int {
	i := slices.IndexFunc(p.fields, func(f packedField) bool { return f.name == name })
	if i >= 0 {
		return i
	}
	f := packedField{name: name}
	switch name {
	case FieldAttackerUUID:
		f.from = ofAttacker
	case FieldAttackerIP:
		f.from = ofAddress
	case FieldUnmarkedIP:
		f.from = ofUnmarked
	case FieldIdentityUUID:
		f.from = ofIdentity
	case FieldSessionID:
		f.from = ofSession
	case FieldDeckyID:
		f.from = ofSensor
	}
	p.fields = append(p.fields, f)
	return len(p.fields) - 1
}

// Begin starts an event, which has no match yet. The event is kept until End.
func (p *Packer) Begin(e *Event) {
	p.event, p.turn = e, p.turn+1
	p.packed, p.matches, p.at = p.packed[:0], p.matches[:0], p.at[:0]
	if cap(p.packed) > keptPacked {
		p.packed = nil
	}
	if p.marked = e.Kind == CanaryFingerprint || len(p.own) > 0; p.marked {
		p.marked = e.marked(p.own)
	}
}

// Add records that the event matches in the stream with an index. It has no effect if the
// event lacks a field that the stream groups by.
func (p *Packer) Add(stream int) {
	x := &p.streams[stream]
	g := &p.groups[x.group]
	if g.turn != p.turn {
		p.group(g)
	}
	if g.missing {
		return
	}
	v := &p.lists[x.values]
	if v.turn != p.turn {
		v.turn, v.at = p.turn, len(p.packed)
		for _, i := range v.from {
			if !p.value(i) {
				p.packed = append(p.packed, packedNull)
			}
		}
		v.upTo = len(p.packed)
	}
	p.at = append(p.at, packedAt{g.at, g.upTo, v.at, v.upTo})
	p.matches = append(p.matches, BaseMatch{Stream: x.stream, Time: p.event.Time, Seq: p.event.Seq})
}

// group packs a group, as far as the event has one.
func (p *Packer) group(g *packedGroup) {
	g.turn, g.at, g.missing = p.turn, len(p.packed), g.byAddress && p.marked
	if g.missing {
		return
	}
	p.packed = append(p.packed, byte(p.event.Vantage))
	for i, f := range g.from {
		if p.value(f) {
			continue
		}
		if !g.fields[i].Optional {
			g.missing = true
			return
		}
		p.packed = append(p.packed, packedNull)
	}
	g.upTo = len(p.packed)
}

// value packs a field of the event, and reports whether the event has it.
func (p *Packer) value(i int) bool {
	f := &p.fields[i]
	if f.turn == p.turn {
		p.packed = append(p.packed, p.packed[f.at:f.upTo]...)
		return f.upTo > f.at
	}
	f.turn, f.at = p.turn, len(p.packed)
	own := ""
	switch f.from {
	case inPayload:
		if v := f.of(p.event.Payload); v != nil {
			p.packed = appendPackedField(p.packed, v)
		}
	case ofAttacker:
		own, _ = p.attackers.Of(p.event)
	case ofAddress:
		own = p.event.AttackerIP
	case ofUnmarked:
		if !p.marked {
			own = p.event.AttackerIP
		}
	case ofIdentity:
		own = p.event.IdentityUUID
	case ofSession:
		own = p.event.SessionID
	case ofSensor:
		own = p.event.DeckyID
	}
	if own != "" {
		p.packed = AppendPackedText(p.packed, own)
	}
	f.upTo = len(p.packed)
	return f.upTo > f.at
}

// of returns the field of a payload, or nil.
func (f *packedField) of(payload Payload) *Field {
	if f.place < len(payload) && payload[f.place].Name == f.name {
		return &payload[f.place]
	}
	for i := range payload {
		if payload[i].Name == f.name {
			f.place = i
			return &payload[i]
		}
	}
	return nil
}

// End returns the matches of the event, in the order in which they were added. Matches of
// one group share its text. They and their text are valid until the next Begin.
func (p *Packer) End() []BaseMatch {
	p.event = nil
	packed := unsafe.String(unsafe.SliceData(p.packed), len(p.packed)) // stays where it is, now
	for i, at := range p.at {
		m := &p.matches[i]
		m.Group, m.Values = packed[at.group:at.groupEnd], packed[at.values:at.valuesEnd]
	}
	return p.matches
}
