package correlation

import (
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func TestEventCountAtTheEdge(t *testing.T) {
	d := &Definition{RuleID: "TC9", Version: 1, Type: EventCount, Rules: []string{"TC1"}, GroupBy: []string{"attacker_ip"}, Timespan: time.Minute,
		Condition: Condition{Comparisons: []Comparison{{"gte", "3"}}}}
	rules, problems := Link([]*Definition{d}, func(string) (Base, bool) {
		return Base{ID: "TC1", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, true
	}, nil)
	if len(rules) != 1 || len(problems) != 0 {
		t.Fatal(rules, problems)
	}
	for _, test := range []struct {
		last time.Duration
		want []int64
	}{{time.Minute, []int64{11}}, {time.Minute + 1, nil}} {
		j := rules[0].Judge()
		j.Begin("")
		for i, at := range []time.Duration{0, 0, test.last} {
			j.Match(0, &ttpcron.BaseMatch{Time: time.Unix(600, 0).Add(at), Seq: uint64(i)})
		}
		if got, _ := j.End(nil); !slices.Equal(got, test.want) {
			t.Errorf("with the last one after %v the slots are %v, want %v", test.last, got, test.want)
		}
	}
}
