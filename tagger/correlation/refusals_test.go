package correlation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// known are base rules TC1 to TC9, the last of which also has a name, and NONE, which
// applies to no kind of event.
func known(ref string) (Base, bool) {
	switch {
	case ref == "NONE":
		return Base{ID: ref}, true
	case ref == "ninth" || ref == "both":
		ref = "TC9"
	case len(ref) != 3 || ref[:2] != "TC":
		return Base{}, false
	}
	return Base{ID: ref, Kinds: []ttpcron.SourceKind{ttpcron.Command}}, true
}

func least(op, value string) Condition { return Condition{Comparisons: []Comparison{{op, value}}} }

func TestRefusals(t *testing.T) {
	of := func(typ Type, c Condition, rules ...string) *Definition {
		return &Definition{RuleID: "C", Version: 1, Type: typ, Rules: rules, Timespan: time.Minute, Condition: c}
	}
	text := func(s string) Condition { return Condition{Text: s} }
	fields := func(c Condition, fields ...string) Condition { c.Fields = fields; return c }
	with := func(d *Definition, change func(*Definition)) *Definition { change(d); return d }
	count := func() *Definition { return of(EventCount, least("gte", "2"), "TC1", "TC2") }
	for _, test := range []struct {
		def    *Definition
		key    string
		reason string
	}{
		{of("value_avg", least("gte", "2"), "TC1"), "type", "value_avg is refused: an event that arrives later could take the finding back"},
		{of("value_percentile", least("gte", "2"), "TC1"), "type", "value_percentile is refused: an event that arrives later"},
		{of("value_median", least("gte", "2"), "TC1"), "type", "value_median is refused: an event that arrives later"},
		{of("", least("gte", "2"), "TC1"), "type", "is missing"},
		{of("count", least("gte", "2"), "TC1"), "type", `"count" is none of event_count, `},

		{of(EventCount, least("lt", "2"), "TC1"), "condition.lt", "lt is refused: an event that arrives later could take the finding back"},
		{of(EventCount, least("lte", "2"), "TC1"), "condition.lte", "lte is refused: an event that arrives later"},
		{of(EventCount, least("eq", "2"), "TC1"), "condition.eq", "eq is refused: an event that arrives later"},
		{of(EventCount, least("neq", "2"), "TC1"), "condition.neq", "neq is refused: an event that arrives later"},
		{of(EventCount, least("percentile", "2"), "TC1"), "condition.percentile", "value_percentile is refused"},
		{of(EventCount, least("ge", "2"), "TC1"), "condition.ge", "is no comparison"},
		{of(EventCount, Condition{Comparisons: []Comparison{{"gt", "1"}, {"gte", "3"}}}, "TC1"), "condition", "more than one comparison"},
		{of(EventCount, Condition{}, "TC1"), "condition", "is missing"},
		{of(EventCount, text("TC1"), "TC1"), "condition", "only temporal and temporal_ordered have a condition that is a text"},
		{of(Temporal, Condition{Text: "TC1", Comparisons: []Comparison{{"gt", "1"}}}, "TC1"), "condition", "is a text and a comparison"},
		{of(EventCount, least("gte", "0"), "TC1"), "condition.gte", "gte 0 is always true"},
		{of(EventCount, least("gt", "-1"), "TC1"), "condition.gt", "gt -1 is always true"},
		{of(EventCount, least("gte", "-99999999999999999999"), "TC1"), "condition.gte", "is always true"},
		{of(EventCount, least("gte", "five"), "TC1"), "condition.gte", `"five" is no whole number`},
		{of(EventCount, least("gte", "1.5"), "TC1"), "condition.gte", `"1.5" is no whole number`},
		{of(EventCount, least("gte", "100001"), "TC1"), "condition.gte", "more than the 100000 that may be counted"},
		{of(EventCount, least("gt", "100000"), "TC1"), "condition.gt", "more than the 100000 that may be counted"},
		{of(EventCount, least("gt", "9223372036854775807"), "TC1"), "condition.gt", "more than the 100000"},
		{of(ValueCount, fields(least("gte", "99999999999999999999"), "a"), "TC1"), "condition.gte", "more than the 100000"},
		{of(Temporal, least("gte", "3"), "TC1", "TC2"), "condition.gte", "gte 3 can never be true: there are 2 rules"},
		{of(TemporalOrdered, least("gt", "2"), "TC1", "TC2"), "condition.gt", "gt 2 can never be true"},
		{of(Temporal, least("gte", "0"), "TC1", "TC2"), "condition.gte", "is always true"},
		{of(ValueSum, fields(least("gte", "0"), "a"), "TC1"), "condition.gte", "gte 0 is always true"},
		{of(ValueSum, fields(least("gt", "-1"), "a"), "TC1"), "condition.gt", "gt -1 is always true"},
		{of(ValueSum, fields(least("gte", "much"), "a"), "TC1"), "condition.gte", `"much" is no number`},
		{of(ValueSum, fields(least("gte", "1e19"), "a"), "TC1"), "condition.gte", "is more than the 10^18 that may be added up"},
		{of(ValueSum, fields(least("gte", "1000000000000000000.1"), "a"), "TC1"), "condition.gte", "is more than the 10^18"},
		{of(ValueSum, fields(least("gte", "1e-19"), "a"), "TC1"), "condition.gte", "more than 18 digits after the point"},

		{of(ValueCount, least("gte", "2"), "TC1"), "condition.field", "is missing"},
		{of(ValueSum, least("gte", "2"), "TC1"), "condition.field", "is missing"},
		{of(ValueSum, fields(least("gte", "2"), "a", "b"), "TC1"), "condition.field", "the numbers of one field"},
		{of(EventCount, fields(least("gte", "2"), "a"), "TC1"), "condition.field", "event_count has none"},
		{of(Temporal, fields(Condition{}, "a"), "TC1", "TC2"), "condition.field", "temporal has none"},
		{of(ValueCount, fields(least("gte", "2"), "a", "a"), "TC1"), "condition.field", `"a" is named twice`},
		{of(ValueCount, fields(least("gte", "2"), "a,b"), "TC1"), "condition.field", `"a,b" has a , = | ?`},
		{of(ValueCount, fields(least("gte", "2"), strings.Fields(strings.Repeat("x ", 17))...), "TC1"), "condition.field", "more than 16"},

		{of(Temporal, text("TC1 and not TC2"), "TC1", "TC2"), "condition", "not is refused: an event that arrives later could take the finding back"},
		{of(Temporal, text("NOT TC1"), "TC1"), "condition", "not is refused"},
		{of(Temporal, text("TC1"), "TC1", "TC2"), "condition", `"TC2" is among the rules but not in the condition`},
		{of(Temporal, text("TC1 and TC3"), "TC1"), "condition", `"TC3" is not among the rules`},
		{of(Temporal, text("TC1 and (TC2"), "TC1", "TC2"), "condition", "a parenthesis is not closed"},
		{of(Temporal, text("TC1 and TC2)"), "TC1", "TC2"), "condition", `")" is not expected`},
		{of(Temporal, text("TC1 TC2"), "TC1", "TC2"), "condition", `"TC2" is not expected`},
		{of(Temporal, text("TC1 and"), "TC1"), "condition", "ends where a rule is expected"},
		{of(Temporal, text("or TC1"), "TC1"), "condition", `"or" stands where a rule is expected`},
		{of(Temporal, text("1 of them"), "TC1"), "condition", `"1 of" is no condition here`},
		{of(Temporal, text(strings.Repeat("(", 65)+"TC1"+strings.Repeat(")", 65)), "TC1"), "condition", "nested deeper than 64"},
		{of(Temporal, text("TC1"+strings.Repeat(" ", 4096)), "TC1"), "condition", "more than 4096 bytes"},

		{of(EventCount, least("gte", "2")), "rules", "is missing"},
		{of(Temporal, Condition{}), "rules", "is missing"},
		{of(EventCount, least("gte", "2"), "NO"), "rules", `"NO" is no rule`},
		{of(EventCount, least("gte", "2"), "NONE"), "rules", `"NONE" looks at no kind of event`},
		{of(EventCount, least("gte", "2"), "TC1", "TC2", "TC1"), "rules", `"TC1" is named twice`},
		{of(EventCount, least("gte", "2"), "TC9", "ninth"), "rules", `"ninth" is named twice`},
		{of(EventCount, least("gte", "2"), "C"), "rules", "lead in a circle: C → C"},
		{of(EventCount, least("gte", "2"), strings.Fields(strings.Repeat("TC1 ", 65))...), "rules", "more than 64"},

		{with(count(), func(d *Definition) { d.Timespan = 0 }), "timespan", "is missing"},
		{with(count(), func(d *Definition) { d.Timespan = time.Second / 2 }), "timespan", "whole seconds"},
		{with(count(), func(d *Definition) { d.Timespan = 1500 * time.Millisecond }), "timespan", "whole seconds"},
		{with(count(), func(d *Definition) { d.Timespan = -time.Second }), "timespan", "whole seconds"},
		{with(count(), func(d *Definition) { d.Timespan = MaxReach + time.Second }), "timespan", "longer than 31 days"},

		{with(count(), func(d *Definition) { d.GroupBy = []string{"attacker_ip", "attacker_ip"} }), "group-by", `"attacker_ip" is named twice`},
		{with(count(), func(d *Definition) { d.GroupBy = []string{"attacker_ip", "SourceIp"} }), "group-by", `"SourceIp" is named twice`},
		{with(count(), func(d *Definition) { d.GroupBy = []string{""} }), "group-by", "no name"},
		{with(count(), func(d *Definition) { d.GroupBy = []string{"a=b"} }), "group-by", `"a=b" has a , = | ?`},
		{with(count(), func(d *Definition) { d.GroupBy = []string{"a\nb"} }), "group-by", "control character"},
		{with(count(), func(d *Definition) { d.GroupBy = []string{strings.Repeat("a", 257)} }), "group-by", "more than 256 bytes"},
		{with(count(), func(d *Definition) { d.GroupBy = []string{"vantage"} }), "group-by", "vantage is no field"},
		{with(count(), func(d *Definition) {
			for i := range 17 {
				d.GroupBy = append(d.GroupBy, "f"+strconv.Itoa(i))
			}
		}), "group-by", "more than 16 fields"},
		{with(count(), func(d *Definition) { d.Aliases = map[string]map[string]string{"who": {"TC3": "a"}} }), "aliases.who", `"TC3" is not among the rules`},
		{with(count(), func(d *Definition) { d.Aliases = map[string]map[string]string{"who": {"TC1": "a|b"}} }), "aliases.who", `"a|b" has a`},
		{with(count(), func(d *Definition) {
			d.GroupBy, d.Aliases = []string{"decky_id"}, map[string]map[string]string{"decky_id": {"TC1": "a", "TC2": "b"}}
		}), "aliases.decky_id", "is the name of a field that every event has"},
		{with(of(EventCount, least("gte", "2"), "BY_A"), func(d *Definition) { d.GroupBy = []string{"a", "b"} }), "group-by", `"b" is no field by which BY_A groups`},
		{with(of(EventCount, least("gte", "2"), "BY_A"), func(d *Definition) { d.GroupBy = []string{"session_id"} }), "group-by", `"session_id" is no field by which BY_A groups`},
		{of(ValueCount, fields(least("gte", "2"), "b"), "BY_A"), "condition.field", `"b" is no field by which BY_A groups`},
		{of(EventCount, least("gte", "2"), "BAD"), "rules", `"BAD" is refused itself`},
		{of(EventCount, least("gte", "2"), "both"), "rules", `"both" is the name of several rules`},
		{of(EventCount, least("gte", "2"), "twice"), "rules", `"twice" is the name of several rules`},
		{with(of(EventCount, least("gte", "2"), "BY_A"), func(d *Definition) { d.Timespan = MaxReach }), "timespan", "together with those of the correlations it names it is longer than 31 days"},
	} {
		byA, bad := count(), count()
		byA.RuleID, byA.GroupBy, byA.Name = "BY_A", []string{"a"}, "both"
		bad.RuleID, bad.Type = "BAD", "value_avg"
		twice1, twice2 := count(), count()
		twice1.RuleID, twice1.Name = "T1", "twice"
		twice2.RuleID, twice2.Name = "T2", "twice"
		rules, problems := Link([]*Definition{test.def, byA, bad, twice1, twice2}, known, nil)
		if slices.ContainsFunc(rules, func(r *Rule) bool { return r.def == test.def }) {
			t.Errorf("%+v is not refused", test.def)
			continue
		}
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.RuleID != "C" })
		if len(problems) != 1 || problems[0].Key != test.key || !strings.Contains(problems[0].Reason, test.reason) {
			t.Errorf("%+v:\ngot  %q\nwant %s: %s", test.def, problems, test.key, test.reason)
		}
	}
}

// What is just allowed.
func TestAllowed(t *testing.T) {
	for _, d := range []*Definition{
		{Type: EventCount, Condition: least("gte", "1")},
		{Type: EventCount, Condition: least("gt", "0")},
		{Type: EventCount, Condition: least("gte", "100000")},
		{Type: Temporal, Condition: least("gt", "1")},
		{Type: TemporalOrdered, Condition: least("gte", "2")},
		{Type: ValueSum, Condition: Condition{Comparisons: []Comparison{{"gt", "0"}}, Fields: []string{"a"}}},
		{Type: ValueSum, Condition: Condition{Comparisons: []Comparison{{"gte", "1e18"}}, Fields: []string{"a"}}},
		{Type: ValueSum, Condition: Condition{Comparisons: []Comparison{{"gte", "1.000000000000000001"}}, Fields: []string{"a"}}},
		{Type: Temporal, Condition: Condition{Text: " TC1  AND(ninth Or TC1)"}},
		{Type: EventCount, Condition: least("gte", "2"), Timespan: MaxReach},
		{Type: EventCount, Condition: least("gte", "2"), Timespan: time.Second},
		{Type: EventCount, Condition: least("gte", "2"), Aliases: map[string]map[string]string{"ip": {"TC1": "src_ip", "ninth": "SourceIp"}}, GroupBy: []string{"ip", "User"}},
	} {
		d.RuleID, d.Rules = "C", []string{"TC1", "ninth"}
		if d.Timespan == 0 {
			d.Timespan = time.Minute
		}
		if rules, problems := Link([]*Definition{d}, known, nil); len(problems) > 0 || len(rules) != 1 {
			t.Errorf("%+v: %v", d, problems)
		}
	}
}

// chain are n correlations, each of which names the next; the last names a base rule.
func chain(n int) (defs []*Definition) {
	for i := range n {
		d := &Definition{RuleID: fmt.Sprintf("C%05d", i), Type: EventCount, Rules: []string{fmt.Sprintf("C%05d", i+1)}, Timespan: time.Second, Condition: least("gte", "1")}
		if i == n-1 {
			d.Rules[0] = "TC1"
		}
		defs = append(defs, d)
	}
	return defs
}

func TestChainsAreTenDeepAtMost(t *testing.T) {
	rules, problems := Link(chain(10), known, nil)
	if len(rules) != 10 || len(problems) > 0 {
		t.Errorf("ten: %d rules, %v", len(rules), problems)
	}
	if rules[0].Reach() != 10*time.Second || rules[9].Reach() != time.Second {
		t.Errorf("they reach back %v and %v", rules[0].Reach(), rules[9].Reach())
	}
	rules, problems = Link(chain(12), known, nil)
	if len(rules) != 10 || len(problems) != 2 || problems[1].Error() != "rules: correlations name each other more than 10 deep" || problems[0].Error() != `rules: "C00001" is refused itself` {
		t.Errorf("twelve: %d rules, %q", len(rules), problems)
	}
	// A chain of any length exhausts neither the stack nor the time.
	defs := chain(10_000)
	defs[9999].Rules[0] = "C00000"
	rules, problems = Link(defs, known, nil)
	if len(rules) != 0 || len(problems) != 10_000 {
		t.Errorf("a circle of ten thousand: %d rules, %d problems", len(rules), len(problems))
	}
}

// Correlations that name two others each, which do the same, are as many as 2^n.
func TestCorrelationsAreMadeOfFewRules(t *testing.T) {
	var defs []*Definition
	for i, d := range chain(9) {
		twin := *d
		twin.RuleID = "D" + d.RuleID[1:]
		if i < 8 {
			d.Rules = append(d.Rules, "D"+d.Rules[0][1:])
			twin.Rules = d.Rules
		}
		defs = append(defs, d, &twin)
	}
	rules, problems := Link(defs, known, nil)
	if len(problems) != 4 || problems[1].RuleID != "C00001" || problems[1].Error() != "rules: the correlation is made of more than 256 rules, each as often as it is named" {
		t.Errorf("got %d rules, %q", len(rules), problems)
	}
}

func TestCirclesAreNamed(t *testing.T) {
	a := &Definition{RuleID: "A", Type: Temporal, Rules: []string{"TC1", "B"}, Timespan: time.Minute}
	b := &Definition{RuleID: "B", Type: Temporal, Rules: []string{"c", "TC1"}, Timespan: time.Minute}
	c := &Definition{RuleID: "C", Name: "c", Type: Temporal, Rules: []string{"TC1", "A"}, Timespan: time.Minute}
	d := &Definition{RuleID: "D", Type: Temporal, Rules: []string{"TC1", "B"}, Timespan: time.Minute}
	rules, problems := Link([]*Definition{d, c, b, a}, known, nil)
	want := []Problem{
		{"A", "rules", "lead in a circle: A → B → C → A"}, {"B", "rules", "lead in a circle: B → C → A → B"}, {"C", "rules", "lead in a circle: C → A → B → C"},
		{"D", "rules", `"B" is refused itself`},
	}
	if len(rules) != 0 || !slices.Equal(problems, want) {
		t.Errorf("got %v", problems)
	}
}

func TestTimespans(t *testing.T) {
	for text, want := range map[string]time.Duration{"1s": time.Second, "10m": 10 * time.Minute, "2h": 2 * time.Hour, "1d": 24 * time.Hour, "1w": 7 * 24 * time.Hour} {
		if got, err := ttpcron.ParseTimespan(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "is missing", "0s": "is no time", "1M": "months and years", "1y": "months and years", "10": "is no whole number", "1.5h": "is no whole number", "-1h": "is no whole number", "+1h": "is no whole number",
		"h": "is no whole number", "1ms": "is no whole number", "1 h": "is no whole number",
	} {
		if got, err := ttpcron.ParseTimespan(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"99999999999999999w", "999999999999999999s", "9223372036854775807s"} {
		if got, err := ttpcron.ParseTimespan(text); err == nil && got <= MaxReach {
			t.Errorf("%s is %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "1s", 90 * time.Second: "90s", 10 * time.Minute: "10m", 36 * time.Hour: "36h", 14 * 24 * time.Hour: "14d"} {
		if got := ttpcron.FormatTimespan(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}
