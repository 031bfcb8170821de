package tagger

import (
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestExplainAgrees explains examples of the embedded rules: every tag that Tag makes has
// its match with the tests that held, what is marked in the text is there, and no other
// match is shown unless a state or a low confidence holds it back.
func TestExplainAgrees(t *testing.T) {
	rs, _ := Load(Options{Folders: []Folder{{Name: "embedded", FS: Embedded()}}})
	states := []ttpcron.RuleState{}
	for i, r := range rs.Rules() {
		switch i % 5 {
		case 0:
			states = append(states, ttpcron.RuleState{RuleID: r.ID, Status: ttpcron.StatusDisabled})
		case 1:
			states = append(states, ttpcron.RuleState{RuleID: r.ID, Status: ttpcron.StatusClipped, ConfidenceMax: 0.4})
		case 2:
			states = append(states, ttpcron.RuleState{RuleID: r.ID, Status: ttpcron.StatusClipped, ConfidenceMax: 0.1})
		}
	}
	sets := []*RuleSet{rs, rs.WithStates(states, time.Now())}
	n, dropped, events := 0, 0, 0
	for _, d := range rs.defs {
		for _, ex := range d.examples {
			if n++; n%71 != 0 {
				continue
			}
			events++
			for _, set := range sets {
				dropped += explains(t, set, ex.event)
			}
		}
	}
	if events < 40 || dropped < 20 {
		t.Errorf("%d events, %d matches without a tag: too few to tell", events, dropped)
	}
}

// explains checks one explanation and counts the rules that match without a tag.
func explains(t *testing.T, rs *RuleSet, e ttpcron.Event) (dropped int) {
	t.Helper()
	x := rs.Explain(e)
	tags := map[ttpcron.UUID]bool{}
	for i := range x.Tags {
		tags[x.Tags[i].UUID()] = true
	}
	for _, j := range x.Rules {
		if (len(j.Tags) == 0) != (j.Dropped != "") || strings.Contains(j.Dropped, "bound") {
			t.Errorf("%s of %q: %d tags, dropped %q", j.Rule.ID, x.Text, len(j.Tags), j.Dropped)
		}
		if j.Dropped != "" {
			dropped++
		}
		if len(j.Hits) == 0 {
			t.Errorf("%s of %q: nothing shows why", j.Rule.ID, x.Text)
		}
		text, commands := x.Text, len(x.Commands)
		if j.Carried >= 0 {
			text, commands = x.Carried[j.Carried].Text, len(x.Carried[j.Carried].Commands)
		}
		for _, h := range j.Hits {
			if h.Command >= commands || h.End > len(text) || h.Start > h.End || h.Field == "text" && text[h.Start:h.End] != h.Value {
				t.Errorf("%s of %q: %+v", j.Rule.ID, text, h)
			}
		}
		for i := range j.Tags {
			delete(tags, j.Tags[i].UUID())
		}
	}
	if len(tags) > 0 {
		t.Errorf("%q: %d tags without a match", x.Text, len(tags))
	}
	return dropped
}
