package kv_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// finding returns a tag of a correlation.
func finding(rule string, version, slot int, address string) ttpcron.Tag {
	names := []string{"attacker_ip"}
	s := ttpcron.NewSubject(ttpcron.Group(fmt.Sprintf("\x00t%c%s", len(address), address)), names)
	t := s.Tag(ttpcron.NewTerms("event_count", "gte 5", nil, names, time.Hour), int64(slot))
	t.Claim = ttpcron.Claim{RuleID: rule, RuleVersion: version, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
	t.CreatedAt = time.Date(2024, 10, 1, 0, 0, 0, 0, time.UTC)
	return t
}

// keyOf returns the key of a tag.
func keyOf(t *ttpcron.Tag) ttpcron.TagKey {
	return ttpcron.TagKey{EventTime: t.EventTime, UUID: t.UUID()}
}

// A judgement removes its rule's tags in its span, whatever their version, except those
// that the commit adds or keeps. Gone removes tags by name.
func TestJudgements(t *testing.T) {
	slot := 20000 * 24 // the first hour of a day
	var all []ttpcron.Tag
	for i := range 60 {
		all = append(all, finding("C1", 1+i%2, slot+i, "192.0.2.1"), finding("C2", 1, slot+i, "192.0.2.2"))
	}
	own := ttpcron.Tag{Claim: all[0].Claim, SourceKind: ttpcron.Command, SourceID: "x", AttackerIP: "192.0.2.1", EventTime: all[4].EventTime, CreatedAt: all[0].CreatedAt}
	all = append(all, own)
	start := all[0].EventTime
	for name, c := range map[string]struct {
		commit ttpcron.Commit
		gone   func(i int, t *ttpcron.Tag) bool
	}{
		"a span over two midnights": {
			ttpcron.Commit{Judgements: []ttpcron.Judgement{{Rule: "C1", Since: start.Add(20 * time.Hour), Until: start.Add(50 * time.Hour)}}},
			func(_ int, t *ttpcron.Tag) bool {
				return t.RuleID == "C1" && t.SourceKind == ttpcron.Correlation && !t.EventTime.Before(start.Add(20*time.Hour)) && t.EventTime.Before(start.Add(50*time.Hour))
			},
		},
		"two spans and another rule": {
			ttpcron.Commit{Judgements: []ttpcron.Judgement{
				{Rule: "C1", Since: start, Until: start.Add(time.Hour)}, {Rule: "C1", Since: start.Add(3 * time.Hour), Until: start.Add(3*time.Hour + 1)},
				{Rule: "C2", Since: start.Add(-time.Hour), Until: start.Add(1)}, {Rule: "C9", Since: start, Until: start.AddDate(1, 0, 0)},
			}},
			func(i int, t *ttpcron.Tag) bool { return i == 0 || i == 6 || i == 1 },
		},
		"some are made again, and some kept": {
			ttpcron.Commit{
				Judgements: []ttpcron.Judgement{{Rule: "C2", Since: start, Until: start.Add(5 * time.Hour)}},
				Tags:       []ttpcron.Tag{all[1]}, Kept: []ttpcron.UUID{all[3].UUID()},
			},
			func(i int, t *ttpcron.Tag) bool { return i == 5 || i == 7 || i == 9 },
		},
		"by name": {
			ttpcron.Commit{
				Gone: []ttpcron.TagKey{keyOf(&all[100]), keyOf(&all[2]), keyOf(&all[2]), keyOf(&own), {EventTime: start, UUID: ttpcron.UUID{1}}, {EventTime: start.AddDate(9, 0, 0)}, keyOf(&all[8])},
				Tags: []ttpcron.Tag{all[8]},
			},
			func(i int, t *ttpcron.Tag) bool { return i == 100 || i == 2 },
		},
		"by name and in a span": {
			ttpcron.Commit{
				Gone:       []ttpcron.TagKey{keyOf(&all[2])},
				Judgements: []ttpcron.Judgement{{Rule: "C1", Since: start, Until: start.Add(3 * time.Hour)}},
			},
			func(i int, t *ttpcron.Tag) bool { return i == 0 || i == 2 || i == 4 },
		},
	} {
		for _, taken := range []int{0, 1, 3} { // tags in a transaction
			t.Run(fmt.Sprint(name, " ", taken), func(t *testing.T) {
				db := kvtest.Open(t)
				kv.LimitRuns(db, 0, 0, 0, taken)
				if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: all}); err != nil {
					t.Fatal(err)
				}
				var left []ttpcron.UUID
				gone := 0
				for i := range all {
					if c.gone(i, &all[i]) {
						gone++
					} else {
						left = append(left, all[i].UUID())
					}
				}
				want := ttpcron.TagChanges{Removed: gone}
				if n, err := db.Preview(t.Context(), c.commit); err != nil || n.TagChanges != want {
					t.Errorf("a preview counts %+v, %v, want %+v", n.TagChanges, err, want)
				}
				if n, err := db.Commit(t.Context(), c.commit); err != nil || n.TagChanges != want {
					t.Errorf("a commit counts %+v, %v, want %+v", n.TagChanges, err, want)
				}
				var got []ttpcron.UUID
				for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, tag.UUID())
				}
				order := func(a, b ttpcron.UUID) int { return slices.Compare(a[:], b[:]) }
				slices.SortFunc(got, order)
				slices.SortFunc(left, order)
				if !reflect.DeepEqual(got, left) {
					t.Errorf("%d tags are left, want %d", len(got), len(left))
				}
				if n, err := db.Commit(t.Context(), c.commit); err != nil || n.TagChanges != (ttpcron.TagChanges{}) {
					t.Errorf("once more counts %+v, %v", n.TagChanges, err)
				}
			})
		}
	}
}

// Judgements of the shares of a span remove together what one of the whole span removes.
func TestJudgementOfShares(t *testing.T) {
	db := kvtest.Open(t)
	var all []ttpcron.Tag
	for i := range 200 {
		all = append(all, finding("C1", 1, 480_000+i%30, fmt.Sprintf("192.0.2.%d", i)))
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: all}); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for part := range uint32(3) {
		j := ttpcron.Judgement{Rule: "C1", Since: ttpcron.Day(0).Start(), Until: ttpcron.Day(30000).Start(), Part: part, Parts: 3}
		want := 0
		for i := range all {
			if j.Holds(all[i].UUID()) {
				want++
			}
		}
		n, err := db.Commit(t.Context(), ttpcron.Commit{Judgements: []ttpcron.Judgement{j}})
		if err != nil || n.Removed != want || want == 0 {
			t.Errorf("share %d takes out %d tags, %v, want %d", part, n.Removed, err, want)
		}
		sum += n.Removed
	}
	if sum != len(all) {
		t.Errorf("%d tags went, want %d", sum, len(all))
	}
}

func TestJudgementsThatMakeNoSense(t *testing.T) {
	db := kvtest.Open(t)
	now := time.Now()
	for _, j := range []ttpcron.Judgement{{Since: now, Until: now.Add(1)}, {Rule: "C1", Since: now, Until: now}, {Rule: "C1", Since: now, Until: now.Add(1), Part: 2, Parts: 2}} {
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Judgements: []ttpcron.Judgement{j}}); err == nil {
			t.Errorf("%+v is taken", j)
		}
	}
}
