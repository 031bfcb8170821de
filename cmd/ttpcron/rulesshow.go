package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/tagger"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

func rulesShow() *command {
	flags := cli.NewFlags()
	asJSON := flags.Bool("json", false, "print one JSON object, as rules list --json does")
	source := flags.Bool("source", false, "print the rule's file as it is, to copy it and change the copy")
	return &command{
		Name: "rules show", Args: "ID", Short: "show one rule in full", Flags: flags, Unstored: true,
		Text: `Shows a rule, where it comes from, and its state if there is a store. For a
correlation it shows what it counts, of which rules, by which groups and within
what time, and where it can be judged. For a rule that correlations refer to, it
lists them.

--source prints the rule's file, from the embedded pack or from your folder. To
change a rule, save its file in a folder, raise the version, edit it, and name the
folder with --rules: it replaces the rule with the same id.`,
		Examples: "ttpcron rules show TC2303\nttpcron rules show TC2303 --rules ./my-rules --json\nttpcron rules show TC2303 --source > my-rules/TC2303.yaml",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("rules show needs the id of one rule", "ttpcron rules list shows the ids")
			}
			if *source && *asJSON {
				return cli.Usage("--source takes no --json", "a rule's file is YAML, and is printed as it is")
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
			if *source {
				return printSource(s.out, s.set, &r)
			}
			if *asJSON {
				return s.out.JSON(describeRule(&r, life, s.set.Attack))
			}
			showRule(s.out, &r, rs, life, s.set.Attack)
			return nil
		},
	}
}

// printSource prints the file that a rule is from.
func printSource(out *term.Output, set *settings.Settings, r *tagger.Rule) error {
	folders, err := ruleset.Folders(set.Embedded, set.Rules)
	if err != nil {
		return err
	}
	for _, f := range folders {
		if f.Name != r.Folder {
			continue
		}
		text, err := fs.ReadFile(f.FS, r.File)
		if err != nil {
			return fmt.Errorf("read the source of rule %s: %w", r.ID, err)
		}
		if out.Term.Is { // it may be anybody's
			text = term.CleanLines(text)
		}
		_, err = out.WriteString(string(text))
		return err
	}
	return fmt.Errorf("the source of rule %s was not found: no folder %s", r.ID, r.Folder)
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
