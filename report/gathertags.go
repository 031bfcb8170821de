package report

import (
	"cmp"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// tagSide is what tags contribute.
type tagSide struct {
	o   *Options
	lim *limits
	h   hasher

	total Total // of tags
	seen  span
	days  dayCounts
	met   met

	claims     []claim // the first is that of all that are not told apart
	claimOf    map[uint64]uint16
	unclaimed  bool // there are more claims
	techniques []tagTechnique
	techOf     map[[2]string]uint16
	rules      []tagRule
	ruleOf     map[string]uint16

	actors   table[tagActor]
	sessions table[tagSession]
	alone    pairs // actors of sessions, of tags without events
	pairs    []sessionActor
	sampleN  int
	sets     bitRows
	sensors  []tagSensor
	names    names
	noSensor int // tags of sensors that are not told apart
	cells    cells
	hours    hours
	joined   []joinedTag
	lost     struct{ joined int }
	most     struct{ actors, sessions int }

	last struct { // whom the last tag was of
		who   string
		actor uint32
	}
}

// claim is a technique that a rule claims, at a level.
type claim struct {
	span
	technique, rule uint16
	level           uint8
	tags            int
	sensors         idSet
	samples         []*sample
	sampled         bool // no other tag can become one
}

// tagTechnique is a technique under a tactic.
type tagTechnique struct {
	tactic, id          string
	hour                uint8 // index of the tactic, for the hours
	events              int
	old                 bool
	attackers, sessions int    // the most that were told apart before some were dropped
	reached             [6]int // the same: attackers by level of such a tag
}

type tagRule struct {
	id                  string
	events              int
	old                 bool
	attackers, sessions int
}

// tagActor is an attacker, as the tags say.
type tagActor struct {
	span
	tags    uint32
	address uint32 // text
	who     uint32 // UUID; 0: it follows from the address
	claims  idSet
	sensors idSet  // of tags without events
	place   uint32 // in the cube, when all is counted
	level   uint8
	old     bool
	folded  bool // cells do not tell it apart
}

// tagSession is a session, as its tags say.
type tagSession struct {
	span
	tags, actor, id uint32
	sensor          uint16
	level           uint8
	old             bool
	named           bool // a tag without event has the sensor
	claims          idSet
}

// tagSensor is a sensor, as its tags say.
type tagSensor struct {
	span
	tags   int
	level  uint8
	old    bool
	claims idSet
}

// sessionActor says that somebody had a part in a session, by their hashes.
type sessionActor struct{ session, actor uint64 }

// joinedTag is what a transfer or a canary showed.
type joinedTag struct {
	seq   uint64
	claim uint16
}

func newTagSide(o *Options, lim *limits, h hasher) *tagSide {
	s := &tagSide{o: o, lim: lim, h: h, seen: never, days: newDayCounts(lim.days), names: newNames(lim.sensors),
		claimOf: map[uint64]uint16{}, techOf: map[[2]string]uint16{}, ruleOf: map[string]uint16{}}
	s.claims, s.techniques, s.rules = []claim{{span: never}}, make([]tagTechnique, 1), make([]tagRule, 1)
	s.actors = table[tagActor]{bound: lim.attackers, texts: lim.texts, full: s.cutActors}
	s.sessions = table[tagSession]{bound: lim.tagSessions, texts: 2 * lim.texts, full: s.cutSessions}
	s.sets.bound, s.alone.bound, s.met.seen.bound = lim.rowWords, lim.pairs/8, lim.met
	s.cells = newCells(lim.cells)
	s.hours = newHours(o.Under)
	s.last.actor = gone
	return s
}

func (s *tagSide) tag(t *ttpcron.Tag, shown *ttpcron.Claim) {
	q := &s.o.Query
	within := !s.o.asksNew() || q.MatchEvent(t)
	o := tagged{at: t.EventTime.UnixMicro(), within: within, old: s.old(t), level: levelOf(t)}
	o.claim = s.claim(shown, o.level)
	c := &s.claims[o.claim]
	if o.old {
		s.techniques[c.technique].old, s.rules[c.rule].old = true, true
	}
	if !within {
		return
	}
	o.sensor = s.names.of(t.DeckyID)
	o.named = o.sensor != nameless && (t.DeckyID != "" || t.SourceKind != ttpcron.Correlation) // a finding may be of several
	if !o.named {
		if t.DeckyID != "" {
			s.noSensor++
		}
		o.sensor = nameless
	}
	s.whole(t, &o)
	if o.actor = gone; !t.OfGroup() {
		s.ofActor(t, &o)
	}
	if t.SessionID != "" {
		s.ofSession(t, &o)
	}
	if o.named {
		s.ofSensor(&o)
	}
	s.picture(t, &o)
	if t.Seq > 0 && (t.SourceKind == ttpcron.FileTransfer || t.SourceKind == ttpcron.CanaryFingerprint) {
		if len(s.joined) < s.lim.joined {
			s.joined = append(s.joined, joinedTag{t.Seq, o.claim})
		} else {
			s.lost.joined++
		}
	}
	s.sample(t, &o)
}

// tagged is what is counted for a tag.
type tagged struct {
	at          int64 // microseconds since 1970
	within, old bool  // it is selected by time and arrival; its event had arrived before NewSince
	named       bool  // it has a sensor
	level       uint8
	claim       uint16
	sensor      uint16
	actor       uint32 // gone: a group that names no attacker
}

func levelOf(t *ttpcron.Tag) uint8 { return uint8(t.Level.Rank()) }

// old reports whether a tag's event arrived before the new ones. An event that is gone
// did.
func (s *tagSide) old(t *ttpcron.Tag) bool {
	switch {
	case !s.o.asksNew():
		return false
	case t.Seq > 0:
		return t.Seq <= s.o.NewAfter
	}
	return t.SourceKind != ttpcron.Correlation || t.CreatedAt.Before(s.o.NewSince.Truncate(time.Second))
}

// claim returns the number of a claim.
func (s *tagSide) claim(c *ttpcron.Claim, level uint8) uint16 {
	hash := mix(s.h.both(c.RuleID, c.Technique()), s.h.of(c.Tactic)+uint64(level))
	if i, has := s.claimOf[hash]; has {
		return i
	}
	if len(s.claims) == s.lim.claims {
		s.unclaimed = true
		return 0
	}
	i := uint16(len(s.claims))
	s.claims = append(s.claims, claim{span: never, technique: s.technique(c), rule: s.rule(c.RuleID), level: level})
	s.claimOf[hash] = i
	return i
}

func (s *tagSide) technique(c *ttpcron.Claim) uint16 {
	key := [2]string{c.Tactic, bounded(c.Technique())}
	i, has := s.techOf[key]
	if !has && len(s.techniques) < s.lim.techniques {
		key = [2]string{strings.Clone(key[0]), strings.Clone(key[1])}
		i = uint16(len(s.techniques))
		s.techniques = append(s.techniques, tagTechnique{tactic: key[0], id: key[1], hour: s.hours.tactic(key[0])})
		s.techOf[key] = i
	}
	return i
}

func (s *tagSide) rule(id string) uint16 {
	id = bounded(id)
	i, has := s.ruleOf[id]
	if !has && len(s.rules) < s.lim.rules {
		id, i = strings.Clone(id), uint16(len(s.rules))
		s.rules = append(s.rules, tagRule{id: id})
		s.ruleOf[id] = i
	}
	return i
}

// whole counts a tag among all, and its event once.
func (s *tagSide) whole(t *ttpcron.Tag, o *tagged) {
	c := &s.claims[o.claim]
	c.see(o.at)
	c.tags++
	if o.sensor != nameless {
		s.sets.add(&c.sensors, o.sensor)
	}
	s.total.Tags++
	s.seen.see(o.at)
	s.total.Level = max(s.total.Level, ttpcron.Level(o.level))
	s.days.of(ttpcron.DayOf(t.EventTime)).Tags[o.level]++
	if t.SourceKind == ttpcron.Correlation {
		return
	}
	s.met.at(t.EventTime.Unix(), int64(t.EventTime.Nanosecond()))
	event := s.h.both(string(t.SourceKind), t.SourceID)
	if s.met.seen.first(event) {
		s.total.Tagged++
	}
	if s.met.seen.first(mix(event, uint64(c.technique))) {
		s.techniques[c.technique].events++
	}
	if s.met.seen.first(mix(event, 1<<20+uint64(c.rule))) {
		s.rules[c.rule].events++
	}
}

func (s *tagSide) ofActor(t *ttpcron.Tag, o *tagged) {
	who := cmp.Or(t.AttackerUUID, t.IdentityUUID)
	if s.last.actor == gone || s.last.who != who {
		i, added := s.actors.get(s.h.of(who))
		if added {
			a := tagActor{span: never, folded: s.actors.cuts > 0 || s.cells.whole, address: s.actors.text.add(spelled(t.AttackerIP))}
			if t.AttackerIP == "" || len(t.AttackerIP) > maxName || ttpcron.DeriveAttacker(t.AttackerIP) != who {
				a.who = s.actors.text.add(who)
			}
			*s.actors.at(i) = a
		}
		s.last.who, s.last.actor = who, i
	}
	o.actor = s.last.actor
	a := s.actors.at(o.actor)
	a.see(o.at)
	a.tags++
	a.level = max(a.level, o.level)
	a.old = a.old || o.old
	s.sets.add(&a.claims, o.claim)
	if t.Seq == 0 { // otherwise its event says so
		if o.sensor != nameless {
			s.sets.add(&a.sensors, o.sensor)
		}
	}
}

func (s *tagSide) ofSession(t *ttpcron.Tag, o *tagged) {
	i, added := s.sessions.get(s.h.both(t.SessionID, t.DeckyID))
	f := s.sessions.at(i)
	if added {
		*f = tagSession{span: never, actor: o.actor, sensor: s.names.of(t.DeckyID), id: s.sessions.text.add(t.SessionID)}
	}
	f.see(o.at)
	f.tags++
	f.level = max(f.level, o.level)
	f.old, f.named = f.old || o.old, f.named || t.Seq == 0 && o.named
	s.sets.add(&f.claims, o.claim)
	if t.Seq > 0 {
		return
	}
	session, who := s.sessions.hashOf(i), uint64(0)
	if o.actor != gone {
		who = s.actors.hashOf(o.actor)
	}
	if s.alone.first(mix(session, who)) {
		s.pairs = append(s.pairs, sessionActor{session, who})
	}
}

func (s *tagSide) ofSensor(o *tagged) {
	for int(o.sensor) >= len(s.sensors) {
		s.sensors = append(s.sensors, tagSensor{span: never})
	}
	n := &s.sensors[o.sensor]
	n.see(o.at)
	n.tags++
	n.level = max(n.level, o.level)
	n.old = n.old || o.old
	s.sets.add(&n.claims, o.claim)
}

// picture counts a tag in the cells and the hours.
func (s *tagSide) picture(t *ttpcron.Tag, o *tagged) {
	c := &s.claims[o.claim]
	s.hours.add(t.EventTime, o.sensor, s.techniques[c.technique].hour, o.level)
	k := cell{day: uint64(max(ttpcron.DayOf(t.EventTime), 0)), technique: uint64(c.technique), level: uint64(o.level)}
	if o.sensor != nameless {
		k.sensor = uint64(o.sensor) + 1
	}
	if o.actor != gone && !s.actors.at(o.actor).folded {
		k.attacker = uint64(o.actor) + 1
	}
	s.cells.add(k)
	if s.cells.full() {
		s.fold()
	}
}

func (s *tagSide) cutActors() {
	s.most.actors = max(s.most.actors, s.actors.n)
	c := s.countActors()
	for i := range s.techniques {
		n := &s.techniques[i]
		n.attackers = max(n.attackers, c.techniques[i])
		for level := range n.reached {
			n.reached[level] = max(n.reached[level], c.reached[i][level])
		}
	}
	for i := range s.rules {
		s.rules[i].attackers = max(s.rules[i].attackers, c.rules[i])
	}
	moved := s.actors.cut(func(a *tagActor) uint64 { return uint64(a.tags) }, func(a *tagActor) {
		s.sets.drop(&a.claims)
		s.sets.drop(&a.sensors)
	}, func(a *tagActor) []*uint32 { return []*uint32{&a.address, &a.who} })
	for i := range uint32(s.sessions.n) {
		if f := s.sessions.at(i); f.actor != gone {
			f.actor = moved[f.actor]
		}
	}
	for _, e := range s.samples() {
		if e.actor != gone {
			e.actor = moved[e.actor]
		}
	}
	s.cells.move(func(a uint64) uint64 {
		if a == 0 || moved[a-1] == gone {
			return 0
		}
		return uint64(moved[a-1]) + 1
	})
	s.last.actor = gone
}

func (s *tagSide) cutSessions() {
	s.most.sessions = max(s.most.sessions, s.sessions.n)
	c := s.countSessions()
	for i := range s.techniques {
		s.techniques[i].sessions = max(s.techniques[i].sessions, c.techniques[i])
	}
	for i := range s.rules {
		s.rules[i].sessions = max(s.rules[i].sessions, c.rules[i])
	}
	s.sessions.cut(func(f *tagSession) uint64 { return uint64(s.sets.count(&f.claims))<<8 + uint64(f.level) }, func(f *tagSession) { s.sets.drop(&f.claims) },
		func(f *tagSession) []*uint32 { return []*uint32{&f.id} })
}

// countActors counts attackers by technique, with the levels of their tags, and by rule.
func (s *tagSide) countActors() *showing {
	c := newShowing(s)
	for i := range uint32(s.actors.n) {
		c.count(&s.actors.at(i).claims)
	}
	return c
}

// countSessions counts sessions by technique and by rule.
func (s *tagSide) countSessions() *showing {
	c := newShowing(s)
	for i := range uint32(s.sessions.n) {
		c.count(&s.sessions.at(i).claims)
	}
	return c
}

// showing counts who showed what: of several claims of a technique one.
type showing struct {
	s                 *tagSide
	n                 uint32
	techniqueN, ruleN []uint32
	techniques, rules []int
	reached           [][6]int // by technique and level
	levels            []uint8  // of the one that is counted: a bit each, by technique
}

func newShowing(s *tagSide) *showing {
	return &showing{s: s, techniqueN: make([]uint32, len(s.techniques)), ruleN: make([]uint32, len(s.rules)),
		reached: make([][6]int, len(s.techniques)), levels: make([]uint8, len(s.techniques)),
		techniques: make([]int, len(s.techniques)), rules: make([]int, len(s.rules))}
}

func (c *showing) count(claims *idSet) {
	c.n++
	c.s.sets.each(claims, func(id uint16) {
		of := &c.s.claims[id]
		if c.techniqueN[of.technique] != c.n {
			c.techniqueN[of.technique] = c.n
			c.techniques[of.technique]++
			c.levels[of.technique] = 0
		}
		if bit := uint8(1) << of.level; c.levels[of.technique]&bit == 0 {
			c.levels[of.technique] |= bit
			c.reached[of.technique][of.level]++
		}
		if c.ruleN[of.rule] != c.n {
			c.ruleN[of.rule] = c.n
			c.rules[of.rule]++
		}
	})
}
