package export

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// TestObservableIDs compares ids with an independent maker of UUIDs.
func TestObservableIDs(t *testing.T) {
	space := uuid.MustParse("00abedb4-aa42-466c-9c01-fed23315a9b7")
	for _, c := range []struct{ id, kind, canonical string }{
		{addressObservable("198.51.100.3").ID, "ipv4-addr", `{"value":"198.51.100.3"}`},
		{addressObservable("::ffff:198.51.100.3").ID, "ipv4-addr", `{"value":"198.51.100.3"}`},
		{addressObservable("2001:DB8:0::7").ID, "ipv6-addr", `{"value":"2001:db8::7"}`},
		{urlObservable("http://203.0.113.9/a?\"\u2028\x1f\n").ID, "url", `{"value":"http://203.0.113.9/a?\"` + "\u2028" + `\u001f\n"}`},
		{fileObservable("ab", "x\\").ID, "file", `{"hashes":{"SHA-256":"ab"},"name":"x\\"}`},
		{fileObservable("", "x").ID, "file", `{"name":"x"}`},
	} {
		if want := c.kind + "--" + uuid.NewSHA1(space, []byte(c.canonical)).String(); c.id != want {
			t.Errorf("%s of %s: %s, want %s", c.kind, c.canonical, c.id, want)
		}
	}
	if addressObservable("not an address") != nil || addressObservable("") != nil {
		t.Error("what is no address has an id")
	}
}

// TestStixIDs: our own ids have another namespace, and their parts cannot run into each
// other.
func TestStixIDs(t *testing.T) {
	if a, b := stixID("identity", "a|b", "c"), stixID("identity", "a", "b|c"); a == b {
		t.Error("parts run together")
	}
	if got := stixID("identity", "sensor", "x"); got != "identity--"+uuid.NewSHA1(uuid.UUID(stixSpace), []byte("identity|sensor|x")).String() {
		t.Errorf("id is %s", got)
	}
	if stixSpace.String() != uuid.NewSHA1(uuid.NameSpaceURL, []byte("ttpcron:stix:v1")).String() {
		t.Error("the namespace is not what it says")
	}
	// A golden id: it can never change.
	if got := commandProcess("uname -a").ID; got != "process--d439bb7c-d59a-56ce-9111-4100ae5e4dfa" {
		t.Errorf("the id of a command is %s", got)
	}
}

func TestAttackPattern(t *testing.T) {
	old, _ := attack.In("18.1")
	for _, c := range []struct {
		under    *attack.Table
		id, want string
	}{
		{attack.Current(), "T1690", `"id":"attack-pattern--b831f51c-d22f-4724-bbab-60d056bd1150","created":"2017-05-31T00:00:00.000Z","modified":"2017-05-31T00:00:00.000Z","name":"Prevent Command History Logging"`},
		{attack.Current(), "T1690", `"phase_name":"defense-impairment"`},
		{old, "T1562.003", `"id":"attack-pattern--8f504411-cb96-4dac-a537-8d2bb7679c59","created":"2020-02-21T20:56:06.498Z","modified":"2020-02-21T20:56:06.498Z"`},
		{old, "T1562.003", `"kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"defense-evasion"}],"x_mitre_id":"T1562.003","x_mitre_is_subtechnique":true`},
		{attack.Current(), "T1562.003", `"revoked":true`},
		{old, "T1098.004", `{"source_name":"mitre-attack","url":"https://attack.mitre.org/techniques/T1098/004","external_id":"T1098.004"}`},
		{old, "T1690", `"name":"Prevent Command History Logging"`},
	} {
		b, err := json.Marshal(attackPattern(c.under, c.id))
		if err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s under %s (%v):\n%s\nlacks\n%s", c.id, c.under.Release(), err, b, c.want)
		}
	}
	if attackPattern(attack.Current(), "T9999") != nil {
		t.Error("a technique of no release has a pattern")
	}
}

func TestSensorIdentity(t *testing.T) {
	a, b := sensorIdentity("p", "s", ttpcron.VantageHoneypot), sensorIdentity("p", "s", ttpcron.VantageHost)
	if a.ID == b.ID || a.Name != "s" || a.Roles[0] != "honeypot" || b.Roles[0] != "host" {
		t.Errorf("%+v\n%+v", a, b)
	}
}
