package kv_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// TestDoubtedCoverage: a commit that removes more than one transaction holds fails in any
// of its writes. If it has removed something, the store does not know which rules have
// looked at the day's events, and Commit returns what it removed. Repeated, it has the
// result of a commit that never failed.
func TestDoubtedCoverage(t *testing.T) {
	at := time.Date(2024, 10, 1, 12, 0, 0, 0, time.UTC)
	day := ttpcron.DayOf(at)
	stream := ttpcron.NewStream("R1", ttpcron.Command, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, nil, [16]byte{1})
	first := ttpcron.Commit{Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: day, RuleSet: "old", UpTo: 9, Events: 9, Tagged: 9, Tags: 9}}}
	var events []ttpcron.Event
	for i := range uint64(9) {
		events = append(events, ttpcron.Event{Kind: ttpcron.Command, ID: fmt.Sprint(i), Time: at.Add(time.Duration(i)), AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("command_text", "x")})
		first.Tags = append(first.Tags, ttpcron.Tag{
			Claim:      ttpcron.Claim{RuleID: "R1", RuleVersion: 1, Tactic: "TA0002", TechniqueID: "T1059", Confidence: 0.5},
			SourceKind: ttpcron.Command, SourceID: fmt.Sprint(i), AttackerIP: "192.0.2.1", EventTime: at.Add(time.Duration(i)), CreatedAt: at, Seq: i + 1,
		})
		first.Matches = append(first.Matches, ttpcron.BaseMatch{Stream: stream, Group: "\x00t\x09192.0.2.1", Time: at.Add(time.Duration(i)), Seq: i + 1})
	}
	second := ttpcron.Commit{
		Reviews:  []ttpcron.Review{{Kind: ttpcron.Command, Day: day, Events: []ttpcron.SeqRange{{First: 1, Last: 9}}, Earliest: at, Latest: at.Add(8), Rules: []string{"R1", stream.ID}}},
		Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: day, RuleSet: "new", UpTo: 9, Events: 9}},
	}
	for n, done := 0, false; !done; n++ {
		db, disk, _ := openOnDisk(t)
		kv.LimitRuns(db, 0, 0, 0, 4)
		if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Commit(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		count := func() (tags, matches int, ruleSet string) {
			for _, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				tags++
			}
			for _, err := range db.BaseMatches(t.Context(), ttpcron.MatchQuery{Grouping: "attacker_ip", Until: at.Add(time.Hour)}) {
				if err != nil {
					t.Fatal(err)
				}
				matches++
			}
			days, err := db.DayPage(t.Context(), ttpcron.Command, day)
			if err != nil || len(days) != 1 || len(days[0].Coverage) != 1 {
				t.Fatalf("the day has the coverage %+v, %v", days, err)
			}
			return tags, matches, days[0].Coverage[0].RuleSet
		}
		writes := 0
		disk.Write = func(b []byte, off int64) (int, error) {
			if writes++; writes == n+1 {
				return 0, &os.PathError{Op: "write", Path: "t.db", Err: syscall.ENOSPC}
			}
			return disk.File.WriteAt(b, off)
		}
		got, err := db.Commit(t.Context(), second)
		disk.Write = disk.File.WriteAt
		tags, matches, ruleSet := count()
		switch {
		case err == nil:
			if done = true; tags+matches > 0 || ruleSet != "new" || got.Removed != 9 || n < 10 {
				t.Errorf("after %d writes there are %d tags and %d base matches, the coverage is by %q: %+v", n, tags, matches, ruleSet, got)
			}
			continue
		case (tags < 9 || matches < 9) && ruleSet != "", ruleSet == "new", got.Removed != 9-tags:
			t.Errorf("write %d failed: there are %d tags and %d base matches, the coverage is by %q: %+v", n, tags, matches, ruleSet, got)
		}
		if _, err := db.Commit(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if tags, matches, ruleSet := count(); tags+matches > 0 || ruleSet != "new" {
			t.Errorf("once more, after write %d failed: there are %d tags and %d base matches, the coverage is by %q", n, tags, matches, ruleSet)
		}
	}
}
