package store

import (
	"iter"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
)

// Tagging is the part of a ttpcron.Commit that changes tags, as it travels.
type Tagging struct {
	Tags    control.List[ttpcron.Tag]
	Reviews control.List[Review]
	Kept    control.List[ttpcron.UUID]
	Rules   control.Small[[][]string] // of reviews, most of which have the same
	// What correlations come to.
	Judgements control.List[ttpcron.Judgement]
	Gone       control.List[ttpcron.TagKey]
}

// Review is a ttpcron.Review as it travels.
type Review struct {
	Kind             ttpcron.SourceKind
	Day              ttpcron.Day
	Events           []ttpcron.SeqRange
	Earliest, Latest time.Time
	Rules            int // which of Tagging.Rules
}

// TaggingParts cuts the part of a commit that changes tags into such as a call can
// carry. Reviews and judgements go with the last, which says what those before it have
// brought.
func TaggingParts(c *ttpcron.Commit) iter.Seq2[Tagging, error] {
	return func(yield func(Tagging, error) bool) {
		last := Tagging{Kept: control.ListOf(c.Kept)}
		for part, err := range control.Parts(c.Tags, SendBytes) {
			if err != nil {
				yield(Tagging{}, err)
				return
			}
			if len(last.Tags.Items) > 0 {
				if !yield(Tagging{Tags: last.Tags}, nil) {
					return
				}
				for i := 0; i < len(last.Tags.Items) && len(c.Reviews)+len(c.Judgements) > 0; i++ {
					last.Kept.Items = append(last.Kept.Items, last.Tags.Items[i].UUID())
				}
			}
			last.Tags = part
		}
		last.review(c.Reviews)
		last.Judgements, last.Gone = control.ListOf(c.Judgements), control.ListOf(c.Gone)
		yield(last, nil)
	}
}

func (t *Tagging) review(list []ttpcron.Review) {
	for i := range list {
		v := &list[i]
		n := slices.IndexFunc(t.Rules.Value, func(rules []string) bool { return slices.Equal(rules, v.Rules) })
		if n < 0 {
			n = len(t.Rules.Value)
			t.Rules.Value = append(t.Rules.Value, v.Rules)
		}
		t.Reviews.Items = append(t.Reviews.Items, Review{v.Kind, v.Day, v.Events, v.Earliest, v.Latest, n})
	}
}

// Commit returns the part of a commit that has travelled.
func (t *Tagging) Commit() ttpcron.Commit {
	c := ttpcron.Commit{Tags: t.Tags.Items, Kept: t.Kept.Items, Judgements: t.Judgements.Items, Gone: t.Gone.Items}
	for _, v := range t.Reviews.Items {
		r := ttpcron.Review{Kind: v.Kind, Day: v.Day, Events: v.Events, Earliest: v.Earliest, Latest: v.Latest}
		if v.Rules >= 0 && v.Rules < len(t.Rules.Value) {
			r.Rules = t.Rules.Value[v.Rules]
		}
		c.Reviews = append(c.Reviews, r)
	}
	return c
}
