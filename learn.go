package ttpcron

import (
	"slices"
	"strings"
)

// Learn fills in what the event lacks from another copy of its record: facts of the
// payload, the attacker, the address, the session, the sensor, the identity. If both say
// something, the event keeps its own value, with two exceptions. A derived attacker,
// address or session is replaced by a resolved one, and that by a recorded one. The
// identity of a session, sensor or host ([SessionIdentity], [HostIdentity]) is replaced by
// any other, and goes if an address becomes known. Kind, ID, time and ordinal stay,
// because they are the event's place.
//
// It reports whether the event has learned something, and whether the copy contradicts it
// where it learned nothing. If the event would become invalid, or a command with another
// text, it learns nothing, and that is a dispute too.
//
// Learn changes no memory that the event shares with others.
func (e *Event) Learn(o *Event) (learned, disputed bool) {
	was := *e
	l := learner{}
	e.AttackerUUID, e.AttackerOrigin = l.name(e.AttackerUUID, e.AttackerOrigin, o.AttackerUUID, o.AttackerOrigin)
	if sameAddress(e.AttackerIP, o.AttackerIP) && e.AttackerIP != "" && o.AttackerIP != "" && e.AddressOrigin <= o.AddressOrigin {
		// One address in two spellings.
	} else {
		e.AttackerIP, e.AddressOrigin = l.name(e.AttackerIP, e.AddressOrigin, o.AttackerIP, o.AddressOrigin)
	}
	nobody := was.standsForNobody()
	if identity := o.IdentityUUID; identity != "" && !o.standsForNobody() {
		if nobody {
			e.IdentityUUID = ""
		}
		e.IdentityUUID, _ = l.name(e.IdentityUUID, OriginRecorded, identity, OriginRecorded)
	}
	e.SessionID, e.SessionOrigin = l.name(e.SessionID, e.SessionOrigin, o.SessionID, o.SessionOrigin)
	e.Connection, _ = l.name(e.Connection, OriginRecorded, o.Connection, OriginRecorded)
	e.DeckyID, _ = l.name(e.DeckyID, OriginRecorded, o.DeckyID, OriginRecorded)
	if o.Vantage > e.Vantage {
		e.Vantage, l.learned = o.Vantage, true
	}
	if nobody && e.IdentityUUID == was.IdentityUUID {
		e.IdentityUUID = ""
		e.NameNobody()
	}
	e.Payload = l.payload(e.Payload, o.Payload)
	if text := was.Payload.CommandText(); text != "" && e.Payload.CommandText() != text {
		*e = was // tags quote that text
		return false, true
	}
	if l.learned && e.Validate() != nil {
		*e = was
		return false, true
	}
	return l.learned, l.disputed
}

// standsForNobody reports whether the identity was made by NameNobody.
func (e *Event) standsForNobody() bool {
	return e.IdentityUUID != "" && e.AttackerUUID == "" && e.AttackerIP == "" &&
		(e.IdentityUUID == SessionIdentity(e.DeckyID, e.SessionID) || e.IdentityUUID == HostIdentity(e.DeckyID))
}

type learner struct{ learned, disputed bool }

// name returns which of two names is kept, with how it is known. Origins are in the
// order of what they are worth.
func (l *learner) name(own string, how Origin, other string, otherHow Origin) (string, Origin) {
	switch {
	case other == "" || own == other && how <= otherHow:
	case own == "" || otherHow < how:
		l.learned = true
		return other, otherHow
	case own != other && how == otherHow:
		l.disputed = true
	}
	return own, how
}

// payload returns the fields of two payloads; of those that both have, a's.
func (l *learner) payload(a, b Payload) Payload {
	var news Payload
	for i := range b {
		g := &b[i]
		if !g.says() {
			continue
		}
		at, has := slices.BinarySearchFunc(a, g.Name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
		switch {
		case !has || !a[at].says():
			news = append(news, *g)
		case !a[at].same(g):
			l.disputed = true
		}
	}
	if len(news) == 0 {
		return a
	}
	l.learned = true
	return append(append(make(Payload, 0, len(a)+len(news)), a...), news...).sorted()
}

// AppendFacts appends what the event says that is not part of its record, and that a copy
// of the record may lack. Equal facts have equal forms, and different facts different ones.
// It appends nothing if there are none. An identity made by NameNobody does not count.
func (e *Event) AppendFacts(dst []byte) []byte {
	if e.AttackerUUID != "" && e.AttackerOrigin != OriginRecorded {
		dst = appendPart(append(dst, byte(e.AttackerOrigin)), recordUUID, e.AttackerUUID)
	}
	if e.AttackerIP != "" && e.AddressOrigin != OriginRecorded {
		dst = appendPart(append(dst, byte(e.AddressOrigin)), recordAddress, e.AttackerIP)
	}
	if e.SessionID != "" && e.SessionOrigin != OriginRecorded {
		dst = appendPart(append(dst, byte(e.SessionOrigin)), recordSession, e.SessionID)
	}
	if e.IdentityUUID != "" && !e.standsForNobody() {
		dst = appendPart(dst, factIdentity, e.IdentityUUID)
	}
	if e.Vantage != VantageHoneypot {
		dst = append(dst, factVantage, byte(e.Vantage))
	}
	names, listed := identityFields[e.Kind]
	for i := range e.Payload {
		if f := &e.Payload[i]; !identifies(names, listed, f.Name) && f.says() {
			dst = f.appendSame(appendPart(dst, recordField, f.Name))
		}
	}
	return dst
}

const (
	factIdentity = 'i'
	factVantage  = 'v'
)
