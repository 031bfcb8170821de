// Package eval measures rules: against commands with a known technique, against harmless
// commands, against a stored history, and against the ATT&CK matrix.
//
// Start with [New] and [Measure.Read] for labelled commands, [NewNoise] for a history,
// and [Cover] for the matrix. The package does not depend on how rules work; the caller
// provides a [Tagger].
//
// # What is measured
//
// A tag says two things, which are measured separately. Its confidence says how likely
// it is that the technique describes the event, given that an attacker did it. Only
// attackers' commands can test that. Its level says how much the event means where
// honest people work too. Only harmless commands can test that: listing processes is
// T1057 with high confidence, but means nothing.
//
// # Recall
//
// A test is a set of commands with one label: rows that share a test_id, or a single row
// without one. Many commands of a test only prepare the ground, so a test is found if at
// least one of them gets the technique.
//
// At technique level a test is found by any tag of the label's technique, whatever the
// sub-technique of either: T1059.006 finds a test of T1059.004. At sub-technique level a
// label with a sub-technique is found only by exactly that one; a label without is found
// by the technique or any of its sub-techniques.
//
// Recall is reported three times: for all tags, for tags at or above a confidence, and
// for tags at or above a level.
//
// # False positives
//
// A harmless command is a false positive if it gets a tag at or above the given level.
// It counts once, however many tags it gets. Commands with a tag at or above a
// confidence, or with any tag, are counted too, but are not errors.
//
// # Calibration
//
// For each bin of confidence the report shows the share of correct tags on attackers'
// commands. A test has one label, but most commands of an attack also show something
// else: a ps in a test of credential dumping is Process Discovery. So the share of tags
// that the label names is only a lower bound. Better evidence are judgements: the share
// of analysts who say that a technique describes a command ([Judgements], or the row's
// judged member).
//
// A tag counts once for each rule that makes it, as in the store: each has its rule's
// confidence, which its author sets, and the bins are the sums of the rules. A command
// counts once, however many rows have its text, since a bot that types it a thousand
// times adds no information.
package eval

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Tagger judges one event; it appends the event's tags to dst.
type Tagger interface {
	Tag(e *ttpcron.Event, dst []ttpcron.Tag) []ttpcron.Tag
}

// DefaultMinConfidence and DefaultMinLevel are the least confidence and the least
// level for which recall and tagged harmless commands are counted once more.
const (
	DefaultMinConfidence = 0.6
	DefaultMinLevel      = ttpcron.LevelMedium
)

// Options say what a Measure counts.
type Options struct {
	MinConfidence float64
	MinLevel      ttpcron.Level
	// Judgements hold of commands what their rows do not say themselves.
	Judgements Judgements
	// CountAs gives the id under which a technique is counted, so that labels,
	// judgements and tags of different releases of ATT&CK agree. When it is nil ids
	// are taken as they are.
	CountAs func(id string) string
}

// Measure takes labelled and harmless commands, one file after the other, and
// counts. It is not safe for concurrent use.
type Measure struct {
	tagger Tagger
	o      Options

	tests    []*test
	byID     map[string]*test
	commands []*command // of attackers, each text once
	byText   map[string]*command
	rules    map[scored]*RuleScore
	report   Report
	tags     []ttpcron.Tag
}

// New returns a Measure that has read nothing.
func New(t Tagger, o Options) *Measure {
	if o.CountAs == nil {
		o.CountAs = func(id string) string { return id }
	}
	return &Measure{tagger: t, o: o, byID: map[string]*test{}, byText: map[string]*command{}, rules: map[scored]*RuleScore{}}
}

// test is one labelled test.
type test struct {
	label    string
	name, id string
	commands []*command
}

// command is a text that an attacker typed.
type command struct {
	text   string
	hits   []Hit
	labels []string           // of the tests that it is part of
	judged map[string]float64 // technique: share of analysts
}

func parent(technique string) string {
	id, _, _ := strings.Cut(technique, ".")
	return id
}

// finds reports whether a tag of a technique finds a test with a label.
func finds(got, label string) (technique, sub bool) {
	if parent(got) != parent(label) {
		return false, false
	}
	return true, got == label || label == parent(label)
}

// found counts how a test was found by tags that pass.
func (t *test) found(pass func(*Hit) bool) (f Found) {
	for _, c := range t.commands {
		for i := range c.hits {
			if !pass(&c.hits[i]) {
				continue
			}
			technique, sub := finds(c.hits[i].Technique, t.label)
			f.Technique = max(f.Technique, one(technique))
			f.Sub = max(f.Sub, one(sub))
		}
	}
	return f
}

func (m *Measure) any(*Hit) bool            { return true }
func (m *Measure) atConfidence(h *Hit) bool { return h.Confidence >= m.o.MinConfidence }
func (m *Measure) atLevel(h *Hit) bool      { return h.Level.AtLeast(m.o.MinLevel) }

// judge returns the tags of a command that would be written, each technique of a
// rule once.
func (m *Measure) judge(command string) (hits []Hit) {
	e := ttpcron.Event{Kind: ttpcron.Command, ID: "eval", AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("command_text", command)}
	m.tags = m.tagger.Tag(&e, m.tags[:0])
	for i := range m.tags {
		t := &m.tags[i]
		if t.Confidence < ttpcron.MinConfidence {
			continue
		}
		h := Hit{RuleID: t.RuleID, Technique: m.o.CountAs(t.Technique()), Confidence: t.Confidence, Level: t.Level}
		same := func(o Hit) bool { return o.RuleID == h.RuleID && o.Technique == h.Technique }
		if i := slices.IndexFunc(hits, same); i < 0 {
			hits = append(hits, h)
		} else {
			hits[i].Confidence = max(hits[i].Confidence, h.Confidence)
		}
	}
	return hits
}

// attack returns the command of a row of attack data.
func (m *Measure) attack(r *row) *command {
	c := m.byText[r.command]
	if c == nil {
		c = &command{text: r.command, hits: m.judge(r.command)}
		c.judge(m.o, m.o.Judgements.of(r.command))
		m.commands = append(m.commands, c)
		m.byText[r.command] = c
	}
	c.judge(m.o, r.judged)
	return c
}

// judge notes judgements, which count more than those noted before. Of techniques that
// are counted as one the highest share counts: whoever says that the command shows one
// of them says it of what they are counted as.
func (c *command) judge(o Options, judged map[string]float64) {
	if len(judged) == 0 {
		return
	}
	shares := map[string]float64{}
	for technique, share := range judged {
		id := o.CountAs(technique)
		shares[id] = max(shares[id], share)
	}
	if c.judged == nil {
		c.judged = map[string]float64{}
	}
	maps.Copy(c.judged, shares)
}

func (m *Measure) labelled(r *row) {
	label := m.o.CountAs(r.technique)
	t := m.byID[r.testID]
	if t == nil || r.testID == "" || t.label != label {
		t = &test{label: label, name: r.test, id: r.testID}
		m.tests = append(m.tests, t)
		m.byID[r.testID] = t
	}
	c := m.attack(r)
	t.commands = append(t.commands, c)
	if !slices.Contains(c.labels, label) {
		c.labels = append(c.labels, label)
	}
}

func (m *Measure) harmless(r *row) {
	h := &m.report.Harmless
	h.Commands++
	c := command{text: r.command, hits: m.judge(r.command)}
	c.judge(m.o, m.o.Judgements.of(r.command))
	m.report.Wrong = append(m.report.Wrong, c.wrong(true)...)
	var told []Hit
	sure := false
	for i := range c.hits {
		hit := &c.hits[i]
		m.score(hit).Harmless++
		if m.atConfidence(hit) {
			sure = true
			h.Calibration.add(hit, &c)
		}
		if m.atLevel(hit) {
			told = append(told, *hit)
		}
	}
	h.Any += one(len(c.hits) > 0)
	h.AtConfidence += one(sure)
	h.AtLevel += one(told != nil)
	if told != nil {
		m.report.FalsePositives = append(m.report.FalsePositives, FalsePositive{Command: r.command, Tags: told})
	}
}

// Report returns the measurements so far.
func (m *Measure) Report() Report {
	r := m.report
	r.MinConfidence, r.MinLevel = m.o.MinConfidence, m.o.MinLevel
	techniques := map[string]*TechniqueScore{}
	confused := map[Confusion]int{}
	for _, t := range m.tests {
		s := techniques[t.label]
		if s == nil {
			s = &TechniqueScore{Technique: t.label}
			techniques[t.label] = s
		}
		recall := Recall{Tests: 1, Any: t.found(m.any), AtConfidence: t.found(m.atConfidence), AtLevel: t.found(m.atLevel)}
		s.Recall.sum(recall)
		r.Recall.sum(recall)
		if recall.Any.Sub == 1 {
			continue
		}
		miss := t.miss(recall)
		r.Misses = append(r.Misses, miss)
		for _, got := range miss.Got {
			confused[Confusion{Expected: t.label, Got: got}]++
		}
	}
	for _, s := range techniques {
		r.Techniques = append(r.Techniques, *s)
	}
	slices.SortFunc(r.Techniques, func(a, b TechniqueScore) int { return cmp.Compare(a.Technique, b.Technique) })
	for c, n := range confused {
		c.Tests = n
		r.Confusions = append(r.Confusions, c)
	}
	slices.SortFunc(r.Confusions, func(a, b Confusion) int {
		return cmp.Or(b.Tests-a.Tests, cmp.Compare(a.Expected, b.Expected), cmp.Compare(a.Got, b.Got))
	})
	r.Wrong = slices.Clone(r.Wrong)
	for _, c := range m.commands {
		r.Wrong = append(r.Wrong, c.wrong(false)...)
	}
	slices.SortStableFunc(r.Wrong, func(a, b WrongTag) int { return cmp.Compare(b.Tag.Confidence, a.Tag.Confidence) })
	r.Bins = m.bins()
	r.Rules = m.ruleScores()
	return r
}
