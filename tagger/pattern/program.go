package pattern

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

type code uint8

const (
	codeMatch     code = iota
	codeRune           // consume char
	codeFold           // consume char in any case
	codeSet            // consume one of set
	codeSetFold        // consume one of set in any case
	codeSplit          // try x, then y
	codeJump           // go to x
	codeSave           // remember the position in slot x
	codeMoved          // fail when the position is still that of slot x
	codeAssert         // kind holds here
	codeLook           // the program at x, up to its codeMatch, matches here; go on at y
	codeAtomic         // run the program at x and go on at y where it ended
	codeBackref        // consume what group x captured
	codeCondition      // go to x if group n captured something, else to y
)

// instruction is one step of a program. x and y are places in it, or slots.
type instruction struct {
	code   code
	kind   op // codeAssert
	negate bool
	behind bool
	fold   bool
	char   rune
	set    []rune
	x, y   int
	n      int // codeLook: runes to look back; codeCondition: group
}

// program is an expression made ready for backtracking.
type program struct {
	code  []instruction
	slots int
	// first has the bytes with which a match can begin; nil if any will do, or none.
	first *[256]bool
	start bool // a match can only begin where the text does
}

// newProgram compiles an expression. Repeats are written out; node.size has already
// bounded the result.
func newProgram(n *node, groups int) *program {
	p := &program{slots: 2 * (groups + 1)}
	p.emit(n)
	p.add(instruction{code: codeMatch})
	var first [256]bool
	if !n.firstBytes(&first) {
		p.first = &first
	}
	p.start = n.atStart()
	return p
}

func (p *program) add(i instruction) int {
	p.code = append(p.code, i)
	return len(p.code) - 1
}

func (p *program) emit(n *node) {
	switch n.op {
	case opEmpty:
	case opLiteral:
		c := codeRune
		if n.fold && unicode.SimpleFold(n.char) != n.char {
			c = codeFold
		}
		p.add(instruction{code: c, char: n.char})
	case opClass:
		c := codeSet
		if n.fold {
			c = codeSetFold
		}
		p.add(instruction{code: c, set: n.set})
	case opConcat:
		for _, s := range n.subs {
			p.emit(s)
		}
	case opAlternate:
		var ends []int
		for i, s := range n.subs {
			if i == len(n.subs)-1 {
				p.emit(s)
				break
			}
			split := p.add(instruction{code: codeSplit})
			p.code[split].x = len(p.code)
			p.emit(s)
			ends = append(ends, p.add(instruction{code: codeJump}))
			p.code[split].y = len(p.code)
		}
		for _, e := range ends {
			p.code[e].x = len(p.code)
		}
	case opRepeat:
		if n.possessive {
			greedy := *n
			greedy.possessive = false
			p.enclosed(instruction{code: codeAtomic}, &greedy)
			return
		}
		p.repeat(n)
	case opGroup:
		p.add(instruction{code: codeSave, x: 2 * n.group})
		p.emit(n.subs[0])
		p.add(instruction{code: codeSave, x: 2*n.group + 1})
	case opAtomic:
		p.enclosed(instruction{code: codeAtomic}, n.subs[0])
	case opLook:
		p.enclosed(instruction{code: codeLook, negate: n.negate, behind: n.behind, n: n.width}, n.subs[0])
	case opBackref:
		p.add(instruction{code: codeBackref, x: n.group, fold: n.fold})
	case opCondition:
		c := p.add(instruction{code: codeCondition, n: n.group})
		p.code[c].x = len(p.code)
		p.emit(n.subs[0])
		jump := p.add(instruction{code: codeJump})
		p.code[c].y = len(p.code)
		p.emit(n.subs[1])
		p.code[jump].x = len(p.code)
	default:
		p.add(instruction{code: codeAssert, kind: n.op})
	}
}

// enclosed emits an instruction with a program of its own.
func (p *program) enclosed(i instruction, body *node) {
	at := p.add(i)
	p.code[at].x = len(p.code)
	p.emit(body)
	p.add(instruction{code: codeMatch})
	p.code[at].y = len(p.code)
}

func (p *program) repeat(n *node) {
	for range n.min {
		p.emit(n.subs[0])
	}
	if n.max < 0 {
		// A round that consumes nothing would go on for ever.
		slot := p.slots
		p.slots++
		split := p.add(instruction{code: codeSplit})
		p.add(instruction{code: codeSave, x: slot})
		p.emit(n.subs[0])
		p.add(instruction{code: codeMoved, x: slot})
		p.add(instruction{code: codeJump, x: split})
		p.branch(split, n.lazy)
		return
	}
	var splits []int
	for range n.max - n.min {
		splits = append(splits, p.add(instruction{code: codeSplit}))
		p.emit(n.subs[0])
	}
	for _, s := range splits {
		p.branch(s, n.lazy)
	}
}

// branch points a split at what follows it and at the end of the program.
func (p *program) branch(split int, lazy bool) {
	x, y := split+1, len(p.code)
	if lazy {
		x, y = y, x
	}
	p.code[split].x, p.code[split].y = x, y
}

// firstBytes adds the bytes that a match of the node can begin with, and
// reports whether it can begin with any byte, or be empty.
func (n *node) firstBytes(set *[256]bool) (any bool) {
	switch n.op {
	case opLiteral:
		runes := []rune{n.char, n.char}
		if n.fold {
			runes = foldSet(runes)
		}
		addFirst(set, runes)
		return n.char == utf8.RuneError
	case opClass:
		runes := n.set
		if n.fold {
			runes = foldSet(runes)
		}
		addFirst(set, runes)
		return contains(runes, utf8.RuneError)
	case opConcat:
		for _, s := range n.subs {
			var own [256]bool
			if !s.firstBytes(&own) {
				for b, in := range own {
					set[b] = set[b] || in
				}
				return false
			}
			if s.op != opBegin && s.op != opWord && s.op != opNotWord && s.op != opBeginLine && s.op != opLook {
				return true
			}
		}
		return true
	case opAlternate:
		for _, s := range n.subs {
			any = s.firstBytes(set) || any
		}
		return any
	case opRepeat:
		return n.min == 0 || n.subs[0].firstBytes(set)
	case opGroup, opAtomic:
		return n.subs[0].firstBytes(set)
	}
	return true
}

func addFirst(set *[256]bool, runes []rune) {
	var buf [utf8.UTFMax]byte
	for i := 0; i+1 < len(runes); i += 2 {
		for r := runes[i]; r <= runes[i+1] && r < utf8.RuneSelf; r++ {
			set[r] = true
		}
		if runes[i+1] >= utf8.RuneSelf {
			// The first byte grows with the rune.
			utf8.EncodeRune(buf[:], max(runes[i], utf8.RuneSelf))
			lo := buf[0]
			utf8.EncodeRune(buf[:], runes[i+1])
			for b := int(lo); b <= int(buf[0]); b++ {
				set[b] = true
			}
		}
	}
}

// atStart reports whether a match can only begin at the start of the text.
func (n *node) atStart() bool {
	switch n.op {
	case opBegin:
		return true
	case opConcat, opGroup, opAtomic:
		return n.subs[0].atStart()
	case opAlternate:
		for _, s := range n.subs {
			if !s.atStart() {
				return false
			}
		}
		return true
	}
	return false
}

// String lists the program, for tests and debugging.
func (p *program) String() string {
	s := ""
	for i, c := range p.code {
		s += fmt.Sprintf("%d: %d x=%d y=%d %q\n", i, c.code, c.x, c.y, c.char)
	}
	return s
}
