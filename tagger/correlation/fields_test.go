package correlation

import (
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Sigma's names stand for the fields of events that hold the same.
func TestSigmaNames(t *testing.T) {
	type from map[string]string // field of groups to field of events
	for _, test := range []struct {
		kinds   []ttpcron.SourceKind
		group   []string
		aliases map[string]map[string]string
		want    map[ttpcron.SourceKind]from
	}{
		{[]ttpcron.SourceKind{ttpcron.AuthAttempt}, []string{"src_ip", "User"}, nil,
			map[ttpcron.SourceKind]from{ttpcron.AuthAttempt: {"attacker_ip": "attacker_ip", "username": "username"}}},
		{[]ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.Command}, []string{"TargetUserName", "Computer"}, nil,
			map[ttpcron.SourceKind]from{ttpcron.AuthAttempt: {"username": "username", "decky_id": "decky_id"}, ttpcron.Command: {"username": "user", "decky_id": "decky_id"}}},
		{[]ttpcron.SourceKind{ttpcron.Command}, []string{"username"}, nil, map[ttpcron.SourceKind]from{ttpcron.Command: {"username": "username"}}},
		{[]ttpcron.SourceKind{ttpcron.HTTPRequest}, []string{"SourceIp", "host"}, nil,
			map[ttpcron.SourceKind]from{ttpcron.HTTPRequest: {"attacker_ip": "attacker_ip", "host": "host"}}},
		{[]ttpcron.SourceKind{ttpcron.Scan}, []string{"source.ip", "hostname", "DestinationPort"}, nil,
			map[ttpcron.SourceKind]from{ttpcron.Scan: {"attacker_ip": "attacker_ip", "decky_id": "decky_id", "dst_port": "dst_port"}}},
		{[]ttpcron.SourceKind{ttpcron.Command}, []string{"SessionId"}, nil,
			map[ttpcron.SourceKind]from{ttpcron.Command: {"session_id": "session_id", "attacker_ip": "attacker_ip?", "attacker_uuid": "attacker_uuid?", "decky_id": "decky_id?", "identity_uuid": "identity_uuid?"}}},
		{[]ttpcron.SourceKind{ttpcron.Command}, []string{"src"}, map[string]map[string]string{"src": {"TC1": "src_ip"}},
			map[ttpcron.SourceKind]from{ttpcron.Command: {"attacker_ip": "attacker_ip"}}},
		{[]ttpcron.SourceKind{ttpcron.Command}, []string{"who"}, map[string]map[string]string{"who": {"TC1": "User"}},
			map[ttpcron.SourceKind]from{ttpcron.Command: {"who": "user"}}},
	} {
		d := &Definition{RuleID: "C", Version: 1, Type: EventCount, Rules: []string{"TC1"}, GroupBy: test.group, Aliases: test.aliases, Timespan: time.Minute, Condition: least("gte", "2")}
		rules, problems := Link([]*Definition{d}, func(ref string) (Base, bool) { return Base{ID: ref, Kinds: test.kinds}, true }, nil)
		if len(problems) > 0 {
			t.Error(problems)
			continue
		}
		for _, s := range rules[0].Streams() {
			got := from{}
			var names []string
			for _, f := range s.Group {
				names = append(names, f.Name)
				if got[f.Name] = f.From; f.Optional {
					got[f.Name] += "?"
				}
			}
			want := test.want[s.Kind]
			if len(got) != len(want) || !slices.IsSorted(names) {
				t.Errorf("%v of %s: %v, want %v", test.group, s.Kind, got, want)
			}
			for name, field := range want {
				if got[name] != field {
					t.Errorf("%v of %s: %s is %q, want %q", test.group, s.Kind, name, got[name], field)
				}
			}
		}
	}
}

// Where a correlation in the middle groups by address, marked addresses take no part below
// it, though the rule itself groups by session and the lowest by nothing of the kind.
func TestMarkedAddressesBelow(t *testing.T) {
	h := sequence(EventCount, least("gte", "1"), "1@0s session=7 ip=10.0.0.1 decky=d1", "1@1s session=7 ip=10.0.0.1 decky=d2")
	h.own, _ = ttpcron.ParseNetworks("10.0.0.0/8")
	h.defs[0].RuleID, h.defs[0].GroupBy = "C1", []string{"session_id"}
	middle := &Definition{RuleID: "C2", Version: 1, Type: EventCount, Rules: []string{"C1"}, GroupBy: []string{"session_id", "attacker_ip"}, Timespan: time.Minute, Condition: least("gte", "1")}
	top := &Definition{RuleID: "C3", Version: 1, Type: EventCount, Rules: []string{"C2"}, GroupBy: []string{"session_id"}, Timespan: time.Minute, Condition: least("gte", "1")}
	h.defs = append(h.defs, middle, top)
	if got := slots(t, h); got != nil {
		t.Errorf("found %v", got)
	}
	rules, _ := h.link()
	if s := rules[2].Streams(); len(s) != 1 || !slices.Contains(s[0].Values, ttpcron.FieldUnmarkedIP) {
		t.Errorf("streams are %+v", s)
	}
	h.own = nil
	if got := slots(t, h); len(got) != 2 {
		t.Errorf("found %v without own networks", got)
	}
}
