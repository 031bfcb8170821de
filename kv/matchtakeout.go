package kv

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// dropMatchDays removes days before the horizon that have no base match left, with their
// descriptions.
func dropMatchDays(tx *txn) error {
	h, err := readHorizons(tx)
	if err != nil {
		return err
	}
	var days []ttpcron.Day
	err = eachMatchDay(tx, func(day ttpcron.Day, m *record.MatchDay) {
		if day < h.latest && m.Matches == 0 {
			days = append(days, day)
		}
	})
	if err != nil {
		return err
	}
	for _, day := range days {
		if err := tx.top(layout.Matches).DeleteBucket(record.DayKey(day)); err != nil {
			return err
		}
	}
	return nil
}

// frozenDays is the most days from the horizon on that overlap a frozen slot: a
// correlation looks back 31 days, and a slot is no longer.
const frozenDays = 2 * 31

// judgeThawed has all correlations judge the days again on which slots were frozen before
// the horizon moved back. They may have judged them, and left those slots out.
func judgeThawed(tx *txn, before, after ttpcron.Day) error {
	if after >= before {
		return nil
	}
	judged := map[ttpcron.Day]string{}
	err := eachMatchDay(tx, func(day ttpcron.Day, m *record.MatchDay) {
		if m.Judged != "" && day < before+frozenDays {
			judged[day] = m.Judged
		}
	})
	if err != nil {
		return err
	}
	sets := map[string]ttpcron.RuleSet{}
	for day, fingerprint := range judged {
		set, err := judgedBy(tx, fingerprint, sets)
		if err != nil {
			return err
		}
		rules := map[string]int{}
		for _, r := range set.Rules {
			rules[r.ID] = r.Version
		}
		if err := judgeAgain(tx, day, rules); err != nil {
			return err
		}
	}
	return nil
}

// judgeAgain makes the correlations with the given versions judge a day again. The day may
// have no base matches, but only the beginning of slots.
func judgeAgain(tx *txn, day ttpcron.Day, rules map[string]int) error {
	if len(rules) == 0 {
		return nil
	}
	s, err := readMatches(tx, day)
	if err != nil {
		return err
	}
	judged := ""
	if s != nil {
		judged = s.Judged
	}
	was, err := judgedBy(tx, judged, map[string]ttpcron.RuleSet{})
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(slices.Clone(was.Rules), func(r ttpcron.RuleDef) bool { _, ok := rules[r.ID]; return ok })
	for id, version := range rules {
		list = append(list, ttpcron.RuleDef{ID: id, Version: version})
	}
	set := ttpcron.NewRuleSet(list)
	if err := putRuleSets(tx, []*ttpcron.RuleSet{&set}); err != nil {
		return err
	}
	if s == nil {
		if s, err = newMatches(tx, day); err != nil {
			return err
		}
	}
	s.Judged = set.Fingerprint
	return s.store(tx)
}
