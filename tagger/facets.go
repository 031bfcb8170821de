package tagger

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// Most events that are not commands, such as logins and facts about sessions, get no tag,
// and few of their fields decide which base rules match. So to find a verdict without
// tags, one field after another is looked up until every rule is decided. The results of
// all rule tests of a field's value are its facet. Which field is next depends on the
// facets so far. Facets and verdicts are remembered. Values that are too long, or
// structured, are left to the index.

// facetRules are the rules of a kind, as far as facets decide them.
type facetRules struct {
	rules  []*runnable
	is     []facetTest // of each
	fields []facetField
}

// facetField is a field that rules test, or a predicate that they ask.
type facetField struct {
	name     string
	leaves   []*checkValue // a bit of the facet each
	searched bool          // one of them does more than look up

	outcome func(*ttpcron.Event) string
	accepts []func(outcome string) bool // a bit each
}

// facetTest is a condition whose tests are bits of facets.
type facetTest struct {
	of    facetOp
	list  []facetTest
	field int
	bit   int
}

type facetOp uint8

const (
	facetBit facetOp = iota
	facetAll
	facetAny
	facetNone
)

const (
	maxFacetFields = 16
	maxFacetBits   = 64
	// maxSearched is how many tests of a field may search in its value: for many, the
	// index is better.
	maxSearched = 4
	// maxFacet is the longest value that is remembered; maxLookedUp is the same if all
	// tests are look-ups.
	maxFacet    = 46
	maxLookedUp = 4096
	// maxFacetSteps is what all tests of a value may take. That is below each rule's
	// limit, whatever it tests.
	maxFacetSteps = stepsPerRule / maxFacetFields
	facetSlots    = 512
	maxFacetNodes = 4096
	maxFacetEdges = 64
)

// newFacetRules returns nil when facets cannot decide the rules, or not cheaply.
func newFacetRules(k *kindRules) *facetRules {
	if !k.readsKnown {
		return nil
	}
	f := &facetRules{rules: k.rules}
	for _, r := range k.rules {
		t, ok := f.test(resolve(r.match, k.kind))
		if !ok {
			return nil
		}
		f.is = append(f.is, t)
	}
	for i := range f.fields {
		x, searches := &f.fields[i], 0
		for _, leaf := range x.leaves {
			if !looksUp(fieldTest{leaf.field, leaf.test}) {
				searches++
			}
		}
		if x.searched = searches > 0; searches > maxSearched || len(x.leaves)+len(x.accepts) > maxFacetBits {
			return nil
		}
	}
	if len(f.fields) > maxFacetFields {
		return nil
	}
	return f
}

func (f *facetRules) test(c condition) (t facetTest, ok bool) {
	switch c := c.(type) {
	case allOf:
		return f.tests(facetAll, c)
	case anyOf:
		return f.tests(facetAny, c)
	case noneOf:
		return f.tests(facetNone, c)
	case fieldTest:
		t.field = f.field(c.field.name)
		x := &f.fields[t.field]
		t.bit = len(x.leaves)
		x.leaves = append(x.leaves, &checkValue{field: c.field, test: c.test})
		return t, c.field.field == fieldPayload && x.outcome == nil
	case predicateTest:
		p, known, err := predicateOf(c.name, c.settings)
		if !known || err != nil || p.outcome == nil {
			return t, false
		}
		t.field = f.field("lifter:" + strings.TrimPrefix(c.name, "lifter:"))
		x := &f.fields[t.field]
		x.outcome, t.bit = p.outcome, len(x.accepts)
		x.accepts = append(x.accepts, p.accepts)
		return t, len(x.leaves) == 0
	}
	return t, false
}

func (f *facetRules) tests(of facetOp, list []condition) (t facetTest, ok bool) {
	t.of = of
	for _, c := range cheapFirst(list) {
		sub, ok := f.test(c)
		if !ok {
			return t, false
		}
		t.list = append(t.list, sub)
	}
	return t, true
}

func (f *facetRules) field(name string) int {
	i := slices.IndexFunc(f.fields, func(x facetField) bool { return x.name == name })
	if i < 0 {
		i = len(f.fields)
		f.fields = append(f.fields, facetField{name: name})
	}
	return i
}

// decide says whether the condition holds, if the known facets tell. Otherwise, ask is a
// field that would.
func (t *facetTest) decide(known []facet) (a answer, ask int) {
	if t.of == facetBit {
		switch f := &known[t.field]; {
		case !f.asked:
			return notAsked, t.field
		case f.bits>>t.bit&1 != 0:
			return yes, 0
		}
		return no, 0
	}
	decides, otherwise := no, yes // an answer that decides at once, and what holds without one
	if t.of != facetAll {
		decides, otherwise = yes, no
	}
	open := false
	for i := range t.list {
		switch a, field := t.list[i].decide(known); {
		case a == decides:
			return t.answer(decides), 0
		case a == notAsked && !open:
			open, ask = true, field
		}
	}
	if open {
		return notAsked, ask
	}
	return t.answer(otherwise), 0
}

// answer turns that of a list around where none may hold.
func (t *facetTest) answer(a answer) answer {
	if t.of != facetNone {
		return a
	}
	if a == yes {
		return no
	}
	return yes
}

// facet has the results of a field's tests on its value, one bit each.
type facet struct {
	bits  uint64
	asked bool
}

// facets decide the events of a kind. They belong to a tagger.
type facets struct {
	of     *facetRules
	nodes  []facetNode // the first is where to begin
	fields []facetMemory
	known  []facet // on the way to a new node
	ev     evaluation
}

// facetNode is what is known after some facets: a verdict, or the field to look up next.
type facetNode struct {
	field   int // -1 where all rules are decided
	edges   []facetEdge
	verdict *verdict // nil where a rule that makes tags matches

	parent int
	bits   uint64 // the answer that leads here
}

type facetEdge struct {
	bits uint64
	to   int
}

// facetMemory remembers the facets of the values of a field.
type facetMemory struct {
	place    int // in the payload of the event that had the field last
	values   *[facetSlots]facetValue
	outcomes []facetOutcome
}

type facetValue struct {
	bits  uint64
	state facetState
	size  uint8
	text  [maxFacet]byte
}

type facetState uint8

const (
	unknownFacet facetState = iota
	ofText
	ofScalar // a number or boolean
)

type facetOutcome struct {
	outcome string
	bits    uint64
}

func (f *facetRules) facets() *facets {
	if f == nil {
		return nil
	}
	return &facets{of: f, fields: make([]facetMemory, len(f.fields)), known: make([]facet, len(f.fields)), ev: evaluation{command: -1}}
}

// verdict returns the verdict on an event, or nil: it makes tags, or facets do not decide.
func (f *facets) verdict(e *ttpcron.Event) (v *verdict) {
	if f == nil {
		return nil
	}
	defer func() {
		if recover() != nil { // the rule will fail again, and be named
			v = nil
		}
	}()
	if len(f.nodes) == 0 || len(f.nodes) >= maxFacetNodes {
		clear(f.known)
		f.nodes = append(f.nodes[:0], f.node(-1, 0))
	}
	at := 0
	for f.nodes[at].field >= 0 {
		n := &f.nodes[at]
		bits, ok := f.ask(n.field, e)
		if !ok {
			return nil
		}
		next := 0
		for i := range n.edges {
			if n.edges[i].bits == bits {
				next = n.edges[i].to
				break
			}
		}
		if next == 0 {
			if next = f.grow(at, bits); next == 0 {
				return nil
			}
		}
		at = next
	}
	return f.nodes[at].verdict
}

// grow adds the node that a facet leads to. It returns 0 if there are too many.
func (f *facets) grow(at int, bits uint64) int {
	if len(f.nodes[at].edges) >= maxFacetEdges {
		return 0
	}
	clear(f.known)
	f.known[f.nodes[at].field] = facet{bits, true}
	for i := at; f.nodes[i].parent >= 0; i = f.nodes[i].parent {
		f.known[f.nodes[f.nodes[i].parent].field] = facet{f.nodes[i].bits, true}
	}
	to := len(f.nodes)
	f.nodes = append(f.nodes, f.node(at, bits))
	f.nodes[at].edges = append(f.nodes[at].edges, facetEdge{bits, to})
	return to
}

// node makes the node for what is known.
func (f *facets) node(parent int, bits uint64) facetNode {
	n := facetNode{field: -1, parent: parent, bits: bits}
	v := &verdict{}
	for i := range f.of.is {
		a, ask := f.of.is[i].decide(f.known)
		if a == notAsked {
			n.field = ask
			return n
		}
		if a == yes {
			v.add(finding{rule: f.of.rules[i]})
		}
	}
	if !v.tags {
		n.verdict = v
	}
	return n
}

// ask returns the facet of a field of the event, and false when it is not to be had.
func (f *facets) ask(field int, e *ttpcron.Event) (bits uint64, ok bool) {
	x, m := &f.of.fields[field], &f.fields[field]
	if x.outcome != nil {
		return m.outcomeOf(x, e), true
	}
	p := e.Payload
	if m.place >= len(p) || p[m.place].Name != x.name {
		at := slices.IndexFunc(p, func(f ttpcron.Field) bool { return f.Name == x.name })
		if at < 0 {
			return 0, !isStructured(p, x.name)
		}
		m.place = at
	}
	v := &p[m.place]
	if v.Raw == nil {
		return f.facetOf(field, e, v.Text, ofText)
	}
	raw := unsafe.String(unsafe.SliceData(v.Raw), len(v.Raw)) // which stays what it is
	switch {
	case raw == "" || raw == "null":
		return 0, true
	case raw[0] == '[' || raw[0] == '{' || raw[0] == '"':
		return 0, false
	}
	return f.facetOf(field, e, raw, ofScalar)
}

func (m *facetMemory) outcomeOf(x *facetField, e *ttpcron.Event) (bits uint64) {
	outcome := x.outcome(e)
	for i := range m.outcomes {
		if m.outcomes[i].outcome == outcome {
			return m.outcomes[i].bits
		}
	}
	for i, accepts := range x.accepts {
		if accepts(outcome) {
			bits |= 1 << i
		}
	}
	m.outcomes = append(m.outcomes, facetOutcome{outcome, bits})
	return bits
}

// facetOf returns the facet of a value, which the event has in the field.
func (f *facets) facetOf(field int, e *ttpcron.Event, value string, of facetState) (bits uint64, ok bool) {
	x, m := &f.of.fields[field], &f.fields[field]
	if len(value) > maxFacet {
		if x.searched || len(value) > maxLookedUp {
			return 0, false
		}
		return f.evaluate(x, e)
	}
	hash := uint32(2166136261) // FNV-1a
	for i := range len(value) {
		hash = (hash ^ uint32(value[i])) * 16777619
	}
	if m.values == nil {
		m.values = new([facetSlots]facetValue)
	}
	known := &m.values[(hash^hash>>16)%facetSlots]
	if known.state == of && string(known.text[:known.size]) == value {
		return known.bits, true
	}
	if bits, ok = f.evaluate(x, e); ok {
		known.bits, known.state, known.size = bits, of, uint8(copy(known.text[:], value))
	}
	return bits, ok
}

// evaluate makes the tests of a field.
func (f *facets) evaluate(x *facetField, e *ttpcron.Event) (bits uint64, ok bool) {
	ev := &f.ev
	ev.event, ev.budget = e, pattern.Budget{Steps: stepsPerEvent}
	defer ev.letGo()
	for i, leaf := range x.leaves {
		if leaf.payload(ev) {
			bits |= 1 << i
		}
	}
	return bits, !ev.budget.Met && stepsPerEvent-ev.budget.Steps <= maxFacetSteps
}

// letGo makes the evaluation of one field ready for the next. It must not keep the event.
func (ev *evaluation) letGo() {
	ev.event, ev.values = nil, nil
	ev.computed.forget()
}
