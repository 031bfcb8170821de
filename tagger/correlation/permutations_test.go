package correlation

import (
	"slices"
	"testing"
)

// Ten events in any order of arrival, 3,628,800 in all, give the same findings, for each
// type. Times are whole seconds, so several events share one.
func TestEveryOrderOfArrival(t *testing.T) {
	events := []string{"1@0s a=1", "2@0s a=2", "13@0s a=3", "3@5s a=1", "2@5s a=0.5", "1@5s a=2", "2@12s a=1", "12@12s a=4", "3@12s a=2", "1@14s a=1"}
	if len(events) != 10 {
		t.Fatal("not ten")
	}
	value := func(least string) Condition {
		return Condition{Comparisons: []Comparison{{"gte", least}}, Fields: []string{"a"}}
	}
	type tried struct {
		name    string
		judge   *Judge
		matches [][]streamed // by event
		want    []int64
	}
	var all []tried
	for name, h := range map[string]*history{
		"event_count": sequence(EventCount, least("gte", "7"), events...), "value_count": sequence(ValueCount, value("4"), events...),
		"value_sum": sequence(ValueSum, value("9.5"), events...), "temporal": sequence(Temporal, Condition{}, events...),
		"temporal_ordered": sequence(TemporalOrdered, Condition{}, events...), "two in order": sequence(TemporalOrdered, least("gte", "2"), events...),
		"ordered text": sequence(TemporalOrdered, Condition{Text: "TC1 and (TC2 or TC3)"}, events...), "chain": sequence(TemporalOrdered, Condition{}, events...),
	} {
		if name == "chain" {
			h.defs[0].GroupBy = append(h.defs[0].GroupBy, "a")
			h.defs[0].Condition = least("gte", "1")
			h.defs = append(h.defs, &Definition{RuleID: "TC99", Type: TemporalOrdered, Rules: []string{"TC1", "TC9", "TC2"}, GroupBy: []string{"attacker_ip"}, Timespan: h.defs[0].Timespan})
		}
		rules, problems := h.link()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r := rules[len(rules)-1]
		one := tried{name: name, judge: r.Judge(), matches: make([][]streamed, len(events))}
		for _, matches := range h.grouped(r) {
			for _, m := range matches {
				one.matches[m.m.Seq-1] = append(one.matches[m.m.Seq-1], m)
			}
		}
		for _, f := range h.byReference(r.def) {
			one.want = append(one.want, f.slot)
		}
		if len(one.want) == 0 {
			t.Errorf("%s finds nothing", name)
		}
		all = append(all, one)
	}
	at := sequence(EventCount, least("gte", "1"), events...).events
	order := make([]int, len(events)) // of arrival
	for i := range order {
		order[i] = i
	}
	judged := map[[10]byte]bool{}
	n := 0
	check := func() {
		n++
		var key [10]byte // the events in the order of time and arrival
		for i, e := range order {
			k := i
			for ; k > 0 && at[key[k-1]].Time.After(at[e].Time); k-- {
				key[k] = key[k-1]
			}
			key[k] = byte(e)
		}
		if judged[key] {
			return
		}
		judged[key] = true
		for _, one := range all {
			one.judge.Begin("")
			for i, e := range key {
				for _, m := range one.matches[e] {
					m.m.Seq = uint64(i)
					one.judge.Match(m.stream, &m.m)
				}
			}
			if got, _ := one.judge.End(nil); !slices.Equal(got, one.want) {
				t.Fatalf("%s: in the order %v it finds %v, want %v", one.name, key, got, one.want)
			}
		}
	}
	var permute func(k int)
	permute = func(k int) {
		if k == len(order) {
			check()
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			permute(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	permute(0)
	if n != 3_628_800 || len(judged) != 6*6*6 {
		t.Errorf("%d orders of arrival, %d of time and arrival", n, len(judged))
	}
}
