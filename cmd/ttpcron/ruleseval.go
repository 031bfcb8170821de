package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/eval"
	"github.com/ttpcron/ttpcron/tagger"
)

// measured gives a tagger the shape that eval declares, and counts the events
// on which a rule met a limit.
type measured struct {
	*tagger.Composite
	bounded int
}

func (m *measured) Tag(e *ttpcron.Event, dst []ttpcron.Tag) []ttpcron.Tag {
	dst, v := m.Composite.Tag(e, dst)
	if v.Bounded {
		m.bounded++
	}
	return dst
}

// judge makes a tagger of rules for eval.
func (r ruleSet) judge() *measured {
	return &measured{Composite: r.RuleSet.Tagger(func(e ttpcron.Event, rule string, err error) {
		if rule != "" {
			r.a.log.Warn("a rule failed on an event", "rule", clean(rule), "error", clean(err.Error()))
		}
	})}
}

type evalOptions struct {
	min                          float64
	techniques, misses, positive bool
	json                         bool
	limit                        int
}

func (a *app) rulesEval() *command {
	var o evalOptions
	fs := a.flags()
	fs.Float64Var(&o.min, "min-confidence", eval.DefaultMinConfidence, "a tag of a harmless command is a false positive from confidence `C` on")
	fs.BoolVar(&o.techniques, "techniques", false, "list the recall of each technique")
	fs.BoolVar(&o.misses, "misses", false, "list the tests that were not found, with their commands")
	fs.BoolVar(&o.positive, "false-positives", false, "list the harmless commands that got a tag, with the rules")
	fs.IntVar(&o.limit, "limit", 20, "list at most `N` confusions and rules; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print everything as one JSON object")
	return &command{
		name: "rules eval", args: "FILE...", short: "measure the rules on labelled and harmless commands", fs: fs, unstored: true,
		text: `Judges the commands of files of JSON lines, - for standard input. A row with
technique_id is labelled: rows of one test_id are the commands of one test, a row
without test_id is a test by itself. A row without technique_id is harmless, and
left out when security_tool or also_in_attack_data is true. Lines that cannot be
used are counted and reported.

A test is found when one of its commands gets the technique. At technique level
any tag of the label's technique counts, whatever the sub-technique of either. At
sub-technique level a label such as T1059.004 wants exactly that; a label such as
T1059 is found by itself and by its sub-techniques. Recall counts every tag, and
once more only those of --min-confidence. A harmless command is one false positive
however many tags of --min-confidence it gets. A confusion is what a test got that
was not found at sub-technique level; a test may be in several.

The rules are those of a run: the embedded pack with --rules over it, or these
alone with --embedded=false. The states kept in the store are not applied.`,
		examples: `ttpcron rules eval atomics.jsonl benign.jsonl
ttpcron rules eval --rules ./my-rules --misses labelled.jsonl
ttpcron rules eval --false-positives --min-confidence 0.8 benign.jsonl`,
		exits: []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			switch {
			case len(args) == 0:
				return &usageError{"rules eval needs a file of labelled commands", "ttpcron rules eval --help tells what is in one"}
			case o.min < 0 || o.min > 1 || o.min != o.min:
				return usagef("--min-confidence is %v, want 0 to 1", o.min)
			case o.limit < 0:
				return usagef("--limit is %d, want 0 or more", o.limit)
			}
			return a.evaluate(ctx, args, o)
		},
	}
}

func (a *app) evaluate(ctx context.Context, files []string, o evalOptions) error {
	rs, report, err := a.loadRules()
	if err != nil {
		return err
	}
	a.warnRules(report)
	judge := rs.judge()
	m := eval.New(judge, o.min)
	for _, name := range files {
		if err := a.measure(ctx, m, name); err != nil {
			return err
		}
	}
	r := m.Report()
	if o.json {
		err = a.printJSON(evalToJSON(&r, rs.Len(), judge.bounded))
	} else {
		err = a.evalText(&r, rs, o)
	}
	if err != nil {
		return err
	}
	used := 0
	for _, f := range r.Files {
		used += f.Labelled + f.Benign
		if f.Malformed > 0 {
			a.log.Warn("lines that cannot be used", "file", clean(f.Name), "lines", f.Malformed, "first", fmt.Sprintf("line %d: %s", f.Faults[0].Line, clean(f.Faults[0].Text)))
		}
	}
	if judge.bounded > 0 {
		a.log.Warn("a rule met a limit of work or size", "commands", judge.bounded)
	}
	if used == 0 {
		return errors.New("no command to judge: want JSON lines with command_text")
	}
	return nil
}

func (a *app) measure(ctx context.Context, m *eval.Measure, name string) error {
	if name == "-" {
		return m.Read(ctx, "standard input", a.stdin)
	}
	f, _, err := ttpcron.OpenRegular(name)
	if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) {
		return hinted{err, "to read a stream, pipe it in and give - as the file"}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return m.Read(ctx, name, f)
}

func (a *app) evalText(r *eval.Report, rs ruleSet, o evalOptions) error {
	w := a.stdout
	if o.misses {
		a.missLines(w, r)
	}
	if o.positive {
		for _, f := range r.FalsePositives {
			var tags []string
			for _, t := range f.Tags {
				tags = append(tags, fmt.Sprintf("%s %s %.2f", t.RuleID, t.Technique, t.Confidence))
			}
			fmt.Fprintf(w, "%s %s  %s\n", a.out.paint(yellow, "FALSE POSITIVE"), clean(f.Command), a.out.paint(dim, clean(strings.Join(tags, ", "))))
		}
	}
	if o.techniques {
		t := table{columns: []column{{title: "TECHNIQUE", sgr: yellow}, {title: "TESTS", right: true}, {title: "FOUND", right: true}, {title: "SUB", right: true}, {title: "NAME", min: 24}}}
		for _, s := range r.Techniques {
			t.add(s.Technique, count(s.Recall.Tests), count(s.Recall.Technique), count(s.Recall.Sub), techniqueName(s.Technique))
		}
		if err := t.print(w, a.out); err != nil {
			return err
		}
	}
	if err := a.evalLists(w, r, rs, o.limit); err != nil {
		return err
	}
	return evalTotals(w, r)
}

func (a *app) missLines(w io.Writer, r *eval.Report) {
	for _, m := range r.Misses {
		word := "MISSED"
		if m.Near {
			word = "NEAR"
		}
		got := "nothing"
		if len(m.Got) > 0 {
			got = strings.Join(m.Got, " ")
		}
		fmt.Fprintf(w, "%s %s %s: got %s\n", a.out.paint(red, word), clean(m.Technique), clean(m.Test), clean(got))
		for _, c := range m.Commands {
			fmt.Fprintf(w, "    %s\n", clean(c))
		}
	}
}

// evalLists prints the confusions and the rules with false positives.
func (a *app) evalLists(w io.Writer, r *eval.Report, rs ruleSet, limit int) error {
	t := table{columns: []column{{title: "EXPECTED", sgr: yellow}, {title: "GOT", sgr: yellow}, {title: "TESTS", right: true}, {title: "NAME OF WHAT IT GOT", min: 24}}}
	for i, c := range r.Confusions {
		if limit == 0 || i < limit {
			t.add(c.Expected, c.Got, count(c.Tests), techniqueName(c.Got))
		}
	}
	if err := t.print(w, a.out); err != nil {
		return err
	}
	t = table{columns: []column{{title: "RULE", sgr: cyan}, {title: "FALSE POSITIVES", right: true}, {title: "TESTS FOUND", right: true}, {title: "NAME", min: 24}}}
	for i, s := range r.Rules {
		if s.FalsePositives > 0 && (limit == 0 || i < limit) {
			rule, _ := rs.Rule(s.RuleID)
			t.add(s.RuleID, count(s.FalsePositives), count(s.Tests), rule.Name)
		}
	}
	return t.print(w, a.out)
}

func evalTotals(w io.Writer, r *eval.Report) error {
	if q := r.Recall; q.Tests > 0 {
		fmt.Fprintf(w, "recall by test, technique      %.3f  %d of %d; %.3f at confidence >= %.2f\n", q.Share(q.Technique), q.Technique, q.Tests, q.Share(q.SureTechnique), r.MinConfidence)
		fmt.Fprintf(w, "recall by test, sub-technique  %.3f  %d of %d; %.3f at confidence >= %.2f\n", q.Share(q.Sub), q.Sub, q.Tests, q.Share(q.SureSub), r.MinConfidence)
	}
	if r.Benign > 0 {
		fmt.Fprintf(w, "false positives per 1,000      %.1f   %d of %s at confidence >= %.2f\n", r.PerThousand(), len(r.FalsePositives), count(r.Benign), r.MinConfidence)
	}
	for _, f := range r.Files {
		if _, err := fmt.Fprintf(w, "%s: %s, %s labelled, %s harmless, %s left out, %s malformed\n", clean(f.Name), plural(f.Lines, "line", "lines"), count(f.Labelled), count(f.Benign), count(f.LeftOut), count(f.Malformed)); err != nil {
			return err
		}
	}
	return nil
}
