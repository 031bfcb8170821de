package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/ttpcron/ttpcron"
)

// Calibration compares the confidence of tags with labels and judgements.
type Calibration struct {
	Tags       int
	Confidence float64 // the sum of that of Tags

	Labelled int // tags on commands of labelled tests
	Named    int // those of Labelled that a label names, or that name its technique or a sub-technique of it

	Judged           int     // tags of which analysts have said whether the technique describes the command
	JudgedConfidence float64 // the sum of that of Judged
	Right            float64 // the sum of the shares of analysts who say so
}

// Mean is the mean confidence of all tags, from 0 to 1; 0 where there are none.
func (c *Calibration) Mean() float64 { return ratio(c.Confidence, c.Tags) }

// JudgedMean is the mean confidence of the tags judged, 0 where there are none.
func (c *Calibration) JudgedMean() float64 { return ratio(c.JudgedConfidence, c.Judged) }

// RightShare is the share of judged tags that are correct, 0 if there are none.
func (c *Calibration) RightShare() float64 { return ratio(c.Right, c.Judged) }

// NamedShare is the share of labelled tags that the label names, 0 if there are none. It
// is a lower bound of the share of correct tags.
func (c *Calibration) NamedShare() float64 { return ratio(float64(c.Named), c.Labelled) }

// Off is the share of correct tags minus the mean confidence of the judged tags. It is
// negative if confidence is too high.
func (c *Calibration) Off() float64 { return c.RightShare() - c.JudgedMean() }

const (
	EnoughJudged = 50  // how many judged tags say something about their confidence
	FarOff       = 0.1 // the difference between confidence and share above which it is wrong
)

// Wrong reports whether enough tags were judged and their confidence is far from the
// share of correct ones.
func (c *Calibration) Wrong() bool { return c.Judged >= EnoughJudged && math.Abs(c.Off()) > FarOff }

func ratio(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func (c *Calibration) add(h *Hit, on *command) {
	c.Tags++
	c.Confidence += h.Confidence
	if len(on.labels) > 0 {
		c.Labelled++
		c.Named += one(slices.ContainsFunc(on.labels, func(label string) bool { return refines(h.Technique, label) }))
	}
	if share, ok := on.judged[h.Technique]; ok {
		c.Judged++
		c.JudgedConfidence += h.Confidence
		c.Right += share
	}
}

// wrong returns the tags of a command that most analysts call wrong.
func (c *command) wrong(harmless bool) (tags []WrongTag) {
	for _, h := range c.hits {
		if share, ok := c.judged[h.Technique]; ok && share < 0.5 {
			tags = append(tags, WrongTag{c.text, h, harmless})
		}
	}
	return tags
}

// refines reports whether two ids are the same or one is the other's technique.
func refines(a, b string) bool { return a == b || parent(a) == b || a == parent(b) }

// Bin is the calibration of the tags with a confidence of at least From, and below
// To.
type Bin struct {
	From, To float64
	Calibration
}

// binEdges are where bins begin.
var binEdges = []float64{ttpcron.MinConfidence, 0.5, 0.7, 0.9, math.Inf(1)}

func (m *Measure) bins() []Bin {
	bins := make([]Bin, len(binEdges)-1)
	for i := range bins {
		bins[i].From, bins[i].To = binEdges[i], binEdges[i+1]
	}
	for _, c := range m.commands {
		for i := range c.hits {
			h := &c.hits[i]
			b := slices.IndexFunc(bins, func(b Bin) bool { return h.Confidence < b.To })
			bins[b].add(h, c)
		}
	}
	return bins
}

// RuleScore is the result of one claim of a rule.
type RuleScore struct {
	RuleID      string
	Technique   string
	Confidence  float64
	Level       ttpcron.Level
	Calibration      // on attackers' commands
	Tests       int  // to which it gave the label's technique
	Harmless    int  // harmless commands that it tagged
	Noisy       bool // Harmless are false positives: the level is at least the one asked for
}

// scored names a claim of a rule.
type scored struct{ rule, technique string }

func (m *Measure) score(h *Hit) *RuleScore {
	key := scored{h.RuleID, h.Technique}
	s := m.rules[key]
	if s == nil {
		s = &RuleScore{RuleID: h.RuleID, Technique: h.Technique, Confidence: h.Confidence, Level: h.Level, Noisy: m.atLevel(h)}
		m.rules[key] = s
	}
	return s
}

// surplus is how many tags more or less are right than the confidence promises.
func (s *RuleScore) surplus() float64 { return math.Abs(s.Right - s.JudgedConfidence) }

func (m *Measure) ruleScores() []RuleScore {
	sum := map[scored]*RuleScore{}
	of := func(h *Hit) *RuleScore {
		key := scored{h.RuleID, h.Technique}
		if sum[key] == nil {
			s := *m.score(h)
			sum[key] = &s
		}
		return sum[key]
	}
	for _, c := range m.commands {
		for i := range c.hits {
			of(&c.hits[i]).add(&c.hits[i], c)
		}
	}
	for _, t := range m.tests {
		in := map[scored]bool{}
		for _, c := range t.commands {
			for i := range c.hits {
				h := &c.hits[i]
				if key := (scored{h.RuleID, h.Technique}); parent(h.Technique) == parent(t.label) && !in[key] {
					in[key] = true
					of(h).Tests++
				}
			}
		}
	}
	var out []RuleScore
	for key, s := range m.rules {
		if sum[key] == nil {
			out = append(out, *s)
		}
	}
	for _, s := range sum {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b RuleScore) int {
		return cmp.Or(cmp.Compare(b.surplus(), a.surplus()), b.Harmless-a.Harmless, cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Technique, b.Technique))
	})
	return out
}
