package kv

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// The rollup of a day counts its tags by claim (which gives technique, tactic,
// rule and kind) and by attacker, and says which names can be found in the day:
// the hash of an attacker's first name under 'a', of its other names and of
// sessions under 'x'. It costs about 45 bytes for each attacker and 30 for each
// session of a day that has tags.

// tally counts tags.
type tally struct {
	tags        int
	first, last int64 // nanoseconds of the day
}

func (t *tally) add(o tally) {
	if t.tags == 0 {
		*t = o
		return
	}
	t.tags += o.tags
	t.first, t.last = min(t.first, o.first), max(t.last, o.last)
}

// attackerTally counts the tags of one attacker.
type attackerTally struct {
	tally
	uuid, ip, identity string
}

// dayRollup is what is added to the rollup of a day.
type dayRollup struct {
	claims    map[uint32]tally
	attackers map[uint64]*attackerTally
	aliases   map[uint64]struct{}

	// A recount of a whole day takes the attackers and aliases of a range alone,
	// so that it holds no more of them than most.
	hashRange
	most int

	previous *ttpcron.Tag // whose names have been noted
	attacker *attackerTally
}

func newDayRollup() *dayRollup {
	return &dayRollup{
		claims: map[uint32]tally{}, attackers: map[uint64]*attackerTally{}, aliases: map[uint64]struct{}{},
		hashRange: allHashes(), most: math.MaxInt,
	}
}

// add counts a tag.
func (d *dayRollup) add(s *secret, nanos int64, claim uint32, t *ttpcron.Tag) {
	one := tally{1, nanos, nanos}
	c := d.claims[claim]
	c.add(one)
	d.claims[claim] = c
	p := d.previous
	if p == nil || p.SessionID != t.SessionID {
		if t.SessionID != "" {
			d.alias(s.hash(hashSession, t.SessionID, ""))
		}
	}
	if p == nil || p.AttackerUUID != t.AttackerUUID || p.AttackerIP != t.AttackerIP || p.IdentityUUID != t.IdentityUUID {
		d.attacker = d.note(s, t)
	}
	d.previous = t
	if d.attacker != nil {
		d.attacker.tally.add(one)
	}
	if len(d.attackers)+len(d.aliases) > d.most {
		d.halve(keysOf(keysOf(nil, d.attackers), d.aliases))
		outside(d.attackers, d.hashRange)
		outside(d.aliases, d.hashRange)
		d.previous = nil
	}
}

func (d *dayRollup) alias(hash uint64) {
	if d.has(hash) {
		d.aliases[hash] = struct{}{}
	}
}

// next makes the rollup an empty one of the next range, if there is one.
func (d *dayRollup) next() bool {
	more := d.hashRange.next(len(d.attackers)+len(d.aliases), d.most)
	clear(d.claims)
	clear(d.attackers)
	clear(d.aliases)
	d.previous = nil
	return more
}

// note notes the names of an attacker and returns its tally, nil for one out of
// range.
func (d *dayRollup) note(s *secret, t *ttpcron.Tag) *attackerTally {
	hash := s.attacker(firstName(t.AttackerUUID, t.IdentityUUID, t.AttackerIP))
	a := d.attackers[hash]
	if a == nil && d.has(hash) {
		a = &attackerTally{uuid: t.AttackerUUID, ip: t.AttackerIP, identity: t.IdentityUUID}
		d.attackers[hash] = a
	}
	if t.AttackerUUID != "" && t.IdentityUUID != "" {
		d.alias(s.attacker(t.IdentityUUID))
	}
	if t.AttackerIP != "" && t.AttackerUUID != ttpcron.DeriveAttacker(t.AttackerIP) {
		d.alias(s.attacker(t.AttackerIP))
	}
	return a
}

// firstName is the name by which an attacker is counted.
func firstName(uuid, identity, ip string) string {
	switch {
	case uuid != "":
		return uuid
	case identity != "":
		return identity
	}
	return ip
}

func (s *secret) attacker(name string) uint64 { return s.hash(hashAttacker, name, "") }

// store adds the counts to the day's bucket.
func (d *dayRollup) store(b *bucket, day []byte) error {
	for id, t := range d.claims {
		k := claimKey(rollupClaim, id)
		if rec := b.Get(k); rec != nil {
			old, err := readTally(rec, day, k)
			if err != nil {
				return err
			}
			t.add(old)
		}
		if err := b.Put(k, appendTally(nil, t, day, k)); err != nil {
			return err
		}
	}
	for _, hash := range sortedKeys(d.attackers) {
		a, k := *d.attackers[hash], hashKey(rollupAttacker, hash)
		if rec := b.Get(k); rec != nil {
			old, err := readAttacker(rec, day, k)
			if err != nil {
				return err
			}
			old.tally.add(a.tally)
			a = old
		}
		if err := b.Put(k, appendAttacker(nil, a, day, k)); err != nil {
			return err
		}
	}
	for _, hash := range sortedKeys(d.aliases) {
		k := hashKey(rollupAlias, hash)
		if b.Get(k) != nil {
			continue
		}
		if err := b.Put(k, endRecord(beginRecord(nil), day, k)); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func appendTallyBody(dst []byte, t tally) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.tags))
	dst = binary.AppendUvarint(dst, uint64(t.first))
	return binary.AppendUvarint(dst, uint64(t.last-t.first))
}

func (r *reader) tally() tally {
	t := tally{tags: int(r.uvarint()), first: int64(r.uvarint())}
	t.last = t.first + int64(r.uvarint())
	if t.tags <= 0 || t.first < 0 || t.last < t.first || t.last >= dayNanos {
		r.fail(damage("count or time out of range"))
	}
	return t
}

func appendTally(dst []byte, t tally, day, key []byte) []byte {
	return endRecord(appendTallyBody(beginRecord(dst), t), day, key)
}

func readTally(rec, day, key []byte) (tally, error) {
	r, err := openRecord(rec, day, key)
	if err != nil {
		return tally{}, fmt.Errorf("count of a claim: %w", err)
	}
	t := r.tally()
	return t, r.finish()
}

func appendAttacker(dst []byte, a attackerTally, day, key []byte) []byte {
	dst = appendTallyBody(beginRecord(dst), a.tally)
	derived := a.ip != "" && a.uuid == ttpcron.DeriveAttacker(a.ip)
	dst = appendBool(dst, derived)
	if !derived {
		dst = appendPacked(dst, a.uuid)
	}
	dst = appendPacked(appendPacked(dst, a.ip), a.identity)
	return endRecord(dst, day, key)
}

func readAttacker(rec, day, key []byte) (attackerTally, error) {
	r, err := openRecord(rec, day, key)
	if err != nil {
		return attackerTally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	a := attackerTally{tally: r.tally()}
	derived := r.bool()
	if !derived {
		a.uuid = r.packed()
	}
	a.ip, a.identity = r.packed(), r.packed()
	if err := r.finish(); err != nil {
		return attackerTally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	if derived {
		a.uuid = ttpcron.DeriveAttacker(a.ip)
	}
	return a, nil
}

// readAttackerTally is readAttacker without the names.
func readAttackerTally(rec, day, key []byte) (tally, error) {
	r, err := openRecord(rec, day, key)
	if err != nil {
		return tally{}, fmt.Errorf("count of an attacker: %w", err)
	}
	t := r.tally()
	if r.err != nil {
		return tally{}, fmt.Errorf("count of an attacker: %w", r.err)
	}
	return t, nil
}

// filter tells from a rollup whether a day can hold what a query selects.
type filter struct {
	claims  []uint32 // nil: any
	names   [][]byte // keys, one of which must exist; nil: any
	session []byte   // key that must exist; nil: any
}

// newFilter prepares a query's filter. Matching says of each claim, number 1
// first, whether the query can select it.
func newFilter(s *secret, q *ttpcron.TagQuery, matching []bool) *filter {
	f := &filter{}
	for i, ok := range matching {
		if ok {
			f.claims = append(f.claims, uint32(i+1))
		}
	}
	if len(f.claims) == len(matching) {
		f.claims = nil
	}
	if q.Attacker != "" {
		hash := s.attacker(q.Attacker)
		derived := s.attacker(ttpcron.DeriveAttacker(q.Attacker)) // has no alias for the address
		f.names = append(f.names, hashKey(rollupAttacker, hash), hashKey(rollupAlias, hash), hashKey(rollupAttacker, derived))
	}
	if q.Session != "" {
		f.session = hashKey(rollupAlias, s.hash(hashSession, q.Session, ""))
	}
	return f
}

// excludes reports whether nothing in the day can match.
func (f *filter) excludes(rollup *bucket) bool {
	has := func(k []byte) bool { return rollup.Get(k) != nil }
	return f.session != nil && !has(f.session) ||
		f.names != nil && !slices.ContainsFunc(f.names, has) ||
		f.claims != nil && !slices.ContainsFunc(f.claims, func(id uint32) bool { return has(claimKey(rollupClaim, id)) })
}
