package ttpcron

import (
	"encoding/json"
	"testing"
)

func TestNetworks(t *testing.T) {
	n, err := ParseNetworks("192.0.2.77/24, 2001:db8::/32\t198.51.100.7,::ffff:203.0.113.0/120")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.String(), "192.0.2.0/24,2001:db8::/32,198.51.100.7/32,203.0.113.0/24"; got != want {
		t.Errorf("networks %s, want %s", got, want)
	}
	for ip, want := range map[string]bool{
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.3.1": false, "2001:db8::1": true, "2001:DB8:0::1": true, "2001:db9::1": false,
		"198.51.100.7": true, "198.51.100.8": false, "203.0.113.9": true, "": false, "no address": false, "2001:db8::1%eth0": true,
	} {
		if got := n.Contains(ip); got != want {
			t.Errorf("%q is in a network: %v, want %v", ip, got, want)
		}
	}
	if none, err := ParseNetworks(" ,"); err != nil || len(none) != 0 || none.Contains("192.0.2.1") {
		t.Errorf("no networks: %v, %v", none, err)
	}
	for _, bad := range []string{"x", "192.0.2.0/33", "192.0.2", "fe80::1%eth0", "::ffff:0.0.0.0/90", "10.0.0.0/8;x"} {
		if _, err := ParseNetworks(bad); err == nil {
			t.Errorf("%q is read as networks", bad)
		}
	}
}

func TestByResolver(t *testing.T) {
	for _, tt := range []struct {
		kind    SourceKind
		payload string
		want    bool
	}{
		{CanaryFingerprint, `{"dns_qname":"x.example"}`, true},
		{CanaryFingerprint, `{"dns_qname":"x.example","token_kind":"dns","ua_signature":""}`, true},
		{CanaryFingerprint, `{"channel":"DNS"}`, true},
		{CanaryFingerprint, `{"input_channel":"DNS","useragent":"x"}`, true},
		{CanaryFingerprint, `{"dns_qname":"x.example","request_path":"/"}`, false},
		{CanaryFingerprint, `{"dns_qname":"x.example","user_agent":"curl"}`, false},
		{CanaryFingerprint, `{"dns_qname":"x.example","token_kind":"http"}`, false},
		{CanaryFingerprint, `{"channel":"HTTP","token_kind":"dns"}`, false},
		{CanaryFingerprint, `{"channel":5,"dns_qname":null}`, false},
		{CanaryFingerprint, `{}`, false},
		{Command, `{"command_text":"dig x.example","channel":"dns","dns_qname":"x.example"}`, false},
	} {
		e := Event{Kind: tt.kind}
		if err := json.Unmarshal([]byte(tt.payload), &e.Payload); err != nil {
			t.Fatal(err)
		}
		if got := e.ByResolver(); got != tt.want {
			t.Errorf("%s %s: %v", tt.kind, tt.payload, got)
		}
	}
}

func TestMark(t *testing.T) {
	own, err := ParseNetworks("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tag  Tag
		own  Networks
		want Mark
	}{
		{Tag{AttackerIP: "192.0.2.7"}, own, MarkOwnNetwork},
		{Tag{AttackerIP: "192.0.2.7"}, nil, MarkNone},
		{Tag{AttackerIP: "10.0.0.1"}, own, MarkNone},
		{Tag{AttackerUUID: "9aa491e5-f03b-5d8f-9eb5-161becedcdd6"}, own, MarkNone},
		{Tag{AttackerIP: "198.51.100.1", ByResolver: true}, own, MarkResolver},
		{Tag{AttackerIP: "192.0.2.7", ByResolver: true}, own, MarkOwnNetwork},
	} {
		if got := tt.tag.Mark(tt.own); got != tt.want {
			t.Errorf("%s, by a resolver %v, own networks %s: %q, want %q", tt.tag.AttackerIP, tt.tag.ByResolver, tt.own, got, tt.want)
		}
	}
}
