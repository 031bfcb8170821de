package ttpcron

import (
	"reflect"
	"testing"
)

func def(id string, version int, digest byte) RuleDef {
	return RuleDef{ID: id, Version: version, Digest: [16]byte{digest}}
}

func TestRuleSetSince(t *testing.T) {
	old := RuleSet{Rules: []RuleDef{def("edited", 1, 1), def("gone", 1, 1), def("renumbered", 1, 1), def("lowered", 3, 1), def("same", 3, 1), def("version", 1, 1)}}
	now := RuleSet{Rules: []RuleDef{def("edited", 1, 2), def("lowered", 2, 2), def("new", 1, 1), def("renumbered", 2, 1), def("same", 3, 1), def("version", 4, 2)}}
	want := []RuleChange{
		{"edited", 1, 1, ChangeEdited}, {"lowered", 2, 3, ChangeVersion}, {"new", 1, 0, ChangeNew}, {"version", 4, 1, ChangeVersion},
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

func TestRuleSetsTogether(t *testing.T) {
	a, b := NewRuleSet([]RuleDef{def("b", 1, 1), def("a", 1, 1)}), NewRuleSet([]RuleDef{def("a", 1, 2), def("b", 1, 1), def("c", 1, 1)})
	if a.Rules[0].ID != "a" || a.Fingerprint == b.Fingerprint || a.Fingerprint != NewRuleSet([]RuleDef{def("a", 1, 1), def("b", 1, 1)}).Fingerprint {
		t.Errorf("%+v", a)
	}
	if got, want := a.Over(&b), NewRuleSet([]RuleDef{def("a", 1, 1), def("b", 1, 1), def("c", 1, 1)}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v over %+v is %+v", a, b, got)
	}
	if got := b.Over(&a); !reflect.DeepEqual(got, b) {
		t.Errorf("%+v over %+v is %+v", b, a, got)
	}
	want := NewRuleSet([]RuleDef{def("b", 1, 1)})
	if got, again := a.Shared(&b), b.Shared(&a); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(again, want) {
		t.Errorf("%+v and %+v share %+v and %+v", a, b, got, again)
	}
	if got := want.Shared(&b); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// TestRuleStateShown holds that a ceiling only lowers, and that a state that is over
// does nothing.
func TestRuleStateShown(t *testing.T) {
	end := at(t, "2026-11-02T00:00:00Z")
	for _, c := range []struct {
		s     RuleState
		want  float64
		shown bool
	}{
		{RuleState{}, 0.8, true},
		{RuleState{Status: StatusDisabled}, 0.8, false},
		{RuleState{Status: StatusDisabled, ExpiresAt: end}, 0.8, true},
		{RuleState{Status: StatusClipped, ConfidenceMax: 0.5}, 0.5, true},
		{RuleState{Status: StatusClipped, ConfidenceMax: 0.9}, 0.8, true},
		{RuleState{Status: StatusClipped, ConfidenceMax: 0.2}, 0.2, false},
		{RuleState{Status: StatusClipped, ConfidenceMax: 0.2, ExpiresAt: end.Add(1)}, 0.2, false},
	} {
		if got, shown := c.s.Shown(0.8, end); got != c.want || shown != c.shown {
			t.Errorf("%+v shows 0.8 as %v, %v", c.s, got, shown)
		}
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
