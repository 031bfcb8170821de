package ttpcron

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// tagOfEvent is a tag that shows some fields of an event, and what matched.
func tagOfEvent(e *Event, matched string, shows ...string) Tag {
	t := Tag{SourceKind: e.Kind, Seq: 1, Match: Match{Shows: JoinFields(shows), Literal: matched}}
	t.Evidence = AppendEvidence(nil, e, &t.Match)
	t.SetText(e)
	return t
}

func TestMaskPasswords(t *testing.T) {
	for _, tt := range []struct {
		name, payload  string
		kind           SourceKind
		matched        string
		shows          []string
		text, evidence string
	}{
		{"a login", `{"username":"root","password":"hunter2"}`, AuthAttempt, "", []string{"username", "password"}, "root/[masked]", `{"username":"root","password":"[masked]"}`},
		{"an empty password", `{"username":"root","password":""}`, AuthAttempt, "", []string{"password"}, "root/[masked]", `{"password":"[masked]"}`},
		{"a password that is a number", `{"username":"root","password":123456}`, AuthAttempt, "", []string{"username", "password"}, "root/[masked]", `{"username":"root","password":"[masked]"}`},
		{"no password", `{"username":"git","key_fingerprint":"SHA256:x"}`, AuthAttempt, "git", []string{"username"}, "git key SHA256:x", `{"username":"git"}`},
		{"what matched is the password", `{"username":"root","password":"hunter2"}`, AuthAttempt, "hunter2", []string{"username"}, "root/[masked]", `{"username":"root","matched":"[masked]"}`},
		{"what matched is in the password", `{"username":"root","password":"xhunter2"}`, AuthAttempt, "hunter2", []string{"username"}, "root/[masked]", `{"username":"root","matched":"[masked]"}`},
		{"what matched is user and password", `{"username":"root","password":"hunter2"}`, AuthAttempt, "root/hunter2", []string{"username"}, "root/[masked]", `{"username":"root","matched":"[masked]"}`},
		{"a password equal to the user name", `{"username":"admin","password":"admin"}`, AuthAttempt, "", []string{"username", "password"}, "admin/[masked]", `{"username":"admin","password":"[masked]"}`},
		{"chpasswd", `{"input_text":"root:hunter2","program":"chpasswd"}`, Stdin, "hunter2", []string{"input_text", "program"}, "(chpasswd) [masked]", `{"input_text":"[masked]","program":"chpasswd","matched":"[masked]"}`},
		{"passwd", `{"input_text":"hunter2","program":"passwd"}`, Stdin, "", []string{"program"}, "(passwd) [masked]", `{"program":"passwd"}`},
		{"stdin of no known program", `{"input_text":"hunter2"}`, Stdin, "hunter2", nil, "[masked]", `{"matched":"[masked]"}`},
		{"stdin of another program", `{"input_text":"print(1)","program":"python"}`, Stdin, "print(", []string{"program"}, "(python) print(1)", `{"program":"python","matched":"print("}`},
		{"a command is what was typed", `{"command_text":"echo root:hunter2|chpasswd"}`, Command, "chpasswd", []string{"command_text"}, "echo root:hunter2|chpasswd", `{"command_text":"echo root:hunter2|chpasswd","matched":"chpasswd"}`},
		{"a password beside a command", `{"command_text":"id","Password":"hunter2"}`, Command, "", []string{"command_text", "Password"}, "id", `{"command_text":"id","Password":"[masked]"}`},
		{"a password deep within", `{"command_text":"id","session":[{"PASSWD":"hunter2","n":1}]}`, Command, "", []string{"session"}, "id", `{"session":[{"PASSWD":"[masked]","n":1}]}`},
		{"passwords of other names", `{"command_text":"id","pass":"hunter2","session":[{"Secret":"hunter2","passphrase":"hunter2"},{"secrets":1,"pwd":"/root"}]}`, Command, "", []string{"pass", "session"}, "id", `{"pass":"[masked]","session":[{"Secret":"[masked]","passphrase":"[masked]"},{"secrets":1,"pwd":"/root"}]}`},
		{"a folder", `{"command_text":"id","pwd":"/root"}`, Command, "", []string{"pwd"}, "id", `{"pwd":"/root"}`},
		{"an unknown kind", `{"password":"hunter2","what":"mail"}`, "email", "", []string{"password", "what"}, "password [masked], what mail", `{"password":"[masked]","what":"mail"}`},
		{"what matched of an unknown kind is in the password", `{"password":"xhunter2","what":"mail"}`, "email", "hunter2", []string{"what"}, "password [masked], what mail", `{"what":"mail","matched":"[masked]"}`},
		{"null is no password", `{"password":null,"username":"root"}`, AuthAttempt, "", []string{"password"}, "root", `{}`},
	} {
		e := Event{Kind: tt.kind, Payload: payloadOf(t, tt.payload)}
		before := e.Payload
		tag := tagOfEvent(&e, tt.matched, tt.shows...)
		text, hadSecret := tag.Text, strings.Contains(tt.text, Masked)
		tag.MaskPasswords()
		if tag.Text != tt.text {
			t.Errorf("%s: text %q, want %q", tt.name, tag.Text, tt.text)
		}
		if tt.name != "null is no password" && string(tag.Evidence) != tt.evidence {
			t.Errorf("%s: evidence %s, want %s", tt.name, tag.Evidence, tt.evidence)
		}
		if hadSecret && text == tag.Text {
			t.Errorf("%s: %q was masked before", tt.name, text)
		}
		copied := e
		copied.MaskPasswords()
		if !slices.EqualFunc(before, payloadOf(t, tt.payload), func(a, b Field) bool {
			return a.Name == b.Name && a.Text == b.Text && string(a.Raw) == string(b.Raw)
		}) {
			t.Errorf("%s: the event that shares the payload was changed", tt.name)
		}
		if strings.Contains(string(copied.Payload.AppendJSON(nil)), "hunter2") && tt.kind != Command {
			t.Errorf("%s: the event is masked as %s", tt.name, copied.Payload.AppendJSON(nil))
		}
	}
}

// Findings of groups with a password, and tags whose event is gone, have nothing but their
// evidence.
func TestMaskWithoutEvent(t *testing.T) {
	for _, tt := range []struct {
		kind                     SourceKind
		evidence, masked, saying string
	}{
		{Correlation, `{"correlation":"event_count","condition":"gte 5","group":{"attacker_ip":"203.0.113.7","password":"hunter2","username":"root"},"slot":1,"timespan":"10m"}`,
			`{"correlation":"event_count","condition":"gte 5","group":{"attacker_ip":"203.0.113.7","password":"[masked]","username":"root"},"slot":1,"timespan":"10m"}`, "5+ events in 10m, password [masked], username root"},
		{Correlation, `{"correlation":"event_count","condition":"gte 5","group":{"password":{"sha256":"00ff"}},"slot":1,"timespan":"10m"}`,
			`{"correlation":"event_count","condition":"gte 5","group":{"password":"[masked]"},"slot":1,"timespan":"10m"}`, "5+ events in 10m, password [masked]"},
		{AuthAttempt, `{"username":"root","password":"hunter2","matched":"hunter2"}`, `{"username":"root","password":"[masked]","matched":"[masked]"}`, "root/[masked]"},
		{AuthAttempt, `{"username":"root","matched":"root"}`, `{"username":"root","matched":"root"}`, "root"},
		{AuthAttempt, `{"matched":"hunter2"}`, `{"matched":"[masked]"}`, Masked},
		{AuthAttempt, `{"username":"admin","password":"admin","matched":"admin"}`, `{"username":"admin","password":"[masked]","matched":"[masked]"}`, "admin/[masked]"},
		{Stdin, `{"input_text":"hunter2"}`, `{"input_text":"[masked]"}`, Masked},
		{Command, `{"command_text":"id"}`, `{"command_text":"id"}`, "id"},
		{"email", `{"what":"mail","matched":"hunter2"}`, `{"what":"mail","matched":"[masked]"}`, "[masked]"},
		{HTTPRequest, `{"user_agent":"sqlmap/1.8","matched":"sqlmap"}`, `{"user_agent":"sqlmap/1.8","matched":"sqlmap"}`, "sqlmap/1.8"},
		{AuthAttempt, `{"password":"hunter2"`, `{}`, ""},
		{AuthAttempt, ``, `{}`, ""},
		{Command, ``, `{}`, ""},
		{Command, `{"a":1`, `{}`, ""},
	} {
		tag := Tag{SourceKind: tt.kind, Evidence: json.RawMessage(tt.evidence), Finding: &Finding{}}
		tag.SetText(nil)
		tag.MaskPasswords()
		if string(tag.Evidence) != tt.masked || tag.Text != tt.saying || tag.Finding != nil {
			t.Errorf("%s %s: %s, saying %q; want %s, %q", tt.kind, tt.evidence, tag.Evidence, tag.Text, tt.masked, tt.saying)
		}
	}
}

// Nesting without end costs no more than a look at it.
func TestMaskNestedWithoutEnd(t *testing.T) {
	deep := strings.Repeat(`[{"a":`, 4000) + `{"password":"hunter2"}` + strings.Repeat(`}]`, 4000)
	e := Event{Kind: AuthAttempt, Payload: payloadOf(t, `{"x":`+deep+`}`)}
	if !e.MaskPasswords() || strings.Contains(string(e.Payload.AppendJSON(nil)), "hunter2") {
		t.Error("a password is shown")
	}
}

// holdsValue reports whether a secret is the whole of a value somewhere in a JSON text.
func holdsValue(v any, secret string) bool {
	switch v := v.(type) {
	case string:
		return v == secret
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return holdsValue(v, secret) })
	case map[string]any:
		for _, one := range v {
			if holdsValue(one, secret) {
				return true
			}
		}
	}
	return false
}

// FuzzMask puts a secret in random evidence and payloads as a password, and looks for it in
// what comes of them.
func FuzzMask(f *testing.F) {
	f.Add(`{"username":"root"}`, "hunter2", byte(0), byte(1))
	f.Add(`{"a":[{"b":{}}],"matched":"x"}`, "\xff\x00\"", byte(1), byte(2))
	f.Add(`{"program":"python"}`, "a\\u0041", byte(2), byte(3))
	f.Fuzz(func(t *testing.T, object, secret string, kind, place byte) {
		secret = "secret:" + secret // so that it is nothing else as well
		e := Event{Kind: append(Kinds(), "email")[int(kind)%(len(Kinds())+1)]}
		if json.Unmarshal([]byte(object), &e.Payload) != nil || strings.Contains(object, "secret:") {
			return
		}
		name := [...]string{"password", "Passwd", "PASSWORD", "passwd"}[place%4]
		if place&4 == 0 {
			e.Payload.Set(name, secret)
		} else {
			inner := Payload{{Name: name, Text: secret}}
			if e.Payload.SetRaw("inner", append(append([]byte(`[1,`), inner.AppendJSON(nil)...), ']')) != nil {
				t.Fatal("a payload cannot be nested")
			}
		}
		var shows []string
		for _, field := range e.Payload {
			shows = append(shows, field.Name)
		}
		matched := ""
		if e.Kind == AuthAttempt && place&4 == 0 {
			matched = secret
		}
		tag := tagOfEvent(&e, matched, shows...)
		whole := len(secret) <= MaxMatched
		if place&8 != 0 {
			tag.Seq = 0
			tag.SetText(nil)
		}
		tag.MaskPasswords()
		if !json.Valid(tag.Evidence) {
			t.Fatalf("%q is no JSON", tag.Evidence)
		}
		var back any
		if err := json.Unmarshal(tag.AppendJSON(nil), &back); err != nil {
			t.Fatalf("%s: %v", tag.AppendJSON(nil), err)
		}
		clean := strings.ToValidUTF8(secret, "\ufffd")
		if whole && (holdsValue(back, clean) || holdsValue(back, secret)) || tag.Text == secret {
			t.Fatalf("%s holds %q", tag.AppendJSON(nil), secret)
		}
		if e.MaskPasswords(); holdsPayload(e.Payload, secret) {
			t.Fatalf("%s holds %q", e.Payload.AppendJSON(nil), secret)
		}
	})
}

func holdsPayload(p Payload, secret string) bool {
	for _, f := range p {
		if f.Raw == nil && f.Text == secret {
			return true
		}
		var v any
		if f.Raw != nil && json.Unmarshal(f.Raw, &v) == nil && holdsValue(v, secret) {
			return true
		}
	}
	return false
}

// What matched stands in a field: that of a password is masked, that beside it is not.
func TestMaskMatchedField(t *testing.T) {
	payload := `{"password":"hunter2","user_agent":"sqlmap/1.8","nested":{"Passwd":"hunter2"}}`
	for field, want := range map[string]string{"password": Masked, "user_agent": "sqlmap", "nested": Masked, "gone": Masked} {
		e := Event{Kind: HTTPRequest, Payload: payloadOf(t, payload)}
		tag := Tag{SourceKind: e.Kind, Seq: 1, Match: Match{Field: field, End: 6}, Evidence: json.RawMessage(`{"matched":"sqlmap"}`)}
		tag.SetText(&e)
		if tag.MaskPasswords(); string(tag.Evidence) != `{"matched":"`+want+`"}` {
			t.Errorf("%s: %s", field, tag.Evidence)
		}
	}
}
