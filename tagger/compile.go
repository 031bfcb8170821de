package tagger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// A check decides one condition. Checks are made by compile and never change; what they
// need while they run is kept in the evaluation.
type check interface{ holds(ev *evaluation) bool }

type (
	checkAll struct {
		list     []check
		requires []requirement // of the conditions in list
		terms    []int         // all of which must be seen, see checkValue
	}
	checkAny  []check
	checkNone []check

	// checkSome looks at every simple command.
	checkSome struct{ is check }

	// checkOnce remembers the answer of a check that does not depend on the
	// simple command at hand.
	checkOnce struct {
		is   check
		slot int
	}

	checkValue struct {
		field fieldRef
		test  *valueTest
		// terms are the test's terms in the index, all of which must be seen; programs are
		// the numbers of the programs that it names.
		terms    []int
		programs literal.IDs
	}

	checkFlag struct {
		field field
		want  bool
	}

	// checkConst stands for what cannot be known yet, or ever.
	checkConst bool
)

type compiler struct {
	perCommand bool // the rule is evaluated for every simple command
	slots      int
}

func (c *compiler) compile(cond condition) check {
	if c.perCommand && !scopeOf(cond).command {
		c.perCommand = false
		once := &checkOnce{is: c.compile(cond), slot: c.slots}
		c.slots++
		c.perCommand = true
		return once
	}
	switch cond := cond.(type) {
	case allOf:
		return c.all(cond)
	case anyOf:
		return checkAny(c.list(cond))
	case noneOf:
		return checkNone(c.list(cond))
	case someCommand:
		return &checkSome{c.compile(cond.is)}
	case fieldTest:
		return &checkValue{field: cond.field, test: cond.test}
	case flagTest:
		return &checkFlag{cond.field, cond.want}
	case predicateTest:
		return compilePredicate(cond)
	}
	panic("unknown condition")
}

func (c *compiler) all(conds allOf) check {
	conds = cheapFirst(conds)
	all := &checkAll{list: c.list(conds)}
	for _, cond := range conds {
		all.requires = append(all.requires, requirementOf(cond))
	}
	return all
}

// list compiles conditions and puts the cheap ones first: the order does not
// change the answer.
func (c *compiler) list(conds []condition) []check {
	out := make([]check, len(conds))
	for i, cond := range cheapFirst(conds) {
		out[i] = c.compile(cond)
	}
	return out
}

func cheapFirst(conds []condition) []condition {
	sorted := slices.Clone(conds)
	slices.SortStableFunc(sorted, func(a, b condition) int { return costOf(a) - costOf(b) })
	return sorted
}

// costOf ranks conditions by how long they take.
func costOf(c condition) int {
	switch c := c.(type) {
	case flagTest:
		return 0
	case fieldTest:
		cost := 4
		switch {
		case len(c.test.patterns) > 0:
			cost = 40
		case len(c.test.equals) > 0:
			cost = 1
		}
		if c.field.field == fieldText || c.field.field == fieldDecoded {
			cost += 10
		}
		return cost
	case someCommand:
		return 100
	case allOf:
		return costOfList(c)
	case anyOf:
		return costOfList(c)
	case noneOf:
		return costOfList(c)
	}
	return 200
}

func costOfList(list []condition) int {
	sum := 2
	for _, c := range list {
		sum += costOf(c)
	}
	return sum
}

// relax replaces everything that depends on more than the command's text by the answer
// that lets the condition hold. So a text that fails the relaxed condition fails the
// whole. want is the answer that is needed at this place.
func relax(c condition, want bool) condition {
	switch c := c.(type) {
	case allOf:
		return allOf(relaxList(c, want))
	case anyOf:
		return anyOf(relaxList(c, want))
	case noneOf:
		return noneOf(relaxList(c, !want))
	case someCommand:
		return someCommand{relax(c.is, want)}
	}
	if !scopeOf(c).payload {
		return c
	}
	if want {
		return allOf{} // holds
	}
	return anyOf{} // does not hold
}

func relaxList(list []condition, want bool) []condition {
	out := make([]condition, len(list))
	for i, c := range list {
		out[i] = relax(c, want)
	}
	return out
}

// label describes a test for people.
func (t *valueTest) label() string {
	if t == nil {
		return "as wanted"
	}
	var parts []string
	list := func(name string, values []string) {
		switch {
		case len(values) == 1:
			parts = append(parts, fmt.Sprintf("%s %q", name, shorten(values[0], 80)))
		case len(values) > 1:
			parts = append(parts, fmt.Sprintf("%s [%s]", name, shorten(strings.Join(values, ", "), 120)))
		}
	}
	if len(t.equals) > 1 {
		list("in", t.equals)
	} else {
		list("equals", t.equals)
	}
	list("contains", t.contains)
	list("contains_all", t.containsAll)
	list("starts_with", t.startsWith)
	list("ends_with", t.endsWith)
	list("glob", t.globs)
	list("pattern", patternTexts(t.patterns))
	if t.not != nil {
		parts = append(parts, "not ("+t.not.label()+")")
	}
	if t.countMin > 0 {
		parts = append(parts, fmt.Sprintf("count_min %d", t.countMin))
	}
	if len(parts) == 0 {
		return "present"
	}
	if t.ignoreCase {
		parts = append(parts, "ignore_case")
	}
	return strings.Join(parts, ", ")
}

func patternTexts(patterns []*pattern.Pattern) []string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = p.String()
	}
	return out
}
