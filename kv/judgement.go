package kv

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// judgedTags is what a commit says about the tags of correlations on a day: those of
// claims in some spans are removed, and those that are named.
type judgedTags struct {
	spans [][]judgedSpan // by claim, number 1 first; nil: of none
	nanoSpan
	keys []record.TagKey // ascending
}

// nanoSpan is a part of a day, from its first nanosecond to the last.
type nanoSpan struct{ first, last int64 }

// judgedSpan is the part of a day that a judgement covers.
type judgedSpan struct {
	nanoSpan
	judgement *ttpcron.Judgement
}

// takes reports whether a tag goes.
func (j *judgedTags) takes(id uint32, nanos int64, u ttpcron.UUID) bool {
	return slices.ContainsFunc(j.spans[id-1], func(s judgedSpan) bool {
		return s.first <= nanos && nanos <= s.last && s.judgement.Holds(u)
	})
}

// names reports whether a tag is among those that are named.
func (j *judgedTags) names(key []byte) bool {
	_, ok := slices.BinarySearchFunc(j.keys, key, func(k record.TagKey, key []byte) int { return bytes.Compare(k[:], key) })
	return ok
}

func checkJudgements(c *ttpcron.Commit) error {
	for i := range c.Judgements {
		if j := &c.Judgements[i]; j.Rule == "" || !j.Since.Before(j.Until) || j.Parts > 1 && j.Part >= j.Parts {
			return fmt.Errorf("judgement of rule %q, from %v to %v, part %d of %d", j.Rule, j.Since, j.Until, j.Part, j.Parts)
		}
	}
	return nil
}

// judge says what judgements and named tags are to each day on which there are tags.
func judge(tx *txn, claims []*record.Claim, c *ttpcron.Commit) (map[ttpcron.Day]*judgedTags, error) {
	days := map[ttpcron.Day]*judgedTags{}
	of := func(day ttpcron.Day) *judgedTags {
		if days[day] == nil {
			days[day] = &judgedTags{nanoSpan: nanoSpan{record.DayNanos, -1}}
		}
		return days[day]
	}
	byRule := map[string][]uint32{}
	for i, cl := range claims {
		if cl.Kind == ttpcron.Correlation {
			byRule[cl.RuleID] = append(byRule[cl.RuleID], uint32(i+1))
		}
	}
	for i := range c.Judgements {
		j := &c.Judgements[i]
		ids := byRule[j.Rule]
		if ids == nil {
			continue
		}
		err := eachTagDay(tx, j.Since, j.Until, func(day ttpcron.Day, rollups *bucket) error {
			s := nanoSpan{0, record.DayNanos - 1}
			if j.Since.After(day.Start()) {
				s.first = record.NanosOf(j.Since, day)
			}
			if j.Until.Before((day + 1).Start()) {
				s.last = record.NanosOf(j.Until, day) - 1
			}
			for _, id := range ids {
				if rollups.Get(record.ClaimKey(record.RollupClaim, id)) == nil {
					continue
				}
				t := of(day)
				if t.spans == nil {
					t.spans = make([][]judgedSpan, len(claims))
				}
				t.spans[id-1] = append(t.spans[id-1], judgedSpan{s, j})
				t.first, t.last = min(t.first, s.first), max(t.last, s.last)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, k := range c.Gone {
		day := ttpcron.DayOf(k.EventTime)
		t := of(day)
		t.keys = append(t.keys, record.MakeTagKey(ttpcron.Correlation, record.NanosOf(k.EventTime, day), k.UUID))
	}
	for _, t := range days {
		slices.SortFunc(t.keys, func(a, b record.TagKey) int { return bytes.Compare(a[:], b[:]) })
		t.keys = slices.Compact(t.keys)
	}
	return days, nil
}

// eachTagDay calls do for the days on which there are tags that have an instant in
// [since, until).
func eachTagDay(tx *txn, since, until time.Time, do func(day ttpcron.Day, rollups *bucket) error) error {
	rollups := tx.top(layout.Rollups)
	c := rollups.Cursor()
	for k, _ := c.Seek(record.DayKey(max(0, ttpcron.DayOf(since)))); k != nil; k, _ = c.Next() {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		if !day.Start().Before(until) {
			return nil
		}
		if err := do(day, rollups.Bucket(k)); err != nil {
			return err
		}
	}
	return nil
}
