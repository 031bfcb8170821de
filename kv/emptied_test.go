package kv_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// A pruning that removes all tags must end: the rollups of many days fill several pages,
// and bbolt searches emptied pages for their last entry for ever.
func TestAllTagsOfManyDaysArePruned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	base := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, days := range []int{1, 20, 400} {
		var tags []ttpcron.Tag
		for d := range days {
			tags = append(tags, ttpcron.Tag{
				Claim:      ttpcron.Claim{RuleID: "R1", RuleVersion: 1, Tactic: "TA0002", TechniqueID: "T1059", Confidence: 0.5},
				SourceKind: ttpcron.Command, SourceID: fmt.Sprint(d), AttackerIP: "192.0.2.1", EventTime: base.AddDate(0, 0, d), CreatedAt: base,
			})
		}
		if n, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil || n.Inserted != days {
			t.Fatalf("%d tags, %v", n.Inserted, err)
		}
		after := ttpcron.DayOf(base) + ttpcron.Day(days)
		r, err := db.Prune(t.Context(), kv.Prune{EventsBefore: after, TagsBefore: after})
		if err != nil || r.TagDays != days || r.Tags != days {
			t.Fatalf("%d days: %+v, %v", days, r, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := doctor.Check(t.Context(), path, doctor.Options{}); err != nil || r.Damaged() {
		t.Errorf("%+v, %v", r.Findings, err)
	}
}
