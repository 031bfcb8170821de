package main

import (
	"fmt"
	"maps"
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

// TestCoverage: the embedded pack has a rule, or a reason, for every active technique, no
// reason is outdated, and the document agrees with the pack.
func TestCoverage(t *testing.T) {
	rs, _ := tagger.Load(ruleset.Options([]tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}, nil))
	pack := ruleset.Set{RuleSet: rs}
	rows := covered(pack, attack.Current())
	reasons := eval.Reasons()
	for _, c := range rows {
		id := c.Technique.ID
		switch {
		case len(c.Rules) == 0 && c.Reason.Text == "":
			t.Errorf("%s %s has neither a rule nor a line in eval/reasons.tsv", id, c.Technique.Name)
		case len(c.Rules) > 0 && reasons[id].Text != "":
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
	sum := countCoverage(rows, func(*eval.Covered) bool { return true })
	seen := countCoverage(rows, func(c *eval.Covered) bool { return c.Shown() || c.Reason.Group == eval.AlikeGroup })
	release := strings.TrimPrefix(attack.Release, "enterprise-v")
	fmt.Fprintf(&b, `# Coverage

<!-- Written by go test ./cmd/ttpcron -run TestCoverage -update. -->

ATT&CK %s has %d active techniques and %d active sub-techniques. A Linux honeypot or a
canary token can see %d techniques and %d sub-techniques of these. The %s of the
embedded pack cover %d and %d. A technique is covered if a rule claims it or one of its
sub-techniques. `+"`ttpcron rules coverage`"+` lists the rules for every technique and
sub-technique, or the reason why there is none. It includes your own rules.

## Evidence

| events | rules | techniques | sub-techniques |
|---|---|---|---|
`, release, sum.techniques, sum.subs, seen.techniques, seen.subs, term.Plural(rs.Len(), "rule", "rules"), sum.shown, sum.subsShown)
	var unused []string
	for _, kind := range ttpcron.Kinds() {
		rules := 0
		for _, r := range rs.Rules() {
			if len(r.Claims) > 0 && slices.Contains(ruleKinds(&r), kind) {
				rules++
			}
		}
		if rules == 0 {
			unused = append(unused, "`"+string(kind)+"`")
			continue
		}
		n := countCoverage(rows, func(c *eval.Covered) bool { return slices.Contains(c.Kinds, kind) })
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d |\n", kind, rules, len(techniquesOf(rows, kind)), n.subs)
	}
	if len(unused) > 0 {
		fmt.Fprintf(&b, "\nThe pack has no rules for %s.\n", strings.Join(unused, ", "))
	}
	silent := 0
	for _, r := range rs.Rules() {
		if len(r.Claims) == 0 {
			silent++
		}
	}
	fmt.Fprintf(&b, `
Rules of kind `+"`correlation`"+` need several events: guessed passwords, a download that was
run, a host surveyed within minutes. %s of the pack only feed
[correlations](rules.md#correlations) and make no tags of their own. They are in none of
the rows above. So a single wrong password makes no tag.
`, term.Plural(silent, "rule", "rules"))
	b.WriteString("\n## Not covered, and why\n\n| reason | the technique | techniques | sub-techniques |\n|---|---|---|---|\n")
	for _, g := range eval.Groups() {
		n := countCoverage(rows, func(c *eval.Covered) bool { return !c.Shown() && c.Reason.Group == g.Name })
		fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", g.Name, g.Text, n.techniques, n.subs)
	}
	b.WriteString("\n## Tactics\n\nMany techniques have several tactics.\n\n| tactic | techniques | covered | sub-techniques | covered |\n|---|---|---|---|---|\n")
	for _, tactic := range attack.Current().Tactics() {
		n := countCoverage(rows, func(c *eval.Covered) bool { return slices.Contains(c.Technique.Tactics, tactic.ID) })
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", tactic.Name, n.techniques, n.shown, n.subs, n.subsShown)
	}
	b.WriteString(`
## Techniques

Rules and events include those of sub-techniques. The last column has the reason why the whole
technique, or some of its sub-techniques, are not covered.

|technique|name|rules|events|sub-techniques|not covered|
|---|---|---|---|---|---|
`)
	for i := range rows {
		if t := &rows[i]; !isSub(t) {
			writeTechnique(&b, t, subsOf(rows, t.Technique.ID))
		}
	}
	return b.String()
}

// coverageCount counts techniques and sub-techniques.
type coverageCount struct{ techniques, shown, subs, subsShown int }

func countCoverage(rows []eval.Covered, of func(*eval.Covered) bool) (n coverageCount) {
	for i := range rows {
		shown := 0
		switch c := &rows[i]; {
		case !of(c):
			continue
		case c.Shown():
			shown = 1
		}
		if isSub(&rows[i]) {
			n.subs++
			n.subsShown += shown
		} else {
			n.techniques++
			n.shown += shown
		}
	}
	return n
}

func isSub(c *eval.Covered) bool { return strings.Contains(c.Technique.ID, ".") }

func subsOf(rows []eval.Covered, id string) (subs []*eval.Covered) {
	for i := range rows {
		if strings.HasPrefix(rows[i].Technique.ID, id+".") {
			subs = append(subs, &rows[i])
		}
	}
	return subs
}

// techniquesOf are the techniques that events of a kind show, by themselves or by
// a sub-technique.
func techniquesOf(rows []eval.Covered, kind ttpcron.SourceKind) map[string]bool {
	ids := map[string]bool{}
	for i := range rows {
		if slices.Contains(rows[i].Kinds, kind) {
			id, _, _ := strings.Cut(rows[i].Technique.ID, ".")
			ids[id] = true
		}
	}
	return ids
}

// writeTechnique writes the row of a technique with its sub-techniques.
func writeTechnique(b *strings.Builder, t *eval.Covered, subs []*eval.Covered) {
	rules, kinds := map[string]bool{}, map[ttpcron.SourceKind]bool{}
	missing := map[string]string{} // by group
	shown := 0
	for _, c := range append([]*eval.Covered{t}, subs...) {
		for _, r := range c.Rules {
			rules[r] = true
		}
		for _, k := range c.Kinds {
			kinds[k] = true
		}
		switch {
		case !isSub(c):
		case c.Shown():
			shown++
		default:
			missing[c.Reason.Group] += " ." + c.Technique.ID[len(t.Technique.ID)+1:]
		}
	}
	var why []string
	for _, g := range slices.Sorted(maps.Keys(missing)) {
		if t.Shown() || len(missing) > 1 {
			g += missing[g]
		}
		why = append(why, g)
	}
	if !t.Shown() && len(missing) == 0 {
		why = []string{t.Reason.Group}
	}
	parts := ""
	if len(subs) > 0 {
		parts = fmt.Sprintf("%d/%d", shown, len(subs))
	}
	fmt.Fprintf(b, "|[%s](%s)|%s|%d|%s|%s|%s|\n", t.Technique.ID, attack.URL(t.Technique.ID), cell(t.Technique.Name), len(rules), cell(kindNames(slices.Sorted(maps.Keys(kinds)))), parts, strings.Join(why, "; "))
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
