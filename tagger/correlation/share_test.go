package correlation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// counting defines a correlation that counts the values of fields by address.
func counting(id string, fields ...string) *Definition {
	return &Definition{
		RuleID: id, Version: 1, Type: ValueCount, Rules: []string{"B1"}, GroupBy: []string{"attacker_ip"}, Timespan: time.Minute,
		Condition: Condition{Comparisons: []Comparison{{Op: "gte", Value: "2"}}, Fields: fields},
	}
}

func TestCorrelationsShareStreams(t *testing.T) {
	login := func(string) (Base, bool) {
		return Base{ID: "B1", Kinds: []ttpcron.SourceKind{ttpcron.AuthAttempt}}, true
	}
	streams := func(defs ...*Definition) (list []string) {
		rules, problems := Link(defs, login, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, r := range rules {
			for _, s := range r.Streams() {
				list = append(list, s.ID)
			}
		}
		return list
	}
	both := "match|auth_attempt|B1|attacker_ip=attacker_ip|password,username"
	if got, want := streams(counting("C1", "username"), counting("C2", "password", "username"), counting("C3", "password")), []string{both, both, both}; !slices.Equal(got, want) {
		t.Errorf("streams are %q, want %q", got, want)
	}
	var many []*Definition
	for i := range 20 {
		many = append(many, counting(fmt.Sprint("C", 10+i), fmt.Sprint("f", 10+i)))
	}
	got := streams(many...)
	if n := len(slices.Compact(got)); n != 3 {
		t.Errorf("20 correlations with a value each share %d streams, want 3: %q", n, got)
	}
}
