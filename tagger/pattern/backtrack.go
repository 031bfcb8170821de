package pattern

import (
	"math"
	"unicode/utf8"
)

const (
	// stepCost is what one instruction costs of a Budget.
	stepCost = 10
	// maxMatch bounds what one match may use of it.
	maxMatch = 2_000_000
)

// machine matches one text by backtracking. It has its own stack, so neither text nor
// expression can exhaust the goroutine's.
type machine struct {
	code  []instruction
	text  string
	slots []int
	stack []frame
	steps int
	met   bool
}

// frame is a place to go back to, or the value that a slot had.
type frame struct {
	place int32 // in the program; -1-slot restores a slot
	value int32 // position in the text, or the slot's value
}

// find returns where the leftmost match begins and ends.
func (p *program) find(text string, b *Budget) (start, end int, ok bool) {
	limit := min(b.Steps, maxMatch)
	if len(text) > math.MaxInt32 {
		b.Met = true
		return 0, 0, false
	}
	m := machine{code: p.code, text: text, slots: make([]int, p.slots), stack: b.stack[:0], steps: limit}
	defer func() { b.stack = m.stack[:0] }()
	for i := 0; i <= len(text); i++ {
		if p.first != nil {
			from := i
			for i < len(text) && !p.first[text[i]] {
				i++
			}
			m.steps -= i - from
			if i == len(text) {
				break
			}
		}
		if i > 0 && i < len(text) && !utf8.RuneStart(text[i]) && inRune(text, i) {
			continue
		}
		if end, ok = m.tryAt(i); ok || m.met {
			start = i
			break
		}
		if p.start {
			break
		}
	}
	b.Steps -= min(limit-max(m.steps, 0), b.Steps)
	b.Met = b.Met || m.met
	return start, end, ok
}

// inRune reports whether the byte at i continues a valid rune, so there is no position
// before it.
func inRune(text string, i int) bool {
	for k := i - 1; k >= max(0, i-3); k-- {
		if utf8.RuneStart(text[k]) {
			r, n := utf8.DecodeRuneInString(text[k:])
			return (r != utf8.RuneError || n > 1) && k+n > i
		}
	}
	return false
}

func (m *machine) tryAt(i int) (end int, ok bool) {
	for k := range m.slots {
		m.slots[k] = -1
	}
	m.steps -= len(m.slots)
	m.stack = m.stack[:0]
	return m.run(0, i)
}

// run matches the program at pc, up to its codeMatch, from a position on.
func (m *machine) run(pc, pos int) (end int, ok bool) {
	base := len(m.stack)
	for {
		if m.steps -= stepCost; m.steps <= 0 {
			m.met = true
			return 0, false
		}
		in := &m.code[pc]
		ok := true
		next := pc + 1
		switch in.code {
		case codeMatch:
			m.keep(base)
			return pos, true
		case codeRune, codeFold, codeSet, codeSetFold:
			pos, ok = m.consume(in, pos)
		case codeSplit:
			m.stack = append(m.stack, frame{int32(in.y), int32(pos)})
			next = in.x
		case codeJump:
			next = in.x
		case codeSave:
			m.save(in.x, pos)
		case codeMoved:
			ok = m.slots[in.x] != pos
		case codeAssert:
			ok = assert(in.kind, m.text, pos)
		case codeLook:
			ok = m.look(in, pos)
			next = in.y
		case codeAtomic:
			pos, ok = m.run(in.x, pos)
			next = in.y
		case codeBackref:
			pos, ok = m.backref(in, pos)
		case codeCondition:
			if next = in.y; m.slots[2*in.n+1] >= 0 {
				next = in.x
			}
		}
		if m.met {
			return 0, false
		}
		if !ok {
			if next, pos, ok = m.back(base); !ok {
				return 0, false
			}
		}
		pc = next
	}
}

func (m *machine) save(slot, pos int) {
	m.stack = append(m.stack, frame{int32(-1 - slot), int32(m.slots[slot])})
	m.slots[slot] = pos
}

// back undoes everything since the last choice above base.
func (m *machine) back(base int) (pc, pos int, ok bool) {
	for len(m.stack) > base {
		f := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if f.place >= 0 {
			return int(f.place), int(f.value), true
		}
		m.slots[-1-f.place] = int(f.value)
	}
	return 0, 0, false
}

// keep forgets the choices above base, but not how to undo the captures.
func (m *machine) keep(base int) {
	kept := m.stack[:base]
	for _, f := range m.stack[base:] {
		if f.place < 0 {
			kept = append(kept, f)
		}
	}
	m.steps -= len(m.stack) - base
	m.stack = kept
}

// undo takes back everything above base.
func (m *machine) undo(base int) {
	for len(m.stack) > base {
		f := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if f.place < 0 {
			m.slots[-1-f.place] = int(f.value)
		}
	}
}

func (m *machine) consume(in *instruction, pos int) (int, bool) {
	if pos >= len(m.text) {
		return pos, false
	}
	r, n := rune(m.text[pos]), 1
	if r >= utf8.RuneSelf {
		r, n = utf8.DecodeRuneInString(m.text[pos:])
	}
	ok := false
	switch in.code {
	case codeRune:
		ok = r == in.char
	case codeFold:
		ok = equalFold(r, in.char)
	case codeSet:
		ok = contains(in.set, r)
	case codeSetFold:
		ok = containsFold(in.set, r)
	}
	return pos + n, ok
}

func (m *machine) look(in *instruction, pos int) bool {
	from := pos
	if in.behind {
		for range in.n {
			if from == 0 {
				return in.negate
			}
			_, n := utf8.DecodeLastRuneInString(m.text[:from])
			from -= n
		}
	}
	base := len(m.stack)
	_, ok := m.run(in.x, from)
	if in.negate {
		m.undo(base)
	}
	return ok != in.negate
}

func (m *machine) backref(in *instruction, pos int) (int, bool) {
	from, to := m.slots[2*in.x], m.slots[2*in.x+1]
	if from < 0 || to < from {
		return pos, false
	}
	m.steps -= to - from
	if !in.fold {
		end := pos + to - from
		return end, end <= len(m.text) && m.text[from:to] == m.text[pos:end]
	}
	for from < to {
		if pos >= len(m.text) {
			return pos, false
		}
		a, n := utf8.DecodeRuneInString(m.text[from:to])
		b, k := utf8.DecodeRuneInString(m.text[pos:])
		if !equalFold(a, b) {
			return pos, false
		}
		from, pos = from+n, pos+k
	}
	return pos, true
}

// assert decides the assertions that have no part of their own.
func assert(kind op, text string, pos int) bool {
	switch kind {
	case opBegin:
		return pos == 0
	case opBeginLine:
		return pos == 0 || text[pos-1] == '\n'
	case opEnd:
		return pos == len(text)
	case opDollar:
		return pos == len(text) || pos == len(text)-1 && text[pos] == '\n'
	case opEndLine:
		return pos == len(text) || text[pos] == '\n'
	}
	before := pos > 0 && isWord(text[pos-1])
	after := pos < len(text) && isWord(text[pos])
	return (before != after) == (kind == opWord)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
