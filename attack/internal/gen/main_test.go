package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const bundle = `{"objects": [
 {"type": "x-mitre-matrix", "id": "m", "tactic_refs": ["t2", "t1"]},
 {"type": "x-mitre-tactic", "id": "t1", "name": "One", "x_mitre_shortname": "one", "external_references": [{"source_name": "mitre-attack", "external_id": "TA0001"}]},
 {"type": "x-mitre-tactic", "id": "t2", "name": "Two", "x_mitre_shortname": "two", "external_references": [{"source_name": "mitre-attack", "external_id": "TA0002"}]},
 {"type": "attack-pattern", "id": "attack-pattern--c", "created": "2020-01-02T03:04:05.678Z", "name": "Live", "x_mitre_platforms": ["Windows", "Linux"],
  "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "one"}, {"kill_chain_name": "mitre-attack", "phase_name": "two"}],
  "external_references": [{"source_name": "capec", "external_id": "CAPEC-1"}, {"source_name": "mitre-attack", "external_id": "T0003"}]},
 {"type": "attack-pattern", "id": "b", "name": "Second", "revoked": true, "external_references": [{"source_name": "mitre-attack", "external_id": "T0002"}]},
 {"type": "attack-pattern", "id": "a", "name": "First", "revoked": true, "external_references": [{"source_name": "mitre-attack", "external_id": "T0001"}]},
 {"type": "attack-pattern", "id": "d", "name": "Gone", "x_mitre_deprecated": true, "external_references": [{"source_name": "mitre-attack", "external_id": "T0004"}]},
 {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "a", "target_ref": "b"},
 {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "b", "target_ref": "attack-pattern--c"}
]}`

func TestBuild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(path, []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	objects, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := build(objects)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"TA0002\tTwo\ttwo", "TA0001\tOne\tone",
		"T0001\tFirst\t\t\tT0003\ta\t", "T0002\tSecond\t\t\tT0003\tb\t",
		"T0003\tLive\tTA0002,TA0001\tLinux,Windows\t\tc\t2020-01-02T03:04:05.678Z", "T0004\tGone\t\t\t-\td\t", "",
	}, "\n")
	if got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	tactic := object{Type: "x-mitre-tactic", ID: "t1"}
	matrix := object{Type: "x-mitre-matrix", TacticRefs: []string{"t1"}}
	revoked := object{Type: "attack-pattern", ID: "a", Revoked: true}
	revoked.References = append(revoked.References, struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	}{"mitre-attack", "T0001"})
	circle := []object{matrix, tactic, revoked, {Type: "relationship", Relationship: "revoked-by", Source: "a", Target: "a"}}
	for want, objects := range map[string][]object{
		"no matrix":                 {tactic},
		"more than one matrix":      {matrix, matrix, tactic},
		"tactic t1 that is missing": {matrix},
		"no live successor":         circle,
	} {
		if _, err := build(objects); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
