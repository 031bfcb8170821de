package attack

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Counterpart returns the technique of the table that corresponds to a technique or
// sub-technique of any embedded release: the technique itself if it is active in the
// table, or else its successor or predecessor. It is false for an id that no release
// has, and for a technique that is newer than the table and replaced nothing in it. A
// technique that was withdrawn without a successor is its own counterpart, and the only
// one that is not active.
//
// Of several predecessors it returns the one with the same name, or else the first by
// id: T1562, T1562.001 and T1562.006 became T1685 "Disable or Modify Tools", which is
// the name of T1562.001 in 18.1. So translating to the table and back may give another
// id, but translating that again gives the same result.
func (t *Table) Counterpart(id string) (Technique, bool) {
	x, ok := t.Lookup(id)
	if !ok {
		x, ok = t.Lookup(t.crosswalk()[id])
	}
	if x.Revoked {
		x, ok = t.Lookup(x.RevokedBy)
	}
	return x, ok
}

// Translate returns the technique and tactic of the table for a technique and tactic of
// any embedded release. If [Table.Counterpart] has nothing, it returns its arguments and
// false.
//
// The tactic stays if the technique has it in the table. Otherwise the result is a
// tactic that the technique gained over a release in which it has the given one, or else
// any of its tactics: the first in matrix order. So TA0005 of T1553 is TA0112 in 19.1,
// where Defense Evasion was split, TA0003 of T1574 is TA0002, and TA0005 of T1548 is
// TA0004, its only tactic.
func (t *Table) Translate(technique, tactic string) (id, inTactic string, ok bool) {
	x, ok := t.Counterpart(technique)
	if !ok {
		return technique, tactic, false
	}
	return x.ID, t.tacticOf(x, tactic), true
}

// Shown implements [ttpcron.Naming]: it translates a claim of any release to the table,
// as [Table.Translate] does. A claim of a technique that the table does not have stays
// unchanged and keeps its release.
func (t *Table) Shown(c *ttpcron.Claim) ttpcron.Claim {
	shown := *c
	if x := t.find(c.Technique()); x != nil && x.Live() && slices.Contains(x.Tactics, c.Tactic) { // nearly all
		shown.AttackRelease = t.release
		return shown
	}
	id, tactic, ok := t.Translate(c.Technique(), c.Tactic)
	if !ok {
		return shown
	}
	shown.Tactic, shown.AttackRelease = tactic, t.release
	if id != c.Technique() {
		shown.TechniqueID, shown.SubTechniqueID, shown.MitreURL = id, "", URL(id)
		if parent, _, sub := strings.Cut(id, "."); sub {
			shown.TechniqueID, shown.SubTechniqueID = parent, id
		}
	}
	return shown
}

// Counterparts returns the active ids that an id not active in the table corresponds to,
// for a query that includes sub-techniques: what it and its sub-techniques became, and
// what they were made from. The ids are sorted. There are none for an active id, or for
// an id of no release. See [ttpcron.TagQuery].
func (t *Table) Counterparts(id string) (ids []string) {
	if x, ok := t.Lookup(id); ok && x.Live() {
		return nil
	}
	if x, ok := t.Counterpart(id); ok && x.Live() {
		ids = append(ids, x.ID)
	}
	for _, o := range tables {
		if x, ok := o.Lookup(id); o == t || !ok || !x.Live() {
			continue
		}
		for y := range t.All() {
			x, ok := o.Counterpart(y.ID)
			if ok && y.Live() && (x.ID == id || x.Parent() == id) {
				ids = append(ids, y.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (t *Table) tacticOf(x Technique, tactic string) string {
	if slices.Contains(x.Tactics, tactic) || len(x.Tactics) == 0 {
		return tactic
	}
	for _, o := range tables {
		there, ok := o.Counterpart(x.ID)
		if o == t || !ok || !slices.Contains(there.Tactics, tactic) {
			continue
		}
		for _, gained := range x.Tactics {
			if !slices.Contains(there.Tactics, gained) {
				return gained
			}
		}
	}
	return x.Tactics[0]
}

// CounterpartTactic returns the tactic of the table for a tactic of any embedded
// release: itself, or else the tactic that most of its techniques have in the table.
// TA0112 is TA0005 in 18.1. It is false for an unknown id.
func (t *Table) CounterpartTactic(id string) (Tactic, bool) {
	for _, have := range t.read().tactics {
		if have.ID == id {
			return have, true
		}
	}
	served := map[string]int{}
	for _, o := range tables {
		for x := range o.All() {
			if y, ok := t.Counterpart(x.ID); ok && x.Live() && slices.Contains(x.Tactics, id) {
				for _, tactic := range y.Tactics {
					served[tactic]++
				}
			}
		}
	}
	var most Tactic
	for _, have := range t.read().tactics {
		if served[have.ID] > served[most.ID] {
			most = have
		}
	}
	return most, most.ID != ""
}

// crosswalk leads from the ids that the table does not know to its own.
func (t *Table) crosswalk() map[string]string {
	t.crossing.Do(func() { t.newer = t.predecessors() })
	return t.newer
}

// predecessors finds, for the techniques of other releases that took the place of
// one of the table's, which that was.
func (t *Table) predecessors() map[string]string {
	walk := map[string]string{}
	for _, o := range tables {
		if o == t {
			continue
		}
		for old := range t.All() {
			next, ok := o.Lookup(old.ID)
			if !ok || !old.Live() || !next.Revoked {
				continue
			}
			if _, ok := t.Lookup(next.RevokedBy); ok {
				continue
			}
			became, _ := o.Lookup(next.RevokedBy)
			if chosen, ok := walk[became.ID]; !ok || old.Name == became.Name && t.name(chosen) != became.Name {
				walk[became.ID] = old.ID
			}
		}
	}
	return walk
}

func (t *Table) name(id string) string {
	x, _ := t.Lookup(id)
	return x.Name
}

// Newest returns the newest embedded release in which a technique or sub-technique is
// active, or else the newest that has it. It is false for an id that none has.
func Newest(id string) (*Table, bool) {
	var known *Table
	for _, t := range tables {
		x, ok := t.Lookup(id)
		if ok && x.Live() {
			return t, true
		}
		if ok && known == nil {
			known = t
		}
	}
	return known, known != nil
}
