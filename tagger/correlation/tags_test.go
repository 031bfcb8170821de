package correlation

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

func claimed(d *Definition) *Definition {
	for _, sub := range []string{"T1110.001", "T1110.003"} {
		d.Claims = append(d.Claims, ttpcron.Claim{RuleID: d.RuleID, RuleVersion: d.Version, Tactic: "TA0006", TechniqueID: "T1110", SubTechniqueID: sub, Confidence: 0.9})
	}
	d.Claims[1].Confidence = 0.29
	return d
}

// groupOf is the group of an event in a rule of one stream.
func groupOf(t *testing.T, r *Rule, e *ttpcron.Event) ttpcron.Group {
	t.Helper()
	packed, n, ok := r.Streams()[0].Append(nil, e, nil)
	if !ok {
		t.Fatal("takes no part")
	}
	return ttpcron.Group(packed[:n])
}

// tagged returns the first tag of a group in a slot, with its evidence.
func tagged(r *Rule, g ttpcron.Group) ttpcron.Tag {
	tag := r.Tags(ttpcron.NewSubject(g, r.Names()), 7, nil)[0]
	tag.Evidence = tag.Finding.AppendEvidence(nil)
	return tag
}

// Stored values never change. The hashes are those of sha256sum over the group, the UUIDs
// those of Python's uuid5 over the tag's name.
func TestTagsGolden(t *testing.T) {
	d := claimed(&Definition{RuleID: "TC9", Version: 2, Type: ValueCount, Rules: []string{"TC1"}, GroupBy: []string{"src_ip", "service"}, Timespan: 10 * time.Minute,
		Condition: Condition{Comparisons: []Comparison{{"gt", "9"}}, Fields: []string{"username", "password"}}})
	rules, problems := Link([]*Definition{d}, known, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	r := rules[0]
	g := groupOf(t, r, &ttpcron.Event{Kind: ttpcron.Command, AttackerIP: "203.0.113.7", Payload: ttpcron.TextPayload("service", "ssh")})
	tags := r.Tags(ttpcron.NewSubject(g, r.Names()), 2833333, nil)
	if len(tags) != 1 {
		t.Fatalf("got %d tags, want that of the claim that is sure enough", len(tags))
	}
	tag := tags[0]
	tag.Evidence = tag.Finding.AppendEvidence(nil)
	// printf '{"attacker_ip":"203.0.113.7","service":"ssh"}' | sha256sum
	if want := "corr:e0bb3fe870c6311fcd109ef9c11b533f:2833333"; tag.SourceID != want {
		t.Errorf("source_id is %s, want %s", tag.SourceID, want)
	}
	if want := "d9105bb3-942c-59b8-983f-d4c3b5816b6a"; tag.UUID().String() != want {
		t.Errorf("uuid is %s, want %s", tag.UUID(), want)
	}
	if want := `{"condition":"gt 9","correlation":"value_count","field":["username","password"],"group":{"attacker_ip":"203.0.113.7","service":"ssh"},"slot":2833333,"timespan":"10m"}`; string(tag.Evidence) != want {
		t.Errorf("evidence is\n%s, want\n%s", tag.Evidence, want)
	}
	if tag.SourceKind != ttpcron.Correlation || tag.AttackerIP != "203.0.113.7" || !tag.EventTime.Equal(time.Unix(2833333*600, 0)) || tag.RuleID != "TC9" {
		t.Errorf("tag is %+v", tag)
	}
}

// The evidence is canonical JSON and short, whatever attackers wrote into the group.
func TestEvidenceIsBounded(t *testing.T) {
	d := claimed(&Definition{RuleID: "TC9", Version: 1, Type: Temporal, Rules: []string{"TC1", "TC2"}, Timespan: time.Hour, Condition: Condition{Text: strings.Repeat("TC1 or ", 500) + "TC2"}})
	var payload ttpcron.Payload
	for _, name := range []string{"a", "b", "c", "w"} {
		d.GroupBy = append(d.GroupBy, name)
		payload = append(payload, ttpcron.Field{Name: name, Text: strings.Repeat("é\x00\"", 50)})
	}
	payload[1] = ttpcron.Field{Name: "b", Text: strings.Repeat("x", 5000)}
	payload[2] = ttpcron.Field{Name: "c", Raw: []byte(`{"o":1}`)}
	rules, problems := Link([]*Definition{d}, known, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g := groupOf(t, rules[0], &ttpcron.Event{Kind: ttpcron.Command, Vantage: ttpcron.VantageHost, Payload: payload})
	tag := tagged(rules[0], g)
	if len(tag.Evidence) > 4096 || !json.Valid(tag.Evidence) {
		t.Errorf("evidence has %d bytes: %s", len(tag.Evidence), tag.Evidence)
	}
	canonical, err := jsontext.AppendCanonical(nil, tag.Evidence)
	if err != nil || !bytes.Equal(canonical, tag.Evidence) {
		t.Errorf("evidence is not canonical: %s", tag.Evidence)
	}
	var got struct {
		Condition string
		Group     struct {
			A, Vantage string
			B, C       map[string]string
		}
	}
	if err := json.Unmarshal(tag.Evidence, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got.Condition, "…") || !strings.HasSuffix(got.Group.A, "…") || got.Group.Vantage != "host" || len(got.Group.B["sha256"]) != 64 || len(got.Group.C["sha256"]) != 64 {
		t.Errorf("evidence is %s", tag.Evidence)
	}
	if tag.Vantage != ttpcron.VantageHost || tag.IdentityUUID == "" {
		t.Errorf("tag is %+v", tag)
	}
	if !strings.HasPrefix(tag.SourceID, "corr:") || tagged(rules[0], g).SourceID != tag.SourceID {
		t.Errorf("source_id is %s", tag.SourceID)
	}
	// What is cut in the evidence counts in the identity.
	payload[0].Text += "!"
	if other := tagged(rules[0], groupOf(t, rules[0], &ttpcron.Event{Kind: ttpcron.Command, Vantage: ttpcron.VantageHost, Payload: payload})); other.SourceID == tag.SourceID || !bytes.Equal(other.Evidence, tag.Evidence) {
		t.Errorf("%s %s", other.SourceID, other.Evidence)
	}
}

// A digest differs with everything that decides findings, and with nothing else.
func TestDigests(t *testing.T) {
	type made struct {
		rule, stream [16]byte
	}
	own := func(s string) ttpcron.Networks {
		n, err := ttpcron.ParseNetworks(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	make := func(change func(d, inner *Definition), baseDigest byte, networks ttpcron.Networks) made {
		d := claimed(&Definition{RuleID: "OUTER", Version: 1, Type: Temporal, Rules: []string{"INNER", "TC2"}, GroupBy: []string{"attacker_ip"}, Timespan: time.Hour})
		inner := &Definition{RuleID: "INNER", Version: 1, Type: ValueCount, Rules: []string{"TC1", "TC3"}, GroupBy: []string{"attacker_ip", "username"}, Timespan: time.Minute,
			Condition: Condition{Comparisons: []Comparison{{"gte", "3"}}, Fields: []string{"password"}}}
		change(d, inner)
		rules, problems := Link([]*Definition{d, inner}, func(ref string) (Base, bool) {
			b, ok := known(ref)
			b.Digest[0] = baseDigest
			return b, ok
		}, networks)
		if len(rules) != 2 {
			t.Fatal(problems)
		}
		return made{rules[1].Def().Digest, rules[1].Streams()[0].Digest}
	}
	same := func(d, inner *Definition) {}
	plain := make(same, 0, nil)
	for name, other := range map[string]made{
		"again": make(same, 0, nil),
		"names": make(func(d, inner *Definition) { d.Name, inner.Name = "outer", "inner" }, 0, nil),
		"sigma": make(func(d, inner *Definition) { d.GroupBy = []string{"src_ip"} }, 0, nil),
		"order": make(func(d, inner *Definition) { inner.GroupBy = []string{"username", "attacker_ip"} }, 0, nil),
		// The inner rule's own claims are its own affair.
		"claims of the inner rule": make(func(d, inner *Definition) { claimed(inner) }, 0, nil),
	} {
		if other != plain {
			t.Errorf("%s: the digest differs", name)
		}
	}
	seen := map[[16]byte]string{plain.rule: "plain"}
	for name, change := range map[string]func(d, inner *Definition){
		"type":               func(d, inner *Definition) { d.Type = TemporalOrdered },
		"version":            func(d, inner *Definition) { d.Version = 2 },
		"timespan":           func(d, inner *Definition) { d.Timespan++; d.Timespan += time.Second - 1 },
		"condition":          func(d, inner *Definition) { d.Condition = least("gte", "1") },
		"text":               func(d, inner *Definition) { d.Condition.Text = "INNER or TC2" },
		"rules":              func(d, inner *Definition) { d.Rules = append(d.Rules, "TC4") },
		"order of rules":     func(d, inner *Definition) { d.Rules = []string{"TC2", "INNER"} },
		"group":              func(d, inner *Definition) { d.GroupBy = nil },
		"confidence":         func(d, inner *Definition) { d.Claims[0].Confidence = 0.8 },
		"level":              func(d, inner *Definition) { d.Claims[0].Level = ttpcron.LevelHigh },
		"technique":          func(d, inner *Definition) { d.Claims[0].TechniqueID = "T1111" },
		"inner timespan":     func(d, inner *Definition) { inner.Timespan = time.Second },
		"inner condition":    func(d, inner *Definition) { inner.Condition.Comparisons[0].Value = "4" },
		"inner fields":       func(d, inner *Definition) { inner.Condition.Fields[0] = "pwd" },
		"inner group":        func(d, inner *Definition) { inner.GroupBy = inner.GroupBy[:1] },
		"inner rules":        func(d, inner *Definition) { inner.Rules = inner.Rules[:1] },
		"an alias of inner":  func(d, inner *Definition) { inner.Aliases = map[string]map[string]string{"username": {"TC1": "user"}} },
		"both of those rows": func(d, inner *Definition) { inner.Rules, d.Version = inner.Rules[:1], 2 },
	} {
		got := make(change, 0, nil).rule
		if other, ok := seen[got]; ok {
			t.Errorf("%s: the digest is that of %s", name, other)
		}
		seen[got] = name
	}
	if got := make(same, 1, nil); got.rule == plain.rule || got.stream == plain.stream {
		t.Error("another base rule: the digests are the same")
	}
	if got := make(same, 0, own("10.0.0.0/8")); got.rule == plain.rule || got.stream == plain.stream {
		t.Error("own networks: the digests are the same")
	}
	if make(same, 0, own("10.0.0.0/8,192.0.2.0/24")) != make(same, 0, own("192.0.2.0/24 10.0.0.0/8")) {
		t.Error("the order of own networks counts")
	}
	bySession := func(d, inner *Definition) { d.GroupBy, inner.GroupBy = []string{"session_id"}, []string{"session_id"} }
	if make(bySession, 0, own("10.0.0.0/8")) != make(bySession, 0, nil) {
		t.Error("own networks count in groups by session")
	}
}

func TestScope(t *testing.T) {
	for _, test := range []struct {
		group  []string
		want   Scope
		silent bool
	}{{[]string{"src_ip"}, ScopeAddress, true}, {[]string{"session"}, ScopeAddress, true}, {[]string{"username"}, ScopeWhole, false}, {nil, ScopeWhole, false}} {
		d := &Definition{RuleID: "C", Version: 1, Type: EventCount, Rules: []string{"TC1"}, GroupBy: test.group, Timespan: time.Minute, Condition: least("gte", "2")}
		if !test.silent {
			claimed(d)
		}
		rules, problems := Link([]*Definition{d}, known, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if rules[0].Scope() != test.want || rules[0].Silent() != test.silent {
			t.Errorf("%v: %s, silent is %v", test.group, rules[0].Scope(), rules[0].Silent())
		}
	}
}
