package jobs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// TestTooManyPartsAreJoined covers a day in more parts than it may have. Each has a rule
// of its own and one that all share. Parts that touch keep the rule that they share; only
// where events between them were never looked at are the rules forgotten.
func TestTooManyPartsAreJoined(t *testing.T) {
	own := ttpcron.NewRuleSet([]ttpcron.RuleDef{{ID: "all", Version: 1, Digest: [16]byte{1}}})
	part := func(s *ruleSets, i int, gap uint64) ttpcron.Coverage {
		set := ttpcron.NewRuleSet([]ttpcron.RuleDef{own.Rules[0], {ID: fmt.Sprint("own", i), Version: 1, Digest: [16]byte{2}}})
		return ttpcron.Coverage{Kind: ttpcron.Command, Day: 1, RuleSet: s.make(set), After: uint64(i)*10 + gap, UpTo: uint64(i)*10 + 10, Events: 1}
	}
	for _, gap := range []uint64{0, 1} {
		s := newRuleSets(newMemory(), &own, maxCoverage)
		var list []ttpcron.Coverage
		for i := range 3 * maxCoverage {
			list = s.covered(list, part(s, i, gap), 1<<40)
			if len(list) > maxCoverage {
				t.Fatalf("%d parts", len(list))
			}
		}
		known := func(c ttpcron.Coverage) bool {
			set, _ := s.cached(c.RuleSet)
			return set != nil && slices.ContainsFunc(set.Rules, func(r ttpcron.RuleDef) bool { return r == own.Rules[0] })
		}
		if forgotten := slices.ContainsFunc(list, func(c ttpcron.Coverage) bool { return !known(c) }); forgotten != (gap > 0) {
			t.Errorf("gap %d: rules are forgotten: %v; %+v", gap, forgotten, list)
		}
		if list[0].After != gap || list[len(list)-1].UpTo != 30*maxCoverage {
			t.Errorf("gap %d: covered from %d to %d", gap, list[0].After, list[len(list)-1].UpTo)
		}
		if gap == 0 && (!list[0].Uncounted || list[len(list)-1].Uncounted) {
			t.Errorf("counts of %+v and %+v", list[0], list[len(list)-1])
		}
	}
}

// TestReviewedRanges: the ranges of reviewed events leave out the events that were
// skipped, however the reading was divided into units.
func TestReviewedRanges(t *testing.T) {
	looked := []bool{true, true, false, true, true, true, false, false, true}
	want := []ttpcron.SeqRange{{First: 10, Last: 20}, {First: 40, Last: 60}, {First: 90, Last: 90}}
	for size := 1; size <= len(looked); size++ {
		var all, unit reviewed
		for i, again := range looked {
			e := command(daysAgo(float64(i)), "x")
			if e.Seq = uint64(i+1) * 10; again {
				unit.add(&e)
			} else {
				unit.pass()
			}
			if i%size == size-1 || i == len(looked)-1 {
				all.join(&unit)
				unit = reviewed{}
			}
		}
		if !slices.Equal(all.ranges, want) || !all.earliest.Equal(daysAgo(8)) || !all.latest.Equal(daysAgo(0)) {
			t.Errorf("in units of %d: %+v", size, all)
		}
	}
}
