package tagger

import (
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/literal"
)

// kindRules are the rules that can emit a tag for events of one kind, and the literal
// index that finds the candidates for an event.
//
// The index numbers its rules, and after them the terms: tests within rules that require
// literals. Literals of tests of the raw text are looked for in the text. Programs and
// literals of tests of its parts are looked for in the shell parser's result, since quotes
// and encodings hide them in the text. A rule or term is seen as soon as something it
// requires is found in the required field of any simple command. So the index may report
// candidates that do not match, but never misses a rule that does.
type kindRules struct {
	kind  ttpcron.SourceKind
	rules []*runnable // by id
	// streams are the correlations' streams for events of the kind.
	streams []*ttpcron.Stream

	unfiltered literal.IDs // rules without requirement, always candidates
	literals   *literal.Index
	fields     []field                       // of simple commands, but for line, that literals are looked for in
	line       bool                          // they are looked for in lines
	decoded    bool                          // and in decoded texts
	images     bool                          // and in the images of processes
	lines      bool                          // and in their lines
	longest    int                           // of the literals that are looked for in these
	options    map[string][]uint16           // rules and terms that require an option
	letters    [128][]uint16                 // the same for those of one letter
	programs   map[string]uint16             // numbers the programs that rules name
	byName     [][]uint16                    // rules and terms that require a program, by its number
	payload    []string                      // payload fields that literals are looked for in, of other kinds
	reads      []string                      // payload fields that rules of other kinds look at, sorted
	readsKnown bool                          // these are all that decides, see memo
	outcomes   []func(*ttpcron.Event) string // but for what predicates read besides the payload
	facets     *facetRules                   // nil where they do not decide
	shell      bool                          // a rule needs the text parsed
	processes  bool                          // and its processes listed
	prefilters prefilters
}

// fieldBits are the bits of the fields that are searched for literals. Text and payload
// share one: no kind of event has both.
var fieldBits = func() (bits [fieldCount]literal.Fields) {
	bits[fieldPayload], bits[fieldText] = 1, 1
	next := literal.Fields(2)
	for f := fieldDecoded; f < fieldCount; f++ {
		if f.scanned() == f && f != fieldBackground && f != fieldPayload {
			bits[f] = next
			next <<= 1
		}
	}
	if next == 0 {
		panic("more fields than bits")
	}
	return bits
}()

// maxIDs is how many rules and terms an index can number.
const maxIDs = 1 << 16

type indexer struct {
	k        *kindRules
	literals literal.Builder
	used     map[field]bool
	ids      int            // rules and terms numbered so far
	known    map[string]int // terms by what they require
}

func (k *kindRules) indexed() {
	x := indexer{k: k, used: map[field]bool{}, ids: len(k.rules), known: map[string]int{}}
	k.programs = map[string]uint16{}
	k.readBy()
	k.facets = newFacetRules(k)
	var unfiltered []int
	for i, r := range k.rules {
		k.shell, k.processes = k.shell || r.shell, k.processes || r.perProcess
		x.terms(r.check.is)
		x.terms(r.relaxed.is)
		r.check.prefilter = k.prefilters.add(r.check.is)
		r.relaxed.prefilter = k.prefilters.add(r.relaxed.is)
		if r.own != nil {
			r.programs = k.numbers(r.own)
		}
		if !r.requires.known {
			unfiltered = append(unfiltered, i)
			continue
		}
		for _, name := range r.requires.programs {
			x.program(name, i)
		}
		x.require(r.requires.literals, i)
	}
	k.unfiltered = make(literal.IDs, x.ids/64+1)
	for _, i := range unfiltered {
		k.unfiltered.Add(i)
	}
	if x.literals.Len() > 0 {
		k.literals = x.literals.Build()
	}
	for c := range k.letters {
		k.letters[c] = k.options[string(rune(c))]
	}
	k.line, k.decoded = x.used[fieldLine], x.used[fieldDecoded]
	k.images, k.lines = x.used[fieldImage], x.used[fieldCommandLine]
	for f := fieldProgram; f <= fieldBackground; f++ {
		if x.used[f] && f != fieldLine {
			k.fields = append(k.fields, f)
		}
	}
}

// require makes a rule or term seen when one of the literals is in its field.
func (x *indexer) require(list []requiredLiterals, id int) {
	for _, l := range list {
		if l.option {
			for _, text := range l.texts {
				x.option(text, id)
			}
			continue
		}
		f := l.field.field.scanned()
		for _, text := range l.texts {
			x.literals.Add(text, id, fieldBits[f])
			if f == fieldCommandLine {
				x.k.longest = max(x.k.longest, len(text))
			}
		}
		x.used[f] = true
	}
	x.scan(list)
}

// scan searches the payload fields for required literals.
func (x *indexer) scan(list []requiredLiterals) {
	for _, l := range list {
		if l.field.field == fieldPayload && !slices.Contains(x.k.payload, l.field.name) {
			x.k.payload = append(x.k.payload, l.field.name)
		}
	}
}

func (x *indexer) option(name string, id int) {
	if x.k.options == nil {
		x.k.options = map[string][]uint16{}
	}
	if list := x.k.options[name]; !slices.Contains(list, uint16(id)) {
		x.k.options[name] = append(list, uint16(id))
	}
}

// terms numbers the tests in a check that require literals.
func (x *indexer) terms(c check) {
	switch c := c.(type) {
	case *checkAll:
		x.termList(c.list)
		for i, sub := range c.list {
			own := termsOf(sub)
			for _, term := range own {
				c.terms = appendNew(c.terms, term)
			}
			if term := x.term(sub, c.requires[i]); len(own) == 0 && term > 0 {
				c.terms = appendNew(c.terms, term)
			}
		}
	case checkAny:
		x.termList(c)
	case checkNone:
		x.termList(c)
	case *checkSome:
		x.terms(c.is)
	case *checkOnce:
		x.terms(c.is)
	case *checkValue:
		// Payload fields of commands are not scanned.
		if c.field.field == fieldPayload && x.k.kind == ttpcron.Command {
			return
		}
		t := fieldTest{c.field, c.test}
		if r := t.requirement(); len(r.programs) > 0 {
			c.programs = x.k.numbers(r.programs)
			return
		}
		for _, r := range t.requirements() {
			if x.ids < maxIDs && !r.everywhere() {
				c.terms = appendNew(c.terms, x.termFor(r))
			}
		}
	}
}

// term numbers a condition made of others, or returns 0.
func (x *indexer) term(c check, r requirement) int {
	if _, leaf := c.(*checkValue); leaf || !r.known || r.everywhere() || x.ids >= maxIDs {
		return 0
	}
	for _, l := range r.literals {
		if l.field.field == fieldPayload && x.k.kind == ttpcron.Command {
			return 0 // not scanned
		}
	}
	return x.termFor(r)
}

// termFor returns the term with a requirement.
func (x *indexer) termFor(r requirement) int {
	key := r.key()
	id, ok := x.known[key]
	if !ok {
		id = x.ids
		x.ids++
		x.known[key] = id
		x.require(r.literals, id)
		for _, name := range r.programs {
			x.program(name, id)
		}
	}
	x.scan(r.literals) // a term is one of several fields if these require the same of them
	return id
}

func termsOf(c check) []int {
	switch c := c.(type) {
	case *checkValue:
		return c.terms
	case *checkOnce:
		return termsOf(c.is)
	}
	return nil
}

func appendNew(list []int, id int) []int {
	if slices.Contains(list, id) {
		return list
	}
	return append(list, id)
}

func (x *indexer) termList(list []check) {
	for _, c := range list {
		x.terms(c)
	}
}

func (k *kindRules) number(name string) uint16 {
	id, ok := k.programs[name]
	if !ok {
		id = uint16(len(k.byName))
		k.programs[name] = id
		k.byName = append(k.byName, nil)
	}
	return id
}

func (k *kindRules) numbers(names []string) literal.IDs {
	set := make(literal.IDs, 1)
	for _, name := range names {
		set = set.With(int(k.number(name)))
	}
	return set
}

func (x *indexer) program(name string, id int) {
	n := x.k.number(name)
	if !slices.Contains(x.k.byName[n], uint16(id)) {
		x.k.byName[n] = append(x.k.byName[n], uint16(id))
	}
}

// scanned returns the field that is searched instead of this one: a command's line
// contains its program, arguments, options and operands, and a parent is a process too.
func (f field) scanned() field {
	switch f {
	case fieldProgram, fieldArgs, fieldArgAny, fieldFlag, fieldOperand:
		return fieldLine
	case fieldParentImage:
		return fieldImage
	case fieldParentCommandLine:
		return fieldCommandLine
	}
	return f
}
