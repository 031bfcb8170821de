package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
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
	under                                                   *attack.Table // whose names are shown
	min                                                     float64
	minLevel                                                cli.MinLevel
	judgements                                              string
	byRule, techniques, confusions, misses, positive, wrong bool
	json                                                    bool
	limit                                                   int
}

func rulesEval() *command {
	o := evalOptions{minLevel: cli.MinLevel{Level: eval.DefaultMinLevel, IsSet: true}}
	fs := cli.NewFlags()
	fs.Var(&o.minLevel, "min-level", "a tag of a harmless command is a false positive at `LEVEL` or above")
	cli.ConfidenceVar(fs, &o.min, "min-confidence", eval.DefaultMinConfidence, "also count with only the tags of confidence `C` or more")
	cli.TextVar(fs, &o.judgements, "judgements", "`FILE` with analysts' judgements: lines of hash, technique and share")
	fs.BoolVar(&o.byRule, "by-rule", false, "list the results of each rule, those furthest off their confidence first")
	fs.BoolVar(&o.techniques, "techniques", false, "list the recall of each technique")
	fs.BoolVar(&o.confusions, "confusions", false, "list the techniques that tests got instead of their own")
	fs.BoolVar(&o.misses, "misses", false, "list the tests that were not found, with their commands")
	fs.BoolVar(&o.positive, "false-positives", false, "list the false positives, with the rules")
	fs.BoolVar(&o.wrong, "wrong", false, "list the tags that most analysts call wrong, highest confidence first")
	cli.LimitVar(fs, &o.limit, "limit", 20, "list at most `N` rules and confusions; 0 for all")
	fs.BoolVar(&o.json, "json", false, "print everything as one JSON object")
	return &command{
		Name: "rules eval", Args: "FILE...", Short: "measure the rules on labelled and harmless commands", Flags: fs, Unstored: true,
		Text: `Judges commands from files of JSON lines; - is standard input. A row with
technique_id is labelled: rows with the same test_id form one test, and a row
without test_id is a test by itself. A row without technique_id but with judged
is also an attacker's command. All other rows are harmless, and are skipped if
security_tool or also_in_attack_data is true. Lines that cannot be used are
counted and reported.

RECALL. A test is found if one of its commands gets the technique. At technique
level any tag of the label's technique counts, whatever the sub-technique of
either. At sub-technique level a label such as T1059.004 needs exactly that; a
label such as T1059 is found by itself or by any of its sub-techniques. Labels
from older ATT&CK releases are translated to the release that --attack-release
names.

FALSE POSITIVES are harmless commands with a tag at or above --min-level, since
the level says how much an event means where honest people work too. Commands
with a tag at --min-confidence, or with any tag, are counted as well but are not
errors: listing processes is T1057, whoever does it.

CALIBRATION. Confidence is how likely it is that the technique describes what an
attacker did. Each bin shows the tags on attackers' commands, their mean
confidence, and LABELLED, the share that the test's label names. LABELLED is a
lower bound, since most commands of a test show something else. A row's judged
member, such as {"T1057": 1, "T1083": 0.5}, or --judgements gives the share of
analysts who say that a technique describes the command. RIGHT is the mean of
these shares, and OFF its distance from the mean confidence of the judged tags.
A bin with 50 or more judged tags and OFF above 0.1 is marked. A tag counts once
for each rule that makes it; a text counts once, however many rows repeat it.

The rules are those of a run: the embedded pack with --rules over it, or with
--embedded=false only --rules. States kept in the store do not apply, and
correlations are left out.`,
		Examples: `ttpcron rules eval atomics.jsonl benign.jsonl
ttpcron rules eval --rules ./my-rules --misses labelled.jsonl
ttpcron rules eval --judgements judged.tsv --by-rule labelled.jsonl
ttpcron rules eval --false-positives --min-level high benign.jsonl`,
		Exits: []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) == 0 {
				return cli.Usage("rules eval needs a file of labelled commands", "ttpcron rules eval --help tells what is in one")
			}
			return evaluate(ctx, s, args, o)
		},
	}
}

// nameIn returns a function that gives the id of a technique in a release of ATT&CK.
func nameIn(table *attack.Table) func(id string) string {
	return func(id string) string {
		if t, ok := table.Counterpart(id); ok {
			return t.ID
		}
		return id
	}
}

func evaluate(ctx context.Context, s *session, files []string, o evalOptions) error {
	o.under = s.set.Attack
	options := eval.Options{MinConfidence: o.min, MinLevel: o.minLevel.Level, CountAs: nameIn(o.under)}
	var err error
	if options.Judgements, err = readJudgements(o.judgements); err != nil {
		return err
	}
	rs, report, err := loadRules(s.set, s.log)
	if err != nil {
		return err
	}
	ruleset.Warn(s.log, report)
	judge := judge(rs)
	m := eval.New(judge, options)
	for _, name := range files {
		if err := measure(ctx, s.stdin, m, name); err != nil {
			return err
		}
	}
	r := m.Report()
	if o.json {
		err = s.out.JSON(evalToJSON(&r, rs.Len(), judge.bounded, o.under))
	} else {
		err = evalText(s.out, &r, rs, o)
	}
	if err != nil {
		return err
	}
	noteCorrelations(s.out, rs)
	used := 0
	for _, f := range r.Files {
		used += f.Labelled + f.Judged + f.Harmless
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

func readJudgements(name string) (eval.Judgements, error) {
	if name == "" {
		return nil, nil
	}
	f, _, err := ttpcron.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return eval.ReadJudgements(name, f)
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

// evalText prints the headline, then the lists that were asked for.
func evalText(out *term.Output, r *eval.Report, rs ruleset.Set, o evalOptions) error {
	if err := headline(out, r); err != nil {
		return err
	}
	if err := calibrationTable(out, r); err != nil {
		return err
	}
	for _, f := range r.Files {
		if _, err := fmt.Fprintf(out, "%s: %s, %s labelled, %s judged without a label, %s harmless, %s left out, %s malformed\n", term.Clean(f.Name), term.Plural(f.Lines, "line", "lines"),
			term.Count(f.Labelled), term.Count(f.Judged), term.Count(f.Harmless), term.Count(f.LeftOut), term.Count(f.Malformed)); err != nil {
			return err
		}
	}
	if o.byRule {
		if err := ruleScoreTable(out, r, rs, o.limit); err != nil {
			return err
		}
	}
	if o.techniques {
		if err := techniqueTable(out, r, o.under); err != nil {
			return err
		}
	}
	if o.confusions {
		if err := confusionTable(out, r, o.limit, o.under); err != nil {
			return err
		}
	}
	if o.misses {
		missLines(out, r)
	}
	if o.positive {
		for _, f := range r.FalsePositives {
			var tags []string
			for _, t := range f.Tags {
				tags = append(tags, hitText(t))
			}
			fmt.Fprintf(out, "%s %s  %s\n", out.Term.Paint(term.Yellow, "FALSE POSITIVE"), term.Clean(f.Command), out.Term.Paint(term.Dim, strings.Join(tags, ", ")))
		}
	}
	if o.wrong {
		for _, w := range r.Wrong {
			fmt.Fprintf(out, "%s %s  %s\n", out.Term.Paint(term.Red, "WRONG"), term.Clean(w.Command), out.Term.Paint(term.Dim, hitText(w.Tag)))
		}
	}
	return nil
}

func hitText(h eval.Hit) string {
	return term.Clean(fmt.Sprintf("%s %s %s %.2f", h.RuleID, h.Technique, h.Level, h.Confidence))
}

func headline(out *term.Output, r *eval.Report) error {
	t := term.Table{Columns: []term.Column{{Title: "MEASURE"}, {Title: "ANY TAG", Right: true}, {Title: fmt.Sprintf("CONFIDENCE >= %.2f", r.MinConfidence), Right: true}, {Title: "LEVEL >= " + r.MinLevel.String(), Right: true}, {Title: "OF"}}}
	if q := r.Recall; q.Tests > 0 {
		row := func(name string, of func(eval.Found) int) {
			share := func(f eval.Found) string { return fmt.Sprintf("%.3f", q.Share(of(f))) }
			t.Add(name, share(q.Any), share(q.AtConfidence), share(q.AtLevel), term.Plural(q.Tests, "test", "tests"))
		}
		row("recall by test, technique", func(f eval.Found) int { return f.Technique })
		row("recall by test, sub-technique", func(f eval.Found) int { return f.Sub })
	}
	h := &r.Harmless
	if h.Commands > 0 {
		per := func(n int) string { return fmt.Sprintf("%.1f", h.PerThousand(n)) }
		t.Add("harmless commands tagged, per 1,000", per(h.Any), per(h.AtConfidence), per(h.AtLevel), term.Plural(h.Commands, "command", "commands"))
	}
	if err := t.Print(out, out.Term); err != nil {
		return err
	}
	if h.Commands > 0 {
		fmt.Fprintf(out, "false positives per 1,000: %.1f (%s of %s harmless commands have a tag of level >= %s)\n", h.PerThousand(h.AtLevel), term.Count(h.AtLevel), term.Count(h.Commands), r.MinLevel)
	}
	if c := &h.Calibration; c.Judged > 0 {
		fmt.Fprintf(out, "of %s on harmless commands %.2f name a technique that describes the command\n", term.Plural(c.Judged, fmt.Sprintf("judged tag of confidence >= %.2f", r.MinConfidence), fmt.Sprintf("judged tags of confidence >= %.2f", r.MinConfidence)), c.RightShare())
	}
	return nil
}

// calibrationTable prints the bins of the tags on attackers' commands.
func calibrationTable(out *term.Output, r *eval.Report) error {
	t := term.Table{Columns: []term.Column{{Title: "CONFIDENCE"}, {Title: "TAGS", Right: true}, {Title: "MEAN", Right: true}, {Title: "LABELLED", Right: true}, {Title: "JUDGED", Right: true}, {Title: "MEAN", Right: true}, {Title: "RIGHT", Right: true}, {Title: "OFF", Right: true}, {SGR: term.Red}}}
	tags := 0
	for i := range r.Bins {
		b := &r.Bins[i]
		tags += b.Tags
		name := fmt.Sprintf("%.1f to %.1f", b.From, b.To)
		if math.IsInf(b.To, 1) {
			name = fmt.Sprintf("%.1f or more", b.From)
		}
		marked := ""
		if b.Wrong() {
			marked = "far off"
		}
		t.Add(name, term.Count(b.Tags), shareOf(b.Mean(), b.Tags), shareOf(b.NamedShare(), b.Labelled), term.Count(b.Judged), shareOf(b.JudgedMean(), b.Judged), shareOf(b.RightShare(), b.Judged), offBy(&b.Calibration), marked)
	}
	if tags == 0 {
		return nil
	}
	return t.Print(out, out.Term)
}

// shareOf formats a share of n, nothing when n is 0.
func shareOf(share float64, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", share)
}

func offBy(c *eval.Calibration) string {
	if c.Judged == 0 {
		return ""
	}
	return fmt.Sprintf("%+.2f", c.Off())
}

func ruleScoreTable(out *term.Output, r *eval.Report, rs ruleset.Set, limit int) error {
	t := term.Table{Columns: []term.Column{{Title: "RULE", SGR: term.Cyan}, {Title: "TECHNIQUE", SGR: term.Yellow}, {Title: "CONFIDENCE", Right: true}, {Title: "LEVEL"}, {Title: "TAGS", Right: true}, {Title: "LABELLED", Right: true}, {Title: "JUDGED", Right: true}, {Title: "RIGHT", Right: true}, {Title: "OFF", Right: true}, {Title: "TESTS", Right: true}, {Title: "HARMLESS", Right: true}, {Title: "NAME", Min: 24}}}
	for i := range r.Rules {
		if limit > 0 && i == limit {
			break
		}
		s := &r.Rules[i]
		rule, _ := rs.Rule(s.RuleID)
		t.Add(s.RuleID, s.Technique, fmt.Sprintf("%.2f", s.Confidence), s.Level.String(), term.Count(s.Tags), shareOf(s.NamedShare(), s.Labelled), term.Count(s.Judged), shareOf(s.RightShare(), s.Judged), offBy(&s.Calibration), term.Count(s.Tests), term.Count(s.Harmless), rule.Name)
	}
	return t.Print(out, out.Term)
}

func techniqueTable(out *term.Output, r *eval.Report, under *attack.Table) error {
	t := term.Table{Columns: []term.Column{{Title: "TECHNIQUE", SGR: term.Yellow}, {Title: "TESTS", Right: true}, {Title: "FOUND", Right: true}, {Title: "SUB", Right: true}, {Title: "CONFIDENT", Right: true}, {Title: "AT LEVEL", Right: true}, {Title: "NAME", Min: 24}}}
	for _, s := range r.Techniques {
		q := s.Recall
		t.Add(s.Technique, term.Count(q.Tests), term.Count(q.Any.Technique), term.Count(q.Any.Sub), term.Count(q.AtConfidence.Technique), term.Count(q.AtLevel.Technique), techniqueName(under, s.Technique))
	}
	return t.Print(out, out.Term)
}

func confusionTable(out *term.Output, r *eval.Report, limit int, under *attack.Table) error {
	t := term.Table{Columns: []term.Column{{Title: "EXPECTED", SGR: term.Yellow}, {Title: "GOT", SGR: term.Yellow}, {Title: "TESTS", Right: true}, {Title: "NAME OF WHAT IT GOT", Min: 24}}}
	for i, c := range r.Confusions {
		if limit > 0 && i == limit {
			break
		}
		t.Add(c.Expected, c.Got, term.Count(c.Tests), techniqueName(under, c.Got))
	}
	return t.Print(out, out.Term)
}

func missLines(out *term.Output, r *eval.Report) {
	for _, m := range r.Misses {
		word := "MISSED"
		if m.Near {
			word = "NEAR"
		}
		got := "nothing"
		if len(m.Got) > 0 {
			got = strings.Join(m.Got, " ")
		}
		fmt.Fprintf(out, "%s %s %s: got %s\n", out.Term.Paint(term.Red, word), term.Clean(m.Technique), term.Clean(m.Test), term.Clean(got))
		for _, c := range m.Commands {
			fmt.Fprintf(out, "    %s\n", term.Clean(c))
		}
	}
}
