package correlation

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Link makes rules of the definitions: it resolves what they name, among each other and
// with base, makes the streams, and refuses what cannot be judged over a history to which
// events may still be added. own are networks whose addresses take no part in groups by
// address. The rules come by id.
func Link(defs []*Definition, base func(ref string) (Base, bool), own ttpcron.Networks) (rules []*Rule, problems []Problem) {
	for _, d := range defs {
		r := &Rule{def: d}
		fail := func(key, reason string) {
			problems = append(problems, Problem{d.RuleID, key, reason})
		}
		if d.Type != EventCount || len(d.Condition.Comparisons) != 1 {
			fail("type", "only event_count is there yet")
			continue
		}
		c := d.Condition.Comparisons[0]
		n, err := strconv.Atoi(c.Value)
		if err != nil || n < 1 {
			fail("condition."+c.Op, "must be a number of events")
			continue
		}
		if r.need = n; c.Op == "gt" {
			r.need++
		}
		if d.Timespan < time.Second {
			fail("timespan", "must be one second or more")
			continue
		}
		var group []ttpcron.GroupField
		for _, f := range d.GroupBy {
			group = append(group, ttpcron.GroupField{Name: f, From: f})
			if f == ttpcron.FieldSessionID {
				for _, o := range []string{ttpcron.FieldAttackerIP, ttpcron.FieldAttackerUUID, ttpcron.FieldDeckyID, ttpcron.FieldIdentityUUID} {
					if !slices.Contains(d.GroupBy, o) {
						group = append(group, ttpcron.GroupField{Name: o, From: o, Optional: true})
					}
				}
			}
		}
		slices.SortFunc(group, func(a, b ttpcron.GroupField) int { return strings.Compare(a.Name, b.Name) })
		for _, f := range group {
			r.names = append(r.names, f.Name)
		}
		r.grouping = strings.Join(r.names, ",")
		ok := true
		sum := sha256.New()
		sum.Write([]byte(d.RuleID + "|" + strconv.Itoa(d.Version) + "|" + strconv.Itoa(r.need) + "|" + d.Timespan.String()))
		for _, ref := range d.Rules {
			b, known := base(ref)
			if !known {
				fail("rules", strconv.Quote(ref)+" is no rule")
				ok = false
				break
			}
			for _, k := range b.Kinds {
				digest := sha256.Sum256(append(b.Digest[:], own.String()...))
				s := ttpcron.NewStream(b.ID, k, group, nil, [16]byte(digest[:16]))
				r.streams = append(r.streams, s)
				sum.Write([]byte(s.ID))
				sum.Write(s.Digest[:])
			}
		}
		r.digest = [16]byte(sum.Sum(nil)[:16])
		if ok {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.def.RuleID, b.def.RuleID) })
	return rules, problems
}
