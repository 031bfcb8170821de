package tagger_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/tagger"
)

// many writes n documents to files of a thousand each; document makes the i-th.
func many(n int, document func(i int) string) (files []string) {
	for from := 0; from < n; from += 1000 {
		var b strings.Builder
		for i := from; i < min(from+1000, n); i++ {
			b.WriteString("---\n" + document(i))
		}
		files = append(files, fmt.Sprintf("many%02d.yaml", from/1000), b.String())
	}
	return files
}

// Rules made to be expensive to link cost little, and each that cannot be used is named
// once, in a line of bounded length.
func TestHostileCorrelations(t *testing.T) {
	const n = 3000
	over := func(i int, rules string) string {
		return fmt.Sprintf("{rule_id: C%04d, rule_version: 1, name: x, correlation: {type: temporal, rules: [%s], timespan: 1m}, emits: []}\n", i, rules)
	}
	pair := func(i int) string {
		return over(i, fmt.Sprintf("BASE, C%04d", min(i+1, n)))
	}
	for name, tt := range map[string]struct {
		files  []string
		loaded int // correlations
	}{
		"a chain":  {append(many(n, pair), "end.yaml", guessing(fmt.Sprintf("C%04d", n))), 10},
		"a circle": {append(many(n, pair), "end.yaml", over(n, "BASE, C0000")), 0},
		"each names many": {many(n, func(i int) string {
			var refs []string
			for k := range 60 {
				refs = append(refs, fmt.Sprintf("C%04d", (i/60+1)*60+k))
			}
			return over(i, strings.Join(refs, ", "))
		}), 0},
		"all inert": {append(many(n, func(i int) string { return over(i, fmt.Sprintf("C%04d, BASE", i+1)) }), "end.yaml", rule(fmt.Sprintf("C%04d", n), "{kind: 'lifter:nothing'}")), n},
		"streams": {many(n, func(i int) string {
			return fmt.Sprintf("{rule_id: C%04d, rule_version: 1, name: x, correlation: {type: event_count, rules: [BASE], group-by: [f%d], timespan: 1m, condition: {gte: 2}}, emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.9}]}\n", i, i)
		}), 256},
		"one group": {many(n, func(i int) string {
			return fmt.Sprintf("{rule_id: C%04d, rule_version: 1, name: x, correlation: {type: event_count, rules: [BASE], group-by: [username], timespan: 1m, condition: {gte: %d}}, emits: [{tactic: TA0006, technique_id: T1110, confidence: 0.9}]}\n", i, i+1)
		}), n},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rs, report := load(append(tt.files, "base.yaml", failedLogin("BASE"))...)
		runtime.ReadMemStats(&after)
		loaded := 0
		for _, r := range rs.Rules() {
			if r.Correlation != nil {
				loaded++
			}
		}
		if loaded != tt.loaded {
			t.Errorf("%s: %d correlations, want %d; %v", name, loaded, tt.loaded, report.Problems[:min(len(report.Problems), 3)])
		}
		seen := map[tagger.Problem]bool{}
		for _, p := range report.Problems {
			if len(p.String()) > 600 || seen[p] {
				t.Fatalf("%s: %.700s", name, p)
			}
			seen[p] = true
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<30 {
			t.Errorf("%s: %d MiB allocated", name, made>>20)
		}
		c := rs.Tagger(nil)
		c.Tag(login("203.0.113.9", "root", false), nil)
		if n := len(c.Matches()); n > 256 {
			t.Errorf("%s: %d matches of one event", name, n)
		}
	}
	// Rules beyond a set's limit are left out, and the report says so.
	rs, report := load(many(10_500, func(i int) string { return over(i, "BASE") })...)
	if rs.Len() != 0 || !strings.Contains(fmt.Sprint(report.Problems), "there are more than 10000 rules: this one is left out") {
		t.Errorf("%d rules, %d problems", rs.Len(), len(report.Problems))
	}
}
