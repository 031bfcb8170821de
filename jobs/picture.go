package jobs

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Picture is what a run's tags show, most frequent first.
type Picture struct {
	Techniques []TechniqueCount
	Attackers  []AttackerCount // at most maxTop, without marked ones
	Marked     int             // tags of addresses that are marked, see ttpcron.Mark
	LeftOut    int             // tags that ttpcron.DefaultMinLevels leaves out; nothing above counts them
	// Approximate: there were so many attackers that rare ones were forgotten
	// on the way, and counts of the others may be too low.
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
	techniques  map[[2]string]*seen
	attackers   map[string]*attacker
	approximate bool
	marked      int
	leftOut     int
	hidden      func(*ttpcron.Claim) bool
	own         ttpcron.Networks
}

type seen struct{ tags, index int }

type attacker struct {
	AttackerCount
	techniques map[int]struct{}
}

func newTally(hidden func(*ttpcron.Claim) bool, own ttpcron.Networks) *tally {
	return &tally{hidden: hidden, own: own, techniques: map[[2]string]*seen{}, attackers: map[string]*attacker{}}
}

func (t *tally) add(tags []ttpcron.Tag) {
	for i := range tags {
		tag := &tags[i]
		if t.hidden != nil && t.hidden(&tag.Claim) {
			continue
		}
		if !ttpcron.DefaultMinLevels().Show(tag.Level, tag.Vantage) {
			t.leftOut++
			continue
		}
		key := [2]string{tag.Tactic, tag.Technique()}
		s := t.techniques[key]
		if s == nil {
			s = &seen{index: len(t.techniques)}
			t.techniques[key] = s
		}
		s.tags++
		if tag.Mark(t.own) != ttpcron.MarkNone {
			t.marked++
			continue
		}
		who := cmp.Or(tag.AttackerUUID, tag.IdentityUUID)
		a := t.attackers[who]
		if a == nil {
			a = t.meet(who, tag.AttackerIP)
		}
		a.Tags++
		a.techniques[s.index] = struct{}{}
	}
}

// meet begins to count an attacker. Strings of a tag may hold on to the memory
// of the page that their event was read with, so they are copied.
func (t *tally) meet(who, ip string) *attacker {
	if len(t.attackers) >= maxAttacker {
		t.forget()
	}
	who = string([]byte(who))
	a := &attacker{AttackerCount{UUID: who, IP: string([]byte(ip))}, map[int]struct{}{}}
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
	return cmp.Or(cmp.Compare(b.Tags, a.Tags), cmp.Compare(len(b.techniques), len(a.techniques)), cmp.Compare(a.UUID, b.UUID))
}

func (t *tally) picture() Picture {
	p := Picture{Approximate: t.approximate, Marked: t.marked, LeftOut: t.leftOut}
	for k, s := range t.techniques {
		p.Techniques = append(p.Techniques, TechniqueCount{k[0], k[1], s.tags})
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
		a.AttackerCount.Techniques = len(a.techniques)
		p.Attackers = append(p.Attackers, a.AttackerCount)
	}
	return p
}
