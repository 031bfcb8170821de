package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/eval"
	"github.com/ttpcron/ttpcron/tagger"
)

const coverageFile = "../../docs/coverage.md"

// TestCoverage holds that the embedded pack has a rule, or a reason, for every
// technique in use, that no reason outlives its need, and that the document says
// what the pack does.
func TestCoverage(t *testing.T) {
	rs, _ := tagger.Load(ruleset.Options([]tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}))
	pack := ruleset.Set{RuleSet: rs}
	rows := covered(pack)
	reasons := eval.Reasons()
	for _, c := range rows {
		id := c.Technique.ID
		switch {
		case len(c.Rules) == 0 && c.Reason == "":
			t.Errorf("%s %s has neither a rule nor a line in eval/reasons.tsv", id, c.Technique.Name)
		case len(c.Rules) > 0 && reasons[id] != "":
			t.Errorf("%s has rules (%s), its line in eval/reasons.tsv must go", id, strings.Join(c.Rules, " "))
		}
	}
	for id := range reasons {
		if a, ok := attack.Lookup(id); !ok || !a.Live() {
			t.Errorf("eval/reasons.tsv: %s is not in use in %s", id, attack.Release)
		}
	}
	got := coverageDocument(pack, rows)
	if *update {
		if err := os.WriteFile(coverageFile, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/coverage.md is not what the pack does; go test ./cmd/ttpcron -run TestCoverage -update writes it")
	}
}

// coverageDocument is docs/coverage.md.
func coverageDocument(rs ruleset.Set, rows []eval.Covered) string {
	var b strings.Builder
	b.WriteString("# Coverage\n\n<!-- Written by go test ./cmd/ttpcron -run TestCoverage -update. -->\n\n")
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
		term.Plural(rs.Len(), "rule", "rules"), strings.TrimPrefix(attack.Release, "enterprise-"), withRule, techniques, subsWithRule, subs)
	for _, tactic := range attack.Current().Tactics() {
		fmt.Fprintf(&b, "\n## %s\n\n| technique | name | rules | events | reason where none |\n|---|---|---|---|---|\n", tactic.Name)
		for i := range rows {
			c := &rows[i]
			if !slices.Contains(c.Technique.Tactics, tactic.ID) {
				continue
			}
			if c.Technique.Tactics[0] != tactic.ID { // a row is spelled out once
				fmt.Fprintf(&b, "| [%s](%s) | %s | see %s | | |\n", c.Technique.ID, attack.URL(c.Technique.ID), cell(c.Technique.Name), attack.Current().TacticName(c.Technique.Tactics[0]))
				continue
			}
			fmt.Fprintf(&b, "| [%s](%s) | %s | %s | %s | %s |\n", c.Technique.ID, attack.URL(c.Technique.ID), cell(c.Technique.Name), cell(strings.Join(c.Rules, " ")), cell(kindNames(c.Kinds)), cell(c.Reason))
		}
	}
	return b.String()
}

// cell makes a text safe within a Markdown table.
func cell(s string) string { return strings.ReplaceAll(term.Clean(s), "|", `\|`) }

func kindNames(kinds []ttpcron.SourceKind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
