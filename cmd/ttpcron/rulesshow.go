package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

func rulesShow() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object, as rules list --json does")
	return &command{
		Name: "rules show", Args: "ID", Short: "show one rule in full", Flags: fs, Unstored: true,
		Text: `Shows a rule, where it comes from, and its state if there is a store. For a
correlation it shows what it counts, of which rules, by which groups and within
what time, and where it can be judged. For a rule that correlations refer to, it
lists them.`,
		Examples: "ttpcron rules show TC2303\nttpcron rules show TC2303 --rules ./my-rules --json",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rules show needs the id of one rule", "ttpcron rules list shows the ids")
			}
			rs, life, report, err := rulesWithLife(ctx, s)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			r, ok := rs.Rule(args[0])
			if !ok {
				return unknownRule(rs, args[0])
			}
			if *asJSON {
				return s.out.JSON(describeRule(&r, life, s.set.Attack))
			}
			showRule(s.out, &r, rs, life, s.set.Attack)
			return nil
		},
	}
}

func showRule(out *term.Output, r *tagger.Rule, rs ruleset.Set, life ruleset.Life, under *attack.Table) {
	t := out.Term
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%s  %s\n", t.Paint(term.Bold, fmt.Sprintf("%-10s", name)), fmt.Sprintf(format, args...))
	}
	line("rule", "%s version %d: %s", t.Paint(term.Cyan, term.Clean(r.ID)), r.Version, term.Clean(r.Name))
	line("file", "%s/%s", term.Clean(r.Folder), term.Clean(r.File))
	line("level", "%s", r.Level)
	for _, c := range r.Claims {
		shown := under.Shown(&c)
		id := shown.Technique()
		line("emits", "%s %s, %s, confidence %.2f", t.Paint(term.Yellow, term.Clean(id)), techniqueName(under, id), tacticName(under, shown.Tactic), c.Confidence)
	}
	if c := r.Correlation; c != nil {
		showCorrelation(line, c, rs)
	} else {
		line("applies to", "%s", term.Clean(strings.ReplaceAll(appliesTo(r), ",", ", ")))
	}
	line("state", "%s", term.Clean(stateText(r, life)))
	for _, id := range r.Feeds {
		line("feeds", "%s", withName(rs, id))
	}
	if r.Slow != "" {
		line("slow", "%s", term.Clean(r.Slow))
	}
	line("examples", "%d that must match, %d that must not", r.MatchExamples, r.MissExamples)
	for _, ref := range r.References {
		line("reference", "%s", term.Clean(ref))
	}
	if text := strings.TrimSpace(r.Description); text != "" {
		fmt.Fprintf(out, "\n%s\n", term.CleanLines([]byte(text)))
	}
}

// scopeText says what a scope means.
var scopeText = map[correlation.Scope]string{
	correlation.ScopeAddress: "address: each part of a fleet that is divided by address can judge it",
	correlation.ScopeWhole:   "whole: only a store that has all events can judge it",
}

func showCorrelation(line func(name, format string, args ...any), c *tagger.Correlation, rs ruleset.Set) {
	line("type", "%s", c.Type)
	for _, id := range c.Rules {
		line("of", "%s", withName(rs, id))
	}
	by := strings.Join(c.GroupBy, ", ")
	if by == "" {
		by = "nothing: all events are one group"
	}
	line("grouped by", "%s", term.Clean(by))
	line("timespan", "%s", ttpcron.FormatTimespan(c.Timespan))
	line("condition", "%s", term.Clean(cmp.Or(c.Condition, "each of these rules")))
	if len(c.Fields) > 0 {
		line("values of", "%s", term.Clean(strings.Join(c.Fields, ", ")))
	}
	if c.Scope != "" {
		line("scope", "%s", scopeText[c.Scope])
	}
}

// withName is a rule's id with its name, if it is loaded.
func withName(rs ruleset.Set, id string) string {
	text := term.Clean(id)
	if r, ok := rs.Rule(id); ok {
		text += "  " + term.Clean(r.Name)
	}
	return text
}
