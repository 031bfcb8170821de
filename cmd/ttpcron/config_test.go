package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The example lacks nothing but inputs, which it cannot know.
func TestExampleConfig(t *testing.T) {
	code, stdout, stderr := invoke(t, nil, "config", "check", "../../packaging/ttpcron.toml", "--embedded=false", "--rules", "testdata/rules", "--db", t.TempDir()+"/t.db")
	if code != exitFailed || !strings.HasSuffix(stderr, "1 fault\n") || !strings.Contains(stdout, "no inputs are set") {
		t.Errorf("more than inputs is missing in it: %s%s", stdout, stderr)
	}
}

// Rules that make no tag are not counted with those that do, whether they are for single
// events or correlations.
func TestConfigCountsRules(t *testing.T) {
	rules := t.TempDir()
	text := `rule_id: BASE1
rule_version: 1
name: Login refused
applies_to: [auth_attempt]
match: {field: {name: success, equals: false}}
emits: []
---
rule_id: STEP1
rule_version: 1
name: Logins refused
correlation: {type: event_count, rules: [BASE1], group-by: [attacker_ip], timespan: 1h, condition: {gte: 2}}
emits: []
---
rule_id: SEVERAL1
rule_version: 1
name: Logins refused again and again
correlation: {type: event_count, rules: [STEP1], group-by: [attacker_ip], timespan: 1h, condition: {gte: 2}}
emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.8}]
---
rule_id: SINGLE1
rule_version: 1
name: Login as root refused
applies_to: [auth_attempt]
match: {field: {name: username, equals: root}}
emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.8}]
`
	if err := os.WriteFile(filepath.Join(rules, "r.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                     "\nrules   4, of which 2 make tags, 1 of them a correlation\n",
		"--correlations=false": "\nrules   2, of which 1 makes tags, without correlations\n",
	} {
		all := append([]string{"config", "check", "--config=", "--embedded=false", "--rules", rules, "--db", t.TempDir() + "/t.db"}, strings.Fields(args)...)
		if _, stdout, stderr := invoke(t, nil, all...); !strings.Contains(stdout, want) {
			t.Errorf("%s: %s%s, want %q", args, stdout, stderr, want)
		}
	}
}
