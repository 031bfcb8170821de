package ttpcron

import (
	"strings"
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
	names, group := []string{"attacker_ip", "who"}, Group(packed[:n])
	if got, want := string(group.AppendJSON(nil, names)), `{"attacker_ip":"203.0.113.7","who":"root"}`; got != want {
		t.Errorf("group is %s, want %s", got, want)
	}
	values := string(packed[n:])
	port, values, _ := NextPacked(values)
	password, values, _ := NextPacked(values)
	if port.Text != "22" || !password.Null || values != "" {
		t.Errorf("values are %+v, %+v and %q", port, password, values)
	}
	tag := NewSubject(group, names).Tag(NewTerms("event_count", "gte 5", nil, names, time.Hour), Slot(e.Time, time.Hour))
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

func TestParseGroup(t *testing.T) {
	names := []string{"a", "b", "vantage", "z"}
	for _, values := range [][]PackedValue{
		{{Text: "x"}, {Null: true}, {Text: "v"}, {Text: ""}},
		{{Text: "\xff\x00\u202e<&>\"\\"}, {Hash: strings.Repeat("\x80\x01", 16)}, {Null: true}, {Text: strings.Repeat("é", 128)}},
	} {
		for _, v := range []Vantage{VantageHoneypot, VantageHost} {
			packed := []byte{byte(v)}
			for i := range values {
				packed = values[i].Append(packed)
			}
			g := Group(packed)
			text := g.AppendJSON(nil, names)
			got, err := ParseGroup(text, names, v)
			if err != nil || got != g {
				t.Errorf("%s comes back as %q, %v, want %q", text, got, err, g)
			}
			rest := string(got[1:])
			for i := range values {
				var p PackedValue
				if p, rest, _ = NextPacked(rest); p != values[i] {
					t.Errorf("%s: value %d is %+v, want %+v", text, i, p, values[i])
				}
			}
		}
	}
	for _, c := range []struct{ text, why string }{
		{`{"a":"x"}`, "says nothing of \"b\""},
		{`{"a":"x","b":1}`, "says nothing of \"b\""},
		{`{"a":"x","b":{"sha256":"00"}}`, "says nothing of \"b\""},
		{`{"a":"x","b":"y","c":"z"}`, "other fields"},
		{`{"a":"x","b":"y","vantage":"host"}`, "other fields"},
		{`no`, "says nothing of \"a\""},
	} {
		if _, err := ParseGroup([]byte(c.text), names[:2], VantageHoneypot); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.text, err, c.why)
		}
	}
}
