package ttpcron

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The values of the contract, which DECNET gives for the same tags.
func TestTagUUIDGolden(t *testing.T) {
	for _, c := range []struct {
		tag  Tag
		want string
	}{
		{Tag{SourceKind: Command, SourceID: "cmd_42", Claim: Claim{RuleID: "R0014", RuleVersion: 2, TechniqueID: "T1083"}},
			"9aa491e5-f03b-5d8f-9eb5-161becedcdd6"},
		{Tag{SourceKind: Command, SourceID: "cmd_42", Claim: Claim{RuleID: "R0015", RuleVersion: 1, TechniqueID: "T1548", SubTechniqueID: "T1548.001"}},
			"4fd57b14-c135-544c-97d9-4fabc1051584"},
	} {
		if got := c.tag.UUID().String(); got != c.want {
			t.Errorf("tag %s|%s: %s, want %s", c.tag.RuleID, c.tag.Technique(), got, c.want)
		}
		moved := c.tag
		moved.EventTime, moved.CreatedAt = time.Unix(1, 0), time.Unix(2, 0)
		moved.AttackerIP, moved.SessionID, moved.DeckyID, moved.Confidence, moved.Tactic = "203.0.113.7", "s", "d", 0.5, "TA0007"
		moved.Evidence = json.RawMessage(`{"a":1}`)
		if moved.UUID() != c.tag.UUID() {
			t.Errorf("tag %s: time, place or evidence changed the UUID", c.tag.RuleID)
		}
	}
	if got := tagSpace.String(); got != "1ca31f08-5522-5aae-8371-fe81f0e39de3" {
		t.Errorf("namespace of tags: %s", got)
	}
}

// An independent implementation agrees, whatever the text.
func FuzzTagUUID(f *testing.F) {
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("decnet:ttp_tag:v1"))
	f.Add("command", "cmd_42", "R0014", "T1083", "")
	f.Add("command", strings.Repeat("long", 100), "TC0001", "T1059", "T1059.004")
	f.Fuzz(func(t *testing.T, kind, id, rule, technique, sub string) {
		tag := Tag{SourceKind: SourceKind(kind), SourceID: id, Claim: Claim{RuleID: rule, RuleVersion: -12, TechniqueID: technique, SubTechniqueID: sub}}
		want := uuid.NewSHA1(space, []byte(strings.Join([]string{kind, id, rule, "-12", technique, sub}, "|")))
		if got := tag.UUID(); uuid.UUID(got) != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func TestDeriveAttacker(t *testing.T) {
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("ttpcron:attacker_ip:v1"))
	for ip, name := range map[string]string{
		"203.0.113.7":          "203.0.113.7",
		"::ffff:203.0.113.7":   "203.0.113.7",
		"::FFFF:CB00:7107":     "203.0.113.7",
		"2001:db8::7":          "2001:db8::7",
		"2001:0DB8:0:0::7":     "2001:db8::7",
		"fe80::1%eth0":         "fe80::1%eth0",
		"203.0.113.007":        "203.0.113.007", // no address by RFC 6943; as it is
		"attacker.example.org": "attacker.example.org",
		"\xff":                 "\xff",
		"":                     "",
	} {
		if got, want := DeriveAttacker(ip), uuid.NewSHA1(space, []byte(name)).String(); got != want {
			t.Errorf("DeriveAttacker(%q) = %s, want %s, that of %q", ip, got, want, name)
		}
	}
	if got := DeriveAttacker("203.0.113.7"); got != "d868ec74-c4d0-5fa1-bfed-80e9ac9ccba5" {
		t.Errorf("DeriveAttacker(203.0.113.7) = %s", got)
	}
}

func TestClaimTechnique(t *testing.T) {
	for want, c := range map[string]Claim{
		"T1110":     {TechniqueID: "T1110"},
		"T1110.003": {TechniqueID: "T1110", SubTechniqueID: "T1110.003"},
	} {
		if got := c.Technique(); got != want {
			t.Errorf("%+v claims %s, want %s", c, got, want)
		}
	}
}

func TestParseUUID(t *testing.T) {
	const good = "9aa491e5-f03b-5d8f-9eb5-161becedcdd6"
	if u, ok := ParseUUID(good); !ok || u.String() != good {
		t.Errorf("ParseUUID(%s) = %s, %v", good, u, ok)
	}
	for _, bad := range []string{
		"", "9aa491e5f03b5d8f9eb5161becedcdd6", "{" + good + "}", "urn:uuid:" + good, strings.ToUpper(good),
		good[:35], good + "0", good[:35] + "g", good[:35] + "-", good[:34] + "--",
		"9aa491e5-f03b-5d8f-9eb5--61becedcdd6", "-aa491e5-f03b-5d8f-9eb5-161becedcdd6", strings.Repeat("-", 36),
		"9aa491e5-f03b-5d8f-9eb51-61becedcdd6",
	} {
		if u, ok := ParseUUID(bad); ok || u != (UUID{}) {
			t.Errorf("ParseUUID(%q) = %s, %v", bad, u, ok)
		}
	}
}

// A text is a UUID exactly if it is what String gives of it.
func FuzzParseUUID(f *testing.F) {
	f.Add("9aa491e5-f03b-5d8f-9eb5-161becedcdd6")
	f.Add("9aa491e5-f03b-5d8f-9eb5--61becedcdd6")
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := ParseUUID(s)
		if ok && u.String() != s {
			t.Fatalf("%q parsed as %s", s, u)
		}
		if back, err := uuid.Parse(s); len(s) == 36 && err == nil && s == back.String() && !ok {
			t.Fatalf("%q is refused", s)
		}
	})
}

func TestTagJSON(t *testing.T) {
	tag := Tag{
		Claim: Claim{RuleID: "R0015", RuleVersion: 1, Tactic: "TA0004", TechniqueID: "T1548", SubTechniqueID: "T1548.001", Confidence: 0.85,
			AttackRelease: "enterprise-v18.1", MitreURL: "https://attack.mitre.org/techniques/T1548/001/"},
		SourceKind: Command, SourceID: "cmd_42", AttackerUUID: "a", AttackerIP: "203.0.113.7", SessionID: "s", DeckyID: "sensor-1",
		Evidence:  json.RawMessage(`{"command_text":"chmod u+s /tmp/x"}`),
		CreatedAt: time.Date(2026, 11, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), EventTime: time.Date(2026, 5, 4, 5, 49, 5, 586207000, time.UTC),
	}
	const want = `{"uuid":"4fd57b14-c135-544c-97d9-4fabc1051584","source_kind":"command","source_id":"cmd_42","attacker_uuid":"a","attacker_ip":"203.0.113.7",` +
		`"identity_uuid":null,"session_id":"s","decky_id":"sensor-1","tactic":"TA0004","technique_id":"T1548","sub_technique_id":"T1548.001","confidence":0.85,"level":"medium",` +
		`"rule_id":"R0015","rule_version":1,"evidence":{"command_text":"chmod u+s /tmp/x"},"attack_release":"enterprise-v18.1",` +
		`"mitre_url":"https://attack.mitre.org/techniques/T1548/001/","created_at":"2026-11-02T02:04:05Z","event_time":"2026-05-04T05:49:05.586207Z"}`
	if got, err := json.Marshal(tag); err != nil || string(got) != want {
		t.Errorf("tag gives %v\n%s, want\n%s", err, got, want)
	}
	empty := Tag{SourceID: "\xff<"}
	got, err := json.Marshal(empty)
	if err != nil || !json.Valid(got) || !strings.Contains(string(got), `"source_id":"\udcff\u003c"`) || !strings.Contains(string(got), `"evidence":{}`) {
		t.Errorf("an empty tag gives %s, %v", got, err)
	}
	broken := Tag{Evidence: json.RawMessage(`{"a":`)}
	if got, err := json.Marshal(broken); err == nil {
		t.Errorf("a tag with broken evidence gives %s", got)
	}
}

func BenchmarkTagUUID(b *testing.B) {
	tag := Tag{SourceKind: Command, SourceID: "sha256:6a2da20943931e9834fc12cfe5bb47bb", Claim: Claim{RuleID: "TC0014", RuleVersion: 2, TechniqueID: "T1059", SubTechniqueID: "T1059.004"}}
	b.ReportAllocs()
	for b.Loop() {
		_ = tag.UUID()
	}
}

func BenchmarkTagJSON(b *testing.B) {
	tag := Tag{SourceKind: Command, SourceID: "sha256:6a2da20943931e9834fc12cfe5bb47bb", AttackerIP: "203.0.113.7", SessionID: "d3adb33f0001",
		Claim:    Claim{RuleID: "TC0014", RuleVersion: 2, TechniqueID: "T1059", SubTechniqueID: "T1059.004", Confidence: 0.9},
		Evidence: json.RawMessage(`{"command_text":"sh /tmp/a.sh"}`)}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = tag.AppendJSON(line[:0])
	}
}

// Identities that are stored can never change.
func TestIdentitiesOfNobody(t *testing.T) {
	for want, got := range map[string]string{
		"75040e9c-91e8-53ac-990d-ca3a4657c084": SessionIdentity("sensor-1", "d3adb33f0001"),
		"23fc975a-049a-5e0f-b303-fec2ebde74ec": SessionIdentity("sensor-1", ""),
		"dd3658b0-02e3-51e9-a9ce-67e5dcd5526c": SessionIdentity("", ""),
		"4bb45e81-7658-5108-9d36-de064bc907da": HostIdentity("sensor-1"),
		"7e3fa2f0-ab04-57dd-a880-2b3b30baeb65": AttackerIdentity("276e34"),
	} {
		if got != want {
			t.Errorf("identity %s, want %s", got, want)
		}
	}
	e := sample()
	if e.NameNobody(); e.IdentityUUID != "" {
		t.Error("an event with an address got an identity")
	}
	if e.AttackerIP = ""; e.Validate() == nil {
		t.Error("an event of nobody is valid")
	}
	if e.NameNobody(); e.IdentityUUID != SessionIdentity("sensor-1", "d3adb33f0001") || e.Validate() != nil {
		t.Errorf("an event without address has the identity %q", e.IdentityUUID)
	}
}

func TestStandsFor(t *testing.T) {
	main, sub := Claim{TechniqueID: "T1562", Confidence: 0.5}, Claim{TechniqueID: "T1562", SubTechniqueID: "T1562.001", Confidence: 0.5}
	surer := sub
	surer.Confidence = 0.6
	for _, c := range []struct{ is, of *Claim }{{&main, &sub}, {&surer, &main}, {&surer, &sub}} {
		if !c.is.StandsFor(c.of) || c.of.StandsFor(c.is) {
			t.Errorf("%s with %v does not stand for %s with %v", c.is.Technique(), c.is.Confidence, c.of.Technique(), c.of.Confidence)
		}
	}
	if main.StandsFor(&main) {
		t.Error("a claim stands for itself")
	}
}

func TestTagBefore(t *testing.T) {
	tag := func(level Level, confidence float64, rule string) *Tag {
		return &Tag{Claim: Claim{RuleID: rule, Level: level, Confidence: confidence}}
	}
	order := []*Tag{
		tag(LevelHigh, 0.5, "B"), tag(LevelMedium, 0.9, "A"), tag(0, 0.8, "A"), // without a level: medium
		tag(LevelMedium, 0.8, "B"), tag(LevelLow, 1, "A"),
	}
	for i, a := range order {
		for k, b := range order {
			if got := a.Before(b); got != (i < k) {
				t.Errorf("%d before %d: %v", i, k, got)
			}
		}
	}
}
