package kv

import (
	"bytes"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// dropMatchDays takes out the base matches of days before one of which all events are
// kept: nothing is judged there any more.
func dropMatchDays(tx *txn) error {
	h, err := readHorizons(tx)
	top := tx.top(layout.Matches)
	if err != nil || top == nil {
		return err
	}
	var names [][]byte
	c := top.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, record.DayKey(h.latest)) < 0; k, _ = c.Next() {
		names = append(names, bytes.Clone(k))
	}
	for _, name := range names {
		if err := top.DeleteBucket(name); err != nil {
			return err
		}
	}
	return nil
}

// judgeAgain has correlations, of which the versions are given, judge a day again. It may
// be one without base matches, in which slots begin.
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
