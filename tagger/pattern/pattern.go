// Package pattern matches regular expressions in the syntax of Python's re module, which
// DECNET's rules use, with bounded work.
//
// Start with [Compile]. An expression that needs no backtracking is rewritten for
// package [regexp] and takes time linear in the text. That includes lookahead at the
// end, lookbehind at the beginning, and most of what rules use. Others (lookahead
// elsewhere, backreferences, atomic groups) are matched by backtracking within a
// [Budget] of steps, so the result depends on the text and never on the clock.
//
// Differences from Python: \d, \w, \s and \b match ASCII only, as with re.ASCII; flags
// such as (?i) apply to the whole expression wherever they appear, as they did until
// Python 3.10; \N{…} is refused.
package pattern

import (
	"errors"
	"regexp"

	"github.com/ttpcron/ttpcron/tagger/internal/lazy"
)

var errTooLarge = errors.New("expression is too large")

// Pattern is a compiled expression. It is safe for concurrent use.
type Pattern struct {
	expr     string
	literals []string
	more     [][]string
	least    int // bytes of the shortest match
	// linear is the expression as package regexp reads it; nil when it needs
	// backtracking.
	linear *linearPattern
	prog   lazy.Value[program] // for backtracking
}

// linearPattern makes what matches when it is first needed: most patterns of a
// rule set never are.
type linearPattern struct {
	expr         string
	heads, tails []int
	perByte      int                       // cost of a byte of text for regexp
	pool         lazy.Value[dfaPool]       // nil for an expression that is too large
	regexp       lazy.Value[regexp.Regexp] // for where a match is
}

// Release frees automata and programs built by matching. They are rebuilt when needed,
// and matches in progress are not disturbed.
func (p *Pattern) Release() {
	p.prog.Release()
	if p.linear != nil {
		p.linear.pool.Release()
		p.linear.regexp.Release()
	}
}

// Budget is the work that matching may still do. A step takes about a nanosecond on a
// machine of 2020.
type Budget struct {
	Steps int
	// Met is set when a match was given up, or tried on a part of the text
	// only, because too few steps were left.
	Met bool

	stack []frame // lent from one match to the next
}

// Compile parses an expression. Errors name what Python would object to, or the limit
// that the expression exceeds, and the position.
func Compile(expr string) (*Pattern, error) {
	n, groups, err := parse(expr)
	if err != nil {
		return nil, err
	}
	if n.size() > maxProgram {
		return nil, errTooLarge
	}
	k := n.known()
	p := &Pattern{expr: expr, literals: k.best(), least: n.least()}
	p.more = k.others(p.literals)
	l, ok := newLinear(n)
	if !ok {
		p.prog.Set(newProgram(n, groups))
		return p, nil
	}
	p.linear = &linearPattern{expr: l.b.String(), heads: l.heads, tails: l.tails, perByte: 24 + n.size()/8}
	return p, nil
}

func (l *linearPattern) newPool() *dfaPool {
	if program := newDFAProgram(l.expr); program != nil {
		return &dfaPool{program: program}
	}
	return nil
}

// compile returns nil when the expression breaks a limit of package regexp that
// our own do not imply.
func (l *linearPattern) compile() *regexp.Regexp {
	re, err := regexp.Compile(l.expr)
	if err != nil {
		return nil
	}
	return re
}

func (p *Pattern) newProgram() *program {
	n, groups, err := parse(p.expr)
	if err != nil {
		panic(err) // Compile has parsed it
	}
	return newProgram(n, groups)
}

// String returns the expression as it was written.
func (p *Pattern) String() string { return p.expr }

// Linear reports whether matching takes time linear in the text.
func (p *Pattern) Linear() bool { return p.linear != nil }

// Literals returns strings of which every matching text contains at least one, if both
// are folded by [Fold]. It is empty if nothing is known.
func (p *Pattern) Literals() []string { return p.literals }

// MoreLiterals returns further sets like Literals: a matching text contains at least one
// string of each.
func (p *Pattern) MoreLiterals() [][]string { return p.more }

// Match reports whether the text contains a match. It is false if the budget ran out
// before one was found.
func (p *Pattern) Match(text string, b *Budget) bool {
	if len(text) < p.least {
		return false
	}
	if p.linear == nil {
		_, _, ok := p.prog.Get(p.newProgram).find(text, b)
		return ok
	}
	if _, found, ok := p.linear.walk(text, b); ok {
		return found
	}
	_, found := p.search(text, b)
	return found
}

// walk matches by automaton. ok is false if there is none, or it would cost more than
// package regexp.
func (l *linearPattern) walk(text string, b *Budget) (end int, found, ok bool) {
	pool := l.pool.Get(l.newPool)
	if pool == nil {
		return 0, false, false
	}
	d := pool.get()
	defer pool.put(d)
	part := afford(text, byteCost, b)
	left := b.Steps
	end, found, ok = d.match(part, len(part) == len(text), &left)
	b.Steps = max(left, 0)
	return end, found, ok
}

// search finds the leftmost match by package regexp, and returns what
// FindStringSubmatchIndex does.
func (p *Pattern) search(text string, b *Budget) ([]int, bool) {
	re := p.linear.regexp.Get(p.linear.compile)
	if re == nil {
		start, end, ok := p.prog.Get(p.newProgram).find(text, b)
		return []int{start, end}, ok
	}
	part := afford(text, p.linear.perByte, b)
	at := re.FindStringSubmatchIndex(part)
	if at == nil || len(part) < len(text) && at[1] == len(part) {
		return nil, false
	}
	return at, true
}

// Find returns the start and end of the leftmost match. In a text longer than a few KiB
// it may return another match, or one that begins later than it could.
func (p *Pattern) Find(text string, b *Budget) (start, end int, ok bool) {
	if p.linear == nil {
		return p.prog.Get(p.newProgram).find(text, b)
	}
	from := 0
	if len(text) > 2*around {
		near, found, ok := p.linear.walk(text, b)
		if ok && !found {
			return 0, 0, false
		}
		if ok {
			from = max(0, near-around)
			text = text[from:min(len(text), near+around)]
		}
	}
	at, ok := p.search(text, b)
	if !ok {
		return 0, 0, false
	}
	start, end = at[0], at[1]
	for _, g := range p.linear.heads {
		if 2*g+1 < len(at) {
			start = max(start, at[2*g+1])
		}
	}
	for _, g := range p.linear.tails {
		if 2*g < len(at) && at[2*g] >= 0 {
			end = min(end, at[2*g])
		}
	}
	return from + start, from + max(start, end), true
}

// around is how much of a long text Find searches on each side of the position where a
// match must end.
const around = 4096

// leastTried is how much of a text is searched when no budget is left.
const leastTried = 1024

// afford pays for a text, and shortens it to what the budget allows. A match that reaches
// the end of a shortened text does not count: the rest might decide otherwise.
func afford(text string, perByte int, b *Budget) string {
	if len(text)*perByte > b.Steps {
		if n := max(b.Steps/perByte, leastTried); n < len(text) {
			text = text[:n]
			b.Met = true
		}
	}
	b.Steps = max(b.Steps-len(text)*perByte, 0)
	return text
}
