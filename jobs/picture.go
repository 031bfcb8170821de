package jobs

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Picture is a summary of a run's tags, most frequent first.
type Picture struct {
	Techniques []TechniqueCount
	Attackers  []AttackerCount // at most maxTop, without marked ones
	Marked     int             // tags of addresses that are marked, see ttpcron.Mark
	LeftOut    int             // tags that ttpcron.DefaultMinLevels leaves out; nothing above counts them
	// Approximate says that there were too many attackers to keep: rare ones were dropped,
	// and counts of the others may be too low.
	Approximate bool
}

// TechniqueCount counts the tags of a technique under a tactic.
type TechniqueCount struct {
	Tactic, Technique string // Technique is the sub-technique where there is one
	Tags              int
}

// AttackerCount counts an attacker's tags.
type AttackerCount struct {
	UUID, IP   string
	Tags       int
	Techniques int // different ones
}

const (
	maxTop      = 20
	maxAttacker = 16_384
)

// tally counts tags in bounded memory.
type tally struct {
	techniques  map[technique]*seen // as rules claim them
	shown       map[technique]*seen // as they are shown
	alike       bool                // techniques of several ids are shown as one
	names       ttpcron.Naming
	attackers   map[string]*attacker
	approximate bool
	marked      int
	leftOut     int
	decided     func(*ttpcron.Claim) (confidence float64, shown bool)
	own         ttpcron.Networks
}

type technique struct{ tactic, id string }

// seen counts the tags of a shown technique.
type seen struct {
	technique
	tags, index int
	claimed     string // a technique that is shown so, as rules claim it
}

type attacker struct {
	AttackerCount
	techniques []uint64 // a bit for each that it has, by index
}

// has notes a technique.
func (a *attacker) has(technique int) {
	for technique/64 >= len(a.techniques) {
		a.techniques = append(a.techniques, 0)
	}
	word, bit := &a.techniques[technique/64], uint64(1)<<(technique%64)
	if *word&bit == 0 {
		*word |= bit
		a.Techniques++
	}
}

func newTally(decided func(*ttpcron.Claim) (float64, bool), own ttpcron.Networks, names ttpcron.Naming) *tally {
	return &tally{decided: decided, own: own, names: names, techniques: map[technique]*seen{}, shown: map[technique]*seen{}, attackers: map[string]*attacker{}}
}

// add counts tags, in which those of an event are adjacent.
func (t *tally) add(tags []ttpcron.Tag) {
	for len(tags) > 0 {
		n := 1
		for n < len(tags) && tags[n].SourceID == tags[0].SourceID && tags[n].SourceKind == tags[0].SourceKind {
			n++
		}
		t.event(tags[:n])
		tags = tags[n:]
	}
}

// event counts the tags of an event.
func (t *tally) event(tags []ttpcron.Tag) {
	if t.names != nil {
		for i := range tags {
			t.seen(&tags[i].Claim)
		}
	}
	for i := range tags {
		tag := &tags[i]
		if _, shown := t.confidence(&tag.Claim); !shown || t.alike && t.another(tags, i) {
			continue
		}
		if !ttpcron.DefaultMinLevels().Show(tag.Level, tag.Vantage) {
			t.leftOut++
			continue
		}
		s := t.seen(&tag.Claim)
		s.tags++
		if tag.Mark(t.own) != ttpcron.MarkNone {
			t.marked++
			continue
		}
		if tag.OfGroup() {
			continue
		}
		who := cmp.Or(tag.AttackerUUID, tag.IdentityUUID)
		a := t.attackers[who]
		if a == nil {
			a = t.meet(who, tag.AttackerIP)
		}
		a.Tags++
		a.has(s.index)
	}
}

// seen returns the count of a shown technique.
func (t *tally) seen(c *ttpcron.Claim) *seen {
	claimed := technique{c.Tactic, c.Technique()}
	s := t.techniques[claimed]
	if s != nil {
		return s
	}
	shown := claimed
	if t.names != nil {
		is := t.names.Shown(c)
		shown = technique{is.Tactic, is.Technique()}
	}
	if s = t.shown[shown]; s == nil {
		s = &seen{technique: shown, index: len(t.shown), claimed: claimed.id}
		t.shown[shown] = s
	}
	for _, o := range t.shown { // few, and each is met once
		t.alike = t.alike || o.id == shown.id && o.claimed != claimed.id
	}
	t.techniques[claimed] = s
	return s
}

// another reports whether an event has another tag by the same rule, shown as the same
// technique, that stands for this one.
func (t *tally) another(tags []ttpcron.Tag, i int) bool {
	tag := &tags[i]
	name := t.seen(&tag.Claim).id
	claim := tag.Claim
	claim.Confidence, _ = t.confidence(&claim)
	for k := range tags {
		o := &tags[k]
		if k == i || o.RuleID != tag.RuleID || o.RuleVersion != tag.RuleVersion || t.seen(&o.Claim).id != name {
			continue
		}
		confidence, shown := t.confidence(&o.Claim)
		other := o.Claim
		other.Confidence = confidence
		if shown && other.StandsFor(&claim) {
			return true
		}
	}
	return false
}

// confidence is the shown confidence of a claim's tags, if they are shown.
func (t *tally) confidence(c *ttpcron.Claim) (confidence float64, shown bool) {
	if t.decided == nil {
		return c.Confidence, true
	}
	return t.decided(c)
}

// meet starts to count an attacker. Strings of a tag may hold on to the memory of the page
// that their event was read with, so they are copied.
func (t *tally) meet(who, ip string) *attacker {
	if len(t.attackers) >= maxAttacker {
		t.forget()
	}
	who = string([]byte(who))
	a := &attacker{AttackerCount: AttackerCount{UUID: who, IP: string([]byte(ip))}}
	t.attackers[who] = a
	return a
}

// forget drops the rarer half of the attackers.
func (t *tally) forget() {
	t.approximate = true
	all := make([]*attacker, 0, len(t.attackers))
	for _, a := range t.attackers {
		all = append(all, a)
	}
	slices.SortFunc(all, compareAttackers)
	for _, a := range all[len(all)/2:] {
		delete(t.attackers, a.UUID)
	}
}

func compareAttackers(a, b *attacker) int {
	return cmp.Or(cmp.Compare(b.Tags, a.Tags), cmp.Compare(b.Techniques, a.Techniques), cmp.Compare(a.UUID, b.UUID))
}

func (t *tally) picture() Picture {
	p := Picture{Approximate: t.approximate, Marked: t.marked, LeftOut: t.leftOut}
	for k, s := range t.shown {
		if s.tags > 0 {
			p.Techniques = append(p.Techniques, TechniqueCount{k.tactic, k.id, s.tags})
		}
	}
	slices.SortFunc(p.Techniques, func(a, b TechniqueCount) int {
		return cmp.Or(cmp.Compare(b.Tags, a.Tags), cmp.Compare(a.Technique, b.Technique), cmp.Compare(a.Tactic, b.Tactic))
	})
	all := make([]*attacker, 0, len(t.attackers))
	for _, a := range t.attackers {
		all = append(all, a)
	}
	slices.SortFunc(all, compareAttackers)
	for _, a := range all[:min(len(all), maxTop)] {
		p.Attackers = append(p.Attackers, a.AttackerCount)
	}
	return p
}
