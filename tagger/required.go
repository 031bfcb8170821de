package tagger

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// A requirement is what an event must have for a condition to hold: one of the programs,
// or one of the literals. The prefilter leaves out rules whose requirements a text does
// not meet.
type requirement struct {
	known    bool               // false: nothing is known, the condition must be tried
	programs []string           // of which some simple command has one
	literals []requiredLiterals // of all of which one must be there
}

// requiredLiterals are literals, one of which a value of the field must contain; for
// options, one of which it must be.
type requiredLiterals struct {
	field  fieldRef
	texts  []string
	option bool
}

// requirementOf derives the requirement of a resolved condition.
func requirementOf(c condition) requirement {
	switch c := c.(type) {
	case allOf:
		var best requirement
		for _, sub := range c {
			if r := requirementOf(sub); r.score() > best.score() {
				best = r
			}
		}
		return best
	case anyOf:
		return requirementOfAny(c)
	case someCommand:
		return requirementOf(c.is)
	case fieldTest:
		return c.requirement()
	}
	return requirement{}
}

// requirementOfAny joins the requirements of alternatives. Without alternatives the
// condition never holds: it requires what nothing has.
func requirementOfAny(list []condition) requirement {
	all := requirement{known: true}
	for _, sub := range list {
		r := requirementOf(sub)
		if !r.known {
			return requirement{}
		}
		all.programs = append(all.programs, r.programs...)
		all.literals = append(all.literals, r.literals...)
	}
	return all
}

// score rates a requirement: the fewer texts meet it, the higher the score.
func (r requirement) score() int {
	if !r.known {
		return 0
	}
	least := 1000
	for _, l := range r.literals {
		score := pattern.Score(l.texts)
		if l.option {
			score = 45
		}
		least = min(least, score)
	}
	for _, p := range r.programs {
		if everyday[p] {
			least = min(least, 45)
		} else {
			least = min(least, 200+2*len(p))
		}
	}
	return max(least-len(r.programs)/8, 1)
}

// everywhere reports whether almost every text meets the requirement, such as a letter or
// digit in a line.
func (r requirement) everywhere() bool {
	return slices.ContainsFunc(r.literals, func(l requiredLiterals) bool {
		f := l.field.field.scanned()
		return !l.option && (f == fieldLine || f == fieldText) &&
			slices.ContainsFunc(l.texts, func(s string) bool { return len(s) == 1 && isAlnum(s[0]) })
	})
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// key is the same for requirements that the same things meet.
func (r requirement) key() string {
	parts := make([]string, 0, len(r.programs)+len(r.literals))
	for _, p := range r.programs {
		parts = append(parts, strconv.Quote(p))
	}
	for _, l := range r.literals {
		kind := int(l.field.field.scanned())
		if l.option {
			kind = int(fieldFlag)
		}
		for _, text := range l.texts {
			parts = append(parts, strconv.Itoa(kind)+strconv.Quote(text))
		}
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "")
}

// everyday are the programs that most attackers run: one of these is less selective than
// any word of a few letters.
var everyday = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(`: [ awk bash busybox cat cd chmod cp curl cut dd echo egrep export find grep head
		ls mkdir mv nohup printf ps rm sed sh sleep sort su sudo tail tar test touch tr true uname wc wget which while xargs`) {
		names[name] = true
	}
	return names
}()

// ownPrograms returns the programs that the tested simple command must have for a
// condition to hold; nil if it may have any.
func ownPrograms(c condition) []string {
	switch c := c.(type) {
	case allOf:
		var best []string
		for _, sub := range c {
			if own := ownPrograms(sub); own != nil && (best == nil || len(own) < len(best)) {
				best = own
			}
		}
		return best
	case anyOf:
		all := []string{}
		for _, sub := range c {
			own := ownPrograms(sub)
			if own == nil {
				return nil
			}
			all = append(all, own...)
		}
		return all
	case fieldTest:
		return c.requirement().programs
	}
	return nil
}

func (t fieldTest) requirement() requirement {
	if t.field.field == fieldProgram && len(t.test.equals) > 0 && !t.test.ignoreCase && !slices.Contains(t.test.equals, "") {
		return requirement{known: true, programs: t.test.equals}
	}
	if all := t.requirements(); len(all) > 0 {
		return all[0]
	}
	return requirement{}
}

// requirements are all the requirements of a test that requires no program, the most
// selective first.
func (t fieldTest) requirements() (list []requirement) {
	if t.field.field == fieldFlag && len(t.test.equals) > 0 && !t.test.ignoreCase {
		return []requirement{t.requiring(t.test.equals, true)}
	}
	for _, set := range t.test.literals() {
		list = append(list, t.requiring(set, false))
	}
	return list
}

func (t fieldTest) requiring(set []string, options bool) requirement {
	return requirement{known: true, literals: []requiredLiterals{{t.field, set, options}}}
}

// maxSets is how many sets of literals a test may require.
const maxSets = 4

// literals returns sets of required literals, the most selective first. Every value
// that passes contains one of each set, when both are folded.
func (t *valueTest) literals() [][]string {
	t.asked.Do(func() { t.sets = t.requiredSets() })
	return t.sets
}

func (t *valueTest) requiredSets() [][]string {
	var sets [][]string
	add := func(set []string) {
		if len(set) > 0 {
			sets = append(sets, set)
		}
	}
	add(foldAll(t.equals))
	add(foldAll(t.startsWith))
	add(foldAll(t.endsWith))
	add(foldAll(t.contains))
	for _, s := range t.containsAll {
		add(foldAll([]string{s}))
	}
	if len(t.globs) > 0 {
		runs := make([]string, len(t.globs))
		for i, g := range t.globs {
			runs[i] = globLiteral(g)
		}
		add(foldAll(runs))
	}
	if len(t.patterns) == 1 {
		add(t.patterns[0].Literals())
		for _, set := range t.patterns[0].MoreLiterals() {
			add(set)
		}
	} else {
		var union []string
		for _, p := range t.patterns {
			if len(p.Literals()) == 0 {
				union = nil
				break
			}
			union = append(union, p.Literals()...)
		}
		add(union)
	}
	slices.SortStableFunc(sets, func(a, b []string) int { return pattern.Score(b) - pattern.Score(a) })
	return sets[:min(len(sets), maxSets)]
}

// foldAll folds literals. It returns nil if one of them says nothing.
func foldAll(list []string) []string {
	var out []string
	for _, s := range list {
		if s == "" {
			return nil
		}
		out = append(out, pattern.Fold(s))
	}
	return out
}

// globLiteral returns the longest part of a glob that stands for itself.
func globLiteral(glob string) string {
	best, run := "", []byte(nil)
	flush := func() {
		if len(run) > len(best) {
			best = string(run)
		}
		run = run[:0]
	}
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*', '?':
			flush()
		case '\\':
			flush()
			i++
		case '[': // what came before suffices: finding the end of a set takes a parser
			flush()
			return best
		default:
			run = append(run, c)
		}
	}
	flush()
	return best
}

// looksUp reports whether a condition needs only look-ups, so it may be tried on every
// event: tests for equality, for the presence of a field, and predicates that know their
// fields.
func looksUp(c condition) bool {
	switch c := c.(type) {
	case allOf:
		return !slices.ContainsFunc(c, searches)
	case anyOf:
		return !slices.ContainsFunc(c, searches)
	case noneOf:
		return !slices.ContainsFunc(c, searches)
	case fieldTest:
		for t := c.test; t != nil; t = t.not {
			if len(t.contains)+len(t.containsAll)+len(t.globs)+len(t.patterns) > 0 {
				return false
			}
		}
		return true
	case predicateTest:
		p, known, err := predicateOf(c.name, c.settings)
		return known && err == nil && p.reads != nil
	}
	return false
}

func searches(c condition) bool { return !looksUp(c) }

// slowReason says why the prefilter cannot leave out a rule of commands, or "".
func (r requirement) slowReason() string {
	if !r.known {
		return "no program and no literal is required: it is tried on every new text"
	}
	short := ""
	for _, l := range r.literals {
		for _, text := range l.texts {
			if len(text) < 2 && !l.option {
				short = text
			}
		}
	}
	if short != "" {
		return "requires no more than the character \"" + short + "\": it is tried on most new texts"
	}
	return ""
}
