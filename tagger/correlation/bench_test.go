package correlation

import (
	"strconv"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// someRules are ten rules about the logins of an address.
func someRules(tb testing.TB) []*Rule {
	gte := func(n int, fields ...string) Condition {
		return Condition{Comparisons: []Comparison{{"gte", strconv.Itoa(n)}}, Fields: fields}
	}
	def := func(typ Type, rules []string, span time.Duration, c Condition) *Definition {
		return &Definition{Version: 1, Type: typ, Rules: rules, GroupBy: []string{"attacker_ip"}, Timespan: span, Condition: c}
	}
	failed, both := []string{"TC1"}, []string{"TC1", "TC2"}
	guessed := def(EventCount, failed, time.Minute, gte(5))
	guessed.GroupBy = []string{"attacker_ip", "username"}
	defs := []*Definition{
		def(EventCount, failed, 10*time.Minute, gte(5)), def(EventCount, failed, time.Hour, gte(100)), def(EventCount, both, 24*time.Hour, gte(1000)),
		def(ValueCount, failed, 10*time.Minute, gte(5, "username")), def(ValueCount, both, time.Hour, gte(20, "username", "password")), def(ValueCount, failed, 24*time.Hour, gte(1000, "password")),
		def(Temporal, both, 10*time.Minute, Condition{}), def(TemporalOrdered, both, 10*time.Minute, Condition{}), def(ValueSum, failed, time.Hour, gte(1000, "bytes")),
		guessed, def(TemporalOrdered, []string{"TC99", "TC2"}, time.Hour, Condition{}),
	}
	for i, d := range defs {
		d.RuleID = "TC" + strconv.Itoa(90+i)
	}
	rules, problems := Link(defs, func(ref string) (Base, bool) {
		return Base{ID: ref, Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, true
	}, nil)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	for i, r := range rules {
		if r.def == guessed {
			return append(rules[:i:i], rules[i+1:]...)
		}
	}
	return rules
}

// logins are n logins from an address, a second apart.
func logins(tb testing.TB, r *Rule, n int) (list []streamed) {
	for i, s := range r.Streams() {
		if s.Rule != "TC1" {
			continue
		}
		for seq := range n {
			e := ttpcron.Event{Kind: ttpcron.AuthAttempt, Time: time.Unix(1_700_000_000+int64(seq), 0), AttackerIP: "203.0.113.1", Payload: ttpcron.Payload{
				{Name: "username", Text: "root"}, {Name: "password", Text: "hunter" + strconv.Itoa(seq)}, {Name: "bytes", Raw: []byte("17")}}}
			packed, group, ok := s.Append(nil, &e, nil)
			if !ok {
				tb.Fatal("takes no part")
			}
			list = append(list, streamed{i, ttpcron.BaseMatch{Stream: s, Group: string(packed[:group]), Values: string(packed[group:]), Time: e.Time, Seq: uint64(seq)}})
		}
	}
	return list
}

func judgeAll(j *Judge, list []streamed, slots []int64) []int64 {
	j.Begin(ttpcron.Group(list[0].m.Group))
	for i := range list {
		j.Match(list[i].stream, &list[i].m)
	}
	slots, _ = j.End(slots[:0])
	return slots
}

// The cost of a match in a rule, if addresses occur once, as most do, and if they occur
// often. Most of it does not depend on the thresholds.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{1, 3, 1000} {
		for _, r := range someRules(b) {
			b.Run(strconv.Itoa(n)+" in a group/"+r.def.RuleID+" "+string(r.def.Type), func(b *testing.B) {
				j, list := r.Judge(), logins(b, r, n)
				b.ReportAllocs()
				var slots []int64
				start := cpuTime()
				for b.Loop() {
					slots = judgeAll(j, list, slots)
				}
				b.ReportMetric(float64(cpuTime()-start)/float64(b.N)/float64(n), "cpu-ns/match")
			})
		}
	}
}
