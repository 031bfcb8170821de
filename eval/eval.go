// Package eval measures rules: against commands whose technique is known,
// against commands that are harmless, against a stored history, and against the
// ATT&CK matrix.
//
// Start with [New] and [Measure.Read] for labelled commands, [NewNoise] for a
// history, and [Cover] for the matrix. Nothing in here depends on how rules
// work; the caller brings a [Tagger].
//
// # What counts
//
// A test is a set of commands with one label: rows that share a test_id, or a
// row by itself when it has none. Many commands of a test only prepare the
// ground, so a test is found when at least one of them gets the technique.
//
// At the level of techniques it is found by a tag of the label's technique,
// whatever the sub-technique of either: T1059.006 finds a test of T1059.004.
// At the level of sub-techniques a label that is a sub-technique is found by
// that very sub-technique and nothing else; a label that names none is found by
// the technique or any of its sub-techniques.
//
// Any tag finds a test, since tags below [ttpcron.MinConfidence] are never
// written; the recall that is left at the least confidence asked for is given
// beside it. A harmless command is a false positive when it gets a tag of at
// least that confidence, and counts once however many tags it gets.
package eval

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Tagger judges one event; it appends the event's tags to dst.
type Tagger interface {
	Tag(e *ttpcron.Event, dst []ttpcron.Tag) []ttpcron.Tag
}

// DefaultMinConfidence is the confidence from which a tag counts as an
// assertion.
const DefaultMinConfidence = 0.6

// Measure takes labelled and harmless commands, one file after the other, and
// counts. It is not safe for concurrent use.
type Measure struct {
	tagger Tagger
	min    float64

	tests  []*test
	byID   map[string]*test
	rules  map[string]*RuleScore
	report Report
	tags   []ttpcron.Tag
}

// New returns a Measure that counts tags of at least min as false positives.
func New(t Tagger, min float64) *Measure {
	return &Measure{tagger: t, min: min, byID: map[string]*test{}, rules: map[string]*RuleScore{}}
}

// test is one labelled test and what was found in its commands.
type test struct {
	label    string
	name, id string
	commands []string
	got      map[string]float64 // technique as tagged: highest confidence
	rules    map[string]bool    // that tagged it as labelled
}

func parent(technique string) string {
	id, _, _ := strings.Cut(technique, ".")
	return id
}

// found reports whether tags of at least min find the test.
func (t *test) found(min float64) (technique, sub bool) {
	for got, confidence := range t.got {
		if confidence < min || parent(got) != parent(t.label) {
			continue
		}
		technique = true
		sub = sub || got == t.label || t.label == parent(t.label)
	}
	return technique, sub
}

func (m *Measure) judge(command string) []ttpcron.Tag {
	e := ttpcron.Event{Kind: ttpcron.Command, ID: "eval", AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("command_text", command)}
	m.tags = m.tagger.Tag(&e, m.tags[:0])
	return m.tags
}

func (m *Measure) rule(id string) *RuleScore {
	r := m.rules[id]
	if r == nil {
		r = &RuleScore{RuleID: id}
		m.rules[id] = r
	}
	return r
}

func (m *Measure) labelled(r *row) {
	t := m.byID[r.testID]
	if t == nil || r.testID == "" || t.label != r.technique {
		t = &test{label: r.technique, name: r.test, id: r.testID, got: map[string]float64{}, rules: map[string]bool{}}
		m.tests = append(m.tests, t)
		m.byID[r.testID] = t
	}
	t.commands = append(t.commands, r.command)
	for _, tag := range m.judge(r.command) {
		t.got[tag.Technique()] = max(t.got[tag.Technique()], tag.Confidence)
		if parent(tag.TechniqueID) == parent(t.label) {
			t.rules[tag.RuleID] = true
		}
	}
}

func (m *Measure) harmless(r *row) {
	m.report.Benign++
	var hits []Hit
	rules := map[string]bool{}
	for _, tag := range m.judge(r.command) {
		if tag.Confidence < m.min {
			continue
		}
		hits = append(hits, Hit{RuleID: tag.RuleID, Technique: tag.Technique(), Confidence: tag.Confidence})
		if !rules[tag.RuleID] {
			rules[tag.RuleID] = true
			m.rule(tag.RuleID).FalsePositives++
		}
	}
	if hits != nil {
		m.report.FalsePositives = append(m.report.FalsePositives, FalsePositive{Command: r.command, Tags: hits})
	}
}

// Report gives what was measured so far.
func (m *Measure) Report() Report {
	r := m.report
	r.MinConfidence = m.min
	techniques := map[string]*TechniqueScore{}
	confused := map[Confusion]int{}
	found := map[string]int{}
	for _, t := range m.tests {
		s := techniques[t.label]
		if s == nil {
			s = &TechniqueScore{Technique: t.label}
			techniques[t.label] = s
		}
		recall := recallOf(t, m.min)
		s.Recall.sum(recall)
		r.Recall.sum(recall)
		for rule := range t.rules {
			found[rule]++
		}
		if recall.Sub == 1 {
			continue
		}
		r.Misses = append(r.Misses, t.miss(recall))
		for got := range t.got {
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
	for rule := range found {
		m.rule(rule)
	}
	for id, s := range m.rules {
		r.Rules = append(r.Rules, RuleScore{RuleID: id, FalsePositives: s.FalsePositives, Tests: found[id]})
	}
	slices.SortFunc(r.Rules, func(a, b RuleScore) int {
		return cmp.Or(b.FalsePositives-a.FalsePositives, a.Tests-b.Tests, cmp.Compare(a.RuleID, b.RuleID))
	})
	return r
}
