package tagger

import (
	"slices"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// A need is what an event must show for a condition to have a chance: one of
// the programs, or one of the literals. It is what lets the prefilter leave out
// the rules that a text cannot satisfy without trying them.
type need struct {
	known bool // false: nothing is known, the condition must be tried
	// programs are names of which some simple command has one. own says that
	// it is the command at hand, so that no other need be looked at.
	programs []string
	own      bool
	literals []needed
}

// needed is a literal that a value of the field must hold.
type needed struct {
	field   fieldRef
	literal string
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
		n := needOf(c.is)
		n.own = false
		return n
	case fieldTest:
		return c.need()
	}
	return need{}
}

// needOfAny joins the needs of alternatives. No alternative at all can never
// hold: it needs what nothing has.
func needOfAny(list []condition) need {
	all := need{known: true, own: true}
	for _, sub := range list {
		n := needOf(sub)
		if !n.known {
			return need{}
		}
		all.programs = append(all.programs, n.programs...)
		all.literals = append(all.literals, n.literals...)
		all.own = all.own && n.own
	}
	return all
}

// score rates a need: the fewer texts show it, the better.
func (n need) score() int {
	switch {
	case !n.known:
		return 0
	case len(n.literals) == 0 && n.own:
		return 1000 - min(len(n.programs), 500)
	}
	texts := make([]string, len(n.literals))
	for i, l := range n.literals {
		texts[i] = l.literal
	}
	least := pattern.Score(texts)
	if len(texts) == 0 {
		least = 80
	}
	for _, p := range n.programs {
		least = min(least, 60+2*len(p))
	}
	return max(least-len(n.programs)/8, 1)
}

func (t fieldTest) need() need {
	if t.field.field == fieldProgram && len(t.test.equals) > 0 && !t.test.ignoreCase && !slices.Contains(t.test.equals, "") {
		return need{known: true, own: true, programs: t.test.equals}
	}
	set := t.test.literals()
	if len(set) == 0 {
		return need{}
	}
	n := need{known: true}
	for _, s := range set {
		n.literals = append(n.literals, needed{t.field, s})
	}
	return n
}

// literals returns strings of which every value that passes holds one, when
// both are folded; nil when nothing is known.
func (t *valueTest) literals() []string {
	best := foldAll(t.equals)
	for _, list := range [...][]string{t.startsWith, t.endsWith, t.contains} {
		best = pattern.Best(best, foldAll(list))
	}
	for _, s := range t.containsAll {
		best = pattern.Best(best, foldAll([]string{s}))
	}
	if len(t.globs) > 0 {
		runs := make([]string, len(t.globs))
		for i, g := range t.globs {
			runs[i] = globLiteral(g)
		}
		best = pattern.Best(best, foldAll(runs))
	}
	if len(t.patterns) > 0 {
		var union []string
		for _, p := range t.patterns {
			if len(p.Literals()) == 0 {
				union = nil
				break
			}
			union = append(union, p.Literals()...)
		}
		best = pattern.Best(best, union)
	}
	return best
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
		if len(l.literal) < 2 {
			short = l.literal
		}
	}
	if short != "" {
		return "requires no more than the character \"" + short + "\": it is tried on most new texts"
	}
	return ""
}
