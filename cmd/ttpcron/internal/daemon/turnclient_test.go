package daemon

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/nountest"
)

// sentParts sends the parts of a commit, and returns the result of each.
func sentParts(t *testing.T, c *ttpcron.Commit) (got []ttpcron.Commit) {
	t.Helper()
	for part, err := range partsOf(c) {
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		var back committing
		if err := gob.NewEncoder(&b).Encode(&part); err != nil {
			t.Fatal(err)
		}
		if err := gob.NewDecoder(&b).Decode(&back); err != nil {
			t.Fatal(err)
		}
		got = append(got, back.commit())
	}
	return got
}

// Whatever a commit holds comes through to a daemon.
func TestCommitTravels(t *testing.T) {
	var c ttpcron.Commit
	nountest.Fill(t, &c)
	got := sentParts(t, &c)
	if len(got) != 1 {
		t.Fatalf("%d parts", len(got))
	}
	if d := nountest.Differences(c, got[0]); len(d) > 0 {
		t.Errorf("a commit comes through without %v", d)
	}
}

// Judgements are sent when all tags are there, and apply to all of them.
func TestJudgementsTravelLast(t *testing.T) {
	at := time.Date(2026, 5, 4, 5, 40, 0, 0, time.UTC)
	c := ttpcron.Commit{
		Kept: []ttpcron.UUID{{1}}, Judgements: []ttpcron.Judgement{{Rule: "R1", Since: at, Until: at.Add(time.Hour)}},
		Judged: []ttpcron.JudgedDay{{Day: 1}}, Settled: []ttpcron.SettledMatches{{Day: 1, UpTo: 7}}, Gone: []ttpcron.TagKey{{EventTime: at, UUID: ttpcron.UUID{2}}},
	}
	for i := range 20_000 {
		c.Tags = append(c.Tags, ttpcron.Tag{SourceKind: ttpcron.Correlation, SourceID: fmt.Sprintf("corr:%0100d", i), EventTime: at, Claim: ttpcron.Claim{RuleID: "R1", TechniqueID: "T1110"}, Evidence: []byte("{}")})
	}
	got := sentParts(t, &c)
	if len(got) < 3 {
		t.Fatalf("%d parts", len(got))
	}
	known := slices.Clone(c.Kept)
	for i := range got[:len(got)-1] {
		p := &got[i]
		if len(p.Judgements)+len(p.Judged)+len(p.Settled)+len(p.Gone)+len(p.Kept) > 0 {
			t.Errorf("part %d of %d has judgements", i+1, len(got))
		}
		for k := range p.Tags {
			known = append(known, p.Tags[k].UUID())
		}
	}
	last := got[len(got)-1]
	if !slices.Equal(last.Kept, known) || !reflect.DeepEqual(last.Judgements, c.Judgements) || !reflect.DeepEqual(last.Judged, c.Judged) || !reflect.DeepEqual(last.Settled, c.Settled) || !reflect.DeepEqual(last.Gone, c.Gone) {
		t.Errorf("the last part has %d tags that are kept, want %d; and %+v", len(last.Kept), len(known), last.Judgements)
	}
}
