package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// A dfa finds whether a text has a match by walking a deterministic automaton that is
// built as needed (Thompson 1968; Cox, "Regular Expression Matching in the Wild", 2010).
// It is about ten times as fast as package regexp, which also has to find where a match
// begins.
//
// A state is a set of instructions of the compiled expression, before the empty ones are
// followed, and the kind of the previous character; assertions are decided when the next
// character is known. The alphabet is the classes of characters that the expression
// distinguishes.
type dfa struct {
	machine *dfaProgram
	trans   []int32 // state*stride + class
	states  []dfaState
	index   map[string]int32
	// scratch
	stack  []uint32
	closed []uint32
	seen   []uint32 // generation in which an instruction was closed over
	gen    uint32
	key    []byte
	bytes  int // roughly what the states take
}

// dfaProgram is shared by all automata of one expression.
type dfaProgram struct {
	prog     *syntax.Prog
	ascii    [utf8.RuneSelf]uint8
	bounds   []rune // first rune of each range of one class, ascending
	classOf  []uint8
	reps     []rune // a rune of each class
	asserts  bool   // the expression looks at what is around it
	anchored bool   // a match begins where the text does
}

type dfaState struct {
	insts  []uint32
	before uint8
}

// Pseudo-states that stand for an answer, and the first real state.
const (
	dfaUnknown int32 = iota
	dfaMatch
	dfaDead
	dfaStart
)

// What comes before a state.
const (
	beforeNothing uint8 = iota
	beforeNewline
	beforeWord
	beforeOther
)

const (
	maxClasses  = 200
	maxDFAInsts = 4000
	maxDFABytes = 32 << 10
	// maxResets is how often one text may fill the automaton's memory.
	maxResets = 8
	// byteCost and buildCost are what walking and building take of a Budget.
	byteCost  = 3
	buildCost = 40
)

// newDFAProgram returns nil for an expression that is too large.
func newDFAProgram(expr string) *dfaProgram {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > maxDFAInsts {
		return nil
	}
	p := &dfaProgram{prog: prog, anchored: prog.StartCond()&syntax.EmptyBeginText != 0}
	if !p.classify() {
		return nil
	}
	return p
}

// classify divides the characters into classes.
func (p *dfaProgram) classify() bool {
	cuts := []rune{0, utf8.RuneSelf}
	add := func(lo, hi rune) { cuts = append(cuts, lo, hi+1) }
	for i := range p.prog.Inst {
		in := &p.prog.Inst[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1:
			if len(in.Rune) == 1 {
				r := in.Rune[0]
				add(r, r)
				if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
					for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
						add(f, f)
					}
				}
				continue
			}
			for k := 0; k+1 < len(in.Rune); k += 2 {
				add(in.Rune[k], in.Rune[k+1])
			}
		case syntax.InstRuneAnyNotNL:
			add('\n', '\n')
		case syntax.InstEmptyWidth:
			p.asserts = true
		}
	}
	if p.asserts {
		add('\n', '\n')
		for k := 0; k+1 < len(wordSet); k += 2 {
			add(wordSet[k], wordSet[k+1])
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	return p.number(cuts)
}

// number gives ranges that every instruction treats alike one class.
func (p *dfaProgram) number(cuts []rune) bool {
	known := map[string]uint8{}
	var key []byte
	for _, lo := range cuts {
		if lo > unicode.MaxRune {
			continue
		}
		key = append(key[:0], before(lo))
		for i := range p.prog.Inst {
			in := &p.prog.Inst[i]
			switch in.Op {
			case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
				hit := byte(0)
				if in.MatchRune(lo) {
					hit = 1
				}
				key = append(key, hit)
			}
		}
		class, ok := known[string(key)]
		if !ok {
			if len(p.reps) >= maxClasses {
				return false
			}
			class = uint8(len(p.reps))
			known[string(key)] = class
			p.reps = append(p.reps, lo)
		}
		p.bounds = append(p.bounds, lo)
		p.classOf = append(p.classOf, class)
	}
	for c := range p.ascii {
		p.ascii[c] = p.class(rune(c))
	}
	return true
}

func (p *dfaProgram) class(r rune) uint8 {
	i, exact := slices.BinarySearch(p.bounds, r)
	if !exact {
		i--
	}
	return p.classOf[i]
}

// before returns the kind of a character for the position after it.
func before(r rune) uint8 {
	switch {
	case r == '\n':
		return beforeNewline
	case r < utf8.RuneSelf && isWord(byte(r)):
		return beforeWord
	}
	return beforeOther
}

func newDFA(p *dfaProgram) *dfa {
	d := &dfa{machine: p, seen: make([]uint32, len(p.prog.Inst))}
	d.reset()
	return d
}

// stride is a state's number of transitions: one for each class, and one for the end of
// the text.
func (p *dfaProgram) stride() int { return len(p.reps) + 1 }

func (d *dfa) reset() {
	d.states = append(d.states[:0], dfaState{}, dfaState{}, dfaState{})
	d.trans = append(d.trans[:0], make([]int32, int(dfaStart)*d.machine.stride())...)
	d.index, d.bytes = map[string]int32{}, 0
	d.state([]uint32{uint32(d.machine.prog.Start)}, beforeNothing)
}

// state returns the number of the state with these instructions.
func (d *dfa) state(insts []uint32, before uint8) int32 {
	if !d.machine.asserts {
		before = beforeOther
	}
	slices.Sort(insts)
	insts = slices.Compact(insts)
	d.key = append(d.key[:0], before)
	for _, i := range insts {
		d.key = binary.AppendUvarint(d.key, uint64(i))
	}
	if s, ok := d.index[string(d.key)]; ok {
		return s
	}
	s := int32(len(d.states))
	d.states = append(d.states, dfaState{slices.Clone(insts), before})
	d.trans = append(d.trans, make([]int32, d.machine.stride())...)
	d.index[string(d.key)] = s
	d.bytes += 4*d.machine.stride() + 4*len(insts) + len(d.key) + 64
	return s
}

// match reports whether the text has a match, and a position that the match which ends
// first does not pass. whole is false for a text that was cut: a match that ends at the
// cut does not count. left is how much the budget allows to build; ok is false if that was
// not enough, or the automaton grew too large too often.
func (d *dfa) match(text string, whole bool, left *int) (end int, found, ok bool) {
	p := d.machine
	s, stride := dfaStart, int32(p.stride())
	resets := 0
	for i := 0; i < len(text); {
		var class uint8
		if c := text[i]; c < utf8.RuneSelf {
			class = p.ascii[c]
			i++
		} else {
			r, n := utf8.DecodeRuneInString(text[i:])
			class = p.class(r)
			i += n
		}
		t := d.trans[s*stride+int32(class)]
		if t <= dfaDead {
			if t == dfaUnknown {
				if d.bytes > maxDFABytes {
					if resets++; resets > maxResets {
						return 0, false, false
					}
					s = d.restart(s)
				}
				if *left < 0 {
					return 0, false, false
				}
				t = d.build(s, int(class), left)
			}
			switch t {
			case dfaMatch:
				return i, true, true
			case dfaDead:
				return 0, false, true
			}
		}
		s = t
	}
	if !whole {
		return 0, false, true
	}
	t := d.trans[s*stride+stride-1]
	if t == dfaUnknown {
		t = d.build(s, int(stride-1), left)
	}
	return len(text), t == dfaMatch, true
}

// restart forgets all states but one.
func (d *dfa) restart(s int32) int32 {
	keep := d.states[s]
	d.reset()
	return d.state(keep.insts, keep.before)
}

// build computes the state that follows on a class, or at the end of the text.
func (d *dfa) build(s int32, class int, left *int) int32 {
	p := d.machine
	end := class == len(p.reps)
	next := rune(-1)
	if !end {
		next = p.reps[class]
	}
	from := d.states[s]
	matched := d.close(from.insts, assertions(from.before, next))
	*left -= buildCost + 20*len(d.closed)
	t := dfaDead
	switch {
	case matched:
		t = dfaMatch
	case !end:
		t = d.step(next)
	}
	d.trans[int(s)*p.stride()+class] = t
	return t
}

// step returns the state after a character.
func (d *dfa) step(r rune) int32 {
	p := d.machine
	var out []uint32
	for _, i := range d.closed {
		in := &p.prog.Inst[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if in.MatchRune(r) {
				out = append(out, in.Out)
			}
		}
	}
	if !p.anchored {
		out = append(out, uint32(p.prog.Start))
	}
	if len(out) == 0 {
		return dfaDead
	}
	return d.state(out, before(r))
}

// close follows the empty instructions, and reports whether they lead to a match.
func (d *dfa) close(insts []uint32, holds syntax.EmptyOp) (matched bool) {
	d.gen++
	d.closed = d.closed[:0]
	d.stack = append(d.stack[:0], insts...)
	for len(d.stack) > 0 {
		i := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.seen[i] == d.gen {
			continue
		}
		d.seen[i] = d.gen
		in := &d.machine.prog.Inst[i]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			d.stack = append(d.stack, in.Arg, in.Out)
		case syntax.InstCapture, syntax.InstNop:
			d.stack = append(d.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 {
				d.stack = append(d.stack, in.Out)
			}
		case syntax.InstMatch:
			return true
		case syntax.InstFail:
		default:
			d.closed = append(d.closed, i)
		}
	}
	return false
}

// assertions returns what holds between a character and the next, -1 for the
// end of the text.
func assertions(prev uint8, next rune) syntax.EmptyOp {
	var op syntax.EmptyOp
	if prev == beforeNothing {
		op |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if prev == beforeNewline {
		op |= syntax.EmptyBeginLine
	}
	if next < 0 {
		op |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if next == '\n' {
		op |= syntax.EmptyEndLine
	}
	if (prev == beforeWord) != (next >= 0 && before(next) == beforeWord) {
		return op | syntax.EmptyWordBoundary
	}
	return op | syntax.EmptyNoWordBoundary
}

// dfaPool keeps the automata of one expression for whoever matches next. An
// automaton is used by one goroutine at a time.
type dfaPool struct {
	program *dfaProgram
	idle    [2]atomic.Pointer[dfa]
}

func (p *dfaPool) get() *dfa {
	for i := range p.idle {
		if d := p.idle[i].Swap(nil); d != nil {
			return d
		}
	}
	return newDFA(p.program)
}

func (p *dfaPool) put(d *dfa) {
	for i := range p.idle {
		if p.idle[i].CompareAndSwap(nil, d) {
			return
		}
	}
}
