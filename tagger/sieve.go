package tagger

import (
	"math/bits"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// sieve is a tagger's memory for looking into an index.
type sieve struct {
	index   *kindRules
	scanner *literal.Scanner
	open    literal.Owners
	present literal.Owners // programs
	few     []uint16       // programs, when they are few
	letters literal.Owners // options of one letter
	left    int            // bytes of parts that may still be scanned
}

const (
	// noProgram stands for a program that no rule names.
	noProgram = ^uint16(0)
	// maxScanned is how many bytes of the parts of one text are looked at. Each
	// byte of a text may be in many parts: of each command around a
	// substitution, say.
	maxScanned = 3 << 20
	// maxFew is how many programs are asked for one by one.
	maxFew = 8
)

func (k *kindRules) sieve() *sieve {
	s := &sieve{index: k, open: make(literal.Owners, len(k.always)), present: make(literal.Owners, len(k.byName)/64+1), letters: make(literal.Owners, 2)}
	if k.literals != nil {
		s.scanner = k.literals.Scanner()
	}
	return s
}

// begin opens what is always open.
func (s *sieve) begin() {
	copy(s.open, s.index.always)
	clear(s.present)
	clear(s.letters)
	s.few = s.few[:0]
	s.left = maxScanned
	if s.scanner != nil {
		s.scanner.Reset()
	}
}

// text opens what the raw text gives a chance. When lines of commands matter
// too, it stands for those that are a part of it.
func (s *sieve) text(text string) {
	if s.scanner == nil {
		return
	}
	in := places[fieldText]
	if s.index.line {
		in |= places[fieldLine]
	}
	s.scanner.Scan(text, in, s.open)
}

// script opens what the parts of a text give a chance, and appends the numbers
// of the programs of its commands.
func (s *sieve) script(text string, script *shell.Script, programs []uint16) []uint16 {
	k := s.index
	for i := range script.Commands {
		c := &script.Commands[i]
		id, ok := k.programs[c.Program]
		if !ok {
			id = noProgram
		} else {
			s.program(id)
		}
		programs = append(programs, id)
		if k.options != nil {
			s.options(c.Flags)
		}
		if k.line && !standsIn(text, c) {
			s.part(c.Line, fieldLine)
		}
		for _, f := range k.fields {
			if s.left -= f.makes(c); s.left < 0 {
				break
			}
			value, many := f.of(c)
			if f.single() {
				s.part(value, f)
			}
			for _, v := range many {
				s.part(v, f)
			}
		}
	}
	if k.decoded {
		for i := range script.Decoded {
			s.part(script.Decoded[i].Text, fieldDecoded)
		}
	}
	return programs
}

// standsIn reports whether a command's line is known to be a part of the text.
func standsIn(text string, c *shell.Command) bool {
	return c.Start >= 0 && c.Start <= len(text) && strings.HasPrefix(text[c.Start:], c.Line)
}

// program opens what a program gives a chance.
func (s *sieve) program(id uint16) {
	if s.present.Has(int(id)) {
		return
	}
	s.present.Add(int(id))
	if len(s.few) <= maxFew {
		s.few = append(s.few, id)
	}
	for _, owner := range s.index.byName[id] {
		s.open.Add(int(owner))
	}
}

// options opens what the options of a command give a chance.
func (s *sieve) options(names []string) {
	for _, name := range names {
		var owners []uint16
		if len(name) != 1 || name[0] >= 128 {
			owners = s.index.options[name]
		} else if c := int(name[0]); !s.letters.Has(c) {
			s.letters.Add(c)
			owners = s.index.letters[c]
		}
		for _, owner := range owners {
			s.open.Add(int(owner))
		}
	}
}

// anyOf reports whether one of the programs is present.
func (s *sieve) anyOf(programs literal.Owners) bool {
	if len(s.few) > maxFew {
		return programs.Meets(s.present)
	}
	for _, id := range s.few {
		if programs.Has(int(id)) {
			return true
		}
	}
	return false
}

// part opens what one value of a field gives a chance.
func (s *sieve) part(value string, f field) {
	if s.left -= literal.Cost(value); s.left >= 0 && value != "" {
		s.scanner.Scan(value, places[f], s.open)
	}
}

// bounded reports whether parts were left out.
func (s *sieve) bounded() bool { return s.left < 0 }

// payload opens what an event of another kind gives a chance. A field that is
// no string is not looked into: then everything is open.
func (s *sieve) payload(p ttpcron.Payload) {
	if s.scanner == nil {
		return
	}
	for _, name := range s.index.payload {
		text, _ := p.Text(name)
		if isStructured(p, name) {
			for i := range s.open {
				s.open[i] = ^uint64(0)
			}
			return
		}
		s.scanner.Scan(text, places[fieldPayload], s.open)
	}
}

// candidates calls try for every rule that is open and has a chance, by id.
func (s *sieve) candidates(try func(r *runnable, check *prepared)) {
	k := s.index
	for word, open := range s.open[:(len(k.rules)+63)/64] {
		for open != 0 {
			i := word*64 + bits.TrailingZeros64(open)
			open &= open - 1
			if i >= len(k.rules) {
				return // what follows are gates
			}
			r := k.rules[i]
			check := &r.check
			if r.payload && k.kind == ttpcron.Command {
				check = &r.relaxed
			}
			if k.guards.possible(check.guard, s) {
				try(r, check)
			}
		}
	}
}
