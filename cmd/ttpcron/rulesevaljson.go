package main

import (
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
)

type evalJSON struct {
	Rules          int                 `json:"rules"`
	MinConfidence  float64             `json:"min_confidence"`
	MinLevel       string              `json:"min_level"`
	Files          []evalFileJSON      `json:"files"`
	Recall         recallJSON          `json:"recall"`
	Harmless       harmlessJSON        `json:"harmless"`
	PerThousand    float64             `json:"false_positives_per_1000"`
	Bins           []binJSON           `json:"bins"`
	Techniques     []techniqueJSON     `json:"techniques"`
	Confusions     []confusionJSON     `json:"confusions"`
	Misses         []missJSON          `json:"misses"`
	FalsePositives []falsePositiveJSON `json:"false_positives"`
	RuleScores     []ruleScoreJSON     `json:"rule_scores"`
	Wrong          []wrongJSON         `json:"wrong"`
	Bounded        int                 `json:"bounded"`
}

type evalFileJSON struct {
	File      term.Exact  `json:"file"`
	Lines     int         `json:"lines"`
	Labelled  int         `json:"labelled"`
	Judged    int         `json:"judged_without_label"`
	Harmless  int         `json:"harmless"`
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
	LevelTechnique  int     `json:"found_technique_at_min_level"`
	LevelSub        int     `json:"found_sub_technique_at_min_level"`
	TechniqueRecall float64 `json:"recall_technique"`
	SubRecall       float64 `json:"recall_sub_technique"`
	SureTechRecall  float64 `json:"recall_technique_at_min_confidence"`
	SureSubRecall   float64 `json:"recall_sub_technique_at_min_confidence"`
	LevelTechRecall float64 `json:"recall_technique_at_min_level"`
	LevelSubRecall  float64 `json:"recall_sub_technique_at_min_level"`
}

type harmlessJSON struct {
	Commands         int             `json:"commands"`
	AtLevel          int             `json:"tagged_at_min_level"`
	AtConfidence     int             `json:"tagged_at_min_confidence"`
	Any              int             `json:"tagged"`
	PerThousandLevel float64         `json:"tagged_at_min_level_per_1000"`
	PerThousandSure  float64         `json:"tagged_at_min_confidence_per_1000"`
	PerThousandAny   float64         `json:"tagged_per_1000"`
	Calibration      calibrationJSON `json:"tags_at_min_confidence"`
}

// calibrationJSON leaves out the shares and means of nothing.
type calibrationJSON struct {
	Tags       int      `json:"tags"`
	Mean       *float64 `json:"mean_confidence,omitempty"`
	Labelled   int      `json:"labelled"`
	Named      int      `json:"named_by_label"`
	NamedShare *float64 `json:"named_by_label_share,omitempty"`
	Judged     int      `json:"judged"`
	JudgedMean *float64 `json:"judged_mean_confidence,omitempty"`
	RightShare *float64 `json:"right_share,omitempty"`
	Off        *float64 `json:"off,omitempty"`
	Wrong      bool     `json:"far_off"`
}

type binJSON struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	calibrationJSON
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
	Command term.Exact    `json:"command_text"`
	Tags    []evalHitJSON `json:"tags"`
}

type evalHitJSON struct {
	RuleID     string  `json:"rule_id"`
	Technique  string  `json:"technique_id"`
	Confidence float64 `json:"confidence"`
	Level      string  `json:"level"`
}

type wrongJSON struct {
	Command  term.Exact `json:"command_text"`
	Harmless bool       `json:"harmless"`
	evalHitJSON
}

type ruleScoreJSON struct {
	RuleID     string  `json:"rule_id"`
	Technique  string  `json:"technique_id"`
	Confidence float64 `json:"confidence"`
	Level      string  `json:"level"`
	calibrationJSON
	Tests          int `json:"tests_found"`
	Harmless       int `json:"harmless"`
	FalsePositives int `json:"false_positives"`
}

func recallToJSON(q eval.Recall) recallJSON {
	return recallJSON{
		Tests: q.Tests, Technique: q.Any.Technique, Sub: q.Any.Sub,
		SureTechnique: q.AtConfidence.Technique, SureSub: q.AtConfidence.Sub, LevelTechnique: q.AtLevel.Technique, LevelSub: q.AtLevel.Sub,
		TechniqueRecall: q.Share(q.Any.Technique), SubRecall: q.Share(q.Any.Sub),
		SureTechRecall: q.Share(q.AtConfidence.Technique), SureSubRecall: q.Share(q.AtConfidence.Sub),
		LevelTechRecall: q.Share(q.AtLevel.Technique), LevelSubRecall: q.Share(q.AtLevel.Sub),
	}
}

func harmlessToJSON(h *eval.Harmless) harmlessJSON {
	return harmlessJSON{
		Commands: h.Commands, AtLevel: h.AtLevel, AtConfidence: h.AtConfidence, Any: h.Any,
		PerThousandLevel: h.PerThousand(h.AtLevel), PerThousandSure: h.PerThousand(h.AtConfidence), PerThousandAny: h.PerThousand(h.Any),
		Calibration: calibrationToJSON(&h.Calibration),
	}
}

func calibrationToJSON(c *eval.Calibration) calibrationJSON {
	j := calibrationJSON{Tags: c.Tags, Labelled: c.Labelled, Named: c.Named, Judged: c.Judged, Wrong: c.Wrong()}
	of := func(n int, share float64) *float64 {
		if n == 0 {
			return nil
		}
		return &share
	}
	j.Mean, j.NamedShare = of(c.Tags, c.Mean()), of(c.Labelled, c.NamedShare())
	j.JudgedMean, j.RightShare, j.Off = of(c.Judged, c.JudgedMean()), of(c.Judged, c.RightShare()), of(c.Judged, c.Off())
	return j
}

func evalHitToJSON(h eval.Hit) evalHitJSON {
	return evalHitJSON{h.RuleID, h.Technique, h.Confidence, h.Level.String()}
}

// evalToJSON gives a report its published form. Lists are never null.
func evalToJSON(r *eval.Report, rules, bounded int, under *attack.Table) evalJSON {
	out := evalJSON{
		Rules: rules, MinConfidence: r.MinConfidence, MinLevel: r.MinLevel.String(), Recall: recallToJSON(r.Recall), Harmless: harmlessToJSON(&r.Harmless), PerThousand: r.Harmless.PerThousand(r.Harmless.AtLevel), Bounded: bounded,
		Files: []evalFileJSON{}, Bins: []binJSON{}, Techniques: []techniqueJSON{}, Confusions: []confusionJSON{}, Misses: []missJSON{}, FalsePositives: []falsePositiveJSON{}, RuleScores: []ruleScoreJSON{}, Wrong: []wrongJSON{},
	}
	for _, f := range r.Files {
		j := evalFileJSON{File: term.Exact(f.Name), Lines: f.Lines, Labelled: f.Labelled, Judged: f.Judged, Harmless: f.Harmless, LeftOut: f.LeftOut, Malformed: f.Malformed}
		for _, x := range f.Faults {
			j.Faults = append(j.Faults, faultJSON(x))
		}
		out.Files = append(out.Files, j)
	}
	for i := range r.Bins {
		b := &r.Bins[i]
		out.Bins = append(out.Bins, binJSON{b.From, min(b.To, 1), calibrationToJSON(&b.Calibration)})
	}
	for _, s := range r.Techniques {
		out.Techniques = append(out.Techniques, techniqueJSON{s.Technique, techniqueName(under, s.Technique), recallToJSON(s.Recall)})
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
			j.Tags = append(j.Tags, evalHitToJSON(t))
		}
		out.FalsePositives = append(out.FalsePositives, j)
	}
	for _, w := range r.Wrong {
		out.Wrong = append(out.Wrong, wrongJSON{term.Exact(w.Command), w.Harmless, evalHitToJSON(w.Tag)})
	}
	for i := range r.Rules {
		s := &r.Rules[i]
		j := ruleScoreJSON{RuleID: s.RuleID, Technique: s.Technique, Confidence: s.Confidence, Level: s.Level.String(), calibrationJSON: calibrationToJSON(&s.Calibration), Tests: s.Tests, Harmless: s.Harmless}
		if s.Noisy {
			j.FalsePositives = s.Harmless
		}
		out.RuleScores = append(out.RuleScores, j)
	}
	return out
}
