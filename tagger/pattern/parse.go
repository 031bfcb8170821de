package pattern

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Limits of an expression: far above what rules need, and low enough that a hostile rule
// file costs little.
const (
	maxExpression = 16 << 10
	maxNesting    = 100
	maxNodes      = 20000
	maxRepeat     = 65535
)

var errTooManyNodes = fmt.Errorf("expression has more than %d parts", maxNodes)

// flags are those of Python's inline groups that change how the rest is parsed.
type flags struct{ fold, multiline, dotAll, verbose bool }

// parser reads the syntax of Python's re module for str patterns (the
// sre_parse of CPython 3.13), with the global flags allowed anywhere, as they
// were until 3.10.
type parser struct {
	in     string
	pos    int
	flags  flags
	names  map[string]int
	groups int // groups opened
	open   map[int]bool
	depth  int
	nodes  int
	slab   []node // to be handed out
}

func parse(expr string) (n *node, groups int, err error) {
	if len(expr) > maxExpression {
		return nil, 0, fmt.Errorf("expression is longer than %d bytes", maxExpression)
	}
	if !utf8.ValidString(expr) {
		return nil, 0, errors.New("expression is not valid UTF-8")
	}
	p := &parser{in: expr, flags: globalFlags(expr), names: map[string]int{}, open: map[int]bool{}}
	n, err = p.alternation()
	if err != nil {
		return nil, 0, err
	}
	if p.pos < len(p.in) {
		return nil, 0, p.errorf("unbalanced parenthesis")
	}
	return n, p.groups, nil
}

// globalFlags finds (?i) and the like anywhere: in a group of their own they apply to the
// whole expression.
func globalFlags(expr string) (f flags) {
	inClass := false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
			if i+1 < len(expr) && expr[i+1] == '^' {
				i++
			}
			if i+1 < len(expr) && expr[i+1] == ']' {
				i++
			}
		case strings.HasPrefix(expr[i:], "(?"):
			end := i + 2
			for end < len(expr) && strings.IndexByte("aiLmsux", expr[end]) >= 0 {
				end++
			}
			if end > i+2 && end < len(expr) && expr[end] == ')' {
				for _, c := range expr[i+2 : end] {
					f.set(byte(c), true)
				}
			}
		}
	}
	return f
}

func (f *flags) set(c byte, on bool) {
	switch c {
	case 'i':
		f.fold = on
	case 'm':
		f.multiline = on
	case 's':
		f.dotAll = on
	case 'x':
		f.verbose = on
	}
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at position %d", fmt.Sprintf(format, args...), p.pos)
}

func (p *parser) node(n node) (*node, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, errTooManyNodes
	}
	if len(p.slab) == 0 {
		p.slab = make([]node, min(max(len(p.in)/2, 4), 64))
	}
	made := &p.slab[0]
	p.slab = p.slab[1:]
	*made = n
	return made, nil
}

func (p *parser) more() bool { return p.pos < len(p.in) }

func (p *parser) accept(s string) bool {
	if strings.HasPrefix(p.in[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) next() rune {
	r, n := utf8.DecodeRuneInString(p.in[p.pos:])
	p.pos += n
	return r
}

func (p *parser) alternation() (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("groups are nested deeper than %d", maxNesting)
	}
	defer func() { p.depth-- }()
	var subs []*node
	for {
		n, err := p.concatenation()
		if err != nil {
			return nil, err
		}
		subs = append(subs, n)
		if !p.accept("|") {
			break
		}
	}
	if len(subs) == 1 {
		return subs[0], nil
	}
	return p.node(node{op: opAlternate, subs: subs})
}

func (p *parser) concatenation() (*node, error) {
	var subs []*node
	for {
		p.skipVerbose()
		if !p.more() || p.in[p.pos] == '|' || p.in[p.pos] == ')' {
			break
		}
		n, err := p.item()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue // a comment or a global flag
		}
		n, err = p.quantified(n)
		if err != nil {
			return nil, err
		}
		subs = append(subs, n)
	}
	switch len(subs) {
	case 0:
		return p.node(node{op: opEmpty})
	case 1:
		return subs[0], nil
	}
	return p.node(node{op: opConcat, subs: subs})
}

func (p *parser) skipVerbose() {
	for p.flags.verbose && p.more() {
		switch c := p.in[p.pos]; {
		case strings.IndexByte(" \t\n\r\v\f", c) >= 0:
			p.pos++
		case c == '#':
			end := strings.IndexByte(p.in[p.pos:], '\n')
			if end < 0 {
				end = len(p.in) - p.pos
			}
			p.pos += end
		default:
			return
		}
	}
}

// item parses one thing that can be repeated. It returns nil for something that matches
// nothing, such as a comment.
func (p *parser) item() (*node, error) {
	switch c := p.next(); c {
	case '.':
		if p.flags.dotAll {
			return p.node(node{op: opClass, set: fullSet})
		}
		return p.node(node{op: opClass, set: anySet})
	case '^':
		if p.flags.multiline {
			return p.node(node{op: opBeginLine})
		}
		return p.node(node{op: opBegin})
	case '$':
		if p.flags.multiline {
			return p.node(node{op: opEndLine})
		}
		return p.node(node{op: opDollar})
	case '[':
		return p.class()
	case '(':
		return p.group()
	case '\\':
		return p.escape()
	case '*', '+', '?':
		p.pos--
		return nil, p.errorf("nothing to repeat")
	default:
		return p.literal(c)
	}
}

func (p *parser) literal(c rune) (*node, error) {
	if c >= utf8.RuneSelf {
		return p.node(node{op: opLiteral, char: c, fold: p.flags.fold})
	}
	if p.nodes++; p.nodes > maxNodes {
		return nil, errTooManyNodes
	}
	if p.flags.fold {
		return &asciiNodes()[1][c], nil
	}
	return &asciiNodes()[0][c], nil
}

// asciiNodes are the commonest literals: exact ones, and those in any case. They are
// complete, and never change.
var asciiNodes = sync.OnceValue(func() *[2][utf8.RuneSelf]node {
	nodes := new([2][utf8.RuneSelf]node)
	for i := range nodes {
		for c := range nodes[i] {
			n := &nodes[i][c]
			*n = node{op: opLiteral, char: rune(c), fold: i == 1}
			n.known()
		}
	}
	return nodes
})

// quantified parses what may follow an item: *, +, ?, {m,n}, and ? or + after it.
func (p *parser) quantified(n *node) (*node, error) {
	p.skipVerbose()
	lo, hi, ok, err := p.quantifier()
	if err != nil || !ok {
		return n, err
	}
	switch n.op {
	case opBegin, opBeginLine, opEnd, opDollar, opEndLine, opWord, opNotWord:
		return nil, p.errorf("nothing to repeat")
	}
	r := node{op: opRepeat, min: lo, max: hi, subs: []*node{n}}
	switch {
	case p.accept("?"):
		r.lazy = true
	case p.accept("+"):
		r.possessive = true
	}
	p.skipVerbose()
	at := p.pos
	if _, _, again, _ := p.quantifier(); again {
		p.pos = at
		return nil, p.errorf("multiple repeat")
	}
	p.pos = at
	return p.node(r)
}

func (p *parser) quantifier() (lo, hi int, ok bool, err error) {
	switch {
	case p.accept("*"):
		return 0, -1, true, nil
	case p.accept("+"):
		return 1, -1, true, nil
	case p.accept("?"):
		return 0, 1, true, nil
	case !strings.HasPrefix(p.in[p.pos:], "{"):
		return 0, 0, false, nil
	}
	body, _, closed := strings.Cut(p.in[p.pos+1:], "}")
	first, second, comma := strings.Cut(body, ",")
	if !closed || body == "" || strings.Trim(first+second, "0123456789") != "" {
		return 0, 0, false, nil // a brace like any other character
	}
	hi = -1
	if first != "" {
		if lo, err = strconv.Atoi(first); err != nil || lo > maxRepeat {
			return 0, 0, false, p.errorf("repeats more than %d times", maxRepeat)
		}
	}
	switch {
	case !comma:
		hi = lo
	case second != "":
		if hi, err = strconv.Atoi(second); err != nil || hi > maxRepeat {
			return 0, 0, false, p.errorf("repeats more than %d times", maxRepeat)
		}
		if hi < lo {
			return 0, 0, false, p.errorf("min repeat greater than max repeat")
		}
	}
	p.pos += len(body) + 2
	return lo, hi, true, nil
}

func (p *parser) class() (*node, error) {
	start := p.pos
	negate := p.accept("^")
	var set []rune
	for first := true; ; first = false {
		if !p.more() {
			p.pos = start
			return nil, p.errorf("unterminated character set")
		}
		if !first && p.accept("]") {
			break
		}
		lo, single, err := p.classMember()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.in[p.pos:], "-") && !strings.HasPrefix(p.in[p.pos:], "-]") && p.pos+1 < len(p.in) {
			p.pos++
			hi, singleEnd, err := p.classMember()
			if err != nil {
				return nil, err
			}
			if !single || !singleEnd || hi[0] < lo[0] {
				return nil, p.errorf("bad character range")
			}
			set = append(set, lo[0], hi[0])
			continue
		}
		set = append(set, lo...)
	}
	set = normalise(set)
	if negate && p.flags.fold {
		// The complement must leave out every case of the listed letters.
		set = foldSet(set)
	}
	if negate {
		n, err := p.node(node{op: opClass, set: complement(set)})
		return n, err
	}
	return p.node(node{op: opClass, set: set, fold: p.flags.fold})
}

// foldSet adds the other cases of a set's letters. Ranges above 4,096 runes already have
// the cases that matter.
func foldSet(set []rune) []rune {
	out := append([]rune(nil), set...)
	for i := 0; i+1 < len(set); i += 2 {
		if set[i+1]-set[i] > 4096 {
			continue
		}
		for r := set[i]; r <= set[i+1]; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				out = append(out, f, f)
			}
		}
	}
	return normalise(out)
}

// classMember reads one member of a set, as pairs. single is true for one
// character, which may begin or end a range.
func (p *parser) classMember() (set []rune, single bool, err error) {
	c := p.next()
	if c != '\\' {
		return []rune{c, c}, true, nil
	}
	if !p.more() {
		return nil, false, p.errorf("bad escape (end of pattern)")
	}
	if set := categorySet(p.in[p.pos]); set != nil {
		p.pos++
		return set, false, nil
	}
	if p.accept("b") {
		return []rune{'\b', '\b'}, true, nil
	}
	c, err = p.characterEscape()
	return []rune{c, c}, true, err
}

func categorySet(c byte) []rune {
	switch c {
	case 'd':
		return digitSet
	case 'D':
		return complement(digitSet)
	case 's':
		return spaceSet
	case 'S':
		return complement(spaceSet)
	case 'w':
		return wordSet
	case 'W':
		return complement(wordSet)
	}
	return nil
}

// escape reads what follows a backslash outside of a set.
func (p *parser) escape() (*node, error) {
	if !p.more() {
		return nil, p.errorf("bad escape (end of pattern)")
	}
	c := p.in[p.pos]
	if set := categorySet(c); set != nil {
		p.pos++
		return p.node(node{op: opClass, set: set})
	}
	switch c {
	case 'A':
		p.pos++
		return p.node(node{op: opBegin})
	case 'Z', 'z':
		p.pos++
		return p.node(node{op: opEnd})
	case 'b':
		p.pos++
		return p.node(node{op: opWord})
	case 'B':
		p.pos++
		return p.node(node{op: opNotWord})
	}
	if c >= '1' && c <= '9' && !p.octalAhead() {
		return p.backref()
	}
	r, err := p.characterEscape()
	if err != nil {
		return nil, err
	}
	return p.literal(r)
}

// octalAhead reports whether three octal digits follow, which is a character
// and not a group.
func (p *parser) octalAhead() bool {
	s := p.in[p.pos:]
	return len(s) >= 3 && isOctal(s[0]) && isOctal(s[1]) && isOctal(s[2])
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func (p *parser) backref() (*node, error) {
	end := p.pos + 1
	if end < len(p.in) && p.in[end] >= '0' && p.in[end] <= '9' {
		end++
	}
	group, _ := strconv.Atoi(p.in[p.pos:end])
	if err := p.checkGroup(group, p.in[p.pos:end]); err != nil {
		return nil, err
	}
	p.pos = end
	return p.node(node{op: opBackref, group: group, fold: p.flags.fold})
}

func (p *parser) checkGroup(group int, name string) error {
	if group < 1 || group > p.groups {
		return p.errorf("invalid group reference %s", name)
	}
	if p.open[group] {
		return p.errorf("cannot refer to an open group")
	}
	return nil
}

// characterEscape parses an escape that stands for one character.
func (p *parser) characterEscape() (rune, error) {
	at := p.pos
	c := p.next()
	switch c {
	case 'a':
		return '\a', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case 'x':
		return p.hex(at, 2)
	case 'u':
		return p.hex(at, 4)
	case 'U':
		return p.hex(at, 8)
	}
	if c >= '0' && c <= '7' {
		value := c - '0'
		for n := 1; n < 3 && p.more() && isOctal(p.in[p.pos]); n++ {
			value = value*8 + p.next() - '0'
		}
		if value > 0o377 {
			p.pos = at
			return 0, p.errorf("octal escape outside of range 0-0o377")
		}
		return value, nil
	}
	if c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
		p.pos = at
		return 0, p.errorf(`bad escape \%c`, c)
	}
	return c, nil
}

func (p *parser) hex(at, digits int) (rune, error) {
	if p.pos+digits <= len(p.in) {
		if v, err := strconv.ParseUint(p.in[p.pos:p.pos+digits], 16, 32); err == nil && v <= unicode.MaxRune {
			p.pos += digits
			return rune(v), nil
		}
	}
	p.pos = at
	return 0, p.errorf(`incomplete escape \%c`, p.in[at])
}
