package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
)

func rulesCoverage() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	missing := fs.Bool("missing", false, "only techniques without a rule")
	return &command{
		Name: "rules coverage", Short: "compare the rules with the ATT&CK matrix", Flags: fs, Unstored: true,
		Text: `Lists every active technique and sub-technique of the ATT&CK release that
--attack-release names, with the rules that claim it or the reason why there is
none. The reasons are those of the embedded pack. Each belongs to a group, which
--json names.`,
		Examples: "ttpcron rules coverage --missing\nttpcron rules coverage --rules ./my-rules --json",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			rs, report, err := loadRules(s.set, s.log)
			if err != nil {
				return err
			}
			ruleset.Warn(s.log, report)
			rows := covered(rs, s.set.Attack)
			if *missing {
				rows = slices.DeleteFunc(rows, func(c eval.Covered) bool { return c.Shown() })
			}
			if *asJSON {
				return coverageLines(s.out, rows)
			}
			return coverageTable(s.out, rows)
		},
	}
}

// covered sets rules against the techniques that are in use.
func covered(rs ruleset.Set, under *attack.Table) []eval.Covered {
	var techniques []eval.Technique
	for t := range under.All() {
		if t.Live() {
			now, _ := attack.Current().Counterpart(t.ID)
			techniques = append(techniques, eval.Technique{ID: t.ID, Current: now.ID, Name: t.FullName(), Tactics: t.Tactics, Platforms: t.Platforms})
		}
	}
	var rules []eval.Rule
	for _, r := range rs.Rules() {
		if r.Inert == "" {
			claims := make([]ttpcron.Claim, 0, len(r.Claims))
			for _, c := range r.Claims {
				claims = append(claims, under.Shown(&c))
			}
			rules = append(rules, eval.Rule{ID: r.ID, Kinds: ruleKinds(&r), Claims: claims})
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
	Group     string               `json:"reason_group,omitempty"`
	Reason    string               `json:"reason,omitempty"`
}

func coverageLines(out *term.Output, rows []eval.Covered) error {
	for _, c := range rows {
		j := coveredJSON{c.Technique.ID, c.Technique.Name, c.Technique.Tactics, c.Rules, c.SubRules, c.Kinds, c.Reason.Group, c.Reason.Text}
		if j.Rules == nil {
			j.Rules, j.Kinds = []string{}, []ttpcron.SourceKind{}
		}
		if err := out.JSON(j); err != nil {
			return err
		}
	}
	return nil
}

func coverageTable(out *term.Output, rows []eval.Covered) error {
	t := term.Table{Columns: []term.Column{{Title: "TECHNIQUE", SGR: term.Yellow}, {Title: "NAME", Min: 24}, {Title: "RULES", Right: true}, {Title: "RULES OR REASON", Min: 24}}}
	for _, c := range rows {
		t.Add(c.Technique.ID, c.Technique.Name, term.Count(len(c.Rules)), cmp.Or(strings.Join(c.Rules, " "), c.Reason.Text, "no rule, and nobody says why"))
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	shown := 0
	for i := range rows {
		if rows[i].Shown() {
			shown++
		}
	}
	fmt.Fprintf(out.Err, "%s, %s with a rule\n", term.Plural(len(rows), "technique or sub-technique", "techniques and sub-techniques"), term.Count(shown))
	return nil
}
