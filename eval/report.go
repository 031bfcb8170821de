package eval

import (
	"cmp"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Report is the result of a measurement.
type Report struct {
	MinConfidence float64
	MinLevel      ttpcron.Level
	Files         []FileRead // in the order they were read

	Recall         Recall
	Harmless       Harmless
	Bins           []Bin            // of tags on attackers' commands, by ascending confidence
	Techniques     []TechniqueScore // by id
	Confusions     []Confusion      // most tests first
	Misses         []Miss           // tests not found at the level of sub-techniques by any tag, in the order read
	FalsePositives []FalsePositive  // in the order read
	Rules          []RuleScore      // those furthest from their confidence first
	Wrong          []WrongTag       // most confident first
}

// Found counts tests that were found.
type Found struct {
	Technique int // at the level of techniques
	Sub       int // at the level of sub-techniques
}

func (f *Found) sum(o Found) {
	f.Technique += o.Technique
	f.Sub += o.Sub
}

// Recall counts tests and how many of them were found.
type Recall struct {
	Tests        int
	Any          Found // by any tag
	AtConfidence Found // by tags of at least Report.MinConfidence
	AtLevel      Found // by tags of at least Report.MinLevel
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (r *Recall) sum(o Recall) {
	r.Tests += o.Tests
	r.Any.sum(o.Any)
	r.AtConfidence.sum(o.AtConfidence)
	r.AtLevel.sum(o.AtLevel)
}

// Share is n of the tests, 0 when there are none.
func (r *Recall) Share(n int) float64 { return ratio(float64(n), r.Tests) }

// Harmless counts harmless commands and those of them that got tags.
type Harmless struct {
	Commands     int
	AtLevel      int // with a tag of at least Report.MinLevel: the false positives
	AtConfidence int // with a tag of at least Report.MinConfidence
	Any          int // with any tag

	// Calibration is that of the tags of at least Report.MinConfidence, as far as
	// they were judged.
	Calibration Calibration
}

// PerThousand is n of 1,000 commands, 0 when there were none to look at.
func (h *Harmless) PerThousand(n int) float64 { return 1000 * ratio(float64(n), h.Commands) }

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
	m := Miss{TestID: t.id, Test: t.name, Technique: t.label, Near: r.Any.Technique == 1, Got: []string{}}
	confidence := map[string]float64{}
	for _, c := range t.commands {
		m.Commands = append(m.Commands, c.text)
		for _, h := range c.hits {
			confidence[h.Technique] = max(confidence[h.Technique], h.Confidence)
		}
	}
	for id := range confidence {
		m.Got = append(m.Got, id)
	}
	slices.SortFunc(m.Got, func(a, b string) int {
		return cmp.Or(cmp.Compare(confidence[b], confidence[a]), cmp.Compare(a, b))
	})
	return m
}

// FalsePositive is a harmless command that got tags of at least Report.MinLevel.
type FalsePositive struct {
	Command string
	Tags    []Hit // of at least that level
}

// Hit is one tag of a command.
type Hit struct {
	RuleID     string
	Technique  string
	Confidence float64
	Level      ttpcron.Level
}

// WrongTag is a tag whose technique, according to most analysts asked, does not describe
// the command.
type WrongTag struct {
	Command  string
	Tag      Hit
	Harmless bool // the command is a harmless one
}
