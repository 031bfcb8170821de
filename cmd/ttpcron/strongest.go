package main

import (
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
)

// finding is a technique that one event showed: the tag of the rule that is
// surest of it, and how many other rules say the same.
type finding struct {
	ttpcron.Tag
	others int
}

// rule names the rule, and how many others agree.
func (f *finding) rule() string {
	if f.others == 0 {
		return f.RuleID
	}
	return fmt.Sprintf("%s +%d", f.RuleID, f.others)
}

// findings joins the tags of one event and technique, which stand close
// together: tags come in the order of event time.
func findings(tags iter.Seq2[ttpcron.Tag, error]) iter.Seq2[finding, error] {
	return func(yield func(finding, error) bool) {
		var instant []finding // those of one event time
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
				yield(finding{}, err)
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

// maxInstant bounds how many findings of one event time are kept in memory; a
// technique may stand twice when there are more.
const maxInstant = 2000

func join(instant []finding, t ttpcron.Tag) []finding {
	for i := range instant {
		f := &instant[i]
		if f.SourceID != t.SourceID || f.SourceKind != t.SourceKind || f.Technique() != t.Technique() {
			continue
		}
		if f.others++; t.Confidence > f.Confidence {
			f.Tag = t
		}
		return instant
	}
	return append(instant, finding{Tag: t})
}
