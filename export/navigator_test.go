package export

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

func layerOf(t testing.TB, tags []Tag, flags ...string) (l layer) {
	t.Helper()
	stream, _ := exportTo(t, navigator, tags, flags...)
	if err := json.Unmarshal(stream, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// checkLayer checks for what the Navigator silently drops, or refuses.
func checkLayer(t testing.TB, l layer, table *attack.Table) {
	t.Helper()
	seen := map[layerKey]bool{}
	for _, x := range l.Techniques {
		y, ok := table.Lookup(x.ID)
		if !ok || !y.Live() || !slices.ContainsFunc(y.Tactics, func(id string) bool { return shortName(table, id) == x.Tactic }) {
			t.Errorf("%s under %s is not in %s", x.ID, x.Tactic, table.Release())
		}
		key := layerKey{x.ID, x.Tactic}
		if seen[key] {
			t.Errorf("%v is there twice", key)
		}
		seen[key] = true
		if parent := y.Parent(); parent != "" && !seen[layerKey{parent, x.Tactic}] {
			t.Errorf("%s has no entry of its parent before it", x.ID)
		}
	}
	if l.Gradient.Min >= l.Gradient.Max || len(l.Gradient.Colors) < 2 {
		t.Errorf("gradient is %+v", l.Gradient)
	}
}

func (l *layer) total() (n int) {
	for _, x := range l.Techniques {
		if x.Score != nil {
			n += *x.Score
		}
	}
	return n
}

func TestNavigator(t *testing.T) {
	for _, n := range []int{0, 1, 3000} {
		tags := sampleTags(n)
		l := layerOf(t, tags)
		checkLayer(t, l, attack.Current())
		if l.total() != n {
			t.Errorf("scores are %d together, want %d", l.total(), n)
		}
		events := map[string]bool{}
		for _, x := range tags {
			events[string(x.SourceKind)+x.SourceID] = true
		}
		if got := layerOf(t, tags, "--score", "events"); got.total() != len(events) {
			t.Errorf("%d events, want %d", got.total(), len(events))
		}
	}
}

// TestNavigatorCounts compares attackers and what comments say with a plain count.
func TestNavigatorCounts(t *testing.T) {
	tags := sampleTags(400)
	for _, x := range layerOf(t, tags, "--score", "attackers").Techniques {
		who := map[string]bool{}
		n := 0
		for _, tag := range tags {
			if tag.Shown.Technique() == x.ID {
				n++
				who[tag.AttackerUUID+"/"+tag.IdentityUUID] = true
			}
		}
		if n == 0 && x.Score == nil {
			continue
		}
		if x.Score == nil || *x.Score != len(who) || !strings.HasPrefix(x.Comment, fmt.Sprintf("%d tags by %d attackers. First seen 2026-", n, len(who))) {
			t.Errorf("%d attackers, want %d; comment %q", *x.Score, len(who), x.Comment)
		}
	}
}

// TestNavigatorLacking holds that what a release does not have is left out.
func TestNavigatorLacking(t *testing.T) {
	tags := sampleTags(4)
	tags[1].Shown.TechniqueID, tags[1].Shown.SubTechniqueID = "T1562", "T1562.003" // revoked
	tags[2].Shown.TechniqueID, tags[2].Shown.SubTechniqueID = "T9999", ""
	tags[3].Shown.Tactic = "TA0040"
	l := layerOf(t, tags)
	checkLayer(t, l, attack.Current())
	if l.total() != 1 {
		t.Errorf("%d tags are there, want 1", l.total())
	}
}

// TestNavigatorDiff compares a day with the one before it.
func TestNavigatorDiff(t *testing.T) {
	at := sampleTag(0).EventTime
	var tags []Tag
	for technique, n := range map[string][2]int{"T1082": {5, 0}, "T1083": {0, 5}, "T1057": {12, 10}, "T1016": {13, 10}, "T1033": {7, 10}} {
		for i := range n[0] + n[1] {
			tag := sampleTag(0)
			tag.Shown.TechniqueID, tag.SourceID, tag.EventTime = technique, fmt.Sprint(technique, i), at
			if i >= n[0] {
				tag.EventTime = at.AddDate(0, 0, -1)
			}
			tags = append(tags, tag)
		}
	}
	day := ttpcron.DayOf(at)
	stream, _ := exportQuery(t, navigator, tags, ttpcron.TagQuery{Window: ttpcron.Window{Since: day.Start()}}, "--diff", (day-1).String()+".."+day.String())
	var l layer
	if err := json.Unmarshal(stream, &l); err != nil {
		t.Fatal(err)
	}
	checkLayer(t, l, attack.Current())
	if l.total() != 37 {
		t.Errorf("scores are %d together, want those of the day", l.total())
	}
	got := map[string]string{}
	for _, x := range l.Techniques {
		got[x.ID] = x.Color
	}
	want := map[string]string{"T1082": changeNew.color, "T1083": changeGone.color, "T1057": changeNone.color, "T1016": changeMore.color, "T1033": changeLess.color}
	if !maps.Equal(got, want) {
		t.Errorf("colours are %v, want %v", got, want)
	}
	for _, c := range []struct {
		before, now int
		want        layerChange
	}{{0, 1, changeNew}, {1, 0, changeGone}, {10, 12, changeNone}, {10, 13, changeMore}, {10, 8, changeNone}, {10, 7, changeLess}} {
		if got := changeOf(c.before, c.now); got != c.want {
			t.Errorf("%d after %d is %s", c.now, c.before, got.label)
		}
	}
	if err := validator(t, "navigator-layer-4.5.schema.json").Validate(jsonDocument(t, stream)); err != nil {
		t.Error(err)
	}
}

func TestNavigatorValid(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		stream, _ := exportTo(t, navigator, sampleTags(n))
		if err := validator(t, "navigator-layer-4.5.schema.json").Validate(jsonDocument(t, stream)); err != nil {
			t.Errorf("layer of %d tags: %v", n, err)
		}
	}
}
