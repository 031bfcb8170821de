package export

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/export/exporttest"
)

type mispDocument struct {
	Response []struct {
		Event struct {
			mispEvent
			Attribute []mispAttribute
			Object    []mispObject
		}
	} `json:"response"`
}

func mispOf(t testing.TB, stream []byte) (d mispDocument) {
	t.Helper()
	if err := json.Unmarshal(stream, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// cowrieRelations are those of version 3 of the template that are used, with their types.
var cowrieRelations = map[string]string{"session": "text", "timestamp": "datetime", "src_ip": "ip-src", "sensor": "text", "input": "text", "message": "text"}

// checkMISP checks what the schema does not: UUIDs are unique, objects have what their
// template requires, values are acceptable to MISP, and nothing is published.
func checkMISP(t testing.TB, d mispDocument) {
	t.Helper()
	seen := map[string]bool{}
	once := func(uuid string) {
		if _, ok := ttpcron.ParseUUID(uuid); !ok || seen[uuid] {
			t.Errorf("UUID %s is malformed or there twice", uuid)
		}
		seen[uuid] = true
	}
	attribute := func(a *mispAttribute) {
		once(a.UUID)
		if a.ToIDs || strings.TrimSpace(string(a.Value)) == "" || len(a.Value) > 65535 || strings.Trim(a.Timestamp, "0123456789") != "" {
			t.Errorf("attribute %+v", a)
		}
		if _, err := netip.ParseAddr(string(a.Value)); a.Type == "ip-src" && err != nil {
			t.Errorf("%q is no address", a.Value)
		}
		if _, err := time.Parse(time.RFC3339Nano, string(a.Value)); a.Type == "datetime" && err != nil {
			t.Error(err)
		}
	}
	for i := range d.Response {
		e := &d.Response[i].Event
		once(e.UUID)
		if e.Published || e.Distribution != "0" || !strings.Contains("1234", e.ThreatLevel) || e.Attribute == nil || e.Object == nil {
			t.Errorf("event %+v", e.mispEvent)
		}
		n := len(e.Attribute)
		values := map[text]bool{}
		for k := range e.Attribute {
			if a := &e.Attribute[k]; values[a.Value] {
				t.Errorf("%q is there twice", a.Value)
			} else {
				values[a.Value] = true
				attribute(a)
			}
		}
		for k := range e.Object {
			o := &e.Object[k]
			once(o.UUID)
			relations := map[string]bool{}
			for m := range o.Attribute {
				a := &o.Attribute[m]
				if cowrieRelations[a.Relation] != a.Type || relations[a.Relation] {
					t.Errorf("relation %s of type %s", a.Relation, a.Type)
				}
				relations[a.Relation] = true
				attribute(a)
			}
			if !relations["session"] || o.TemplateUUID != "ae085d32-6534-4d52-b3eb-063fccb753e7" {
				t.Errorf("object %+v", o)
			}
			n += len(o.Attribute)
		}
		if n > mostAttributes {
			t.Errorf("an event has %d attributes", n)
		}
	}
}

func TestMISP(t *testing.T) {
	for _, n := range []int{0, 1, 700} {
		tags := sampleTags(n)
		stream, _ := exportTo(t, misp, tags)
		d := mispOf(t, stream)
		checkMISP(t, d)
		got := exporttest.Readers["misp"](t, stream, "")
		slices.Sort(got)
		if !slices.Equal(got, tagUUIDs(tags)) {
			t.Errorf("%d tags, want %d", len(got), n)
		}
		if strings.Contains(string(stream), "sensor-") {
			t.Error("a sensor is named")
		}
	}
	own := sampleTags(1)
	own[0].Mark = ttpcron.MarkOwnNetwork
	stream, _ := exportTo(t, misp, own)
	if strings.Contains(string(stream), own[0].AttackerIP) {
		t.Error("an address of the user's own is there")
	}
	stream, _ = exportTo(t, misp, sampleTags(30), "--with-sensors", "--org", "A \x1b\xff\"")
	checkMISP(t, mispOf(t, stream))
	if !strings.Contains(string(stream), "sensor-1") {
		t.Error("no sensor is named")
	}
}

// TestMISPValid uses PyMISP's lax schema: the other is not a valid schema.
func TestMISPValid(t *testing.T) {
	s := validator(t, "misp-event-2.4-lax.schema.json")
	stream, _ := exportTo(t, misp, sampleTags(300), "--with-sensors")
	for _, event := range jsonDocument(t, stream).(map[string]any)["response"].([]any) {
		if err := s.Validate(event); err != nil {
			t.Error(err)
		}
	}
}

// TestMISPManyOfADay: a large day is split, and later events of the day change only its
// last MISP event.
func TestMISPManyOfADay(t *testing.T) {
	var tags []Tag
	for i := range 6000 {
		tag := sampleTag(0)
		tag.SourceID, tag.EventTime = fmt.Sprint("event-", i), tag.EventTime.Add(time.Duration(-i)*time.Second)
		if i%50 == 0 {
			tag.SessionID, tag.EventTime = "", sampleTag(0).EventTime.Add(-9000*time.Second)
		}
		tag.UUID = tag.Tag.UUID().String()
		tags = append(tags, tag)
	}
	stream, _ := exportTo(t, misp, tags)
	all := mispOf(t, stream)
	checkMISP(t, all)
	if n := len(exporttest.Readers["misp"](t, stream, "")); n != len(tags) || len(all.Response) != 3 {
		t.Errorf("%d tags in %d events", n, len(all.Response))
	}
	stream, _ = exportTo(t, misp, slices.Delete(slices.Clone(tags), 1, 2)) // without the last of the day
	for i, r := range mispOf(t, stream).Response[:2] {
		before, _ := json.Marshal(all.Response[i])
		if now, _ := json.Marshal(r); string(now) != string(before) {
			t.Errorf("event %d is another", i)
		}
	}
}

// TestMISPTags: techniques have the names in MISP's galaxy, and an event with several tags
// is there once.
func TestMISPTags(t *testing.T) {
	one, other := sampleTag(3), sampleTag(3)
	other.Shown.TechniqueID, other.Shown.SubTechniqueID, other.RuleID = "T1098", "T1098.004", "another"
	other.UUID = other.Tag.UUID().String()
	stream, _ := exportTo(t, misp, []Tag{one, other})
	d := mispOf(t, stream)
	e := d.Response[0].Event
	want := []mispTag{{`misp-galaxy:mitre-attack-pattern="Ingress Tool Transfer - T1105"`}, {`misp-galaxy:mitre-attack-pattern="SSH Authorized Keys - T1098.004"`}}
	if len(e.Object) != 1 || !slices.Equal(e.Tag, want) || !slices.Equal(e.Object[0].Attribute[len(e.Object[0].Attribute)-1].Tag, want) {
		t.Errorf("%+v", e)
	}
	old, _ := attack.In("18.1")
	if got := galaxyTag(old, "T1562.003"); got != `misp-galaxy:mitre-attack-pattern="Impair Command History Logging - T1562.003"` {
		t.Error(got)
	}
	if got := galaxyTag(old, "T9999"); got != "" {
		t.Error(got)
	}
}
