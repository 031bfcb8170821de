// Package rollup counts the tags of a day: by claim, which gives technique,
// tactic, rule and kind, and by attacker. It also says which names can be found in
// the day: the hash of an attacker's first name, of its other names and of
// sessions. As stored that costs about 45 bytes for each attacker and 30 for each
// session of a day that has tags.
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
	Aliases   map[uint64]struct{}

	// A recount of a whole day takes the attackers and aliases of a range alone,
	// so that it holds no more of them than most.
	Range
	Most int

	previous *ttpcron.Tag // whose names have been noted
	attacker *record.AttackerTally
}

// NewDay makes a rollup that counts everything at once.
func NewDay() *Day {
	return &Day{
		Claims: map[uint32]record.Tally{}, Attackers: map[uint64]*record.AttackerTally{}, Aliases: map[uint64]struct{}{},
		Range: AllHashes(), Most: math.MaxInt,
	}
}

// Add counts a tag.
func (d *Day) Add(s *record.Secret, nanos int64, claim uint32, t *ttpcron.Tag) {
	one := record.Tally{Tags: 1, First: nanos, Last: nanos}
	c := d.Claims[claim]
	c.Add(one)
	d.Claims[claim] = c
	p := d.previous
	if p == nil || p.SessionID != t.SessionID {
		if t.SessionID != "" {
			d.alias(s.Session(t.SessionID))
		}
	}
	if p == nil || p.AttackerUUID != t.AttackerUUID || p.AttackerIP != t.AttackerIP || p.IdentityUUID != t.IdentityUUID {
		d.attacker = d.note(s, t)
	}
	d.previous = t
	if d.attacker != nil {
		d.attacker.Tally.Add(one)
	}
	if len(d.Attackers)+len(d.Aliases) > d.Most {
		d.Halve(KeysOf(KeysOf(nil, d.Attackers), d.Aliases))
		Outside(d.Attackers, d.Range)
		Outside(d.Aliases, d.Range)
		d.previous = nil
	}
}

func (d *Day) alias(hash uint64) {
	if d.Has(hash) {
		d.Aliases[hash] = struct{}{}
	}
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

// note notes the names of an attacker and returns its tally, nil for one out of
// range.
func (d *Day) note(s *record.Secret, t *ttpcron.Tag) *record.AttackerTally {
	hash := s.Attacker(record.FirstName(t.AttackerUUID, t.IdentityUUID, t.AttackerIP))
	a := d.Attackers[hash]
	if a == nil && d.Has(hash) {
		a = &record.AttackerTally{UUID: t.AttackerUUID, IP: t.AttackerIP, Identity: t.IdentityUUID}
		d.Attackers[hash] = a
	}
	if t.AttackerUUID != "" && t.IdentityUUID != "" {
		d.alias(s.Attacker(t.IdentityUUID))
	}
	if t.AttackerIP != "" && t.AttackerUUID != ttpcron.DeriveAttacker(t.AttackerIP) {
		d.alias(s.Attacker(t.AttackerIP))
	}
	return a
}
