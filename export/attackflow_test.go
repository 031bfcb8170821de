package export

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/ttpcron/ttpcron/export/exporttest"
)

// flowSchemas finds what Attack Flow's schema refers to, under any address, in the folder
// of schemas.
type flowSchemas struct{ folder string }

func (s flowSchemas) Load(url string) (any, error) {
	path := filepath.Join(s.folder, "attack-flow-2.0.0.schema.json")
	if _, rest, ok := strings.Cut(url, "/schemas/"); ok {
		path = filepath.Join(s.folder, "stix2.1", rest)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jsonschema.UnmarshalJSON(io.Reader(f))
}

// flowObjects are the objects of a bundle, in the order in which they are written.
func flowObjects(t testing.TB, stream []byte) []map[string]any {
	t.Helper()
	var b struct{ Objects []map[string]any }
	if err := json.Unmarshal(stream, &b); err != nil {
		t.Fatal(err)
	}
	return b.Objects
}

// TestAttackFlow: actions follow one another in order of time, everything that they refer
// to is there, and ids are distinct.
func TestAttackFlow(t *testing.T) {
	tags := sampleTags(100)
	stream, _ := exportTo(t, attackFlow, tags)
	uuids := exporttest.Readers["attack-flow"](t, stream, "")
	if len(uuids) != len(tags) {
		t.Fatalf("%d actions follow one another, want %d", len(uuids), len(tags))
	}
	for i, uuid := range uuids {
		if uuid != tags[len(tags)-1-i].UUID {
			t.Fatalf("action %d is that of another tag", i)
		}
	}
	ids := map[any]bool{}
	for _, o := range flowObjects(t, stream) {
		if ids[o["id"]] {
			t.Errorf("%s is there twice", o["id"])
		}
		ids[o["id"]] = true
	}
	for _, o := range flowObjects(t, stream) {
		for _, name := range []string{"technique_ref", "command_ref", "created_by_ref"} {
			if ref, ok := o[name]; ok && !ids[ref] {
				t.Errorf("%s refers to %s, which is not there", o["id"], ref)
			}
		}
	}
}

func TestAttackFlowValid(t *testing.T) {
	folder := schemaFolder(t)
	c := jsonschema.NewCompiler()
	c.UseLoader(flowSchemas{folder})
	schema, err := c.Compile("https://example.org/attack-flow-2.0.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]*jsonschema.Schema{}
	for kind, at := range map[string]string{"identity": "sdos", "attack-pattern": "sdos", "extension-definition": "common", "process": "observables"} {
		others[kind] = validator(t, "stix2.1/"+at+"/"+kind+".json")
	}
	stream, _ := exportTo(t, attackFlow, everyKind())
	for _, o := range jsonDocument(t, stream).(map[string]any)["objects"].([]any) {
		kind := o.(map[string]any)["type"].(string)
		s := others[kind]
		if strings.HasPrefix(kind, "attack-") && kind != "attack-pattern" {
			s = schema
		}
		if s == nil {
			t.Fatalf("no schema for %s", kind)
		}
		if err := s.Validate(o); err != nil {
			t.Errorf("%v: %v", o, err)
		}
	}
}
