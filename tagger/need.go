package tagger

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// A need is what an event must show for a condition to have a chance: one of
// the programs, or one of the literals. It is what lets the prefilter leave out
// the rules that a text cannot satisfy without trying them.
type need struct {
	known    bool     // false: nothing is known, the condition must be tried
	programs []string // of which some simple command has one
	literals []needed // of all of which one must be there
}

// needed are literals of which a value of the field must hold one, or options of
// which it must be one.
type needed struct {
	field  fieldRef
	texts  []string
	option bool
}

// needOf derives the need of a resolved condition.
func needOf(c condition) need {
	switch c := c.(type) {
	case allOf:
		var best need
		for _, sub := range c {
			if n := needOf(sub); n.score() > best.score() {
				best = n
			}
		}
		return best
	case anyOf:
		return needOfAny(c)
	case someCommand:
		return needOf(c.is)
	case fieldTest:
		return c.need()
	}
	return need{}
}

// needOfAny joins the needs of alternatives. No alternative at all can never
// hold: it needs what nothing has.
func needOfAny(list []condition) need {
	all := need{known: true}
	for _, sub := range list {
		n := needOf(sub)
		if !n.known {
			return need{}
		}
		all.programs = append(all.programs, n.programs...)
		all.literals = append(all.literals, n.literals...)
	}
	return all
}

// score rates a need: the fewer texts show it, the better.
func (n need) score() int {
	if !n.known {
		return 0
	}
	least := 1000
	for _, l := range n.literals {
		score := pattern.Score(l.texts)
		if l.option {
			score = 45
		}
		least = min(least, score)
	}
	for _, p := range n.programs {
		if everyday[p] {
			least = min(least, 45)
		} else {
			least = min(least, 200+2*len(p))
		}
	}
	return max(least-len(n.programs)/8, 1)
}

// everywhere reports whether almost every text has what is needed: a letter or
// digit in a line.
func (n need) everywhere() bool {
	return slices.ContainsFunc(n.literals, func(l needed) bool {
		f := l.field.field.scanned()
		return !l.option && (f == fieldLine || f == fieldText) &&
			slices.ContainsFunc(l.texts, func(s string) bool { return len(s) == 1 && isAlnum(s[0]) })
	})
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// key tells needs apart that different things satisfy.
func (n need) key() string {
	parts := make([]string, 0, len(n.programs)+len(n.literals))
	for _, p := range n.programs {
		parts = append(parts, strconv.Quote(p))
	}
	for _, l := range n.literals {
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

// everyday are the programs that most texts of attackers run: to need one of
// them tells less than any word of some letters.
var everyday = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(`: [ awk bash busybox cat cd chmod cp curl cut dd echo egrep export find grep head
		ls mkdir mv nohup printf ps rm sed sh sleep sort su sudo tail tar test touch tr true uname wc wget which while xargs`) {
		names[name] = true
	}
	return names
}()

// ownPrograms returns programs of which the command at hand must have one for a
// condition to hold; nil when it may have any.
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
		return c.need().programs
	}
	return nil
}

func (t fieldTest) need() need {
	if t.field.field == fieldProgram && len(t.test.equals) > 0 && !t.test.ignoreCase && !slices.Contains(t.test.equals, "") {
		return need{known: true, programs: t.test.equals}
	}
	if needs := t.needs(); len(needs) > 0 {
		return needs[0]
	}
	return need{}
}

// needs are all the needs of a test that has no need of a program, the most
// telling first.
func (t fieldTest) needs() (list []need) {
	if t.field.field == fieldFlag && len(t.test.equals) > 0 && !t.test.ignoreCase {
		return []need{t.needing(t.test.equals, true)}
	}
	for _, set := range t.test.literals() {
		list = append(list, t.needing(set, false))
	}
	return list
}

func (t fieldTest) needing(set []string, options bool) need {
	return need{known: true, literals: []needed{{t.field, set, options}}}
}

// maxSets is how many sets of literals a test is known by.
const maxSets = 4

// literals returns sets of strings, the most telling first. Every value that
// passes holds one of each set, when both are folded.
func (t *valueTest) literals() [][]string {
	t.asked.Do(func() { t.sets = t.work() })
	return t.sets
}

func (t *valueTest) work() [][]string {
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
		for _, set := range t.patterns[0].More() {
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

// foldAll folds literals, and gives nil when one of them says nothing.
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
		case '[': // where a set ends is not told here
			flush()
			return best
		default:
			run = append(run, c)
		}
	}
	flush()
	return best
}

// slowReason says why a rule of commands cannot be left out by the prefilter.
func (n need) slowReason() string {
	if !n.known {
		return "no program and no literal is required: it is tried on every new text"
	}
	short := ""
	for _, l := range n.literals {
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
