package tagger

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/literal"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// kindRules are the rules that can emit a tag of an event of one kind, and the
// index that tells what an event gives a chance.
//
// The index numbers its rules, and after them the tests that need a literal,
// the gates. The literals of tests of the raw text are looked for in the text;
// programs and the literals of tests of its parts are looked for in what the
// shell parser made of it, since quotes and encodings hide them in the text. A
// rule or gate is open as soon as anything it needs is seen anywhere, so that
// the index can be wrong in one direction only.
type kindRules struct {
	kind  ttpcron.SourceKind
	rules []*runnable // by id

	always   literal.Owners // rules without a known need
	raw      *literal.Set
	parts    *literal.Set
	fields   []field           // of simple commands, whose values parts looks at
	programs map[string]uint16 // numbers the programs that rules name
	byName   [][]uint16        // what a program opens, by its number
	payload  []string          // payload fields that raw looks at, for other kinds
	shell    bool              // a rule needs the text parsed
}

// maxOwners is how many rules and gates the automata can tell apart.
const maxOwners = 1 << 16

// indexer makes the index of a kind.
type indexer struct {
	k          *kindRules
	raw, parts literal.Builder
	used       map[field]bool
	owners     int
}

// indexed makes the index of the rules that were added to k.
func (k *kindRules) indexed() {
	x := indexer{k: k, used: map[field]bool{}, owners: len(k.rules)}
	k.programs = map[string]uint16{}
	var always []int
	for i, r := range k.rules {
		k.shell = k.shell || r.shell
		x.gates(r.check.is)
		x.gates(r.relaxed.is)
		if !r.need.known {
			always = append(always, i)
			continue
		}
		if r.need.own && len(r.need.literals) == 0 {
			r.programs = make(literal.Owners, 1)
		}
		for _, name := range r.need.programs {
			if id := x.program(name, i); r.programs != nil {
				r.programs = r.programs.With(id)
			}
		}
		x.literals(r.need.literals, i)
	}
	k.always = make(literal.Owners, x.owners/64+1)
	for _, i := range always {
		k.always.Add(i)
	}
	if x.raw.Len() > 0 {
		k.raw = x.raw.Build()
	}
	if x.parts.Len() > 0 {
		k.parts = x.parts.Build()
	}
	for f := fieldNone; f < fieldCount; f++ {
		if x.used[f] {
			k.fields = append(k.fields, f)
		}
	}
}

func (x *indexer) literals(list []needed, owner int) {
	for _, l := range list {
		switch l.field.field {
		case fieldText:
			x.raw.Add(l.literal, owner)
		case fieldPayload:
			x.raw.Add(l.literal, owner)
			if !slices.Contains(x.k.payload, l.field.name) {
				x.k.payload = append(x.k.payload, l.field.name)
			}
		default:
			x.parts.Add(l.literal, owner)
			x.used[l.field.field.scanned()] = true
		}
	}
}

// gates gives every test in a check that needs a literal a gate.
func (x *indexer) gates(c check) {
	switch c := c.(type) {
	case *checkAll:
		x.gateList(c.list)
		for i, sub := range c.list {
			g := gateOf(sub)
			if g == 0 {
				g = x.gate(sub, c.needs[i])
			}
			if g > 0 {
				c.gates = append(c.gates, g)
			}
		}
	case checkAny:
		x.gateList(c)
	case checkNone:
		x.gateList(c)
	case *checkSome:
		x.gates(c.is)
	case *checkOnce:
		x.gates(c.is)
	case *checkValue:
		n := fieldTest{c.field, c.test}.need()
		// Payload fields of commands are not scanned.
		if c.field.field == fieldPayload && x.k.kind == ttpcron.Command || x.owners >= maxOwners {
			return
		}
		switch {
		case len(n.programs) > 0:
			c.programs = make(literal.Owners, 1)
			for _, name := range n.programs {
				c.programs = c.programs.With(int(x.k.number(name)))
			}
		case n.known:
			c.gate = x.owners
			x.literals(n.literals, c.gate)
			x.owners++
		}
	}
}

// gate gives a gate to a condition that is made of others, or returns 0.
func (x *indexer) gate(c check, n need) int {
	if _, leaf := c.(*checkValue); leaf || !n.known || x.owners >= maxOwners {
		return 0
	}
	for _, l := range n.literals {
		if l.field.field == fieldPayload && x.k.kind == ttpcron.Command {
			return 0 // not scanned
		}
	}
	g := x.owners
	x.owners++
	x.literals(n.literals, g)
	for _, name := range n.programs {
		x.program(name, g)
	}
	return g
}

// gateOf returns the gate of a test, or 0.
func gateOf(c check) int {
	switch c := c.(type) {
	case *checkValue:
		return c.gate
	case *checkOnce:
		return gateOf(c.is)
	}
	return 0
}

// possible reports whether the gates and programs that are open leave a check a
// chance. It looks at no text, and at no simple command in particular.
func possible(c check, ev *evaluation) bool {
	switch c := c.(type) {
	case *checkAll:
		for _, g := range c.gates {
			if !ev.open.Has(g) {
				return false
			}
		}
		for _, sub := range c.list {
			if !possible(sub, ev) {
				return false
			}
		}
	case checkAny:
		for _, sub := range c {
			if possible(sub, ev) {
				return true
			}
		}
		return false
	case *checkSome:
		return possible(c.is, ev)
	case *checkOnce:
		return possible(c.is, ev)
	case *checkValue:
		if c.gate > 0 {
			return ev.open.Has(c.gate)
		}
		return c.programs == nil || c.programs.Meets(ev.present)
	}
	return true
}

func (x *indexer) gateList(list []check) {
	for _, c := range list {
		x.gates(c)
	}
}

// number returns the number of a program.
func (k *kindRules) number(name string) uint16 {
	id, ok := k.programs[name]
	if !ok {
		id = uint16(len(k.byName))
		k.programs[name] = id
		k.byName = append(k.byName, nil)
	}
	return id
}

// program makes a program open an owner, and returns its number.
func (x *indexer) program(name string, owner int) int {
	id := x.k.number(name)
	if !slices.Contains(x.k.byName[id], uint16(owner)) {
		x.k.byName[id] = append(x.k.byName[id], uint16(owner))
	}
	return int(id)
}

// scanned returns the field whose value holds every value of this one.
func (f field) scanned() field {
	switch f {
	case fieldProgram, fieldArgs, fieldArgAny, fieldFlag, fieldOperand:
		return fieldLine
	}
	return f
}

// noProgram stands for a program that no rule names.
const noProgram = ^uint16(0)

// sieve is a tagger's memory for looking into an index.
type sieve struct {
	index      *kindRules
	raw, parts *literal.Scanner
	open       literal.Owners
	present    literal.Owners // programs
	left       int            // bytes of parts that may still be scanned
}

// maxScanned is how many bytes of the parts of one text are looked at. Each byte
// of a text may be in many parts: of each command around a substitution, say.
const maxScanned = 3 << 20

func (k *kindRules) sieve() *sieve {
	s := &sieve{index: k, open: make(literal.Owners, len(k.always)), present: make(literal.Owners, len(k.byName)/64+1)}
	if k.raw != nil {
		s.raw = k.raw.Scanner()
	}
	if k.parts != nil {
		s.parts = k.parts.Scanner()
	}
	return s
}

// begin opens what is always open.
func (s *sieve) begin() {
	copy(s.open, s.index.always)
	clear(s.present)
	s.left = maxScanned
	if s.raw != nil {
		s.raw.Reset()
	}
	if s.parts != nil {
		s.parts.Reset()
	}
}

// text opens what the raw text gives a chance.
func (s *sieve) text(text string) {
	if s.raw != nil {
		s.raw.Scan(text, s.open)
	}
}

// script opens what the parts of a text give a chance, and appends the numbers
// of the programs of its commands.
func (s *sieve) script(script *shell.Script, programs []uint16) []uint16 {
	k := s.index
	line := slices.Contains(k.fields, fieldLine)
	for i := range script.Commands {
		c := &script.Commands[i]
		id, ok := k.programs[c.Program]
		if !ok {
			id = noProgram
		} else if !s.present.Has(int(id)) {
			s.present.Add(int(id))
			for _, r := range k.byName[id] {
				s.open.Add(int(r))
			}
		}
		programs = append(programs, id)
		for _, f := range k.fields {
			value, many := f.of(c)
			if f.single() && !(f == fieldPath && line && c.Path == c.Program) { // the line begins with it
				s.part(value)
			}
			for _, v := range many {
				s.part(v)
			}
		}
	}
	if slices.Contains(k.fields, fieldDecoded) {
		for i := range script.Decoded {
			s.part(script.Decoded[i].Text)
		}
	}
	return programs
}

// part opens what one value gives a chance.
func (s *sieve) part(value string) {
	if s.left -= len(value); s.left >= 0 {
		s.parts.Scan(value, s.open)
	}
}

// bounded reports whether parts were left out.
func (s *sieve) bounded() bool { return s.left < 0 }

// payload opens what an event of another kind gives a chance. A field that is
// no string is not looked into: then everything is open.
func (s *sieve) payload(p ttpcron.Payload) {
	if s.raw == nil {
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
		s.raw.Scan(text, s.open)
	}
}
