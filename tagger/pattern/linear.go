package pattern

import (
	"fmt"
	"strings"
	"unicode"
)

// maxProgram bounds an expression by an estimate of its instructions, with repeats written
// out.
const maxProgram = 8000

// linear rewrites an expression for package regexp, which has no lookaround but works in
// linear time. The result agrees with the expression about whether a text has a match and,
// unless it looks behind its beginning, where the first one begins.
//
// Lookaround that is not really needed is rewritten: nothing comes after the tail of an
// expression, so a lookahead there may consume what it sees, and $ the last newline;
// likewise a lookbehind at the head. What is consumed only for that is captured, so that
// Find leaves it out of the match.
type linear struct {
	b     strings.Builder
	group int
	heads []int // groups that a match begins after
	tails []int // groups that a match ends before
}

// newLinear returns false for what only backtracking can do.
func newLinear(n *node) (*linear, bool) {
	l := &linear{}
	ok := l.emit(n, false, true, true)
	return l, ok
}

// size estimates how many instructions package regexp needs for a node.
func (n *node) size() int {
	sum := 1 + len(n.set)/8
	for _, s := range n.subs {
		sum += s.size()
		if sum > maxProgram {
			return sum
		}
	}
	if n.op == opRepeat {
		return min(sum*max(n.min, n.max, 1), maxProgram+1)
	}
	return sum
}

// maxRegexpRepeat is how often package regexp repeats, nested repeats
// multiplied.
const maxRegexpRepeat = 1000

func (n *node) repeats() int {
	most := 1
	for _, s := range n.subs {
		most = max(most, s.repeats())
	}
	if n.op == opRepeat {
		most *= max(n.min, n.max, 1)
	}
	return most
}

// caseOf says whether the letters of a node are all to be folded, all not, or
// some of each; a node without letters is neither.
func (n *node) caseOf() (folded, exact bool) {
	switch n.op {
	case opLiteral:
		if unicode.SimpleFold(n.char) == n.char {
			return false, false
		}
		return n.fold, !n.fold
	case opClass:
		return n.fold, !n.fold
	}
	for _, s := range n.subs {
		f, e := s.caseOf()
		folded, exact = folded || f, exact || e
	}
	return folded, exact
}

// emit writes a node. fold is the state of the flag i; head and tail say that nothing can
// come before or after the node.
func (l *linear) emit(n *node, fold, head, tail bool) bool {
	if folded, exact := n.caseOf(); folded != exact && folded != fold {
		if folded {
			l.b.WriteString("(?i:")
		} else {
			l.b.WriteString("(?-i:")
		}
		defer l.b.WriteString(")")
		fold = folded
	}
	switch n.op {
	case opEmpty:
		l.b.WriteString("(?:)")
	case opLiteral:
		l.literal(n.char)
	case opClass:
		l.class(n.set)
	case opConcat:
		for i, s := range n.subs {
			if !l.emitIn(s, n.op, fold, head && i == 0, tail && i == len(n.subs)-1) {
				return false
			}
		}
	case opAlternate:
		for i, s := range n.subs {
			if i > 0 {
				l.b.WriteByte('|')
			}
			if !l.emitIn(s, n.op, fold, head, tail) {
				return false
			}
		}
	case opRepeat:
		return l.repeat(n, fold, head, tail)
	case opGroup:
		return l.emitIn(n.subs[0], opRepeat, fold, head, tail)
	case opAtomic:
		// At the tail nothing would be backtracked for.
		return tail && l.emitIn(n.subs[0], opRepeat, fold, head, tail)
	case opLook:
		return l.look(n, fold, head, tail)
	case opBegin:
		l.b.WriteString(`\A`)
	case opBeginLine:
		l.b.WriteString(`(?m:^)`)
	case opEnd:
		l.b.WriteString(`\z`)
	case opEndLine:
		l.b.WriteString(`(?m:$)`)
	case opDollar:
		if !tail {
			return false
		}
		l.open(&l.tails)
		l.b.WriteString(`\n?\z)`)
	case opWord:
		l.b.WriteString(`\b`)
	case opNotWord:
		l.b.WriteString(`\B`)
	default:
		return false
	}
	return true
}

// emitIn writes a part of another node, in parentheses where it needs them.
func (l *linear) emitIn(n *node, outer op, fold, head, tail bool) bool {
	loose := n.op == opAlternate || outer == opRepeat && (n.op == opConcat || n.op == opRepeat || n.op == opGroup || n.op == opAtomic)
	if !loose {
		return l.emit(n, fold, head, tail)
	}
	l.b.WriteString("(?:")
	defer l.b.WriteString(")")
	return l.emit(n, fold, head, tail)
}

func (l *linear) repeat(n *node, fold, head, tail bool) bool {
	switch {
	case n.max == 0:
		l.b.WriteString("(?:)")
		return true
	case n.possessive && !tail, n.repeats() > maxRegexpRepeat:
		return false
	}
	once := n.min <= 1 && n.max == 1
	if !l.emitIn(n.subs[0], opRepeat, fold, head && once, tail && once) {
		return false
	}
	switch {
	case n.min == 0 && n.max < 0:
		l.b.WriteByte('*')
	case n.min == 1 && n.max < 0:
		l.b.WriteByte('+')
	case n.min == 0 && n.max == 1:
		l.b.WriteByte('?')
	case n.max < 0:
		fmt.Fprintf(&l.b, "{%d,}", n.min)
	case n.min == n.max:
		fmt.Fprintf(&l.b, "{%d}", n.min)
	default:
		fmt.Fprintf(&l.b, "{%d,%d}", n.min, n.max)
	}
	if n.lazy {
		l.b.WriteByte('?')
	}
	return true
}

func (l *linear) open(list *[]int) {
	l.group++
	*list = append(*list, l.group)
	l.b.WriteByte('(')
}

func (l *linear) look(n *node, fold, head, tail bool) bool {
	list := &l.tails
	edge := `\z`
	if n.behind {
		list, edge, tail = &l.heads, `\A`, head
	}
	if !tail {
		return false
	}
	if !n.negate {
		l.open(list)
		defer l.b.WriteString(")")
		return l.emit(n.subs[0], fold, n.behind, !n.behind)
	}
	set, ok := n.subs[0].asSet()
	if !ok {
		return false
	}
	l.open(list)
	if n.behind { // the earlier position first
		l.b.WriteString(edge + "|")
	}
	l.b.WriteString("(?-i:")
	l.class(complement(set))
	l.b.WriteByte(')')
	if !n.behind {
		l.b.WriteString("|" + edge)
	}
	l.b.WriteByte(')')
	return true
}

// asSet returns the runes that a node matches when it always matches one.
func (n *node) asSet() ([]rune, bool) {
	switch n.op {
	case opLiteral:
		if n.fold {
			return foldSet([]rune{n.char, n.char}), true
		}
		return []rune{n.char, n.char}, true
	case opClass:
		if n.fold {
			return foldSet(n.set), true
		}
		return n.set, true
	case opAlternate:
		var all []rune
		for _, s := range n.subs {
			set, ok := s.asSet()
			if !ok {
				return nil, false
			}
			all = append(all, set...)
		}
		return normalise(all), true
	case opGroup:
		return n.subs[0].asSet()
	case opConcat:
		if len(n.subs) == 1 {
			return n.subs[0].asSet()
		}
	}
	return nil, false
}

func (l *linear) literal(r rune) {
	if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) || !unicode.IsPrint(r) {
		fmt.Fprintf(&l.b, `\x{%x}`, r)
		return
	}
	l.b.WriteRune(r)
}

func (l *linear) class(set []rune) {
	if len(set) == 0 {
		l.b.WriteString(`[^\x00-\x{10FFFF}]`)
		return
	}
	if len(set) == 2 && set[0] == 0 && set[1] == unicode.MaxRune {
		l.b.WriteString(`(?s:.)`)
		return
	}
	l.b.WriteByte('[')
	for i := 0; i+1 < len(set); i += 2 {
		l.literal(set[i])
		if set[i+1] > set[i] {
			l.b.WriteByte('-')
			l.literal(set[i+1])
		}
	}
	l.b.WriteByte(']')
}
