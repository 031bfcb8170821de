package tagger

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/credentials"
)

const lifeRule = `rule_id: L1
rule_version: 1
name: A download
applies_to: [command]
match:
  all:
    - program: [wget, curl]
    - arg_any: {starts_with: http, not: {ends_with: .html}, ignore_case: true}
    - pattern: 'sh$'
    - not: {text: {glob: 'echo *', count_min: 1}}
    - some: {background: true}
emits:
  - {tactic: TA0011, technique_id: T1105, confidence: 0.9}
  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.5}
evidence_fields: [command_text]
attack_release: enterprise-v18.1
`

// loadTexts loads rule files given by name and text.
func loadTexts(t *testing.T, files ...string) *RuleSet {
	t.Helper()
	folder := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		folder[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	rs, report := Load(Options{Releases: []AttackRelease{{Name: "enterprise-v18.1"}}, Folders: []Folder{{Name: "test", FS: folder}}})
	for _, p := range report.Problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	return rs
}

// TestFingerprint edits one thing at a time.
func TestFingerprint(t *testing.T) {
	edits := []struct {
		old, new string
		same     bool
	}{
		{"name: A download", "name: Another name", true},
		{"rule_id: L1", "# a comment\nrule_id: L1", true},
		{"[wget, curl]", "{in: [wget, curl]}", true},
		{"attack_release: enterprise-v18.1\n", "", true}, // the default
		{"attack_release: enterprise-v18.1", "attack_release: enterprise-v18.1\nreferences: [https://example.org/]", true},
		{"rule_id: L1", "level: medium\nrule_id: L1", true}, // the default
		{"rule_id: L1", "level:\nrule_id: L1", true},
		{"rule_id: L1", "level: high\nrule_id: L1", false},
		{"rule_id: L1", "rule_id: L2", false},
		{"rule_version: 1", "rule_version: 2", false},
		{"applies_to: [command]", "applies_to: [command, http_request]", false},
		{"[wget, curl]", "[wget]", false},
		{"[wget, curl]", "[wget, curlx]", false},
		{"program", "path", false},
		{"starts_with: http", "ends_with: http", false},
		{"starts_with: http", "starts_with: https", false},
		{".html", ".htm", false},
		{"ignore_case: true", "ignore_case: false", false},
		{"'sh$'", "'sh'", false},
		{"count_min: 1", "count_min: 2", false},
		{"- not: {text", "- any: [{text", false},
		{"background: true", "background: false", false},
		{"all:", "any:", false},
		{"TA0011", "TA0010", false},
		{"T1105", "T1104", false},
		{"T1059.004", "T1059.006", false},
		{"confidence: 0.5", "confidence: 0.55", false},
		{"[command_text]", "[command_text, user]", false},
		{"attack_release: enterprise-v18.1", "attack_release: enterprise-v17.0", false},
	}
	want := loadTexts(t, "a.yaml", lifeRule).Fingerprint()
	if again := loadTexts(t, "b.yaml", lifeRule).Fingerprint(); again != want {
		t.Error("the fingerprint depends on more than the rules")
	}
	for _, e := range edits {
		text := strings.Replace(lifeRule, e.old, e.new, 1)
		if e.new == "- any: [{text" {
			text = strings.Replace(text, "count_min: 1}}", "count_min: 1}}]", 1)
		}
		if got := loadTexts(t, "a.yaml", text).Fingerprint(); (got == want) != e.same {
			t.Errorf("%q → %q: same %v, want %v", e.old, e.new, got == want, e.same)
		}
	}
}

func TestFingerprintOfStates(t *testing.T) {
	rs := loadTexts(t, "a.yaml", lifeRule, "b.yaml", strings.Replace(lifeRule, "L1", "L2", 1))
	clip := func(c float64) *RuleSet {
		return rs.WithStates([]ttpcron.RuleState{{RuleID: "L1", Status: ttpcron.StatusClipped, ConfidenceMax: c}}, noonOfStates)
	}
	seen := map[string]string{}
	for name, set := range map[string]*RuleSet{
		"all":      rs,
		"disabled": rs.WithStates([]ttpcron.RuleState{{RuleID: "L1", Status: ttpcron.StatusDisabled}}, noonOfStates),
	} {
		if other, ok := seen[set.Fingerprint()]; ok {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[set.Fingerprint()] = name
	}
	for name, set := range map[string]*RuleSet{
		"expired":        rs.WithStates([]ttpcron.RuleState{{RuleID: "L1", Status: ttpcron.StatusDisabled, ExpiresAt: noonOfStates}}, noonOfStates),
		"of no rule":     rs.WithStates([]ttpcron.RuleState{{RuleID: "L9", Status: ttpcron.StatusDisabled}}, noonOfStates),
		"clipped":        clip(0.5),
		"clipped away":   clip(0.2),
		"both by Only":   rs.Only(map[string]bool{"L1": true, "L2": true}),
		"states dropped": clip(0.5).WithStates(nil, noonOfStates),
	} {
		if set.Fingerprint() != rs.Fingerprint() {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	defs := rs.Definitions()
	if len(defs) != 2 || defs[0].ID != "L1" || defs[0].Digest == defs[1].Digest {
		t.Errorf("definitions %+v", defs)
	}
}

var noonOfStates = ttpcron.Day(20000).Start()

// TestDigestsDiffer shows that no two rules of the pack have one digest.
func TestDigestsDiffer(t *testing.T) {
	rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}})
	seen := map[[16]byte]string{}
	for _, d := range rs.Definitions() {
		if seen[d.Digest] != "" || d.Digest == [16]byte{} {
			t.Errorf("%s has the digest of %q", d.ID, seen[d.Digest])
		}
		seen[d.Digest] = d.ID
	}
}

// TestDigestHoldsDefaultLogins: when the list of default logins changes, the rules that
// use it look at history again, and no others.
func TestDigestHoldsDefaultLogins(t *testing.T) {
	holds := func(c condition) bool {
		w := &digester{}
		w.condition(c)
		return strings.Contains(string(w.all), credentials.Digest())
	}
	if !holds(noneOf{predicateTest{name: "default_login"}}) {
		t.Error("the list of default logins is no part of the digest")
	}
	if holds(predicateTest{name: "canary_webdriver"}) {
		t.Error("the list of default logins is a part of another predicate's digest")
	}
}
