package jobs

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// sequence is a correlation in its slowest form: it checks every window as a whole.
type sequence struct {
	id      string
	version int
	typ     string   // count, distinct, sum, all or ordered; a count of what inner finds when there is an inner
	bases   []string // rules
	group   []string
	value   string // of distinct and sum
	span    time.Duration
	n       int
	inner   *sequence
}

// instant is a match as a sequence sees it.
type instant struct {
	at     time.Time
	seq    uint64
	base   int // which of bases
	values string
}

func (q *sequence) leaf() *sequence {
	if q.inner != nil {
		return q.inner
	}
	return q
}

func (q *sequence) reach() time.Duration {
	if q.inner != nil {
		return q.span + q.inner.reach()
	}
	return q.span
}

// fields are the fields by which the sequence's streams are grouped.
func (q *sequence) fields() []ttpcron.GroupField {
	var out []ttpcron.GroupField
	names := slices.Clone(q.group)
	if slices.Contains(names, ttpcron.FieldSessionID) {
		for _, name := range []string{ttpcron.FieldAttackerIP, ttpcron.FieldDeckyID} {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, ttpcron.GroupField{Name: name, From: name, Optional: !slices.Contains(q.group, name)})
	}
	return out
}

// streams are the sequence's streams over the rules of a set, by base rule.
func (q *sequence) streams(l lexicon, own string) []*ttpcron.Stream {
	values := []string{q.value}
	if q.inner != nil {
		values = q.inner.group
	}
	var out []*ttpcron.Stream
	for _, base := range q.leaf().bases {
		i := slices.IndexFunc(l, func(r wordRule) bool { return r.id == base })
		if i < 0 {
			continue
		}
		r := &l[i]
		text := fmt.Sprint(r.word, r.kind)
		if slices.Contains(q.group, ttpcron.FieldAttackerIP) {
			text += own
		}
		sum := sha256.Sum256([]byte(text))
		out = append(out, ttpcron.NewStream(r.id, cmp.Or(r.kind, ttpcron.Command), q.fields(), values, [16]byte(sum[:16])))
	}
	return out
}

// ends returns when windows end that satisfy the condition, of matches in order.
func (q *sequence) ends(list []instant) (out []time.Time) {
	if q.inner != nil {
		list = q.inner.findings(list)
	}
	for i, last := range list {
		if i+1 < len(list) && list[i+1].at.Equal(last.at) {
			continue
		}
		var window []instant
		for _, m := range list[:i+1] {
			if !m.at.Before(last.at.Add(-q.span)) {
				window = append(window, m)
			}
		}
		if q.satisfied(window) {
			out = append(out, last.at)
		}
	}
	return out
}

// findings returns the matches that the sequence, as a link in a chain, makes from leaf
// matches with its group as values.
func (q *sequence) findings(list []instant) (out []instant) {
	groups := map[string][]instant{}
	var order []string
next:
	for _, m := range list {
		for rest := m.values; rest != ""; {
			var v ttpcron.PackedValue
			if v, rest, _ = ttpcron.NextPacked(rest); v.Null {
				continue next
			}
		}
		if groups[m.values] == nil {
			order = append(order, m.values)
		}
		groups[m.values] = append(groups[m.values], m)
	}
	for _, g := range order {
		for _, at := range q.ends(groups[g]) {
			out = append(out, instant{at: at, values: g})
		}
	}
	slices.SortStableFunc(out, func(a, b instant) int { return a.at.Compare(b.at) })
	return out
}

func (q *sequence) satisfied(window []instant) bool {
	kinds, values := map[int]bool{}, map[string]bool{}
	sum, stage := 0, 0
	for from := 0; from < len(window); {
		// Matches at the same instant may be in any order.
		to := from
		for to < len(window) && window[to].at.Equal(window[from].at) {
			to++
		}
		for moved := true; moved; {
			moved = false
			for _, m := range window[from:to] {
				if m.base == stage {
					stage, moved = stage+1, true
				}
			}
		}
		from = to
	}
	for _, m := range window {
		kinds[m.base] = true
		if v, _, ok := ttpcron.NextPacked(m.values); ok && !v.Null {
			values[m.values] = true
			k, _ := strconv.Atoi(v.Text)
			sum += k
		}
	}
	switch {
	case q.inner != nil, q.typ == "count":
		return len(window) >= q.n
	case q.typ == "distinct":
		return len(values) >= q.n
	case q.typ == "sum":
		return sum >= q.n
	case q.typ == "all":
		return len(kinds) == len(q.bases)
	default:
		return stage >= len(q.bases)
	}
}

// slots returns the slots in which satisfied windows end.
func (q *sequence) slots(list []instant) (out []int64) {
	slices.SortStableFunc(list, func(a, b instant) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.seq, b.seq)) })
	for _, at := range q.ends(list) {
		out = append(out, ttpcron.Slot(at, q.span))
	}
	return slices.Compact(out)
}

// tag returns the tag of a slot.
func (q *sequence) tag(g ttpcron.Group, slot int64) ttpcron.Tag {
	var names []string
	for _, f := range q.fields() {
		names = append(names, f.Name)
	}
	t := ttpcron.NewSubject(g, names).Tag(ttpcron.NewTerms(q.typ, fmt.Sprintf("gte %d", q.n), nil, names, q.span), slot)
	t.Claim = ttpcron.Claim{RuleID: q.id, RuleVersion: q.version, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.8, Level: ttpcron.LevelMedium}
	t.Evidence = t.Finding.AppendEvidence(nil)
	return t
}

// correlated is a sequence over the rules of a set, as a job uses it.
type correlated struct {
	*sequence
	streams []*ttpcron.Stream
	bases   []int // of streams: which of the leaf's bases
	panics  string
}

func (c *correlated) Def() ttpcron.RuleDef {
	text := c.sequence.text()
	for _, st := range c.streams {
		text += st.ID // of given matches it finds other things in others
	}
	sum := sha256.Sum256([]byte(text))
	return ttpcron.RuleDef{ID: c.id, Version: c.version, Digest: [16]byte(sum[:16])}
}

func (q *sequence) text() string {
	text := fmt.Sprint(q.version, q.typ, q.bases, q.group, q.value, q.span, q.n)
	if q.inner != nil {
		text += q.inner.text()
	}
	return text
}

func (c *correlated) Grouping() string {
	var names []string
	for _, f := range c.fields() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ",")
}

func (c *correlated) Streams() []*ttpcron.Stream { return c.streams }
func (c *correlated) Timespan() time.Duration    { return c.span }
func (c *correlated) Reach() time.Duration       { return c.reach() }
func (c *correlated) Least() int {
	switch {
	case c.inner != nil || c.typ == "sum":
		return 1
	case c.typ == "all" || c.typ == "ordered":
		return len(c.bases)
	}
	return c.n
}
func (c *correlated) Judge() Judge { return &slowJudge{of: c} }
func (c *correlated) Tags(s *ttpcron.Subject, slot int64, dst []ttpcron.Tag) []ttpcron.Tag {
	return append(dst, c.tag(s.Group(), slot))
}

// slowJudge keeps all of a group.
type slowJudge struct {
	of      *correlated
	list    []instant
	counted ttpcron.Window
}

func (j *slowJudge) Begin(g ttpcron.Group) {
	j.list = j.list[:0]
	if j.of.panics != "" && strings.Contains(string(g), j.of.panics) {
		panic("the correlation broke")
	}
}

func (j *slowJudge) Match(stream int, m *ttpcron.BaseMatch) {
	if n := len(j.list); n > 0 && m.Time.Before(j.list[n-1].at) {
		panic("matches come out of order")
	}
	j.list = append(j.list, instant{m.Time, m.Seq, j.of.bases[stream], strings.Clone(m.Values)})
}

func (j *slowJudge) End(slots []int64) ([]int64, bool) {
	limit := slices.ContainsFunc(j.list, func(m instant) bool { return m.seq%50 == 0 })
	return append(slots, j.of.slots(j.list)...), limit
}

func (j *slowJudge) CountLeftOut(w ttpcron.Window) { j.counted = w }

// LeftOut counts the matches of even seconds.
func (j *slowJudge) LeftOut() (n int) {
	for _, m := range j.list {
		if m.at.Unix()%2 == 0 && j.counted.Contains(m.at) {
			n++
		}
	}
	return n
}

// sequences is a rule set of wordRules and of sequences over them. Whatever state a word
// rule is in, its matches count.
type sequences struct {
	lexicon
	list []*sequence
	own  string // networks
	only map[string]bool
}

func (s *sequences) networks() ttpcron.Networks {
	n, err := ttpcron.ParseNetworks(s.own)
	if err != nil {
		panic(err)
	}
	return n
}

func (s *sequences) Correlations() (out []Correlation) {
	for _, q := range s.list {
		if c := s.correlated(q); len(c.streams) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func (s *sequences) correlated(q *sequence) *correlated {
	c := &correlated{sequence: q, streams: q.streams(s.lexicon, s.own)}
	for _, st := range c.streams {
		c.bases = append(c.bases, slices.Index(q.leaf().bases, st.Rule))
	}
	return c
}

func (s *sequences) allStreams() map[string]*ttpcron.Stream {
	all := map[string]*ttpcron.Stream{}
	for _, q := range s.list {
		for _, st := range q.streams(s.lexicon, s.own) {
			all[st.ID] = st
		}
	}
	return all
}

func (s *sequences) Definitions() []ttpcron.RuleDef {
	out := s.lexicon.Definitions()
	for _, st := range s.allStreams() {
		out = append(out, st.Def())
	}
	slices.SortFunc(out, func(a, b ttpcron.RuleDef) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (s *sequences) Fingerprint() string { return ttpcron.NewRuleSet(s.Definitions()).Fingerprint }
func (s *sequences) InForce() int        { return len(s.Definitions()) }

func (s *sequences) Applies(id string, kind ttpcron.SourceKind) bool {
	if st := s.allStreams()[id]; st != nil {
		return st.Kind == kind
	}
	return s.lexicon.Applies(id, kind)
}

func (s *sequences) Applying(kind ttpcron.SourceKind) int {
	n := s.lexicon.Applying(kind)
	for _, st := range s.allStreams() {
		if st.Kind == kind {
			n++
		}
	}
	return n
}

func (s *sequences) Only(ids map[string]bool) Rules {
	return &sequences{s.lexicon, s.list, s.own, ids}
}

func (s *sequences) Tagger() Tagger {
	t := &sequenceTagger{set: s, tags: s.lexicon, own: s.networks()}
	if s.only != nil {
		t.tags = s.lexicon.Only(s.only).(lexicon)
	}
	for id, st := range s.allStreams() {
		if s.only == nil || s.only[id] {
			t.streams = append(t.streams, st)
		}
	}
	return t
}

type sequenceTagger struct {
	set     *sequences
	tags    lexicon
	streams []*ttpcron.Stream
	own     ttpcron.Networks
	matches []ttpcron.BaseMatch
}

func (t *sequenceTagger) Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	t.matches = t.matches[:0]
	for _, st := range t.streams {
		if m, ok := t.set.match(st, e, t.own); ok {
			t.matches = append(t.matches, m)
		}
	}
	return t.tags.Tag(e, dst)
}

func (t *sequenceTagger) Matches() []ttpcron.BaseMatch { return t.matches }

// match returns the match of an event in a stream.
func (s *sequences) match(st *ttpcron.Stream, e *ttpcron.Event, own ttpcron.Networks) (m ttpcron.BaseMatch, ok bool) {
	i := slices.IndexFunc(s.lexicon, func(r wordRule) bool { return r.id == st.Rule })
	text, _ := e.Payload.Text("command_text")
	if i < 0 || e.Kind != st.Kind || !strings.Contains(text, s.lexicon[i].word) {
		return m, false
	}
	packed, group, ok := st.Append(nil, e, own)
	if !ok {
		return m, false
	}
	return ttpcron.BaseMatch{Stream: st, Group: string(packed[:group]), Values: string(packed[group:]), Time: e.Time, Seq: e.Seq}, true
}
