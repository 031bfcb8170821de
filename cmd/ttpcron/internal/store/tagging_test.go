package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// A commit that is split and sent makes the same tags, and its reviews apply to all of
// them.
func TestTaggingParts(t *testing.T) {
	at := time.Date(2026, 5, 4, 5, 49, 5, 0, time.UTC)
	c := ttpcron.Commit{Kept: []ttpcron.UUID{{1}}}
	for i := range 20_000 {
		c.Tags = append(c.Tags, ttpcron.Tag{SourceKind: ttpcron.Command, SourceID: fmt.Sprintf("%0200d", i), EventTime: at, Claim: ttpcron.Claim{RuleID: "R1", TechniqueID: "T1082"}})
	}
	for day := range 5 {
		c.Reviews = append(c.Reviews, ttpcron.Review{
			Kind: ttpcron.Command, Day: ttpcron.Day(day), Events: []ttpcron.SeqRange{{First: 1, Last: 2}, {First: 4, Last: 9}}, Earliest: at, Latest: at,
			Rules: []string{"R1", fmt.Sprint("R", day%2+2)},
		})
	}
	var sent []ttpcron.Commit
	for part, err := range TaggingParts(&c) {
		if err != nil {
			t.Fatal(err)
		}
		got := through(t, part)
		sent = append(sent, got.Commit())
	}
	if len(sent) < 3 {
		t.Fatalf("%d parts", len(sent))
	}
	var tags []ttpcron.Tag
	known := slices.Clone(c.Kept)
	for i, s := range sent {
		tags = append(tags, s.Tags...)
		if i < len(sent)-1 && len(s.Reviews)+len(s.Kept) > 0 {
			t.Errorf("part %d of %d has reviews", i+1, len(sent))
		}
		if i < len(sent)-1 {
			for k := range s.Tags {
				known = append(known, s.Tags[k].UUID())
			}
		}
	}
	last := sent[len(sent)-1]
	if !reflect.DeepEqual(tags, c.Tags) || !reflect.DeepEqual(last.Reviews, c.Reviews) || !slices.Equal(last.Kept, known) {
		t.Errorf("%d tags, %d reviews and %d tags that are kept, want %d, %d and %d", len(tags), len(last.Reviews), len(last.Kept), len(c.Tags), len(c.Reviews), len(known))
	}
}
