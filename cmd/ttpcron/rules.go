package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

func (a *app) rulesCommands() *ffcli.Command {
	group := &command{
		name: "rules", args: "COMMAND", short: "list, check and test rules, and decide about them", fs: a.flags(),
		text: `Rules are YAML files, DECNET's among them. The embedded pack is loaded first; a
rule of a folder given with --rules replaces an earlier one with the same rule_id.`,
	}
	return a.build(group, a.build(a.rulesList()), a.rulesStateCommands(), a.build(a.rulesRetire()), a.build(a.rulesUnretire()), a.build(a.rulesLog()), a.build(a.rulesCheck()), a.build(a.rulesTest()), a.build(a.rulesEval()), a.build(a.rulesNoise()), a.build(a.rulesUntagged()), a.build(a.rulesCoverage()))
}

func (a *app) rulesList() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	technique := fs.String("technique", "", "only rules that claim the technique `T` or one of its sub-techniques")
	source := fs.String("kind", "", "only rules that apply to events of the `KIND`, such as command")
	return &command{
		name: "rules list", short: "list the rules and their state", fs: fs,
		text: `Lists the rules that a run would use, with their operational state where there is
a store: disabled or clipped, until when and why, and retired when the tags of the
version at hand are hidden. A rule that can never match is listed as inert, with
the reason.`,
		examples: "ttpcron rules list --technique T1105\nttpcron rules list --rules ./my-rules --json",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			rs, life, report, err := a.rulesWithLife(ctx)
			if err != nil {
				return err
			}
			a.warnRules(report)
			var rules []tagger.Rule
			for _, r := range rs.Rules() {
				if matchesRule(&r, strings.ToUpper(*technique), ttpcron.SourceKind(*source)) {
					rules = append(rules, r)
				}
			}
			if *asJSON {
				return a.ruleLines(rules, life)
			}
			return a.ruleTable(rules, life, report)
		},
	}
}

func matchesRule(r *tagger.Rule, technique string, kind ttpcron.SourceKind) bool {
	ok := technique == ""
	for _, c := range r.Claims {
		ok = ok || c.TechniqueID == technique || c.SubTechniqueID == technique
	}
	if kind == "" {
		return ok
	}
	for _, k := range r.Kinds {
		if k == kind {
			return ok
		}
	}
	return false
}

// refused counts the files that gave no rule.
func refused(report *tagger.LoadReport) int {
	files := map[[2]string]bool{}
	for _, p := range report.Problems {
		if !p.Warning {
			files[[2]string{p.Source, p.File}] = true
		}
	}
	return len(files)
}

// stateText is a rule's state in a word or two.
func stateText(r *tagger.Rule, life ruleLife) string {
	var text string
	switch {
	case r.Inert != "":
		text = "inert: " + r.Inert
	case r.State.Status == ttpcron.StatusClipped, r.State.Status == ttpcron.StatusDisabled:
		text = r.State.String()
		if r.State.Reason != "" {
			text += " (" + r.State.Reason + ")"
		}
	case !r.Active:
		text = "emits nothing: confidence under 0.3"
	default:
		text = "enabled"
	}
	if life.hidesRule(r) {
		return text + ", retired"
	}
	for _, v := range life.retiredVersions(r) {
		text += fmt.Sprintf(", version %d retired", v)
	}
	return text
}

func (a *app) ruleTable(rules []tagger.Rule, life ruleLife, report *tagger.LoadReport) error {
	t := table{columns: []column{
		{title: "RULE", sgr: cyan}, {title: "VER", right: true}, {title: "APPLIES TO", min: 10}, {title: "TECHNIQUES", min: 12, sgr: yellow}, {title: "STATE", min: 8}, {title: "NAME", min: 24},
	}}
	for i := range rules {
		r := &rules[i]
		var kinds, claims []string
		for _, k := range r.Kinds {
			kinds = append(kinds, string(k))
		}
		for _, c := range r.Claims {
			claims = append(claims, c.Technique())
		}
		t.add(r.ID, fmt.Sprint(r.Version), strings.Join(kinds, ","), strings.Join(claims, ","), stateText(r, life), r.Name)
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	summary := plural(len(rules), "rule", "rules")
	if n := refused(report); n > 0 {
		summary += fmt.Sprintf(", %s refused: ttpcron rules check says why", plural(n, "file", "files"))
	}
	a.note("%s", summary)
	return nil
}

type ruleJSON struct {
	RuleID      string               `json:"rule_id"`
	Version     int                  `json:"rule_version"`
	Name        string               `json:"name"`
	Description string               `json:"description"`
	AppliesTo   []ttpcron.SourceKind `json:"applies_to"`
	Emits       []claimJSON          `json:"emits"`
	References  []string             `json:"references"`
	Source      string               `json:"source"`
	File        string               `json:"file"`
	Active      bool                 `json:"active"`
	State       string               `json:"state"`
	Ceiling     *float64             `json:"confidence_max,omitempty"` // of a clipped rule
	ExpiresAt   *time.Time           `json:"expires_at,omitempty"`
	Reason      string               `json:"reason,omitempty"`
	Retired     bool                 `json:"retired"` // the tags of this version are hidden
	RetiredOld  []int                `json:"retired_versions,omitempty"`
	Inert       string               `json:"inert,omitempty"`
	Slow        string               `json:"slow,omitempty"`
	Examples    int                  `json:"examples"`
}

type claimJSON struct {
	Tactic     string  `json:"tactic"`
	Technique  string  `json:"technique_id"`
	Sub        string  `json:"sub_technique_id,omitempty"`
	Confidence float64 `json:"confidence"`
}

func (a *app) ruleLines(rules []tagger.Rule, life ruleLife) error {
	enc := json.NewEncoder(a.stdout)
	for i := range rules {
		r := &rules[i]
		j := ruleJSON{
			RuleID: r.ID, Version: r.Version, Name: r.Name, Description: r.Description, AppliesTo: r.Kinds, References: r.References,
			Source: r.Source, File: r.File, Active: r.Active, State: string(cmp.Or(r.State.Status, ttpcron.StatusEnabled)), Inert: r.Inert, Slow: r.Slow, Examples: r.MatchExamples + r.MissExamples,
			ExpiresAt: timeOrNull(r.State.ExpiresAt), Reason: r.State.Reason, Retired: life.hidesRule(r), RetiredOld: life.retiredVersions(r),
		}
		if r.State.Status == ttpcron.StatusClipped {
			j.Ceiling = &r.State.ConfidenceMax
		}
		for _, c := range r.Claims {
			j.Emits = append(j.Emits, claimJSON{c.Tactic, c.TechniqueID, c.SubTechniqueID, c.Confidence})
		}
		if err := enc.Encode(j); err != nil {
			return err
		}
	}
	return nil
}

// named loads the folders that a command names, or all rules when it names
// none.
func (a *app) named(dirs []string) (ruleSet, *tagger.LoadReport, error) {
	if len(dirs) == 0 {
		return a.loadRules()
	}
	var sources []tagger.Source
	for _, dir := range dirs {
		s, err := ruleFolder(dir)
		if err != nil {
			return ruleSet{}, nil, err
		}
		sources = append(sources, s)
	}
	rs, report := a.load(sources)
	return rs, report, nil
}

func (a *app) rulesCheck() *command {
	fs := a.flags()
	return &command{
		name: "rules check", args: "[DIR...]", short: "check rule files without using them", fs: fs,
		text: `Reports what is wrong with rule files, by file, line and field: of the folders
named, or of the embedded pack and --rules. A file with an error gives no rule,
and the exit status is 1; a warning leaves its rule in use.`,
		examples: "ttpcron rules check ./my-rules",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			rs, report, err := a.named(args)
			if err != nil {
				return err
			}
			warnings := 0
			for _, p := range report.Problems {
				text := clean(p.String())
				if p.Warning {
					warnings++
					text = a.out.paint(yellow, text)
				} else {
					text = a.out.paint(red, text)
				}
				fmt.Fprintln(a.stdout, text)
			}
			fmt.Fprintf(a.stdout, "%s, %s loaded, %d inert, %d refused, %s\n", plural(report.Files, "file", "files"), plural(rs.Len(), "rule", "rules"), report.Inert, refused(report), plural(warnings, "warning", "warnings"))
			if n := refused(report); n > 0 {
				return fmt.Errorf("%s refused", plural(n, "rule file is", "rule files are"))
			}
			if report.Files == 0 {
				return fmt.Errorf("no rule files, *.yaml, found")
			}
			return nil
		},
	}
}

func (a *app) rulesTest() *command {
	fs := a.flags()
	return &command{
		name: "rules test", args: "[DIR...]", short: "run the examples that rules carry", fs: fs,
		text: `Runs the examples of every rule, of the folders named or of the embedded pack and
--rules: those under tests.match must match, those under tests.no_match must not.
The exit status is 1 when one comes out otherwise, or a rule file is refused.`,
		examples: "ttpcron rules test\nttpcron rules test ./my-rules",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			rs, report, err := a.named(args)
			if err != nil {
				return err
			}
			a.warnRules(report)
			failures := tagger.Test(rs.RuleSet)
			for _, f := range failures {
				want := "must match"
				if !f.Want {
					want = "must not match"
				}
				fmt.Fprintf(a.stdout, "%s %s (%s/%s): %s, %s: %s\n", a.out.paint(red, "FAIL"), clean(f.Rule), clean(f.Source), clean(f.File), want, clean(f.Text), clean(f.Example))
			}
			examples, without := 0, 0
			for _, r := range rs.Rules() {
				examples += r.MatchExamples + r.MissExamples
				if r.MatchExamples+r.MissExamples == 0 {
					without++
				}
			}
			fmt.Fprintf(a.stdout, "%s, %s, %d failed", plural(rs.Len(), "rule", "rules"), plural(examples, "example", "examples"), len(failures))
			if without > 0 {
				fmt.Fprintf(a.stdout, ", %s without examples", plural(without, "rule", "rules"))
			}
			fmt.Fprintln(a.stdout)
			switch {
			case len(failures) > 0:
				return fmt.Errorf("%s failed", plural(len(failures), "example", "examples"))
			case refused(report) > 0:
				return hinted{fmt.Errorf("%s refused", plural(refused(report), "rule file was", "rule files were")), "ttpcron rules check says why"}
			}
			return nil
		},
	}
}
