package ttpcron

import (
	"encoding/json"
	"strings"
	"testing"
)

// payloadOf reads a payload from JSON.
func payloadOf(t testing.TB, text string) (p Payload) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// Every kind has a line, and every way in which a collector may say it: none is shown as
// JSON.
func TestTelling(t *testing.T) {
	tests := []struct {
		kind          SourceKind
		payload, want string
	}{
		{Command, `{"command_text":"uname -a","pwd":"/root"}`, "uname -a"},
		{Command, `{"command_text":"","text":"id"}`, "id"},
		{Command, `{"command":"w"}`, "w"},
		{Command, `{"uid":0}`, "uid 0"},
		{AuthAttempt, `{"username":"root","password":"hunter2","success":true}`, "root/hunter2"},
		{AuthAttempt, `{"username":"root","password":""}`, "root/"},
		{AuthAttempt, `{"password":"x"}`, "/x"},
		{AuthAttempt, `{"username":"git","key_fingerprint":"SHA256:abc"}`, "git key SHA256:abc"},
		{AuthAttempt, `{"username":"ubnt","method":"none"}`, "ubnt"},
		{AuthAttempt, `{"method":"none","service":"ssh"}`, "method none, service ssh"},
		{FileTransfer, `{"url":"http://203.0.113.9/x.sh","filename":"x.sh"}`, "http://203.0.113.9/x.sh"},
		{FileTransfer, `{"filename":"a.exe","sha256":"00ff"}`, "a.exe"},
		{FileTransfer, `{"sha256":"00ff"}`, "00ff"},
		{FileTransfer, `{"direction":"in","size":12}`, "direction in, size 12"},
		{Tunnel, `{"destination":"192.0.2.25:25","dst_ip":"192.0.2.25"}`, "192.0.2.25:25"},
		{Tunnel, `{"dst_ip":"192.0.2.25","dst_port":25}`, "192.0.2.25:25"},
		{Tunnel, `{"data":"EHLO x"}`, "EHLO x"},
		{HTTPRequest, `{"method":"GET","host":"example.net","raw_url":"/a?b"}`, "GET example.net/a?b"},
		{HTTPRequest, `{"raw_url":"http://example.net/"}`, "http://example.net/"},
		{HTTPRequest, `{"method":"POST","body":"x=1"}`, "body x=1, method POST"},
		{Scan, `{"scan":"syn","protocol":"tcp","dst_port":23}`, "syn tcp 23"},
		{Scan, `{"dst_port":"445"}`, "445"},
		{ServiceRequest, `{"service":"redis","request_text":"CONFIG SET dir /"}`, "redis: CONFIG SET dir /"},
		{ServiceRequest, `{"request_text":"INFO"}`, "INFO"},
		{ServiceRequest, `{"service":"telnet","user":"-f root"}`, "telnet -f root"},
		{SessionFact, `{"fact":"opened","protocol":"ssh","dst_port":22}`, "opened ssh 22"},
		{SessionFact, `{"fact":"opened"}`, "opened"},
		{SessionFact, `{"fact":"client","client_version":"SSH-2.0-Go"}`, "SSH-2.0-Go"},
		{SessionFact, `{"fact":"kex","hassh":"00ff"}`, "00ff"},
		{SessionFact, `{"fact":"var","name":"LANG","value":"C"}`, "LANG C"},
		{SessionFact, `{"fact":"size","term_size":"80x24"}`, "terminal 80x24"},
		{SessionFact, `{"fact":"params","name":"arch","value":"linux-x64-lsb"}`, "arch linux-x64-lsb"},
		{SessionFact, `{"fact":"closed","duration_ms":12345}`, "closed after 12.345s"},
		{SessionFact, `{"fact":"closed","duration_ms":1e99}`, "closed"},
		{SessionFact, `{"fact":"closed","duration_ms":-1}`, "closed"},
		{SessionFact, `{"fact":"closed"}`, "closed"},
		{Alert, `{"category":"Misc Attack","dst_port":80,"signature":"ET SCAN Masscan"}`, "ET SCAN Masscan"},
		{Alert, `{"category":"Misc Attack","user_agent":"curl/8"}`, "Misc Attack"},
		{Alert, `{"signature_id":1}`, "signature_id 1"},
		{Stdin, `{"input_text":"root:x","program":"chpasswd"}`, "(chpasswd) root:x"},
		{Stdin, `{"input_text":"yes"}`, "yes"},
		{CanaryFingerprint, `{"user_agent":"curl/8","request_path":"/a"}`, "curl/8"},
		{CanaryFingerprint, `{"dns_qname":"x.example.net"}`, "x.example.net"},
		{CanaryFingerprint, `{"token_uuid":"9aa4"}`, "token_uuid 9aa4"},
		{CanaryFingerprint, `{"memo":"payroll.xlsx on the share","token_kind":"ms_excel","user_agent":"curl/8","placement_path":"/srv"}`, "payroll.xlsx on the share, curl/8"},
		{CanaryFingerprint, `{"placement_path":"/root/.aws/credentials","token_kind":"aws_keys","request_path":"/t/1"}`, "/root/.aws/credentials, /t/1"},
		{CanaryFingerprint, `{"memo":"","token_kind":"windows_dir","dns_qname":"x.example.net"}`, "windows_dir, x.example.net"},
		{CanaryFingerprint, `{"memo":"old letter"}`, "old letter"},
		{"email", `{"subject":"Invoice \u001b[31m","to":["a","b"],"spam":null,"score":7,"ok":true}`, "ok true, score 7, subject Invoice \x1b[31m, to [\"a\",\"b\"]"},
		{"email", `{}`, ""},
		{"email", `{"empty":""}`, ""},
	}
	seen := map[SourceKind]bool{Correlation: true} // see TestFindingText of cmd/ttpcron
	for _, tt := range tests {
		seen[tt.kind] = true
		e := Event{Kind: tt.kind, Payload: payloadOf(t, tt.payload)}
		if got := e.Telling(); got != tt.want {
			t.Errorf("%s %s tells %q, want %q", tt.kind, tt.payload, got, tt.want)
		}
		// Evidence that shows all of the event tells the same.
		tag := Tag{SourceKind: tt.kind, Evidence: e.Payload.AppendJSON(nil)}
		if got := tag.TellingEvidence(); got != tt.want {
			t.Errorf("evidence %s of %s tells %q, want %q", tt.payload, tt.kind, got, tt.want)
		}
	}
	for _, kind := range Kinds() {
		if !seen[kind] {
			t.Errorf("no test of %s", kind)
		}
	}
}

// What tells is bounded, however much an event holds.
func TestTellingIsBounded(t *testing.T) {
	var p Payload
	for i := range 3000 {
		p = append(p, Field{Name: strings.Repeat("n", i) + "x", Text: strings.Repeat("v", 3000)})
	}
	var tag Tag
	tag.SetText(&Event{Kind: "other", Payload: p})
	if len(tag.Text) > MaxShown+len(ellipsis) || tag.TextMasked != "" {
		t.Errorf("%d bytes, masked %d", len(tag.Text), len(tag.TextMasked))
	}
	if n := testing.AllocsPerRun(10, func() { (&Event{Kind: "other", Payload: p}).Telling() }); n > 50 {
		t.Errorf("%v allocations", n)
	}
}
