package kv_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// A store takes events, yields them for tagging, and takes the tags together with the
// checkpoint.
func Example() {
	dir, err := os.MkdirTemp("", "ttpcron")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := kv.Open(ctx, filepath.Join(dir, "ttpcron.db"), kv.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	event := ttpcron.Event{
		Kind: ttpcron.Command, Time: time.Date(2026, 5, 4, 5, 49, 5, 0, time.UTC), AttackerIP: "203.0.113.7",
		Payload: ttpcron.TextPayload("command_text", "uname -a"),
	}
	report, err := db.Import(ctx, ttpcron.Batch{Events: []ttpcron.Event{event, event}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.New, "new,", report.Known, "known")

	last, err := db.LastSeq(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var tags []ttpcron.Tag
	for page, err := range db.Events(ctx, ttpcron.Command, ttpcron.DayOf(event.Time), 0, last) {
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range page {
			attacker, _ := e.Attacker()
			tags = append(tags, ttpcron.Tag{
				Claim:      ttpcron.Claim{RuleID: "R0001", RuleVersion: 1, Tactic: "TA0007", TechniqueID: "T1082", Confidence: 0.9},
				SourceKind: e.Kind, SourceID: e.SourceID(), AttackerUUID: attacker, AttackerIP: e.AttackerIP, EventTime: e.Time,
			})
		}
	}
	done, err := db.Commit(ctx, ttpcron.Commit{Tags: tags, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: last}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Inserted, "tag inserted")
	for tag, err := range db.Tags(ctx, ttpcron.TagQuery{Attacker: "203.0.113.7"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tag.EventTime.Format(time.DateTime), tag.Technique())
	}
	// Output:
	// 1 new, 1 known
	// 1 tag inserted
	// 2026-05-04 05:49:05 T1082
}
