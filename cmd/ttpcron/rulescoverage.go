package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/eval"
)

func (a *app) rulesCoverage() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	markdown := fs.Bool("markdown", false, "print the document docs/coverage.md")
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
			if *markdown && (*asJSON || *missing) {
				return usagef("--markdown is the whole document: it goes with neither --json nor --missing")
			}
			rs, report, err := a.loadRules()
			if err != nil {
				return err
			}
			a.warnRules(report)
			rows := covered(rs)
			if *markdown {
				return coverageDocument(a.stdout, rs, rows)
			}
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

func kindNames(kinds []ttpcron.SourceKind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
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

// coverageDocument writes docs/coverage.md.
func coverageDocument(w io.Writer, rs ruleSet, rows []eval.Covered) error {
	var b strings.Builder
	b.WriteString("# Coverage\n\n<!-- Written by ttpcron rules coverage --markdown; go test ./cmd/ttpcron -run TestCoverage -update writes this file. -->\n\n")
	techniques, subs, withRule, subsWithRule := 0, 0, 0, 0
	for i := range rows {
		if strings.Contains(rows[i].Technique.ID, ".") {
			subs++
			subsWithRule += min(1, len(rows[i].Rules))
		} else if techniques++; rows[i].Shown() {
			withRule++
		}
	}
	fmt.Fprintf(&b, "What the %s of the embedded pack can show of ATT&CK %s, revoked and deprecated\nids left out: %d of %d techniques (%d of %d sub-techniques). Where there is no rule, the reason\nis given. The rules of a row claim that very id; `ttpcron rules list --technique ID --json` tells\ntheir names and files, for a technique with those of its sub-techniques.\n\nA rule sees one event. What only several logins or sessions show together (guessing, spraying and\nstuffing at the sensor itself, T1110, and the valid or default account that follows, T1078) needs\nwindows over events and has no rule yet: the rules of those rows see commands and canary events.\n",
		plural(rs.Len(), "rule", "rules"), strings.TrimPrefix(attack.Release, "enterprise-"), withRule, techniques, subsWithRule, subs)
	for _, tactic := range attack.Tactics() {
		fmt.Fprintf(&b, "\n## %s\n\n| technique | name | rules | events | reason where none |\n|---|---|---|---|---|\n", tactic.Name)
		for i := range rows {
			c := &rows[i]
			if !slices.Contains(c.Technique.Tactics, tactic.ID) {
				continue
			}
			if c.Technique.Tactics[0] != tactic.ID { // a row is spelled out once
				fmt.Fprintf(&b, "| [%s](%s) | %s | see %s | | |\n", c.Technique.ID, attack.URL(c.Technique.ID), cell(c.Technique.Name), attack.TacticName(c.Technique.Tactics[0]))
				continue
			}
			fmt.Fprintf(&b, "| [%s](%s) | %s | %s | %s | %s |\n", c.Technique.ID, attack.URL(c.Technique.ID), cell(c.Technique.Name), cell(strings.Join(c.Rules, " ")), cell(kindNames(c.Kinds)), cell(c.Reason))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell makes a text safe within a Markdown table.
func cell(s string) string { return strings.ReplaceAll(clean(s), "|", `\|`) }
