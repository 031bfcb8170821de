package census

import (
	"context"
	"iter"

	"github.com/ttpcron/ttpcron"
)

// Span selects the events of a history to read.
type Span struct {
	// Window leaves out the days that it does not overlap. Events of the others are not
	// looked at.
	Window      ttpcron.Window
	After, UpTo uint64 // arrival numbers: those in (After, UpTo]
}

// Pages yields the events of a kind, day by day. A page stays valid. Events of a day
// come in the order of arrival.
func Pages(ctx context.Context, from Events, kind ttpcron.SourceKind, s Span) iter.Seq2[[]ttpcron.Event, error] {
	return func(yield func([]ttpcron.Event, error) bool) {
		for day := ttpcron.Day(0); ; {
			page, err := from.DayPage(ctx, kind, day)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range page {
				day = d.Day + 1
				if !s.Window.Overlaps(d.Day) || d.LastSeq <= s.After || d.FirstSeq > s.UpTo {
					continue
				}
				for events, err := range from.Events(ctx, kind, d.Day, s.After, s.UpTo) {
					if !yield(events, err) || err != nil {
						return
					}
				}
			}
			if len(page) == 0 {
				return
			}
		}
	}
}
