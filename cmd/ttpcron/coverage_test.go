package main

import (
	"os"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/eval"
	"github.com/ttpcron/ttpcron/tagger"
)

const coverageFile = "../../docs/coverage.md"

// TestCoverage holds that the embedded pack has a rule, or a reason, for every
// technique in use, that no reason outlives its need, and that the document says
// what the pack does.
func TestCoverage(t *testing.T) {
	rs, _ := tagger.Load(tagger.Options{Folders: []tagger.Folder{{Name: "embedded", FS: tagger.Embedded()}}, Technique: technique, Release: attack.Release})
	rows := covered(ruleSet{RuleSet: rs})
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
	code, got, stderr := invoke(t, nil, "rules", "coverage", "--markdown")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
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
