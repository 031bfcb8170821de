package tagger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

// lifted is a rule of DECNET's form whose condition is a lifter.
func lifted(match, tests string) string {
	return "rule_id: R0001\nrule_version: 2\nname: x\napplies_to: [auth_attempt]\nmatch: " + match +
		"\nemits: [{tactic: TA0006, technique_id: T1110, confidence: 0.8}]\nevidence_fields: [username]\nattack_release: enterprise-v19.1\n" + tests
}

// TestLifters has examples of each built-in correlation.
func TestLifters(t *testing.T) {
	const (
		failed = "kind: auth_attempt, payload: {service: ssh, username: root, password: 'p{n}', success: false}"
		spray  = "kind: auth_attempt, payload: {service: ssh, username: 'user{n}', password: Winter2025, success: false}"
		stuff  = "kind: auth_attempt, payload: {service: ssh, username: 'user{n}', password: 'p{n}', success: false}"
		in     = "kind: auth_attempt, payload: {service: ssh, username: root, password: p1, success: true}"
		vizxv  = "kind: auth_attempt, payload: {service: telnet, username: root, password: vizxv, success: true}"
		shell  = "command: uname -a"
	)
	for _, tt := range []struct{ match, hit, miss string }{
		{"{kind: 'lifter:brute_force'}", "[{times: 10, every: 60s, " + stuff + "}]", "[{times: 9, " + stuff + "}, {at: 1h, times: 9, " + failed + "}]"},
		{"{kind: 'lifter:auth_bruteforce', threshold: 3, window_seconds: 20}", "[{times: 3, every: 10s, " + stuff + "}]", "[{times: 3, every: 11s, " + stuff + "}]"},
		{"{kind: 'lifter:ssh-brute-force', min_attempts: 3, window: 2}", "[{times: 3, every: 1s, " + failed + "}]", "[{times: 4, attacker_ip: '192.0.2.{n}', " + failed + "}]"},
		{"{kind: 'lifter:password_guessing', threshold: 4}", "[{times: 4, " + failed + "}]", "[{times: 9, " + spray + "}]"},
		{"{kind: 'lifter:auth_password_guess_attempts', window: 5m, threshold: 2}", "[{times: 2, every: 5m, " + failed + "}]", "[{times: 2, every: 301s, " + failed + "}]"},
		{"{kind: 'lifter:password_spraying', min_users: 4}", "[{times: 4, " + spray + "}]", "[{times: 9, " + failed + "}]"},
		{"{kind: 'lifter:credential_stuffing', timespan: 1h, threshold: 4}", "[{times: 4, every: 20m, " + stuff + "}]", "[{times: 3, " + stuff + "}, {at: 2s, times: 3, " + stuff + "}]"},
		{"{kind: 'lifter:default_login_then_shell'}", "[{" + vizxv + "}, {at: 1m, " + shell + "}]", "[{" + in + "}, {at: 1m, " + shell + "}]"},
		{"{kind: 'lifter:default_credentials', window_minutes: 5}", "[{" + vizxv + "}, {at: 5m, " + shell + "}]", "[{" + shell + "}, {at: 1m, " + vizxv + "}]"},
		{"{kind: 'lifter:login_after_failures', threshold: 3}", "[{times: 3, " + failed + "}, {at: 9m, " + in + "}]", "[{times: 2, " + failed + "}, {at: 9m, " + in + "}, {at: 10m, " + failed + "}]"},
		{"{kind: 'lifter:valid_account_after_failures', min_failures: 3, window_hours: 1}", "[{times: 3, " + failed + "}, {at: 1h, " + in + "}]", "[{times: 3, " + failed + "}, {at: 61m, " + in + "}]"},
	} {
		rs, report := load("r.yaml", lifted(tt.match, "tests: {match: ["+tt.hit+"], no_match: ["+tt.miss+"]}\n"))
		for _, p := range report.Problems {
			t.Errorf("%s: %v", tt.match, p)
		}
		for _, f := range tagger.Test(rs) {
			t.Errorf("%s: %s: %s", tt.match, f.Example, f.Text)
		}
		r, ok := rs.Rule("R0001")
		if !ok || r.Inert != "" || !r.Active || r.Correlation == nil || len(r.Kinds) > 0 || r.Correlation.Scope != "address" || r.MatchExamples != 1 || rs.Len() != 1 || len(rs.Correlations()) != 1 {
			t.Errorf("%s: %+v", tt.match, r)
		}
	}
}

// Invalid settings are refused; unknown ones give a warning.
func TestLifterSettings(t *testing.T) {
	for match, want := range map[string]string{
		"{kind: 'lifter:brute_force', threshold: many}": `dir/r.yaml:5: match.threshold: "many", want a whole number from 1`,
		"{kind: 'lifter:brute_force', threshold: 0}":    `dir/r.yaml:5: match.threshold: "0", want a whole number from 1`,
		"{kind: 'lifter:brute_force', window: soon}":    `dir/r.yaml:5: match.window: "soon", want seconds, or a time such as 90s, 10m or 2h`,
		"{kind: 'lifter:brute_force', window: 90d}":     "dir/r.yaml:5: match: is longer than 31 days",
		"{kind: 'lifter:valid_account', window: 90d}":   "dir/r.yaml:5: match: ",
		"{kind: 'lifter:brute_force', colour: red}":     "dir/r.yaml:5: warning: match.colour: is no setting of this lifter: it is passed over",
	} {
		rs, report := load("r.yaml", lifted(match, ""))
		if got := fmt.Sprint(report.Problems); !strings.Contains(got, want) || len(report.Problems) != 1 || rs.Len() == 1 != report.Problems[0].Warning {
			t.Errorf("%s: %s, %d rules, want %s", match, got, rs.Len(), want)
		}
	}
}

// An unknown lifter makes the rule inert. A predicate for single events stays one.
func TestOtherLifters(t *testing.T) {
	for match, want := range map[string]string{
		"{kind: 'lifter:auth_anomaly'}":                          "the program has no lifter:auth_anomaly",
		"{kind: 'lifter:auth'}":                                  "the program has no lifter:auth",
		"{kind: 'lifter:session_count'}":                         "the program has no lifter:session_count",
		"{any: [{kind: 'lifter:brute_force'}, {pattern: root}]}": "the program has no lifter:brute_force",
		"{kind: 'lifter:default_login'}":                         "",
	} {
		rs, _ := load("r.yaml", lifted(match, ""))
		if r, ok := rs.Rule("R0001"); !ok || r.Inert != want || r.Correlation != nil {
			t.Errorf("%s: %+v", match, r)
		}
	}
}

// The tags of a lifter are those of its rule: id, version and claims.
func TestLifterTags(t *testing.T) {
	rs := mustLoad(t, "r.yaml", lifted("{kind: 'lifter:brute_force', threshold: 2}", ""))
	c := rs.Correlations()[0]
	group, _, _ := c.Streams()[0].Append(nil, login("203.0.113.9", "root", false), nil)
	tags := c.Tags(ttpcron.NewSubject(ttpcron.Group(group), ttpcron.GroupingFields(c.Grouping())), 5, nil)
	if len(tags) != 1 || tags[0].RuleID != "R0001" || tags[0].RuleVersion != 2 || tags[0].TechniqueID != "T1110" || tags[0].AttackerIP != "203.0.113.9" ||
		!tags[0].EventTime.Equal(time.Unix(5*600, 0)) {
		t.Errorf("%+v", tags)
	}
}
