package correlation

import (
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestLeast: of fewer matches a rule finds nothing, and where no correlation is among its
// rules it may find something of as many.
func TestLeast(t *testing.T) {
	base := func(ref string) (Base, bool) {
		return Base{ID: ref, Kinds: []ttpcron.SourceKind{ttpcron.Command}}, len(ref) == 1
	}
	at := func(count string) Condition { return Condition{Comparisons: []Comparison{{"gte", count}}} }
	values := func(count string) Condition {
		return Condition{Comparisons: []Comparison{{"gte", count}}, Fields: []string{"x"}}
	}
	defs := []*Definition{
		{RuleID: "count", Type: EventCount, Rules: []string{"a", "b"}, Condition: at("5")},
		{RuleID: "values", Type: ValueCount, Rules: []string{"a"}, Condition: values("7")},
		{RuleID: "sum", Type: ValueSum, Rules: []string{"a"}, Condition: values("1000")},
		{RuleID: "all", Type: Temporal, Rules: []string{"a", "b", "c"}},
		{RuleID: "two", Type: TemporalOrdered, Rules: []string{"a", "b", "c"}, Condition: at("2")},
		{RuleID: "text", Type: Temporal, Rules: []string{"a", "b", "c"}, Condition: Condition{Text: "a and (b or c)"}},
		{RuleID: "count-then-match", Type: TemporalOrdered, Rules: []string{"count", "a"}},
		{RuleID: "one-of", Type: Temporal, Rules: []string{"count", "values", "a"}, Condition: at("1")},
		{RuleID: "two-of", Type: Temporal, Rules: []string{"count", "values", "a"}, Condition: at("2")},
		{RuleID: "counts", Type: EventCount, Rules: []string{"count"}, Condition: at("3")},
	}
	for _, d := range defs {
		d.GroupBy, d.Timespan = []string{"attacker_ip"}, time.Minute
	}
	rules, problems := Link(defs, base, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string]int{"count": 5, "values": 7, "sum": 1, "all": 3, "two": 2, "text": 1, "count-then-match": 5, "one-of": 1, "two-of": 5, "counts": 5}
	for _, r := range rules {
		if got := r.Least(); got != want[r.def.RuleID] {
			t.Errorf("%s: at least %d matches, want %d", r.def.RuleID, got, want[r.def.RuleID])
		}
	}
}
