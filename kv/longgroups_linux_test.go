package kv_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// However long the groups of matches and findings are, adding them and taking them out
// again takes a bounded amount of memory.
func TestLongGroupsTakeBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it stores some hundred megabytes")
	}
	look, most := taken(t)
	db, _ := openMemory(t)
	const n, part = 80_000, 1000
	var fields []ttpcron.GroupField
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprint("f", i))
		fields = append(fields, ttpcron.GroupField{Name: names[i], From: names[i]})
	}
	s := ttpcron.NewStream("B1", ttpcron.AuthAttempt, fields, nil, [16]byte{1})
	terms := ttpcron.NewTerms("event_count", "gte 1", nil, names, time.Hour)
	day := ttpcron.DayOf(benchStart)
	for from := 0; from < n; from += part {
		var c ttpcron.Commit
		for i := from; i < from+part; i++ {
			group := []byte{byte(ttpcron.VantageHoneypot)}
			for k := range names {
				group = ttpcron.AppendPackedText(group, fmt.Sprintf("%d %d %s", i, k, strings.Repeat("x", 240)))
			}
			at := day.Start().Add(time.Duration(i%86400) * time.Second)
			c.Matches = append(c.Matches, ttpcron.BaseMatch{Stream: s, Group: string(group), Time: at, Seq: uint64(i + 1)})
			if i%2 == 0 {
				continue
			}
			tag := ttpcron.NewSubject(ttpcron.Group(group), names).Tag(terms, ttpcron.Slot(at, time.Hour))
			tag.Claim = ttpcron.Claim{RuleID: "C1", RuleVersion: 1, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
			tag.CreatedAt = benchStart
			c.Tags = append(c.Tags, tag)
		}
		commit(t, db, c)
		look("while they are added")
	}
	commit(t, db, ttpcron.Commit{Judgements: []ttpcron.Judgement{{Rule: "C1", Since: day.Start(), Until: (day + 1).Start()}}})
	look("when findings were taken out")
	commit(t, db, ttpcron.Commit{Reviews: []ttpcron.Review{{
		Kind: ttpcron.AuthAttempt, Day: day, Events: []ttpcron.SeqRange{{First: 1, Last: n}},
		Earliest: day.Start(), Latest: (day + 1).Start().Add(-1), Rules: []string{s.ID},
	}}})
	look("when matches were taken out")
	if days, err := db.MatchDays(t.Context(), 0); err != nil || len(days) != 1 || days[0].Matches != 0 {
		t.Errorf("days %+v, %v", days, err)
	}
	if tags, err := tagPage(t.Context(), db, ttpcron.TagQuery{}); err != nil || len(tags) > 0 {
		t.Errorf("%d tags are left, %v", len(tags), err)
	}
	if *most > 96<<20 {
		t.Errorf("%d MiB were taken", *most>>20)
	}
}
