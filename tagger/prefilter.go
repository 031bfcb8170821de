package tagger

import "github.com/ttpcron/ttpcron/tagger/literal"

// prefilters say, from an event's terms and programs, whether a check can hold. They read
// no text, and no simple command in particular. Each is a decision graph: the answer at a
// node leads to another node, or to an outcome.
type prefilters []prefilterNode

type prefilterNode struct {
	term     int         // asks for a term; 0 to ask for one of programs
	programs literal.IDs // by number
	yes, no  int32       // the next node, or an outcome
}

// The outcomes.
const (
	candidate int32 = -1
	ruledOut  int32 = -2
)

// add adds the prefilter of a check and returns its first node.
func (p *prefilters) add(c check) int32 { return p.graph(c, candidate, ruledOut) }

// graph adds the nodes of a check, which lead to yes or no.
func (p *prefilters) graph(c check, yes, no int32) int32 {
	switch c := c.(type) {
	case *checkAll:
		for i := len(c.list) - 1; i >= 0; i-- {
			yes = p.graph(c.list[i], yes, no)
		}
		return p.allTerms(c.terms, yes, no)
	case checkAny:
		for i := len(c) - 1; i >= 0; i-- {
			no = p.graph(c[i], yes, no)
		}
		return no
	case *checkSome:
		return p.graph(c.is, yes, no)
	case *checkOnce:
		return p.graph(c.is, yes, no)
	case *checkValue:
		if c.programs != nil {
			yes = p.node(prefilterNode{programs: c.programs, yes: yes, no: no})
		}
		return p.allTerms(c.terms, yes, no)
	}
	return yes
}

// allTerms requires terms, and looks up the first one first.
func (p *prefilters) allTerms(terms []int, yes, no int32) int32 {
	for i := len(terms) - 1; i >= 0; i-- {
		yes = p.node(prefilterNode{term: terms[i], yes: yes, no: no})
	}
	return yes
}

func (p *prefilters) node(n prefilterNode) int32 {
	if n.yes == n.no {
		return n.yes
	}
	*p = append(*p, n)
	return int32(len(*p) - 1)
}

// passes reports whether a check can hold, given its first node.
func (p prefilters) passes(at int32, s *lookup) bool {
	for at >= 0 {
		n := &p[at]
		if n.term > 0 && s.seen.Has(n.term) || n.term == 0 && s.anyOf(n.programs) {
			at = n.yes
		} else {
			at = n.no
		}
	}
	return at == candidate
}
