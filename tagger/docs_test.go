package tagger

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestDocs checks docs/rules.md and docs/sigma.md: the example is a good rule, all
// conditions load, and every field, test and key is named.
func TestDocs(t *testing.T) {
	var doc string
	for _, page := range []string{"../docs/rules.md", "../docs/sigma.md"} {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		doc += string(data)
	}
	example := yamlBlocks(doc)[0]
	whole := fstest.MapFS{}
	for i, block := range yamlBlocks(doc) {
		if i > 0 && (strings.HasPrefix(block, "rule_id:") || strings.HasPrefix(block, "title:")) {
			whole[fmt.Sprintf("doc%d.yml", i)] = &fstest.MapFile{Data: []byte(block)}
			continue
		}
		if i > 0 {
			for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
				match := strings.TrimPrefix(line, "match: ")
				if match == line {
					match = "{" + strings.TrimSpace(strings.Split(line, "   ")[0]) + "}"
				}
				block = "rule_id: X\nrule_version: 1\nname: x\napplies_to: [command]\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 1}]\nmatch: " + match + "\n"
				loadDoc(t, line, block)
			}
			continue
		}
		rs := loadDoc(t, "the example", example)
		for _, f := range Test(rs) {
			t.Errorf("the example: %s: %s", f.Example, f.Text)
		}
	}
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "docs", FS: whole}}})
	for _, p := range report.Problems {
		t.Error(p)
	}
	for _, f := range Test(rs) {
		t.Errorf("%s: %s: %s", f.Rule, f.Example, f.Text)
	}
	names := slices.Concat(ruleKeys, testKeys, conditionKeys(), correlationKeys)
	for name := range sigmaFields {
		names = append(names, name)
	}
	for _, name := range names {
		if !strings.Contains(doc, "`"+name) && !strings.Contains(doc, name+"`") && !strings.Contains(doc, name+":") {
			t.Errorf("%s is not described", name)
		}
	}
}

func yamlBlocks(doc string) (out []string) {
	for _, part := range strings.Split(doc, "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		out = append(out, block)
	}
	return out
}

func loadDoc(t *testing.T, what, rule string) *RuleSet {
	t.Helper()
	rs, report := Load(Options{Folders: []Folder{{Name: "docs", FS: fstest.MapFS{"a.yaml": {Data: []byte(rule)}}}}})
	for _, p := range report.Problems {
		t.Errorf("%s: %v", what, p)
	}
	return rs
}
