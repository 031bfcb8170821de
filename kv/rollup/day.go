// Package rollup counts the tags of a day: by claim, which gives technique, tactic,
// rule, kind, level and vantage, and by attacker, of whom those that are shown by
// default count apart. It also says which names can be found in the day, and from when
// to when: the hash of an attacker's first name, of its other names and of sessions. As
// stored that costs about 45 bytes for each attacker and 35 for each session of a day
// that has tags.
//
// There may be more attackers than memory shall hold, so they are counted one
// [Range] of hashes after the other.
package rollup

import (
	"math"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Day is what is added to the rollup of a day.
type Day struct {
	Claims    map[uint32]record.Tally
	Attackers map[uint64]*record.AttackerTally
	Aliases   map[uint64]*record.Span

	// A recount of a whole day takes the attackers and aliases of a range alone,
	// so that it holds no more of them than most.
	Range
	Most int

	previous *ttpcron.Tag // whose names have been noted
	attacker *record.AttackerTally
	session  *record.Span    // of the previous tag; nil when it is not counted
	names    [2]*record.Span // of the attacker's other names
}

// defaultLevels say which of an attacker's tags are shown by default.
var defaultLevels = ttpcron.DefaultMinLevels()

// NewDay makes a rollup that counts everything at once.
func NewDay() *Day {
	return &Day{
		Claims: map[uint32]record.Tally{}, Attackers: map[uint64]*record.AttackerTally{}, Aliases: map[uint64]*record.Span{},
		Range: AllHashes(), Most: math.MaxInt,
	}
}

// Add counts a tag.
func (d *Day) Add(s *record.Secret, nanos int64, claim uint32, t *ttpcron.Tag) {
	one := record.Tally{Tags: 1, First: nanos, Last: nanos}
	c := d.Claims[claim]
	c.Add(one)
	d.Claims[claim] = c
	at := record.SpanOf(nanos, nanos)
	p := d.previous
	if p == nil || p.SessionID != t.SessionID {
		d.session = nil
		if t.SessionID != "" {
			d.session = d.alias(s.Session(t.SessionID), at)
		}
	}
	if p == nil || p.AttackerUUID != t.AttackerUUID || p.AttackerIP != t.AttackerIP || p.IdentityUUID != t.IdentityUUID {
		d.note(s, t, at)
	}
	d.previous = t
	if d.attacker != nil {
		shown := one
		if !defaultLevels.Show(t.Level, t.Vantage) {
			shown = record.Tally{}
		}
		d.attacker.Add(one, shown)
	}
	for _, name := range [...]*record.Span{d.session, d.names[0], d.names[1]} {
		if name != nil {
			*name = name.Join(at)
		}
	}
	if len(d.Attackers)+len(d.Aliases) > d.Most {
		d.Halve(KeysOf(KeysOf(nil, d.Attackers), d.Aliases))
		Outside(d.Attackers, d.Range)
		Outside(d.Aliases, d.Range)
		d.previous = nil
	}
}

// alias returns the span of a name, nil for one out of range.
func (d *Day) alias(hash uint64, at record.Span) *record.Span {
	a := d.Aliases[hash]
	if a == nil && d.Has(hash) {
		a = &at
		d.Aliases[hash] = a
	}
	return a
}

// Next makes the rollup an empty one of the next range, if there is one.
func (d *Day) Next() bool {
	more := d.Range.Next(len(d.Attackers)+len(d.Aliases), d.Most)
	clear(d.Claims)
	clear(d.Attackers)
	clear(d.Aliases)
	d.previous = nil
	return more
}

// note records an attacker's names. It has no tally if it is out of range.
func (d *Day) note(s *record.Secret, t *ttpcron.Tag, at record.Span) {
	hash := s.Attacker(record.FirstName(t.AttackerUUID, t.IdentityUUID, t.AttackerIP))
	a := d.Attackers[hash]
	if a == nil && d.Has(hash) {
		a = &record.AttackerTally{UUID: t.AttackerUUID, IP: t.AttackerIP, Identity: t.IdentityUUID}
		d.Attackers[hash] = a
	}
	d.attacker, d.names = a, [2]*record.Span{}
	if t.AttackerUUID != "" && t.IdentityUUID != "" {
		d.names[0] = d.alias(s.Attacker(t.IdentityUUID), at)
	}
	if t.AttackerIP != "" && t.AttackerUUID != ttpcron.DeriveAttacker(t.AttackerIP) {
		d.names[1] = d.alias(s.Attacker(t.AttackerIP), at)
	}
}
