package ttpcron

import (
	"reflect"
	"testing"
)

func TestRuleSetSince(t *testing.T) {
	def := func(id string, version int, digest byte, ceiling float64) RuleDef {
		return RuleDef{ID: id, Version: version, Digest: [16]byte{digest}, Ceiling: ceiling}
	}
	old := RuleSet{Rules: []RuleDef{def("edited", 1, 1, 1), def("gone", 1, 1, 1), def("lowered", 1, 1, 1), def("raised", 2, 1, 0.4), def("same", 3, 1, 1), def("version", 1, 1, 1)}}
	now := RuleSet{Rules: []RuleDef{def("edited", 1, 2, 1), def("lowered", 1, 1, 0.5), def("new", 1, 1, 1), def("raised", 2, 1, 0.6), def("same", 3, 1, 1), def("version", 4, 2, 1)}}
	want := []RuleChange{
		{"edited", 1, 1, ChangeEdited}, {"new", 1, 0, ChangeNew}, {"version", 4, 1, ChangeVersion},
	}
	if got := now.Since(&old); !reflect.DeepEqual(got, want) {
		t.Errorf("changes %+v, want %+v", got, want)
	}
	if got := now.Since(&now); got != nil {
		t.Errorf("a set has changed since itself: %+v", got)
	}
	if got := now.Since(&RuleSet{}); len(got) != len(now.Rules) {
		t.Errorf("%d rules are new to an empty set, want all %d", len(got), len(now.Rules))
	}
}

func TestRetirementHides(t *testing.T) {
	claim := Claim{RuleID: "R1", RuleVersion: 2}
	for _, c := range []struct {
		r    Retirement
		want bool
	}{
		{Retirement{RuleID: "R1", Version: 2}, true},
		{Retirement{RuleID: "R1", Version: AllVersions}, true},
		{Retirement{RuleID: "R1", Version: 1}, false},
		{Retirement{RuleID: "R1"}, false}, // version 0
		{Retirement{RuleID: "R10", Version: AllVersions}, false},
	} {
		if got := c.r.Hides(&claim); got != c.want {
			t.Errorf("%+v hides the claim: %v", c.r, got)
		}
	}
}

func TestRuleStateString(t *testing.T) {
	for want, s := range map[string]RuleState{
		"enabled":                             {},
		"disabled":                            {Status: StatusDisabled},
		"clipped to 0.45":                     {Status: StatusClipped, ConfidenceMax: 0.45},
		"disabled until 2026-11-02T00:00:00Z": {Status: StatusDisabled, ExpiresAt: at(t, "2026-11-02T01:00:00+01:00")},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}
