package tagger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/tagger"
)

// Names of any embedded release load alike, and a claim keeps the ids as they were
// written.
func TestRulesOfAnyRelease(t *testing.T) {
	const (
		v19 = "enterprise-v19.1"
		v18 = "enterprise-v18.1"
	)
	for _, c := range []struct {
		names, tactic, id string
		want              string // the release of the claim; "refused"
		warning           string // a part of it
	}{
		{"", "TA0005", "T1562.001", v18, ""},
		{v18, "TA0005", "T1562.001", v18, ""},
		{"v18.1", "TA0005", "T1562.001", "v18.1", ""},
		{"18.1", "TA0005", "T1553.004", "18.1", ""},
		{"", "TA0112", "T1685", v19, ""},
		{v19, "TA0112", "T1685", v19, ""},
		{"", "TA0005", "T1553.004", v18, ""}, // 18's tactic of an id that stayed
		{"", "TA0112", "T1553.004", v19, ""},
		{"", "TA0002", "T1059.004", v19, ""},
		{v18, "TA0003", "T1574.006", v18, ""},
		{"", "TA0003", "T1574.006", v18, ""},
		{"enterprise-v17.0", "TA0005", "T1562.001", "enterprise-v17.0", ""},

		{v19, "TA0005", "T1562.001", v19, "T1562.001 was revoked in enterprise-v19.1; T1685 took its place"},
		{v19, "TA0005", "T1553.004", v19, "T1553.004 does not belong to TA0005 in enterprise-v19.1 (TA0112)"},
		{v18, "TA0112", "T1685", v18, "T1685 is unknown in enterprise-v18.1, which the rule names, and known in enterprise-v19.1"},
		{v18, "TA0112", "T1553.004", v18, "T1553.004 does not belong to TA0112 in enterprise-v18.1 (TA0005)"},
		{"", "TA0002", "T1086", v19, "T1086 was revoked in enterprise-v19.1; T1059.001 took its place"},
		{"", "TA0040", "T1562.001", v18, "T1562.001 does not belong to TA0040 in enterprise-v18.1 (TA0005)"},

		{"", "TA0005", "T9999", "refused", ""},
		{v18, "TA0005", "T1562.099", "refused", ""},
		{v19, "TA0005", "T9999", "refused", ""},
	} {
		name := strings.Join([]string{c.names, c.tactic, c.id}, " ")
		rule := fmt.Sprintf("rule_id: X1\nrule_version: 1\nname: n\napplies_to: [command]\nmatch: {program: x}\nattack_release: %q\nemits:\n  - {tactic: %s, technique_id: %s, sub_technique_id: %s, confidence: 0.7}\n",
			c.names, c.tactic, c.id[:5], subOrNull(c.id))
		check(t, name, "x.yaml", rule, c.id, c.tactic, c.want, c.warning)
	}
	for _, c := range []struct {
		tags   string
		id     string
		tactic string
		want   string
	}{
		{"attack.defense-evasion, attack.t1562.001", "T1562.001", "TA0005", v18},
		{"attack.defense_evasion, attack.t1562.001", "T1562.001", "TA0005", v18},
		{"attack.defense-impairment, attack.t1686", "T1686", "TA0112", v19},
		{"attack.stealth, attack.t1036.005", "T1036.005", "TA0005", v19},
		{"attack.defense-evasion, attack.t1036.005", "T1036.005", "TA0005", v19},
		{"attack.defense-evasion, attack.t1553.004", "T1553.004", "TA0005", v18},
		{"attack.defense-impairment, attack.t1553.004", "T1553.004", "TA0112", v19},
		{"attack.stealth, attack.t1685", "T1685", "TA0112", v19},
		{"attack.t1562.001", "T1562.001", "TA0005", v18},
		{"attack.ta0112, attack.t1686", "T1686", "TA0112", v19},
		{"attack.execution, attack.t9999", "T9999", "", "refused"},
	} {
		rule := "title: t\nid: 22222222-2222-4222-8222-222222222222\ndate: 2026-08-01\nlogsource: {product: linux, category: process_creation}\ntags: [" + c.tags +
			"]\nlevel: medium\ndetection:\n  s:\n    Image|endswith: '/ufw'\n  condition: s\n"
		check(t, c.tags, "s.yml", rule, c.id, c.tactic, c.want, "")
	}
}

func subOrNull(id string) string {
	if len(id) > 5 {
		return id
	}
	return "null"
}

func check(t *testing.T, name, file, rule, id, tactic, want, warning string) {
	t.Helper()
	rs, report := tagger.Load(options(tagger.Folder{Name: "d", FS: fstest.MapFS{file: {Data: []byte(rule)}}}))
	var problems []string
	for _, p := range report.Problems {
		problems = append(problems, p.String())
	}
	if want == "refused" {
		if rs.Len() != 0 || report.Refused() != 1 || !strings.Contains(problems[0], "is unknown in enterprise-v19.1 and enterprise-v18.1") {
			t.Errorf("%s: %d rules, %q", name, rs.Len(), problems)
		}
		return
	}
	if rs.Len() != 1 {
		t.Errorf("%s: not loaded: %q", name, problems)
		return
	}
	if claim := rs.Rules()[0].Claims[0]; claim.Technique() != id || claim.Tactic != tactic || claim.AttackRelease != want {
		t.Errorf("%s: claims %s in %s of %s, want %s in %s of %s", name, claim.Technique(), claim.Tactic, claim.AttackRelease, id, tactic, want)
	}
	if warning == "" && len(problems) > 0 || warning != "" && (len(problems) != 1 || !strings.Contains(problems[0], "warning: ") || !strings.Contains(problems[0], warning)) {
		t.Errorf("%s: %q, want %q", name, problems, warning)
	}
}

// A rule may speak in the names of both.
func TestSigmaRuleOfTwoReleases(t *testing.T) {
	rule := "title: t\nid: 22222222-2222-4222-8222-222222222222\ndate: 2026-08-01\nlogsource: {product: linux, category: process_creation}\n" +
		"tags: [attack.defense-evasion, attack.defense-impairment, attack.t1562.004, attack.t1686, attack.t1685.006]\nlevel: medium\ndetection:\n  s:\n    Image|endswith: '/ufw'\n  condition: s\n"
	rs, report := tagger.Load(options(tagger.Folder{Name: "d", FS: fstest.MapFS{"a.yml": {Data: []byte(rule)}}}))
	if len(report.Problems) > 0 || rs.Len() != 1 {
		t.Fatalf("%v", report.Problems)
	}
	var got []string
	for _, c := range rs.Rules()[0].Claims {
		got = append(got, c.Technique()+" "+c.Tactic+" "+c.AttackRelease)
	}
	want := []string{"T1562.004 TA0005 enterprise-v18.1", "T1686 TA0112 enterprise-v19.1", "T1685.006 TA0112 enterprise-v19.1"}
	if !slices.Equal(got, want) {
		t.Errorf("claims %q, want %q", got, want)
	}
}

// The pack speaks in the names of the current release.
func TestEmbeddedNamesTheCurrentRelease(t *testing.T) {
	rs, _ := tagger.Load(options(tagger.Folder{Name: "rules", FS: tagger.Embedded()}))
	if rs.Len() < 600 {
		t.Fatalf("%d rules", rs.Len())
	}
	for _, r := range rs.Rules() {
		for _, c := range r.Claims {
			x, ok := attack.Lookup(c.Technique())
			if c.AttackRelease != attack.Release || !ok || !x.Live() || !slices.Contains(x.Tactics, c.Tactic) {
				t.Errorf("%s (%s): %s in %s of %s", r.File, r.ID, c.Technique(), c.Tactic, c.AttackRelease)
			}
		}
	}
}
