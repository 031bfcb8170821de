package correlation_test

import (
	"fmt"
	"iter"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/correlation"
)

// A correlation of failed logins and one after which somebody is in, judged and explained.
func ExampleRule_Trace() {
	claim := ttpcron.Claim{RuleID: "TC9002", RuleVersion: 1, Tactic: "TA0001", TechniqueID: "T1078", Confidence: 0.8}
	at := func(op, value string) correlation.Condition {
		return correlation.Condition{Comparisons: []correlation.Comparison{{Op: op, Value: value}}}
	}
	rules, problems := correlation.Link([]*correlation.Definition{
		{RuleID: "TC9001", Version: 1, Type: correlation.EventCount, Rules: []string{"FAILED"}, GroupBy: []string{"src_ip", "User"}, Timespan: time.Minute, Condition: at("gte", "3")},
		{RuleID: "TC9002", Version: 1, Type: correlation.TemporalOrdered, Rules: []string{"TC9001", "IN"}, GroupBy: []string{"src_ip"}, Timespan: 5 * time.Minute,
			Claims: []ttpcron.Claim{claim}},
	}, func(ref string) (correlation.Base, bool) {
		return correlation.Base{ID: ref, Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, true
	}, nil)
	if len(problems) > 0 {
		fmt.Println(problems)
		return
	}
	rule := rules[1]

	// A store of base matches yields those of one group in order of time.
	base := func(after time.Duration, rule string, user string) ttpcron.BaseMatch {
		e := ttpcron.Event{Kind: ttpcron.AuthAttempt, Time: time.Unix(1_750_000_000, 0).Add(after), AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("username", user)}
		for _, s := range rules[1].Streams() {
			if s.Rule == rule {
				packed, group, _ := s.Append(nil, &e, nil)
				return ttpcron.BaseMatch{Stream: s, Group: string(packed[:group]), Values: string(packed[group:]), Time: e.Time, Seq: uint64(after / time.Second)}
			}
		}
		panic("no stream")
	}
	history := []ttpcron.BaseMatch{
		base(1*time.Second, "FAILED", "root"), base(2*time.Second, "FAILED", "admin"), base(3*time.Second, "FAILED", "root"),
		base(4*time.Second, "FAILED", "root"), base(9*time.Second, "IN", "root"),
	}
	matches := func(list []ttpcron.BaseMatch) iter.Seq2[*ttpcron.BaseMatch, error] {
		return func(yield func(*ttpcron.BaseMatch, error) bool) {
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
		}
	}
	group := ttpcron.Group(history[0].Group)
	slot := ttpcron.Slot(history[4].Time, rule.Timespan())

	trace, _ := rule.Trace(group, rule.SlotWindow(slot), matches(history))
	fmt.Println(trace.Satisfied, trace.Reached)
	for _, s := range trace.Steps {
		fmt.Println(s.Time.Format(time.TimeOnly), s.Rule, s.Note)
		for _, s := range s.Steps {
			fmt.Println("  ", s.Time.Format(time.TimeOnly), s.Rule, s.Note, "event", s.Match.Seq)
		}
	}
	trace, _ = rule.Trace(group, rule.SlotWindow(slot), matches(history[:4]))
	fmt.Println(trace.Satisfied, trace.Reached, trace.Missing)

	for _, tag := range rule.Tags(ttpcron.NewSubject(group, rule.Names()), slot, nil) {
		fmt.Println(tag.SourceID, string(tag.Finding.AppendEvidence(nil)))
	}
	// Output:
	// true 2 of 2 rules
	// 15:06:44 TC9001 1st of 2 in order
	//    15:06:41 FAILED 1st of 3 event 1
	//    15:06:43 FAILED 2nd of 3 event 3
	//    15:06:44 FAILED 3rd of 3 event 4
	// 15:06:49 IN 2nd of 2 in order
	// false 1 of 2 rules [IN after TC9001]
	// corr:9636558d2ef3cd58e09545a4de97076f:5833333 {"condition":"gte 2","correlation":"temporal_ordered","group":{"attacker_ip":"203.0.113.1"},"slot":5833333,"timespan":"5m"}
}
