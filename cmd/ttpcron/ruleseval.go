package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
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
func judge(r ruleset.Set) *measured {
	return &measured{Composite: r.RuleSet.Tagger(func(e ttpcron.Event, rule string, err error) {
		if rule != "" {
			r.Log.Warn("a rule failed on an event", "rule", term.Clean(rule), "error", term.Clean(err.Error()))
		}
	})}
}

type evalOptions struct {
	min                          float64
	techniques, misses, positive bool
	json                         bool
	limit                        int
}

func rulesEval() *command {
	var o evalOptions
	fs := cli.NewFlags()
	fs.Float64Var(&o.min, "min-confidence", eval.DefaultMinConfidence, "a tag of a harmless command is a false positive from confidence `C` on")
	fs.BoolVar(&o.techniques, "techniques", false, "list the recall of each technique")
	fs.BoolVar(&o.misses, "misses", false, "list the tests that were not found, with their commands")
	fs.BoolVar(&o.positive, "false-positives", false, "list the harmless commands that got a tag, with the rules")
	fs.IntVar(&o.limit, "limit", 20, "list at most `N` confusions and rules; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print everything as one JSON object")
	return &command{
		Name: "rules eval", Args: "FILE...", Short: "measure the rules on labelled and harmless commands", Flags: fs, Unstored: true,
		Text: `Judges the commands of files of JSON lines, - for standard input. A row with
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
		Examples: `ttpcron rules eval atomics.jsonl benign.jsonl
ttpcron rules eval --rules ./my-rules --misses labelled.jsonl
ttpcron rules eval --false-positives --min-confidence 0.8 benign.jsonl`,
		Exits: []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) == 0:
				return cli.Usage("rules eval needs a file of labelled commands", "ttpcron rules eval --help tells what is in one")
			case o.min < 0 || o.min > 1 || o.min != o.min:
				return cli.Usagef("--min-confidence is %v, want 0 to 1", o.min)
			case o.limit < 0:
				return cli.Usagef("--limit is %d, want 0 or more", o.limit)
			}
			return evaluate(ctx, s, args, o)
		},
	}
}

func evaluate(ctx context.Context, s *session, files []string, o evalOptions) error {
	rs, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	judge := judge(rs)
	m := eval.New(judge, o.min)
	for _, name := range files {
		if err := measure(ctx, s.stdin, m, name); err != nil {
			return err
		}
	}
	r := m.Report()
	if o.json {
		err = s.out.JSON(evalToJSON(&r, rs.Len(), judge.bounded))
	} else {
		err = evalText(s.out, &r, rs, o)
	}
	if err != nil {
		return err
	}
	used := 0
	for _, f := range r.Files {
		used += f.Labelled + f.Benign
		if f.Malformed > 0 {
			s.log.Warn("lines that cannot be used", "file", term.Clean(f.Name), "lines", f.Malformed, "first", fmt.Sprintf("line %d: %s", f.Faults[0].Line, term.Clean(f.Faults[0].Text)))
		}
	}
	if judge.bounded > 0 {
		s.log.Warn("a rule met a limit of work or size", "commands", judge.bounded)
	}
	if used == 0 {
		return errors.New("no command to judge: want JSON lines with command_text")
	}
	return nil
}

func measure(ctx context.Context, stdin io.Reader, m *eval.Measure, name string) error {
	if name == "-" {
		return m.Read(ctx, "standard input", stdin)
	}
	f, _, err := ttpcron.OpenRegular(name)
	if odd := (*ttpcron.NotRegularError)(nil); errors.As(err, &odd) {
		return cli.Hint(err, "to read a stream, pipe it in and give - as the file")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return m.Read(ctx, name, f)
}

func evalText(out *term.Output, r *eval.Report, rs ruleset.Set, o evalOptions) error {
	w := out
	if o.misses {
		missLines(out, w, r)
	}
	if o.positive {
		for _, f := range r.FalsePositives {
			var tags []string
			for _, t := range f.Tags {
				tags = append(tags, fmt.Sprintf("%s %s %.2f", t.RuleID, t.Technique, t.Confidence))
			}
			fmt.Fprintf(w, "%s %s  %s\n", out.Term.Paint(term.Yellow, "FALSE POSITIVE"), term.Clean(f.Command), out.Term.Paint(term.Dim, term.Clean(strings.Join(tags, ", "))))
		}
	}
	if o.techniques {
		t := term.Table{Columns: []term.Column{{Title: "TECHNIQUE", SGR: term.Yellow}, {Title: "TESTS", Right: true}, {Title: "FOUND", Right: true}, {Title: "SUB", Right: true}, {Title: "NAME", Min: 24}}}
		for _, s := range r.Techniques {
			t.Add(s.Technique, term.Count(s.Recall.Tests), term.Count(s.Recall.Technique), term.Count(s.Recall.Sub), techniqueName(s.Technique))
		}
		if err := t.Print(w, out.Term); err != nil {
			return err
		}
	}
	if err := evalLists(out, w, r, rs, o.limit); err != nil {
		return err
	}
	return evalTotals(w, r)
}

func missLines(out *term.Output, w io.Writer, r *eval.Report) {
	for _, m := range r.Misses {
		word := "MISSED"
		if m.Near {
			word = "NEAR"
		}
		got := "nothing"
		if len(m.Got) > 0 {
			got = strings.Join(m.Got, " ")
		}
		fmt.Fprintf(w, "%s %s %s: got %s\n", out.Term.Paint(term.Red, word), term.Clean(m.Technique), term.Clean(m.Test), term.Clean(got))
		for _, c := range m.Commands {
			fmt.Fprintf(w, "    %s\n", term.Clean(c))
		}
	}
}

// evalLists prints the confusions and the rules with false positives.
func evalLists(out *term.Output, w io.Writer, r *eval.Report, rs ruleset.Set, limit int) error {
	t := term.Table{Columns: []term.Column{{Title: "EXPECTED", SGR: term.Yellow}, {Title: "GOT", SGR: term.Yellow}, {Title: "TESTS", Right: true}, {Title: "NAME OF WHAT IT GOT", Min: 24}}}
	for i, c := range r.Confusions {
		if limit == 0 || i < limit {
			t.Add(c.Expected, c.Got, term.Count(c.Tests), techniqueName(c.Got))
		}
	}
	if err := t.Print(w, out.Term); err != nil {
		return err
	}
	t = term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "FALSE POSITIVES", Right: true}, {Title: "TESTS FOUND", Right: true}, {Title: "NAME", Min: 24}}}
	for i, s := range r.Rules {
		if s.FalsePositives > 0 && (limit == 0 || i < limit) {
			rule, _ := rs.Rule(s.RuleID)
			t.Add(s.RuleID, term.Count(s.FalsePositives), term.Count(s.Tests), rule.Name)
		}
	}
	return t.Print(w, out.Term)
}

func evalTotals(w io.Writer, r *eval.Report) error {
	if q := r.Recall; q.Tests > 0 {
		fmt.Fprintf(w, "recall by test, technique      %.3f  %d of %d; %.3f at confidence >= %.2f\n", q.Share(q.Technique), q.Technique, q.Tests, q.Share(q.SureTechnique), r.MinConfidence)
		fmt.Fprintf(w, "recall by test, sub-technique  %.3f  %d of %d; %.3f at confidence >= %.2f\n", q.Share(q.Sub), q.Sub, q.Tests, q.Share(q.SureSub), r.MinConfidence)
	}
	if r.Benign > 0 {
		fmt.Fprintf(w, "false positives per 1,000      %.1f   %d of %s at confidence >= %.2f\n", r.PerThousand(), len(r.FalsePositives), term.Count(r.Benign), r.MinConfidence)
	}
	for _, f := range r.Files {
		if _, err := fmt.Fprintf(w, "%s: %s, %s labelled, %s harmless, %s left out, %s malformed\n", term.Clean(f.Name), term.Plural(f.Lines, "line", "lines"), term.Count(f.Labelled), term.Count(f.Benign), term.Count(f.LeftOut), term.Count(f.Malformed)); err != nil {
			return err
		}
	}
	return nil
}
