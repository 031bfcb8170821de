package tagger

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
	"github.com/ttpcron/ttpcron/tagger/internal/lazy"
	"github.com/ttpcron/ttpcron/tagger/literal"
)

// RuleSet is an immutable set of compiled rules. It is safe for concurrent use.
type RuleSet struct {
	defs        []*definition // by id
	states      map[string]ttpcron.RuleState
	rules       []Rule // as defs
	links       *links
	chosen      map[string]bool   // ids of the rules and streams of Only; nil for all
	streams     []*ttpcron.Stream // of correlations in force, by id
	fingerprint string
	// compiled is made when it is first needed: many sets are only read.
	compiled lazy.Value[compiled]
	// warned has the kinds of event for which Warn was called because no rule applies to
	// them. All sets from one Load share it.
	warned *sync.Map
	// files is what every file gave, rules that a later folder replaced among
	// them; for Reload. Nil in a set of Only.
	files files
	// beneath is how many folders were beneath the ones to be loaded.
	beneath int
}

type compiled struct {
	kinds map[ttpcron.SourceKind]*kindRules
	slow  map[string]string // why a rule of commands is, by id
}

// runnable is a rule ready for events of one kind.
type runnable struct {
	*definition
	shows      ttpcron.FieldNames
	claims     []ttpcron.Claim // those below the minimum confidence left out
	streams    []int           // indexes into kindRules.streams
	perCommand bool            // matches when one simple command satisfies check
	perProcess bool            // matches when one process does
	shell      bool            // needs the text parsed
	payload    bool            // looks at more than the text
	positive   bool            // a match in a part of the text is a match
	check      prepared
	relaxed    prepared // of a command rule that looks at more than the text
	requires   requirement
	own        []string    // the only programs worth trying; nil for any
	programs   literal.IDs // those, as the index numbers them
}

type prepared struct {
	is        check
	selects   check           // is, without what a rule of processes excepts; nil for a rule that excepts nothing
	forms     [formCount]bool // in which a rule of processes looks at a text of several commands
	slots     int             // for checkOnce
	prefilter int32           // its first node in kindRules.prefilters
}

// byItself returns a set of just one rule for single events.
func byItself(d *definition) *RuleSet {
	return newRuleSet([]*definition{d}, nil, &sync.Map{}, &links{}, nil)
}

func newRuleSet(defs []*definition, states map[string]ttpcron.RuleState, warned *sync.Map, links *links, chosen map[string]bool) *RuleSet {
	rs := &RuleSet{defs: defs, states: states, warned: warned, links: links, chosen: chosen}
	for _, d := range defs {
		rs.rules = append(rs.rules, rs.describe(d))
	}
	rs.streams = rs.streamsInForce()
	rs.fingerprint = ttpcron.NewRuleSet(rs.Definitions()).Fingerprint
	return rs
}

// describe returns a rule's description, with its state in the set.
func (rs *RuleSet) describe(d *definition) Rule {
	info := d.Rule
	info.State = ttpcron.RuleState{RuleID: d.ID, Status: ttpcron.StatusEnabled}
	if s, ok := rs.states[d.ID]; ok {
		info.State = s
	}
	if info.Feeds = rs.links.feeds[d.ID]; info.Silent == "" && len(d.Claims) == 0 {
		info.Silent = "it names no technique"
	}
	if d.correlation == nil {
		info.Inert = inertReason(d.match)
	} else {
		info.Inert, info.Correlation = rs.links.inert[d.ID], rs.links.describe(d)
	}
	info.Active = info.Inert == "" && len(effectiveClaims(d, info.State)) > 0
	return info
}

// streamsInForce lists the streams of correlations in force, by id. A correlation that
// makes no tag needs none: an outer one that names it has its own.
func (rs *RuleSet) streamsInForce() []*ttpcron.Stream {
	in := map[string]*ttpcron.Stream{}
	for id, r := range rs.links.rules {
		if s := rs.states[id]; s.Status == ttpcron.StatusDisabled || r.Silent() {
			continue
		}
		for _, s := range r.Streams() {
			if rs.chosen == nil || rs.chosen[s.ID] {
				in[s.ID] = s
			}
		}
	}
	return slices.SortedFunc(maps.Values(in), func(a, b *ttpcron.Stream) int { return cmp.Compare(a.ID, b.ID) })
}

// Correlations returns the rules over several events that are in force, by id. A
// correlation that makes no tags has no streams.
func (rs *RuleSet) Correlations() []*correlation.Rule {
	var out []*correlation.Rule
	for i := range rs.rules {
		if r := &rs.rules[i]; r.Correlation != nil && r.Inert == "" && r.State.Status != ttpcron.StatusDisabled {
			out = append(out, rs.links.rules[r.ID])
		}
	}
	return out
}

func (rs *RuleSet) ready() *compiled { return rs.compiled.Get(rs.compile) }

// Release frees what long use has built from the rules: their indexes, and the automata
// of their expressions, which grow with the texts that they meet. These are rebuilt when
// needed. Existing taggers keep working.
func (rs *RuleSet) Release() {
	rs.compiled.Release()
	for _, d := range rs.defs {
		release(d.match)
	}
}

func release(c condition) {
	switch c := c.(type) {
	case allOf:
		releaseList(c)
	case anyOf:
		releaseList(c)
	case noneOf:
		releaseList(c)
	case someCommand:
		release(c.is)
	case fieldTest:
		for t := c.test; t != nil; t = t.not {
			for _, p := range t.patterns {
				p.Release()
			}
		}
	}
}

func releaseList(list []condition) {
	for _, c := range list {
		release(c)
	}
}

func (rs *RuleSet) compile() *compiled {
	c := &compiled{kinds: map[ttpcron.SourceKind]*kindRules{}, slow: map[string]string{}}
	for _, m := range rs.eventRules() {
		for _, kind := range m.kindsOf() {
			k := c.kinds[kind]
			if k == nil {
				k = &kindRules{kind: kind}
				c.kinds[kind] = k
			}
			streams := m.streamsOf(kind)
			if len(m.claims)+len(streams) == 0 {
				continue
			}
			r := newRunnable(m.definition, kind, m.claims)
			for _, s := range streams {
				r.streams = append(r.streams, len(k.streams))
				k.streams = append(k.streams, s)
			}
			k.rules = append(k.rules, r)
			switch {
			case kind == ttpcron.Command:
				c.slow[m.ID] = r.requires.slowReason()
			case kind == ttpcron.AuthAttempt && c.slow[m.ID] == "" && !r.requires.known && !looksUp(m.match):
				c.slow[m.ID] = "no literal is required: it is searched for in every new login"
			}
		}
	}
	for _, k := range c.kinds {
		k.indexed()
	}
	return c
}

// eventRule is a rule about single events that belongs to a set for the tags that it makes,
// for the correlations that it feeds, or for both.
type eventRule struct {
	*definition
	claims  []ttpcron.Claim
	streams []*ttpcron.Stream
}

// eventRules lists the rules about single events, by id.
func (rs *RuleSet) eventRules() []eventRule {
	var out []eventRule
	add := func(d *definition) *eventRule {
		i, ok := slices.BinarySearchFunc(out, d.ID, func(m eventRule, id string) int { return cmp.Compare(m.ID, id) })
		if !ok {
			out = slices.Insert(out, i, eventRule{definition: d})
		}
		return &out[i]
	}
	for i, d := range rs.defs {
		if d.correlation == nil {
			m := add(d)
			if rs.rules[i].Active {
				m.claims = effectiveClaims(d, rs.rules[i].State)
			}
		}
	}
	for _, s := range rs.streams {
		m := add(rs.links.bases[s.Rule])
		m.streams = append(m.streams, s)
	}
	return out
}

func (m *eventRule) streamsOf(kind ttpcron.SourceKind) (streams []*ttpcron.Stream) {
	for _, s := range m.streams {
		if s.Kind == kind {
			streams = append(streams, s)
		}
	}
	return streams
}

func (rs *RuleSet) find(id string) (int, bool) {
	return slices.BinarySearchFunc(rs.rules, id, func(r Rule, id string) int { return cmp.Compare(r.ID, id) })
}

// effectiveClaims returns what a rule emits in a state. The ceiling of a clipped rule is
// not part of its tags: it is applied when they are read.
func effectiveClaims(d *definition, s ttpcron.RuleState) []ttpcron.Claim {
	if s.Status == ttpcron.StatusDisabled {
		return nil
	}
	var out []ttpcron.Claim
	for _, c := range d.Claims {
		if c.Confidence >= ttpcron.MinConfidence {
			out = append(out, c)
		}
	}
	return out
}

func newRunnable(d *definition, kind ttpcron.SourceKind, claims []ttpcron.Claim) *runnable {
	cond := resolve(d.match, kind)
	s := scopeOf(cond)
	r := &runnable{definition: d, shows: ttpcron.JoinFields(d.evidence), claims: claims, perCommand: s.command && !s.process, perProcess: s.process, shell: s.shell, payload: s.payload, positive: isPositive(cond)}
	r.check = prepare(cond, s.command)
	if s.process {
		r.check.prepareForms(cond)
		if !r.positive {
			r.check.exceptNothing(cond)
		}
	}
	r.requires, r.own = requirementOf(cond), ownPrograms(cond)
	if kind == ttpcron.Command && s.payload {
		relaxed := relax(cond, true)
		r.relaxed = prepare(relaxed, s.command)
		r.relaxed.forms = r.check.forms
		r.requires, r.own = requirementOf(relaxed), ownPrograms(relaxed)
	}
	return r
}

func prepare(cond condition, perCommand bool) prepared {
	c := compiler{perCommand: perCommand}
	is := c.compile(cond)
	return prepared{is: is, slots: c.slots}
}

// isPositive reports whether a condition that holds for a part of a text or of its
// commands also holds for the whole: nothing in it is negated.
func isPositive(c condition) bool {
	switch c := c.(type) {
	case allOf:
		return !slices.ContainsFunc(c, func(c condition) bool { return !isPositive(c) })
	case anyOf:
		return !slices.ContainsFunc(c, func(c condition) bool { return !isPositive(c) })
	case someCommand:
		return isPositive(c.is)
	case fieldTest:
		return c.test.not == nil
	case flagTest:
		return true
	}
	return false
}

// WithStates returns the set with the operational states in force at now. An
// expired state means enabled; a state of a rule that the set does not have is
// ignored.
func (rs *RuleSet) WithStates(states []ttpcron.RuleState, now time.Time) *RuleSet {
	in := map[string]ttpcron.RuleState{}
	for _, s := range states {
		if s.At(now) != ttpcron.StatusEnabled {
			in[s.RuleID] = s
		}
	}
	with := newRuleSet(rs.defs, in, rs.warned, rs.links, rs.chosen)
	with.files = rs.files
	return with
}

// WithOwnNetworks returns the set with other networks whose addresses take no part in
// groups by address.
func (rs *RuleSet) WithOwnNetworks(own ttpcron.Networks) *RuleSet {
	if own.String() == rs.links.own.String() {
		return rs
	}
	links, _ := link(rs.defs, nil, own)
	with := newRuleSet(rs.defs, rs.states, rs.warned, links, rs.chosen)
	with.files = rs.files
	return with
}

// Only returns the subset with the given ids of rules and streams, with their states. If
// only streams of a rule are included, the rule makes no tags.
func (rs *RuleSet) Only(ids map[string]bool) *RuleSet {
	var defs []*definition
	for _, d := range rs.defs {
		if ids[d.ID] {
			defs = append(defs, d)
		}
	}
	chosen := map[string]bool{}
	for _, s := range rs.streams {
		if ids[s.ID] {
			chosen[s.ID] = true
		}
	}
	return newRuleSet(defs, rs.states, rs.warned, rs.links, chosen)
}

// Len returns the number of rules in the set, including inert and disabled ones.
func (rs *RuleSet) Len() int { return len(rs.rules) }

// Rules describes the rules of the set in order of id. Its slices belong to the set and
// must not be changed.
func (rs *RuleSet) Rules() []Rule {
	out := slices.Clone(rs.rules)
	slow := rs.ready().slow
	for i := range out {
		out[i].Slow = slow[out[i].ID]
	}
	return out
}

// Catalogue is like [RuleSet.Rules], but does not say which rules are slow, since that
// requires compiling them.
func (rs *RuleSet) Catalogue() []Rule { return slices.Clone(rs.rules) }

// Rule describes the rule with an id.
func (rs *RuleSet) Rule(id string) (Rule, bool) {
	i, ok := rs.find(id)
	if !ok {
		return Rule{}, false
	}
	r := rs.rules[i]
	r.Slow = rs.ready().slow[id]
	return r, true
}

// Active returns how many rules can produce something from events of one kind: a tag, or
// a match that a correlation uses.
func (rs *RuleSet) Active(kind ttpcron.SourceKind) int {
	ids := map[string]bool{}
	for i, r := range rs.rules {
		if r.Active && rs.defs[i].appliesTo(kind) {
			ids[r.ID] = true
		}
	}
	for _, s := range rs.streams {
		if s.Kind == kind {
			ids[s.Rule] = true
		}
	}
	return len(ids)
}

// InForce returns how many rules can emit a tag.
func (rs *RuleSet) InForce() int {
	n := 0
	for i := range rs.rules {
		if rs.rules[i].Active {
			n++
		}
	}
	return n
}

// Applies reports whether a rule can tag events of a kind, or a stream can have matches
// among them.
func (rs *RuleSet) Applies(id string, kind ttpcron.SourceKind) bool {
	if i, ok := rs.find(id); ok {
		return rs.rules[i].Active && rs.defs[i].appliesTo(kind)
	}
	i, ok := slices.BinarySearchFunc(rs.streams, id, func(s *ttpcron.Stream, id string) int { return cmp.Compare(s.ID, id) })
	return ok && rs.streams[i].Kind == kind
}

// Fingerprint identifies the behaviour of the set: a hash over the whole definition of
// every rule in force, of every stream, and the version of the engine. Sets with the
// same fingerprint give the same tags.
func (rs *RuleSet) Fingerprint() string { return rs.fingerprint }

func itoa(n int) string { return strconv.Itoa(n) }
