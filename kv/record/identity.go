package record

import (
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Identity is how an event is recognised: by its ID. If the ID is derived from the content,
// equal IDs mean that the event is known, and since the content has the time, an index for
// each kind and day is enough. (If it has not, because the time was derived, the ID is
// treated as a given one.) A given ID says little about the content: a source whose ids are
// positions in a list uses one twice. So one index of all given ids keeps a digest of each
// record and the event's place, so that an event with another digest can be compared with
// it.
type Identity struct {
	ID      string // given, or derived from the content
	Content bool   // derived, and known by the index of its day
	Hash    uint64

	derived bool

	// Digest says in its lower bits what facts the event has in addition to its record, and
	// in the others, for an ID in the index of given ones, what the record is.
	Digest uint64
	Place  uint64 // of the event once it is stored
}

// factBits are the bits of a digest for facts; they are 0 if there are none.
const factBits = 24

// SameRecord reports whether two digests are of one record.
func SameRecord(a, b uint64) bool { return a>>factBits == b>>factBits }

// HasOtherFacts reports whether an event has facts that another event, given by its digest,
// lacks, or perhaps fewer facts.
func (d *Identity) HasOtherFacts(other uint64) bool {
	const mask = 1<<factBits - 1
	return d.Digest&mask != 0 && (d.Digest^other)&mask != 0
}

// Reads makes the digest anew, of an event that has learned something.
func (d *Identity) Reads(s *Secret, e *ttpcron.Event) { d.Digest = s.digest(e, !d.Content) }

// Given returns the ID, or an empty string for a derived one, which need not be stored.
func (d *Identity) Given() string {
	if d.derived {
		return ""
	}
	return d.ID
}

// Rename gives the event another ID.
func (d *Identity) Rename(s *Secret, kind ttpcron.SourceKind, id string) {
	d.ID, d.Hash, d.derived = id, s.Named(kind, id), false
}

// Value is what an index keeps beside the hash: that of given ids digest and place,
// that of content-derived ids, which know the day, arrival number and facts.
func (d *Identity) Value() IndexValue {
	if !d.Content {
		return IndexValue{d.Digest, d.Place}
	}
	_, seq := ParsePlace(d.Place)
	return IndexValue{seq<<factBits | d.Digest}
}

// ContentPlace returns the place of an event within a day and the digest of its facts, from
// its value in the index of content-derived ids.
func ContentPlace(day ttpcron.Day, v IndexValue) (place, digest uint64) {
	return PlaceOf(day, v[0]>>factBits), v[0] & (1<<factBits - 1)
}

// IdentityOf returns how an event is recognised. Only an event with an arrival number has a
// place.
func IdentityOf(s *Secret, e *ttpcron.Event) Identity {
	id, derived := e.ID, false
	if id == "" || strings.HasPrefix(id, ttpcron.ContentPrefix) {
		own := e.ContentID()
		if id == "" {
			id = own
		}
		if derived = id == own; derived && e.TimeOrigin == ttpcron.OriginRecorded {
			return Identity{
				ID: own, Content: true, derived: true,
				Hash: s.content(e.Kind, own), Digest: s.digest(e, false), Place: PlaceOf(ttpcron.DayOf(e.Time), e.Seq),
			}
		}
	}
	return Identity{
		ID: id, derived: derived,
		Hash:   s.Named(e.Kind, id),
		Digest: s.digest(e, true),
		Place:  PlaceOf(ttpcron.DayOf(e.Time), e.Seq),
	}
}

// ContentPrefix begins every ID that is derived from content.
const ContentPrefix = ttpcron.ContentPrefix

// PlaceOf returns the place of an event of a given kind, 0 for an event that is not stored.
func PlaceOf(day ttpcron.Day, seq uint64) uint64 {
	if seq >= 1<<placeBits {
		return 0
	}
	return uint64(day)<<placeBits | seq
}

// ParsePlace returns the day and the arrival number of a place.
func ParsePlace(p uint64) (day ttpcron.Day, seq uint64) {
	return ttpcron.Day(p >> placeBits), p & (1<<placeBits - 1)
}

// placeBits are the bits of the arrival number; the day of the year 9999 has 22.
const placeBits = 40
