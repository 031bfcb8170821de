package kv

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Summary is what the tags of a window add up to.
type Summary struct {
	Window ttpcron.Window // of event time
	Tags   int
	First  time.Time // earliest event time, zero when there are no tags
	Last   time.Time // latest

	Techniques []TechniqueCount // most tags first
	Rules      []RuleCount      // most tags first
	Attackers  []AttackerCount  // most tags first, at most MaxAttackers of them
	// AttackersTotal is how many attackers there are, in the list or not.
	AttackersTotal int
}

// MaxAttackers is how many attackers a Summary lists.
const MaxAttackers = 100

// TechniqueCount counts the tags of one technique under one tactic.
type TechniqueCount struct {
	Tactic         string
	TechniqueID    string
	SubTechniqueID string // empty for the technique itself
	Tags           int
	First, Last    time.Time // event time
}

// RuleCount counts the tags of one rule, all its versions together.
type RuleCount struct {
	RuleID      string
	Tags        int
	First, Last time.Time // event time
}

// AttackerCount counts the tags of one attacker. The names are those of the
// attacker's first tag on the first day.
type AttackerCount struct {
	AttackerUUID string
	AttackerIP   string
	IdentityUUID string
	Tags         int
	First, Last  time.Time // event time
}

// Summary adds up the tags of a window. Days that lie wholly in the window are
// taken from the counts that are kept for every day; of the others, two at most,
// the tags in the window are read. Tags of retired rules are left out; days that
// have some are read too.
func (db *DB) Summary(ctx context.Context, w ttpcron.Window) (Summary, error) {
	s := Summary{Window: w}
	err := db.view(ctx, func(tx *txn) error {
		m := merger{ctx: ctx, db: db, tx: tx, claims: map[uint32]timedCount{}}
		var err error
		if m.hidden, err = db.hidden(tx); err != nil {
			return err
		}
		if err := m.collect(w); err != nil {
			return err
		}
		if err := m.count(&s); err != nil {
			return err
		}
		return m.attackers(&s)
	})
	if err != nil {
		return Summary{}, fmt.Errorf("sum up tags: %w", err)
	}
	return s, nil
}

// merger adds up the rollups of days.
type merger struct {
	ctx    context.Context
	db     *DB
	tx     *txn
	claims map[uint32]timedCount
	hidden hiddenClaims
	days   attackerHeap
}

// collect adds up the claims of every day in the window and opens its list of
// attackers.
func (m *merger) collect(w ttpcron.Window) error {
	rollups := m.tx.Bucket(bucketRollups)
	first := ttpcron.Day(0)
	if w.Since.After(first.Start()) && w.Since.Year() <= 9999 {
		first = ttpcron.DayOf(w.Since)
	}
	c := rollups.Cursor()
	for k, _ := c.Seek(dayKey(first)); k != nil; k, _ = c.Next() {
		day, ok := parseDay(k)
		if !ok || !w.Overlaps(day) {
			return nil
		}
		var err error
		if w.Covers(day) && !m.mixed(rollups.Bucket(k)) {
			err = m.whole(day, rollups.Bucket(k))
		} else {
			err = m.part(day, w)
		}
		if err == nil {
			err = m.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", day, err)
		}
	}
	return nil
}

// mixed reports whether the rollup of a day counts tags that are hidden.
func (m *merger) mixed(rollup *bucket) bool {
	if m.hidden == nil {
		return false
	}
	hidden, _ := m.hidden.inDay(rollup)
	return hidden
}

// whole takes a day from its rollup.
func (m *merger) whole(day ttpcron.Day, b *bucket) error {
	c := b.Cursor()
	for k, rec := c.Seek([]byte{rollupClaim}); len(k) == 5 && k[0] == rollupClaim; k, rec = c.Next() {
		t, err := readTally(rec, dayKey(day), k)
		if err != nil {
			return err
		}
		m.addClaim(day, binary.BigEndian.Uint32(k[1:]), t)
	}
	return m.days.open(&storedAttackers{day: day, cursor: b.Cursor()})
}

func (m *merger) addClaim(day ttpcron.Day, id uint32, t tally) {
	sum := m.claims[id]
	sum.add(timedCount{t.tags, timeOf(day, t.first), timeOf(day, t.last)})
	m.claims[id] = sum
}

// part reads the tags of a day that lie in the window and are not hidden.
func (m *merger) part(day ttpcron.Day, w ttpcron.Window) error {
	b := m.tx.Bucket(bucketTags).Bucket(dayKey(day))
	if b == nil {
		return nil
	}
	since, until := int64(0), dayNanos
	if w.Since.After(day.Start()) {
		since = nanosOf(w.Since, day)
	}
	if !w.Until.IsZero() && w.Until.Before((day + 1).Start()) {
		until = nanosOf(w.Until, day)
	}
	rollup := newDayRollup()
	var d deriver
	var from [6]byte
	putNanos(from[:], since)
	c := b.Cursor()
	for k, rec := c.Seek(from[:]); k != nil; k, rec = c.Next() {
		if id, ok := tagClaim(rec); ok && m.hidden.has(id) {
			continue
		}
		t, id, err := readTag(day, k, rec, &d)
		if err != nil {
			return err
		}
		nanos := nanosOf(t.EventTime, day)
		if nanos >= until {
			break
		}
		rollup.add(&m.db.secret, nanos, id, &t)
	}
	for id, t := range rollup.claims {
		m.addClaim(day, id, t)
	}
	return m.days.open(&countedAttackers{day: day, hashes: sortedKeys(rollup.attackers), tallies: rollup.attackers})
}

// count fills in what follows from the claims.
func (m *merger) count(s *Summary) error {
	techniques := map[TechniqueCount]timedCount{}
	rules := map[string]timedCount{}
	var all timedCount
	for id, t := range m.claims {
		c, err := m.db.claims.get(m.tx, id)
		if err != nil {
			return err
		}
		k := TechniqueCount{Tactic: c.Tactic, TechniqueID: c.TechniqueID, SubTechniqueID: c.SubTechniqueID}
		sum := techniques[k]
		sum.add(t)
		techniques[k] = sum
		sum = rules[c.RuleID]
		sum.add(t)
		rules[c.RuleID] = sum
		all.add(t)
	}
	s.Tags, s.First, s.Last = all.tags, all.first, all.last
	for k, t := range techniques {
		k.Tags, k.First, k.Last = t.tags, t.first, t.last
		s.Techniques = append(s.Techniques, k)
	}
	slices.SortFunc(s.Techniques, func(a, b TechniqueCount) int {
		return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.TechniqueID, b.TechniqueID), cmp.Compare(a.SubTechniqueID, b.SubTechniqueID), cmp.Compare(a.Tactic, b.Tactic))
	})
	for id, t := range rules {
		s.Rules = append(s.Rules, RuleCount{RuleID: id, Tags: t.tags, First: t.first, Last: t.last})
	}
	slices.SortFunc(s.Rules, func(a, b RuleCount) int {
		return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.RuleID, b.RuleID))
	})
	return nil
}

// attackers adds up the attackers of all days. Each day lists them in the order
// of their hashes, so that one after the other is complete and memory does not
// depend on how many there are.
func (m *merger) attackers(s *Summary) error {
	top := topAttackers{}
	for n := 0; len(m.days) > 0; n++ {
		if n%1024 == 0 && m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		hash := m.days[0].hash
		var a AttackerCount
		var sum timedCount
		earliest := ttpcron.Day(math.MaxInt32)
		for len(m.days) > 0 && m.days[0].hash == hash {
			d := m.days[0]
			sum.add(timedCount{d.at.tags, timeOf(d.day, d.at.first), timeOf(d.day, d.at.last)})
			if d.day < earliest {
				earliest = d.day
				a = AttackerCount{AttackerUUID: d.at.uuid, AttackerIP: d.at.ip, IdentityUUID: d.at.identity}
			}
			if err := m.days.advance(); err != nil {
				return err
			}
		}
		a.Tags, a.First, a.Last = sum.tags, sum.first, sum.last
		s.AttackersTotal++
		top.add(a)
	}
	s.Attackers = top.sorted()
	return nil
}
