package export

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/ttpcron/ttpcron/export/exporttest"
)

func TestOCSFSchema(t *testing.T) {
	const name = "ocsf-1.8.0-detection_finding.schema.json"
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, text); err != nil {
		t.Fatal(err)
	}
	finding, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	stream, _ := exportTo(t, ocsf, everyKind())
	for line := range bytes.Lines(stream) {
		object, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = finding.Validate(object)
		}
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
	}
}

// TestOCSFIsNoAlert checks what keeps old events from paging anyone.
func TestOCSFIsNoAlert(t *testing.T) {
	stream, _ := exportTo(t, ocsf, everyKind())
	for _, d := range exporttest.Lines(t, stream) {
		if d["is_alert"] != false || d["class_uid"] != 2004.0 || d["type_uid"] != 200401.0 {
			t.Errorf("%v", d)
		}
	}
}

func TestVersionedURL(t *testing.T) {
	if got, want := versionedURL("19.1", "techniques", "T1059.004"), "https://attack.mitre.org/versions/v19/techniques/T1059/004/"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
