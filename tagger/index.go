package tagger

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/literal"
)

// kindRules are the rules that can emit a tag of an event of one kind, and the
// index that tells what an event gives a chance.
//
// The index numbers its rules, and after them the tests that need a literal,
// the gates. The literals of tests of the raw text are looked for in the text;
// programs and the literals of tests of its parts are looked for in what the
// shell parser made of it, since quotes and encodings hide them in the text. A
// rule or gate is open as soon as anything it needs is seen in the field that it
// needs it in, of any simple command, so that the index can be wrong in one
// direction only.
type kindRules struct {
	kind  ttpcron.SourceKind
	rules []*runnable // by id

	always   literal.Owners // rules without a known need
	literals *literal.Set
	fields   []field             // of simple commands, but for line, that literals are looked for in
	line     bool                // they are looked for in lines
	decoded  bool                // and in decoded texts
	options  map[string][]uint16 // what an option of a simple command opens
	letters  [128][]uint16       // the same for those of one letter
	programs map[string]uint16   // numbers the programs that rules name
	byName   [][]uint16          // what a program opens, by its number
	payload  []string            // payload fields that literals are looked for in, of other kinds
	shell    bool                // a rule needs the text parsed
	guards   guards
}

// places are the bits of the fields that literals are looked for in. Text and
// payload share one: no kind of event has both.
var places = func() (bits [fieldCount]literal.Places) {
	bits[fieldPayload], bits[fieldText] = 1, 1
	next := literal.Places(2)
	for f := fieldDecoded; f < fieldCount; f++ {
		if f.scanned() == f && f != fieldBackground && f != fieldPayload {
			bits[f] = next
			next <<= 1
		}
	}
	if next == 0 {
		panic("more fields than places")
	}
	return bits
}()

// maxOwners is how many rules and gates the automata can tell apart.
const maxOwners = 1 << 16

// indexer makes the index of a kind.
type indexer struct {
	k        *kindRules
	literals literal.Builder
	used     map[field]bool
	owners   int
	known    map[string]int // gates by what they need
}

// indexed makes the index of the rules that were added to k.
func (k *kindRules) indexed() {
	x := indexer{k: k, used: map[field]bool{}, owners: len(k.rules), known: map[string]int{}}
	k.programs = map[string]uint16{}
	var always []int
	for i, r := range k.rules {
		k.shell = k.shell || r.shell
		x.gates(r.check.is)
		x.gates(r.relaxed.is)
		r.check.guard = k.guards.add(r.check.is)
		r.relaxed.guard = k.guards.add(r.relaxed.is)
		if r.own != nil {
			r.programs = k.numbers(r.own)
		}
		if !r.need.known {
			always = append(always, i)
			continue
		}
		for _, name := range r.need.programs {
			x.program(name, i)
		}
		x.want(r.need.literals, i)
	}
	k.always = make(literal.Owners, x.owners/64+1)
	for _, i := range always {
		k.always.Add(i)
	}
	if x.literals.Len() > 0 {
		k.literals = x.literals.Build()
	}
	for c := range k.letters {
		k.letters[c] = k.options[string(rune(c))]
	}
	k.line, k.decoded = x.used[fieldLine], x.used[fieldDecoded]
	for f := fieldProgram; f < fieldCount; f++ {
		if x.used[f] && f != fieldLine {
			k.fields = append(k.fields, f)
		}
	}
}

// want opens an owner when one of the literals is in its field.
func (x *indexer) want(list []needed, owner int) {
	for _, l := range list {
		if l.option {
			for _, text := range l.texts {
				x.option(text, owner)
			}
			continue
		}
		f := l.field.field.scanned()
		for _, text := range l.texts {
			x.literals.Add(text, owner, places[f])
		}
		x.used[f] = true
		if f == fieldPayload && !slices.Contains(x.k.payload, l.field.name) {
			x.k.payload = append(x.k.payload, l.field.name)
		}
	}
}

// option makes an option open an owner.
func (x *indexer) option(name string, owner int) {
	if x.k.options == nil {
		x.k.options = map[string][]uint16{}
	}
	if list := x.k.options[name]; !slices.Contains(list, uint16(owner)) {
		x.k.options[name] = append(list, uint16(owner))
	}
}

// gates gives every test in a check that needs a literal a gate.
func (x *indexer) gates(c check) {
	switch c := c.(type) {
	case *checkAll:
		x.gateList(c.list)
		for i, sub := range c.list {
			own := gatesOf(sub)
			for _, g := range own {
				c.gates = appendNew(c.gates, g)
			}
			if g := x.gate(sub, c.needs[i]); len(own) == 0 && g > 0 {
				c.gates = appendNew(c.gates, g)
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
		// Payload fields of commands are not scanned.
		if c.field.field == fieldPayload && x.k.kind == ttpcron.Command {
			return
		}
		t := fieldTest{c.field, c.test}
		if n := t.need(); len(n.programs) > 0 {
			c.programs = x.k.numbers(n.programs)
			return
		}
		for _, n := range t.needs() {
			if x.owners < maxOwners && !n.everywhere() {
				c.gates = appendNew(c.gates, x.gateFor(n))
			}
		}
	}
}

// gate gives a gate to a condition that is made of others, or returns 0.
func (x *indexer) gate(c check, n need) int {
	if _, leaf := c.(*checkValue); leaf || !n.known || n.everywhere() || x.owners >= maxOwners {
		return 0
	}
	for _, l := range n.literals {
		if l.field.field == fieldPayload && x.k.kind == ttpcron.Command {
			return 0 // not scanned
		}
	}
	return x.gateFor(n)
}

// gateFor returns the gate that a need opens.
func (x *indexer) gateFor(n need) int {
	key := n.key()
	g, ok := x.known[key]
	if !ok {
		g = x.owners
		x.owners++
		x.known[key] = g
		x.want(n.literals, g)
		for _, name := range n.programs {
			x.program(name, g)
		}
	}
	return g
}

// gatesOf returns the gates of a test.
func gatesOf(c check) []int {
	switch c := c.(type) {
	case *checkValue:
		return c.gates
	case *checkOnce:
		return gatesOf(c.is)
	}
	return nil
}

func appendNew(list []int, g int) []int {
	if slices.Contains(list, g) {
		return list
	}
	return append(list, g)
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

// numbers returns the numbers of programs.
func (k *kindRules) numbers(names []string) literal.Owners {
	set := make(literal.Owners, 1)
	for _, name := range names {
		set = set.With(int(k.number(name)))
	}
	return set
}

// program makes a program open an owner.
func (x *indexer) program(name string, owner int) {
	id := x.k.number(name)
	if !slices.Contains(x.k.byName[id], uint16(owner)) {
		x.k.byName[id] = append(x.k.byName[id], uint16(owner))
	}
}

// scanned returns the field whose value holds every value of this one.
func (f field) scanned() field {
	switch f {
	case fieldProgram, fieldArgs, fieldArgAny, fieldFlag, fieldOperand:
		return fieldLine
	}
	return f
}
