package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/eval"
)

func (a *app) rulesCoverage() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	missing := fs.Bool("missing", false, "only techniques that no rule shows")
	return &command{
		name: "rules coverage", short: "set the rules against the ATT&CK matrix", fs: fs, unstored: true,
		text: `Lists every technique and sub-technique of ` + attack.Release + ` that is in use,
with the rules that claim it, or the reason why there is none. The reasons are
those of the embedded pack.`,
		examples: "ttpcron rules coverage --missing\nttpcron rules coverage --rules ./my-rules --json",
		exits:    []int{exitFailed, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			rs, report, err := a.loadRules()
			if err != nil {
				return err
			}
			a.warnRules(report)
			rows := covered(rs)
			if *missing {
				rows = slices.DeleteFunc(rows, func(c eval.Covered) bool { return c.Shown() })
			}
			if *asJSON {
				return a.coverageLines(rows)
			}
			return a.coverageTable(rows)
		},
	}
}

// covered sets rules against the techniques that are in use.
func covered(rs ruleSet) []eval.Covered {
	var techniques []eval.Technique
	for t := range attack.All() {
		if t.Live() {
			techniques = append(techniques, eval.Technique{ID: t.ID, Name: t.FullName(), Tactics: t.Tactics, Platforms: t.Platforms})
		}
	}
	var rules []eval.Rule
	for _, r := range rs.Rules() {
		if r.Inert == "" {
			rules = append(rules, eval.Rule{ID: r.ID, Kinds: r.Kinds, Claims: r.Claims})
		}
	}
	return eval.Cover(techniques, rules)
}

type coveredJSON struct {
	Technique string               `json:"technique_id"`
	Name      string               `json:"name"`
	Tactics   []string             `json:"tactics"`
	Rules     []string             `json:"rules"`
	SubRules  int                  `json:"rules_of_sub_techniques"`
	Kinds     []ttpcron.SourceKind `json:"source_kinds"`
	Reason    string               `json:"reason,omitempty"`
}

func (a *app) coverageLines(rows []eval.Covered) error {
	for _, c := range rows {
		j := coveredJSON{c.Technique.ID, c.Technique.Name, c.Technique.Tactics, c.Rules, c.SubRules, c.Kinds, c.Reason}
		if j.Rules == nil {
			j.Rules, j.Kinds = []string{}, []ttpcron.SourceKind{}
		}
		if err := a.printJSON(j); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) coverageTable(rows []eval.Covered) error {
	t := table{columns: []column{{title: "TECHNIQUE", sgr: yellow}, {title: "NAME", min: 24}, {title: "RULES", right: true}, {title: "RULES OR REASON", min: 24}}}
	for _, c := range rows {
		t.add(c.Technique.ID, c.Technique.Name, count(len(c.Rules)), cmp.Or(strings.Join(c.Rules, " "), c.Reason, "no rule, and nobody says why"))
	}
	if err := t.print(a.stdout, a.out); err != nil {
		return err
	}
	shown := 0
	for i := range rows {
		if rows[i].Shown() {
			shown++
		}
	}
	fmt.Fprintf(a.stderr, "%s, %s with a rule\n", plural(len(rows), "technique or sub-technique", "techniques and sub-techniques"), count(shown))
	return nil
}
