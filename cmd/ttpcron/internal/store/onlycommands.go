package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// Readings knows by which version of the program logs were read.
type Readings interface {
	// ForCommandsAlone reports whether a position of a format was left by a version that
	// took nothing but commands from logs of which this one takes more, ForMore whether
	// by one that takes more.
	ForCommandsAlone(format string) bool
	ForMore(format string) bool
	// MayBeOfThem reports whether an event may come from such logs.
	MayBeOfThem(e *ttpcron.Event) bool
}

// OnlyCommands lists the days of which there are only commands, because the logs that
// held them were read by a version of the program that took nothing else, and were not
// there when logs were read again. kinds are those that are imported, nil for all.
//
// There are none before any log was read again. A day counts when its commands came
// from such a log, and nothing of any other kind is known of it that the log would
// have given; days that were pruned do not.
func (s *Store) OnlyCommands(ctx context.Context, of Readings, kinds []ttpcron.SourceKind) (days []ttpcron.Day, err error) {
	if kinds != nil && !slices.ContainsFunc(kinds, func(k ttpcron.SourceKind) bool { return slices.Contains(besideCommands, k) }) {
		return nil, nil
	}
	formats, err := s.Archive.PositionFormats(ctx)
	if err != nil || !slices.ContainsFunc(formats, of.ForCommandsAlone) || !slices.ContainsFunc(formats, of.ForMore) {
		return nil, err
	}
	more, err := s.daysWithMore(ctx)
	if err != nil {
		return nil, err
	}
	st, err := s.File.Stats(ctx)
	if err != nil {
		return nil, err
	}
	from := ttpcron.Day(0)
	for _, h := range st.Horizons {
		from = max(from, h.Before)
	}
	for d, err := range jobs.Days(ctx, s.History, ttpcron.Command) {
		if err != nil {
			return nil, err
		}
		if d.Day < from || more[d.Day] {
			continue
		}
		switch some, err := s.hasSome(ctx, of, &d); {
		case err != nil:
			return nil, err
		case some:
			days = append(days, d.Day)
		}
	}
	return days, nil
}

// besideCommands are the kinds of event other than commands that Cowrie's logs give.
var besideCommands = []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.SessionFact, ttpcron.FileTransfer, ttpcron.Tunnel, ttpcron.Stdin, ttpcron.ServiceRequest}

// daysWithMore are the days with events of a kind other than commands that Cowrie's logs
// give.
func (s *Store) daysWithMore(ctx context.Context) (map[ttpcron.Day]bool, error) {
	stored, err := s.History.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	more := map[ttpcron.Day]bool{}
	for _, kind := range stored {
		if !slices.Contains(besideCommands, kind) {
			continue
		}
		for d, err := range jobs.Days(ctx, s.History, kind) {
			if err != nil {
				return nil, err
			}
			more[d.Day] = true
		}
	}
	return more, nil
}

// hasSome reports whether the first commands of a day may come from such logs.
func (s *Store) hasSome(ctx context.Context, of Readings, d *ttpcron.DayHistory) (bool, error) {
	for page, err := range s.History.Events(ctx, d.Kind, d.Day, 0, d.LastSeq) {
		return err == nil && slices.ContainsFunc(page, func(e ttpcron.Event) bool { return of.MayBeOfThem(&e) }), err
	}
	return false, nil
}

// DayRange is some days without a gap.
type DayRange struct {
	From string `json:"from"`
	To   string `json:"to"` // the last of them
}

// RangesOf sums up ascending days.
func RangesOf(days []ttpcron.Day) (ranges []DayRange) {
	for i, d := range days {
		if i > 0 && days[i-1]+1 == d {
			ranges[len(ranges)-1].To = d.String()
			continue
		}
		ranges = append(ranges, DayRange{d.String(), d.String()})
	}
	return ranges
}

// rangesNamed is how many ranges of days a sentence names.
const rangesNamed = 5

// OnlyCommandsText says that some days have only commands, "" for none.
func OnlyCommandsText(days []ttpcron.Day) string {
	if len(days) == 0 {
		return ""
	}
	var parts []string
	ranges := RangesOf(days)
	for _, r := range ranges[:min(len(ranges), rangesNamed)] {
		if r.From == r.To {
			parts = append(parts, r.From)
		} else {
			parts = append(parts, r.From+" to "+r.To)
		}
	}
	if more := len(ranges) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%s more", term.Plural(more, "range", "ranges")))
	}
	return fmt.Sprintf("%s only commands, and no log that was read again tells of their logins and sessions: %s", term.Plural(len(days), "day has", "days have"), strings.Join(parts, ", "))
}
