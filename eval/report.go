package eval

import (
	"cmp"
	"slices"
)

// Report is what was measured.
type Report struct {
	MinConfidence float64    // from which a tag of a harmless command is a false positive
	Files         []FileRead // in the order they were read

	Recall         Recall
	Techniques     []TechniqueScore // by id
	Confusions     []Confusion      // most tests first
	Misses         []Miss           // tests not found at the level of sub-techniques, in the order read
	Benign         int              // harmless commands looked at
	FalsePositives []FalsePositive  // in the order read
	Rules          []RuleScore      // most false positives first
}

// PerThousand is how many of 1,000 harmless commands are false positives; 0
// when there were none to look at.
func (r *Report) PerThousand() float64 {
	if r.Benign == 0 {
		return 0
	}
	return 1000 * float64(len(r.FalsePositives)) / float64(r.Benign)
}

// Recall counts tests and how many of them were found.
type Recall struct {
	Tests     int
	Technique int // found at the level of techniques
	Sub       int // found at the level of sub-techniques
	// SureTechnique and SureSub count those found by tags of at least
	// Report.MinConfidence.
	SureTechnique, SureSub int
}

// recallOf counts a single test.
func recallOf(t *test, min float64) Recall {
	technique, sub := t.found(0)
	sureTechnique, sureSub := t.found(min)
	return Recall{Tests: 1, Technique: one(technique), Sub: one(sub), SureTechnique: one(sureTechnique), SureSub: one(sureSub)}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (r *Recall) sum(o Recall) {
	r.Tests += o.Tests
	r.Technique += o.Technique
	r.Sub += o.Sub
	r.SureTechnique += o.SureTechnique
	r.SureSub += o.SureSub
}

// Share is n of the tests, 0 when there are none.
func (r *Recall) Share(n int) float64 {
	if r.Tests == 0 {
		return 0
	}
	return float64(n) / float64(r.Tests)
}

// TechniqueScore is the recall of the tests with one label.
type TechniqueScore struct {
	Technique string
	Recall    Recall
}

// Confusion counts the tests of one label that were not found at the level of
// sub-techniques and got another technique.
type Confusion struct {
	Expected, Got string
	Tests         int
}

// Miss is a test that was not found.
type Miss struct {
	TestID, Test, Technique string
	// Near is true when the technique was found, but not the sub-technique.
	Near     bool
	Commands []string
	Got      []string // techniques, most confident first
}

func (t *test) miss(r Recall) Miss {
	got := make([]string, 0, len(t.got))
	for id := range t.got {
		got = append(got, id)
	}
	slices.SortFunc(got, func(a, b string) int { return cmp.Or(cmp.Compare(t.got[b], t.got[a]), cmp.Compare(a, b)) })
	return Miss{TestID: t.id, Test: t.name, Technique: t.label, Near: r.Technique == 1, Commands: t.commands, Got: got}
}

// FalsePositive is a harmless command that got tags.
type FalsePositive struct {
	Command string
	Tags    []Hit
}

// Hit is one tag of a command.
type Hit struct {
	RuleID     string
	Technique  string
	Confidence float64
}

// RuleScore counts what one rule did: for how many tests it gave the label's
// technique, and how many harmless commands it tagged.
type RuleScore struct {
	RuleID         string
	Tests          int
	FalsePositives int
}
