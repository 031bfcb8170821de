package tagger_test

import (
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron/tagger"
)

// TestCorrelationNames holds that names are those that loading gives.
func TestCorrelationNames(t *testing.T) {
	const own = "rule_id: TC4023\nname: Another\n  name\ncorrelation: {type: event_count}\n"
	const sigma = "title: Many logins\nname: many_logins\nid: 11111111-2222-4333-8444-555555555555\ncorrelation:\n  type: event_count\n---\ntitle: No correlation\nid: 21111111-2222-4333-8444-555555555555\n"
	folders := []tagger.Folder{
		{Name: "embedded", FS: tagger.Embedded()},
		{Name: "mine", FS: fstest.MapFS{"a.yaml": {Data: []byte(own)}, "sigma/b.yml": {Data: []byte(sigma)}, "bad.yaml": {Data: []byte("correlation: [")}, "odd.yaml": {Data: []byte("correlation: x\nrule_id: [a]\nname: {}\n")}}},
	}
	rs, _ := tagger.Load(tagger.Options{Folders: folders[:1]})
	names := tagger.CorrelationNames(folders[:1])
	if len(names) == 0 {
		t.Fatal("no correlation of the pack has a name")
	}
	n := 0
	for _, r := range rs.Rules() {
		if r.Correlation != nil {
			n++
			if names[r.ID] != r.Name {
				t.Errorf("%s is called %q, want %q", r.ID, names[r.ID], r.Name)
			}
		}
	}
	if n != len(names) {
		t.Errorf("%d names, want %d", len(names), n)
	}
	names = tagger.CorrelationNames(folders)
	for id, want := range map[string]string{"TC4023": "Another name", "11111111-2222-4333-8444-555555555555": "Many logins", "21111111-2222-4333-8444-555555555555": ""} {
		if names[id] != want {
			t.Errorf("%s is called %q, want %q", id, names[id], want)
		}
	}
}
