package main

import (
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
)

type evalJSON struct {
	Rules          int                 `json:"rules"`
	MinConfidence  float64             `json:"min_confidence"`
	Files          []evalFileJSON      `json:"files"`
	Recall         recallJSON          `json:"recall"`
	Techniques     []techniqueJSON     `json:"techniques"`
	Confusions     []confusionJSON     `json:"confusions"`
	Misses         []missJSON          `json:"misses"`
	Benign         int                 `json:"benign"`
	PerThousand    float64             `json:"false_positives_per_1000"`
	FalsePositives []falsePositiveJSON `json:"false_positives"`
	RuleScores     []ruleScoreJSON     `json:"rule_scores"`
	Bounded        int                 `json:"bounded"`
}

type evalFileJSON struct {
	File      term.Exact  `json:"file"`
	Lines     int         `json:"lines"`
	Labelled  int         `json:"labelled"`
	Benign    int         `json:"benign"`
	LeftOut   int         `json:"left_out"`
	Malformed int         `json:"malformed"`
	Faults    []faultJSON `json:"faults,omitempty"`
}

type faultJSON struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

type recallJSON struct {
	Tests           int     `json:"tests"`
	Technique       int     `json:"found_technique"`
	Sub             int     `json:"found_sub_technique"`
	SureTechnique   int     `json:"found_technique_at_min_confidence"`
	SureSub         int     `json:"found_sub_technique_at_min_confidence"`
	TechniqueRecall float64 `json:"recall_technique"`
	SubRecall       float64 `json:"recall_sub_technique"`
	SureTechRecall  float64 `json:"recall_technique_at_min_confidence"`
	SureSubRecall   float64 `json:"recall_sub_technique_at_min_confidence"`
}

type techniqueJSON struct {
	Technique string `json:"technique_id"`
	Name      string `json:"name"`
	recallJSON
}

type confusionJSON struct {
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Tests    int    `json:"tests"`
}

type missJSON struct {
	TestID    string       `json:"test_id"`
	Test      string       `json:"test"`
	Technique string       `json:"technique_id"`
	Near      bool         `json:"technique_found"`
	Commands  []term.Exact `json:"commands"`
	Got       []string     `json:"got"`
}

type falsePositiveJSON struct {
	Command term.Exact     `json:"command_text"`
	Tags    []falseHitJSON `json:"tags"`
}

type falseHitJSON struct {
	RuleID     string  `json:"rule_id"`
	Technique  string  `json:"technique_id"`
	Confidence float64 `json:"confidence"`
}

type ruleScoreJSON struct {
	RuleID         string `json:"rule_id"`
	FalsePositives int    `json:"false_positives"`
	Tests          int    `json:"tests_found"`
}

func recallToJSON(q eval.Recall) recallJSON {
	return recallJSON{
		Tests: q.Tests, Technique: q.Technique, Sub: q.Sub, SureTechnique: q.SureTechnique, SureSub: q.SureSub,
		TechniqueRecall: q.Share(q.Technique), SubRecall: q.Share(q.Sub), SureTechRecall: q.Share(q.SureTechnique), SureSubRecall: q.Share(q.SureSub),
	}
}

// evalToJSON gives a report its published form. Lists are never null.
func evalToJSON(r *eval.Report, rules, bounded int) evalJSON {
	out := evalJSON{
		Rules: rules, MinConfidence: r.MinConfidence, Recall: recallToJSON(r.Recall), Benign: r.Benign, PerThousand: r.PerThousand(), Bounded: bounded,
		Files: []evalFileJSON{}, Techniques: []techniqueJSON{}, Confusions: []confusionJSON{}, Misses: []missJSON{}, FalsePositives: []falsePositiveJSON{}, RuleScores: []ruleScoreJSON{},
	}
	for _, f := range r.Files {
		j := evalFileJSON{File: term.Exact(f.Name), Lines: f.Lines, Labelled: f.Labelled, Benign: f.Benign, LeftOut: f.LeftOut, Malformed: f.Malformed}
		for _, x := range f.Faults {
			j.Faults = append(j.Faults, faultJSON(x))
		}
		out.Files = append(out.Files, j)
	}
	for _, s := range r.Techniques {
		out.Techniques = append(out.Techniques, techniqueJSON{s.Technique, techniqueName(s.Technique), recallToJSON(s.Recall)})
	}
	for _, c := range r.Confusions {
		out.Confusions = append(out.Confusions, confusionJSON(c))
	}
	for _, m := range r.Misses {
		out.Misses = append(out.Misses, missJSON{m.TestID, m.Test, m.Technique, m.Near, term.Exacts(m.Commands), m.Got})
	}
	for _, f := range r.FalsePositives {
		j := falsePositiveJSON{Command: term.Exact(f.Command)}
		for _, t := range f.Tags {
			j.Tags = append(j.Tags, falseHitJSON(t))
		}
		out.FalsePositives = append(out.FalsePositives, j)
	}
	for _, s := range r.Rules {
		out.RuleScores = append(out.RuleScores, ruleScoreJSON{s.RuleID, s.FalsePositives, s.Tests})
	}
	return out
}
