package tagger

import "github.com/ttpcron/ttpcron/tagger/literal"

// A guard says quickly, from the gates and programs that are open, whether a
// check has a chance. It looks at no text, and at no simple command in
// particular. It is a graph of questions: each answer leads to the next
// question, or to a verdict.
type guards []question

type question struct {
	gate     int            // asks whether it is open; 0 to ask for one of programs
	programs literal.Owners // by number
	yes, no  int32          // the next question, or a verdict
}

// The verdicts.
const (
	hasChance int32 = -1
	noChance  int32 = -2
)

// add adds the guard of a check and returns its first question.
func (g *guards) add(c check) int32 { return g.lead(c, hasChance, noChance) }

// lead adds the questions of a check, which lead to yes or no.
func (g *guards) lead(c check, yes, no int32) int32 {
	switch c := c.(type) {
	case *checkAll:
		for i := len(c.list) - 1; i >= 0; i-- {
			yes = g.lead(c.list[i], yes, no)
		}
		return g.askAll(c.gates, yes, no)
	case checkAny:
		for i := len(c) - 1; i >= 0; i-- {
			no = g.lead(c[i], yes, no)
		}
		return no
	case *checkSome:
		return g.lead(c.is, yes, no)
	case *checkOnce:
		return g.lead(c.is, yes, no)
	case *checkValue:
		if c.programs != nil {
			yes = g.ask(question{programs: c.programs, yes: yes, no: no})
		}
		return g.askAll(c.gates, yes, no)
	}
	return yes
}

// askAll asks for gates, the first of them first.
func (g *guards) askAll(gates []int, yes, no int32) int32 {
	for i := len(gates) - 1; i >= 0; i-- {
		yes = g.ask(question{gate: gates[i], yes: yes, no: no})
	}
	return yes
}

func (g *guards) ask(q question) int32 {
	if q.yes == q.no {
		return q.yes
	}
	*g = append(*g, q)
	return int32(len(*g) - 1)
}

// possible reports whether a check has a chance, given its first question.
func (g guards) possible(at int32, s *sieve) bool {
	for at >= 0 {
		q := &g[at]
		if q.gate > 0 && s.open.Has(q.gate) || q.gate == 0 && s.anyOf(q.programs) {
			at = q.yes
		} else {
			at = q.no
		}
	}
	return at == hasChance
}
