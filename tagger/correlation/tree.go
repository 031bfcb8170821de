package correlation

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// engineVersion is part of the digest of every rule. Raise it with every change after
// which a rule may find something else in the same matches, or a stream have others.
const engineVersion = 1

// builder lays out a rule as a tree of correlations, over the matches of base rules in one
// of the rule's groups.
type builder struct {
	root    *linked
	own     string // networks
	nodes   []node
	streams []*building
}

// building is a stream whose values are not all known yet.
type building struct {
	base  Base
	kind  ttpcron.SourceKind
	group []ttpcron.GroupField
	id    string // without values
	names []string
	feeds []feed // sources of a match are indices in names
	from  *valueSet
}

// A valueSet is the values of a stream, all that the correlations need that share it.
type valueSet struct{ names []string }

// maxValues is how many values a stream has at most: correlations that need more in total
// share several streams.
const maxValues = 8

// valueSets are the values of streams, by the id without values.
type valueSets map[string][]*valueSet

// share finds the stream that has, or will have, the values that a rule needs.
func (v valueSets) share(b *building) {
	for _, set := range v[b.id] {
		all := append(slices.Clone(set.names), b.names...)
		slices.Sort(all)
		if all = slices.Compact(all); len(all) <= maxValues || len(all) == len(set.names) {
			set.names, b.from = all, set
			return
		}
	}
	b.from = &valueSet{slices.Compact(slices.Sorted(slices.Values(b.names)))}
	v[b.id] = append(v[b.id], b.from)
}

// branch is a correlation of the tree.
type branch struct {
	c *linked
	// of maps each field of the rule's groups to one of the branch's fields.
	of []int
	// required has the fields whose values the outer tree, or the correlation, needs; key
	// has those that distinguish its groups within one of the rule's.
	required []bool
	key      []bool
}

// rule lays out a rule of a definition that is in order, all but its streams.
func (c *linked) rule(own string) (*Rule, *builder) {
	b := &builder{root: c, own: own}
	of := make([]int, len(c.fields))
	for i := range of {
		of[i] = i
	}
	b.add(b.branch(c, of, make([]bool, len(c.fields))))
	r := &Rule{def: c.def, reach: c.reach, nodes: b.nodes}
	for _, f := range c.fields {
		r.names = append(r.names, f.name)
	}
	r.grouping = strings.Join(r.names, ",")
	r.terms = ttpcron.NewTerms(string(c.def.Type), c.limit.text, c.def.Condition.Fields, r.names, c.def.Timespan)
	slices.SortFunc(b.streams, func(x, y *building) int { return strings.Compare(x.id, y.id) })
	return r, b
}

// branch decides which fields of c distinguish its groups. A field of the rule's groups
// does not, unless it may be missing there but is required here.
func (b *builder) branch(c *linked, of []int, required []bool) *branch {
	br := &branch{c: c, of: of, required: required, key: make([]bool, len(c.fields))}
	for i, f := range c.fields {
		required[i] = required[i] || !f.optional
		br.key[i] = b.constant(br, i) < 0
	}
	return br
}

// constant returns the field of the rule's groups that always has the same value as a
// branch's field, or -1.
func (b *builder) constant(br *branch, field int) int {
	for k, f := range br.of {
		if f == field && (!b.root.fields[k].optional || !br.required[field]) {
			return k
		}
	}
	return -1
}

// add adds a branch with everything below it, and returns the number of its node.
func (b *builder) add(br *branch) int {
	c := br.c
	type child struct {
		item int
		br   *branch
		node int
	}
	var children []child
	for i := range c.items {
		it := &c.items[i]
		if it.inner == nil {
			continue
		}
		of := make([]int, len(br.of))
		for k, f := range br.of {
			of[k] = it.inner.groupField(it.field(c.fields[f].written))
		}
		required := make([]bool, len(it.inner.fields))
		for f, must := range br.required {
			if must {
				required[it.inner.groupField(it.field(c.fields[f].written))] = true
			}
		}
		inner := b.branch(it.inner, of, required)
		children = append(children, child{i, inner, b.add(inner)})
	}
	n := node{def: c.def, span: int64(c.def.Timespan / time.Second), limit: c.limit, fields: c.def.Condition.Fields}
	for i, f := range c.fields {
		n.names = append(n.names, f.name)
		if br.key[i] {
			n.keys = append(n.keys, f.name)
		}
	}
	for i := range c.items {
		n.refs = append(n.refs, c.items[i].id())
	}
	n.ways = c.ways()
	b.nodes = append(b.nodes, n)
	at := len(b.nodes) - 1
	for _, ch := range children {
		b.nodes[ch.node].up = b.up(br, ch.br, at, ch.item)
	}
	for i := range c.items {
		if c.items[i].inner == nil {
			for _, kind := range c.items[i].base.Kinds {
				b.leaf(br, at, i, kind)
			}
		}
	}
	return at
}

// ways lists the orders of rules that satisfy a correlation of type temporal_ordered.
func (c *linked) ways() (ways [][]int) {
	if c.def.Type != TemporalOrdered {
		return nil
	}
	if c.limit.expr == nil {
		if c.limit.count < len(c.items) {
			return nil
		}
		all := make([]int, len(c.items))
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	sets, err := c.limit.expr.ways()
	if err != nil {
		panic(err) // the condition was read
	}
	for _, s := range sets {
		var way []int
		for i := range c.items {
			if s&(1<<i) != 0 {
				way = append(way, i)
			}
		}
		ways = append(ways, way)
	}
	return ways
}

// up says how an inner correlation's matches count in the outer one.
func (b *builder) up(br, inner *branch, at, item int) feed {
	it := &br.c.items[item]
	return br.feed(at, item, func(written string, required bool) source {
		field := inner.c.groupField(it.field(written))
		if !inner.key[field] {
			return source{ofGroup: true, index: b.constant(inner, field), required: required}
		}
		index := 0
		for _, key := range inner.key[:field] {
			if key {
				index++
			}
		}
		return source{index: index, required: required}
	})
}

// feed says how a match counts in a node, given where its fields are.
func (br *branch) feed(at, item int, find func(written string, required bool) source) feed {
	f := feed{node: at, item: item}
	for i, field := range br.c.fields {
		if br.key[i] {
			f.key = append(f.key, find(field.written, !field.optional))
		}
	}
	for _, name := range br.c.def.Condition.Fields {
		f.values = append(f.values, find(name, true))
	}
	return f
}

// leaf adds what a base rule contributes to a node for events of a kind.
func (b *builder) leaf(br *branch, at, item int, kind ttpcron.SourceKind) {
	it := &br.c.items[item]
	from := func(written string) string { return eventField(it.field(written), kind, br.c.kinds) }
	var group []ttpcron.GroupField
	for k, f := range b.root.fields {
		group = append(group, ttpcron.GroupField{Name: f.name, From: from(br.c.fields[br.of[k]].written), Optional: f.optional})
	}
	s := b.stream(it.base, kind, group)
	byAddress := false
	for i, f := range br.c.fields {
		byAddress = byAddress || br.key[i] && br.required[i] && from(f.written) == ttpcron.FieldAttackerIP
	}
	s.feeds = append(s.feeds, br.feed(at, item, func(written string, required bool) source {
		name := from(written)
		if byAddress && name == ttpcron.FieldAttackerIP {
			name = ttpcron.FieldUnmarkedIP
		}
		i := slices.Index(s.names, name)
		if i < 0 {
			i = len(s.names)
			s.names = append(s.names, name)
		}
		return source{index: i, required: required}
	}))
}

func (b *builder) stream(base Base, kind ttpcron.SourceKind, group []ttpcron.GroupField) *building {
	id := ttpcron.NewStream(base.ID, kind, group, nil, [16]byte{}).ID
	for _, s := range b.streams {
		if s.id == id {
			return s
		}
	}
	s := &building{base: base, kind: kind, group: group, id: id}
	b.streams = append(b.streams, s)
	return s
}

// finish makes the streams, which have the values that all rules need that share them.
func (b *builder) finish(r *Rule) {
	for _, s := range b.streams {
		values := s.from.names
		for i := range s.feeds {
			for _, list := range [][]source{s.feeds[i].key, s.feeds[i].values} {
				for n := range list {
					list[n].index = slices.Index(values, s.names[list[n].index])
				}
			}
		}
		stream := ttpcron.NewStream(s.base.ID, s.kind, s.group, values, [16]byte{})
		stream.Digest = b.streamDigest(stream, s.base)
		r.streams, r.feeds = append(r.streams, stream), append(r.feeds, s.feeds)
	}
	for i := range r.nodes {
		for _, list := range [][]source{r.nodes[i].up.key, r.nodes[i].up.values} {
			for _, s := range list {
				r.ofGroup = r.ofGroup || s.ofGroup
			}
		}
	}
	r.least = leastOf(r.nodes, r.feeds)
	r.digest = r.makeDigest()
}

// streamDigest returns the digest of everything that decides which matches a stream has.
func (b *builder) streamDigest(s *ttpcron.Stream, base Base) [16]byte {
	w := &digester{}
	w.number(engineVersion)
	w.text(s.ID)
	w.text(string(base.Digest[:]))
	byAddress := slices.Contains(s.Values, ttpcron.FieldUnmarkedIP)
	for _, f := range s.Group {
		byAddress = byAddress || f.From == ttpcron.FieldAttackerIP && !f.Optional
	}
	if byAddress {
		w.text(b.own)
	}
	return w.sum()
}

// makeDigest returns the digest of everything that decides what the rule finds.
func (r *Rule) makeDigest() [16]byte {
	w := &digester{}
	w.number(engineVersion)
	w.text(r.def.RuleID)
	w.number(r.def.Version)
	w.texts(r.names)
	w.number(len(r.nodes))
	for i := range r.nodes {
		n := &r.nodes[i]
		w.text(string(n.def.Type))
		w.number(int(n.span))
		w.number(n.limit.count)
		w.text(n.limit.sum.String())
		w.text(n.limit.text) // is in the evidence
		w.text(n.limit.expr.String())
		w.texts(n.fields)
		w.texts(n.refs)
		w.texts(n.keys)
		w.feed(&n.up)
	}
	w.number(len(r.streams))
	for i, s := range r.streams {
		w.text(s.ID)
		w.text(string(s.Digest[:]))
		w.number(len(r.feeds[i]))
		for n := range r.feeds[i] {
			w.feed(&r.feeds[i][n])
		}
	}
	w.number(len(r.def.Claims))
	for _, c := range r.def.Claims {
		w.texts([]string{c.RuleID, c.Tactic, c.TechniqueID, c.SubTechniqueID, c.AttackRelease, c.MitreURL, c.Level.String()})
		w.number(c.RuleVersion)
		w.bits(math.Float64bits(c.Confidence))
	}
	return w.sum()
}

// digester writes a rule in a form that depends only on its meaning: every value is
// preceded by its length or count.
type digester struct{ all []byte }

func (w *digester) bits(n uint64) { w.all = binary.LittleEndian.AppendUint64(w.all, n) }
func (w *digester) number(n int)  { w.bits(uint64(n)) }
func (w *digester) text(s string) { w.number(len(s)); w.all = append(w.all, s...) }
func (w *digester) sum() [16]byte { s := sha256.Sum256(w.all); return [16]byte(s[:16]) }
func (w *digester) feed(f *feed) {
	w.text(fmt.Sprint(f.node, f.item, f.key, f.values))
}

func (w *digester) texts(list []string) {
	w.number(len(list))
	for _, s := range list {
		w.text(s)
	}
}
