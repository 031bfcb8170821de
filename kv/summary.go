package kv

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Summary adds up the tags of a window that a view shows from some levels on. Days entirely
// in the window are taken from daily counts; on the others, at most two, the tags in the
// window are read. Tags that operators have hidden are left out; days that have some are
// read too, and so are days of which levels leave out something, unless that is what the
// default ones do. For an attacker with several addresses, the one in the Summary decides
// whether it is in one of the networks own.
func (v View) Summary(ctx context.Context, w ttpcron.Window, levels ttpcron.MinLevels, own ttpcron.Networks) (ttpcron.Summary, error) {
	s, db := ttpcron.Summary{Window: w}, v.db
	err := db.view(ctx, func(tx *txn) error {
		m := merger{ctx: ctx, db: db, tx: tx, own: own, claims: map[uint32]record.TagTotal{}, attackers: newAttackerSums(cmp.Or(db.sums, maxSums))}
		if err := m.choose(levels, v.names); err != nil {
			return err
		}
		for more := true; more; more = m.attackers.next() {
			if err := m.collect(w); err != nil {
				return err
			}
			if err := m.rank(&s); err != nil {
				return err
			}
			m.counted = true
		}
		s.Attackers, s.LeftOut = m.top.sorted(), m.leftOut
		return m.count(&s)
	})
	if err != nil {
		return ttpcron.Summary{}, fmt.Errorf("sum up tags: %w", err)
	}
	return s, nil
}

// merger adds up the rollups of days, in as many passes as there are ranges of
// attackers.
type merger struct {
	ctx       context.Context
	db        *DB
	tx        *txn
	sorts     []claimSort // of claims, number 1 first
	leftOut   int         // tags
	named     *shownClaims
	standIn   *standIn
	own       ttpcron.Networks
	claims    map[uint32]record.TagTotal
	counted   bool // the claims have been added up
	attackers *attackerSums
	top       topAttackers
}

// collect adds up every day in the window.
func (m *merger) collect(w ttpcron.Window) error {
	rollups := m.tx.top(layout.Rollups)
	first := ttpcron.Day(0)
	if w.Since.After(first.Start()) && w.Since.Year() <= 9999 {
		first = ttpcron.DayOf(w.Since)
	}
	c := rollups.Cursor()
	for k, _ := c.Seek(record.DayKey(first)); k != nil; k, _ = c.Next() {
		day, ok := record.ParseDay(k)
		if !ok || !w.Overlaps(day) {
			return nil
		}
		rollup := rollups.Bucket(k)
		from, err := m.source(rollup)
		switch {
		case err != nil:
		case !w.Covers(day), from == fromTags:
			err = m.part(day, rollup, w)
		default:
			if err = m.whole(day, rollup, from); err == nil {
				err = m.spare(day)
			}
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

// claimSort says what becomes of the tags with a claim.
type claimSort struct {
	hidden  bool // by operators
	leftOut bool // by their level, and not hidden
	quiet   bool // the default levels leave them out
}

// counts reports whether the tags are counted.
func (c claimSort) counts() bool { return !c.hidden && !c.leftOut }

func (c claimSort) fate() fate {
	switch {
	case c.hidden:
		return fateHidden
	case c.leftOut:
		return fateLeftOut
	}
	return fateCounted
}

// choose decides which tags count, and how.
func (m *merger) choose(levels ttpcron.MinLevels, names ttpcron.Naming) error {
	d, err := m.db.decisions(m.tx)
	if err != nil {
		return err
	}
	claims, err := m.db.claims.all(m.tx)
	if err != nil {
		return err
	}
	hidden, fates := d.hidden(claims), make([]fate, len(claims))
	m.sorts = make([]claimSort, len(claims))
	for i, c := range claims {
		s := claimSort{hidden: hidden.has(uint32(i + 1)), quiet: !ttpcron.DefaultMinLevels().Show(c.Level, c.Vantage)}
		s.leftOut = !s.hidden && !levels.Show(c.Level, c.Vantage)
		m.sorts[i], fates[i] = s, s.fate()
	}
	m.named = m.db.shown.of(names, claims)
	m.standIn = m.named.standIn(m.tx, claims, fates, &d)
	return nil
}

func (m *merger) sort(id uint32) (claimSort, error) {
	if id == 0 || uint64(id) > uint64(len(m.sorts)) {
		return claimSort{}, record.Damagef("claim %d is missing", id)
	}
	return m.sorts[id-1], nil
}

// countSource is where the counts of a day can be taken from.
type countSource int

const (
	fromAll   countSource = iota // from what is counted of all tags
	fromShown                    // from what is counted of those that are shown by default
	fromTags                     // from the tags
)

// source decides where to read a day's counts of attackers. Those of claims are always in
// its rollup.
func (m *merger) source(rollup *bucket) (countSource, error) {
	all, shown := true, true
	c := rollup.Cursor()
	for k, _ := c.Seek([]byte{record.RollupClaim}); len(k) == 5 && k[0] == record.RollupClaim && (all || shown); k, _ = c.Next() {
		s, err := m.sort(binary.BigEndian.Uint32(k[1:]))
		if err != nil {
			return 0, err
		}
		all = all && s.counts()
		shown = shown && s.counts() == !s.quiet
	}
	switch {
	case all:
		return fromAll, nil
	case shown:
		return fromShown, nil
	}
	return fromTags, nil
}

// whole reads a day from its rollup; for attackers, either all tags or those shown by
// default.
func (m *merger) whole(day ttpcron.Day, b *bucket, from countSource) error {
	c := b.Cursor()
	for k, rec := c.Seek([]byte{record.RollupClaim}); !m.counted && len(k) == 5 && k[0] == record.RollupClaim; k, rec = c.Next() {
		id := binary.BigEndian.Uint32(k[1:])
		t, err := record.ReadTally(rec, record.DayKey(day), k)
		if err != nil {
			return err
		}
		switch s := m.sorts[id-1]; {
		case s.counts():
			m.addClaim(day, id, t)
		case s.leftOut:
			m.leftOut += t.Tags
		}
	}
	for k, rec := c.Seek(record.HashKey(record.RollupAttacker, m.attackers.From)); len(k) == 9 && k[0] == record.RollupAttacker; k, rec = c.Next() {
		hash := binary.BigEndian.Uint64(k[1:])
		if hash > m.attackers.To {
			break
		}
		a, err := record.ReadAttackerTally(rec, record.DayKey(day), k)
		if err != nil {
			return err
		}
		t := a.Tally
		if from == fromShown {
			t = a.Shown
		}
		if t.Tags > 0 {
			m.attackers.add(day, hash, t, func() []byte { return rec })
		}
	}
	return nil
}

// spare subtracts a whole day's tags that others stand for. Their times stay: those that
// stand for them have the same.
func (m *merger) spare(day ttpcron.Day) error {
	if m.standIn == nil {
		return nil
	}
	tags := m.db.tagReader()
	defer tags.done()
	return m.standIn.eachOf(m.tx, tags, day, func(claim uint32, t *ttpcron.Tag) {
		if m.sorts[claim-1].leftOut {
			if !m.counted {
				m.leftOut--
			}
			return
		}
		if !m.counted {
			sum := m.claims[claim]
			sum.Tags--
			m.claims[claim] = sum
		}
		hash := m.db.secret.Attacker(record.FirstName(t.AttackerUUID, t.IdentityUUID, t.AttackerIP))
		if sum, ok := m.attackers.sums[hash]; ok {
			sum.tags--
			m.attackers.sums[hash] = sum
		}
	})
}

func (m *merger) addClaim(day ttpcron.Day, id uint32, t record.Tally) {
	sum := m.claims[id]
	sum.Add(record.TagTotal{Tags: t.Tags, First: record.TimeOf(day, t.First), Last: record.TimeOf(day, t.Last)})
	m.claims[id] = sum
}

// part reads a day's tags that are in the window and count.
func (m *merger) part(day ttpcron.Day, rollup *bucket, w ttpcron.Window) error {
	b := m.tx.top(layout.Tags).Bucket(record.DayKey(day))
	if b == nil {
		return nil
	}
	since, until := int64(0), record.DayNanos
	if w.Since.After(day.Start()) {
		since = record.NanosOf(w.Since, day)
	}
	if !w.Until.IsZero() && w.Until.Before((day + 1).Start()) {
		until = record.NanosOf(w.Until, day)
	}
	claims := map[uint32]record.Tally{}
	tags := m.db.tagReader()
	defer tags.done()
	var who string // of the tag before
	var hash uint64
	err := eachTagWithin(b, since, until-1, func(k, rec []byte) error {
		t, id, ok, err := m.read(tags, b, day, k, rec)
		if err != nil || !ok {
			return err
		}
		nanos := record.NanosOf(t.EventTime, day)
		one := record.Tally{Tags: 1, First: nanos, Last: nanos}
		sum := claims[id]
		sum.Add(one)
		claims[id] = sum
		if name := record.FirstName(t.AttackerUUID, t.IdentityUUID, t.AttackerIP); name != who || hash == 0 {
			who, hash = name, m.db.secret.Attacker(name)
		}
		if m.attackers.Has(hash) {
			m.attackers.add(day, hash, one, func() []byte { return namedIn(rollup, day, hash, &t) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !m.counted {
		for id, t := range claims {
			m.addClaim(day, id, t)
		}
	}
	return nil
}

// read reads a tag of a day's bucket and reports whether it is counted. One that its
// level leaves out is counted as that.
func (m *merger) read(tags *tagReader, b *bucket, day ttpcron.Day, k, rec []byte) (t ttpcron.Tag, id uint32, ok bool, err error) {
	if id, _, ok := record.PeekTag(rec); ok {
		s, err := m.sort(id)
		if err != nil {
			return t, id, false, err
		}
		if !s.counts() && m.standIn.of(id) == nil {
			m.leave(s)
			return t, id, false, nil
		}
	}
	if t, id, _, err = tags.read(m.tx, day, k, rec); err != nil {
		return t, id, false, err
	}
	s, err := m.sort(id)
	if err != nil {
		return t, id, false, err
	}
	if other, err := m.standIn.stands(b, k, &t, id); err != nil || other {
		return t, id, false, err
	}
	if !s.counts() {
		m.leave(s)
	}
	return t, id, s.counts(), nil
}

// leave counts a tag that does not count, if its level leaves it out.
func (m *merger) leave(s claimSort) {
	if s.leftOut && !m.counted {
		m.leftOut++
	}
}

// namedIn returns the record of an attacker in the rollup of a day.
func namedIn(rollup *bucket, day ttpcron.Day, hash uint64, t *ttpcron.Tag) []byte {
	k := record.HashKey(record.RollupAttacker, hash)
	if rec := rollup.Get(k); rec != nil {
		return rec
	}
	return record.AppendAttacker(nil, record.AttackerTally{Tally: record.Tally{Tags: 1}, Shown: record.Tally{Tags: 1}, UUID: t.AttackerUUID, IP: t.AttackerIP, Identity: t.IdentityUUID}, record.DayKey(day), k)
}

// count fills in what follows from the claims.
func (m *merger) count(s *ttpcron.Summary) error {
	techniques := map[ttpcron.TechniqueCount]record.TagTotal{}
	rules := map[string]record.TagTotal{}
	var all record.TagTotal
	for id, t := range m.claims {
		c, err := m.db.claims.get(m.tx, id)
		if err != nil {
			return err
		}
		if t.Tags == 0 { // others stand for them all
			continue
		}
		shown := m.named.shown(id, c.Claim)
		k := ttpcron.TechniqueCount{Tactic: shown.Tactic, TechniqueID: shown.TechniqueID, SubTechniqueID: shown.SubTechniqueID}
		sum := techniques[k]
		sum.Add(t)
		techniques[k] = sum
		sum = rules[c.RuleID]
		sum.Add(t)
		rules[c.RuleID] = sum
		all.Add(t)
	}
	s.Tags, s.First, s.Last = all.Tags, all.First, all.Last
	for k, t := range techniques {
		k.Tags, k.First, k.Last = t.Tags, t.First, t.Last
		s.Techniques = append(s.Techniques, k)
	}
	slices.SortFunc(s.Techniques, func(a, b ttpcron.TechniqueCount) int {
		return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.TechniqueID, b.TechniqueID), cmp.Compare(a.SubTechniqueID, b.SubTechniqueID), cmp.Compare(a.Tactic, b.Tactic))
	})
	for id, t := range rules {
		s.Rules = append(s.Rules, ttpcron.RuleCount{RuleID: id, Tags: t.Tags, First: t.First, Last: t.Last})
	}
	slices.SortFunc(s.Rules, func(a, b ttpcron.RuleCount) int {
		return cmp.Or(b.Tags-a.Tags, cmp.Compare(a.RuleID, b.RuleID))
	})
	return nil
}

// rank takes in the attackers that were added up in a pass.
func (m *merger) rank(s *ttpcron.Summary) error {
	s.AttackersTotal += len(m.attackers.sums)
	for hash, sum := range m.attackers.sums {
		if sum.tags < m.top.least && len(m.own) == 0 {
			continue
		}
		a, err := record.ReadAttacker(sum.named, record.DayKey(sum.day), record.HashKey(record.RollupAttacker, hash))
		if err != nil {
			return fmt.Errorf("%s: %w", sum.day, err)
		}
		if m.own.Contains(a.IP) {
			s.OwnTags += sum.tags
			continue
		}
		if sum.tags < m.top.least {
			continue
		}
		m.top.add(ttpcron.AttackerCount{
			AttackerUUID: a.UUID, AttackerIP: a.IP, IdentityUUID: a.Identity,
			Tags: sum.tags, First: record.TimeOf(sum.day, sum.first), Last: record.TimeOf(sum.last, sum.lastNanos),
		})
	}
	return nil
}
