package main

import (
	"fmt"
	"iter"
)

// agreement is a technique that one event showed: the first of its tags, see
// [ttpcron.Tag.Before], and how many other rules claim the same.
type agreement struct {
	shownTag
	others int
}

// rule names the rule, and how many others agree.
func (f *agreement) rule() string {
	if f.others == 0 {
		return f.RuleID
	}
	return fmt.Sprintf("%s +%d", f.RuleID, f.others)
}

// agreements joins the tags of one event and technique, which are close together: tags
// come in the order of event time.
func agreements(tags iter.Seq2[*shownTag, error]) iter.Seq2[agreement, error] {
	return func(yield func(agreement, error) bool) {
		var instant []agreement // those of one event time
		flush := func() bool {
			for _, f := range instant {
				if !yield(f, nil) {
					return false
				}
			}
			instant = instant[:0]
			return true
		}
		for t, err := range tags {
			if err != nil {
				flush()
				yield(agreement{}, err)
				return
			}
			if n := len(instant); n > 0 && (n == maxInstant || !instant[n-1].EventTime.Equal(t.EventTime)) && !flush() {
				return
			}
			instant = join(instant, t)
		}
		flush()
	}
}

// maxInstant bounds the agreements of one event time in memory; with more, a technique may
// be listed twice.
const maxInstant = 2000

func join(instant []agreement, t *shownTag) []agreement {
	for i := range instant {
		f := &instant[i]
		if f.SourceID != t.SourceID || f.SourceKind != t.SourceKind || f.Shown.Technique() != t.Shown.Technique() {
			continue
		}
		if f.others++; t.Before(&f.Tag) {
			f.shownTag = *t
		}
		return instant
	}
	return append(instant, agreement{shownTag: *t})
}
