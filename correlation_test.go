package ttpcron

import (
	"testing"
	"time"
)

func TestFindingOfAnAddress(t *testing.T) {
	e := Event{Kind: AuthAttempt, Time: time.Unix(1_700_000_000, 0), AttackerIP: "203.0.113.7", Payload: Payload{{Name: "port", Raw: []byte("22.0")}, {Name: "username", Text: "root"}}}
	s := NewStream("TC1", AuthAttempt, []GroupField{{Name: "attacker_ip", From: "attacker_ip"}, {Name: "who", From: "username"}}, []string{"port", "password"}, [16]byte{})
	if want := "match|auth_attempt|TC1|attacker_ip=attacker_ip,who=username|port,password"; s.ID != want {
		t.Errorf("ID is %q, want %q", s.ID, want)
	}
	packed, n, ok := s.Append(nil, &e, nil)
	if !ok {
		t.Fatal("takes no part")
	}
	f := Finding{Names: []string{"attacker_ip", "who"}, Group: Group(packed[:n]), Slot: Slot(e.Time, time.Hour), Timespan: time.Hour}
	if got, want := string(f.Group.AppendJSON(nil, f.Names)), `{"attacker_ip":"203.0.113.7","who":"root"}`; got != want {
		t.Errorf("group is %s, want %s", got, want)
	}
	values := string(packed[n:])
	port, values, _ := NextPacked(values)
	password, values, _ := NextPacked(values)
	if port.Text != "22" || !password.Null || values != "" {
		t.Errorf("values are %+v, %+v and %q", port, password, values)
	}
	tag := f.Tag(Claim{RuleID: "TC9", RuleVersion: 1, TechniqueID: "T1110", SubTechniqueID: "T1110.001"}, nil)
	if want := "corr:ecf6ec7944948ff7083f3c21640f2f5c:472222"; tag.SourceID != want { // of sha256sum
		t.Errorf("source id is %s, want %s", tag.SourceID, want)
	}
	if tag.AttackerIP != e.AttackerIP || tag.AttackerUUID != DeriveAttacker(e.AttackerIP) || !tag.EventTime.Equal(time.Unix(472222*3600, 0)) {
		t.Errorf("tag is %+v", tag)
	}
	own, err := ParseNetworks("203.0.113.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Append(nil, &e, own); ok {
		t.Error("an own address takes part")
	}
	e.Payload = e.Payload[:1]
	if _, _, ok := s.Append(nil, &e, nil); ok {
		t.Error("an event without the field takes part")
	}
}
