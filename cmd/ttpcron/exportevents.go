package main

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

func exportEventsCommand() *command {
	var since, until, arrived string
	from := sourceFlag(jobs.SourceAll)
	fs := cli.NewFlags()
	cli.TextVar(fs, &since, "since", "only events at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &until, "until", "only events before `TIME`")
	cli.TextVar(fs, &arrived, "arrived-since", arrivedUsage)
	fs.Var(&from, "source", sourceUsage)
	return &command{
		Name: "export-events", Short: "print stored events as JSON lines for import", Flags: fs,
		Text: `Prints stored events in native form, one JSON object a line, ordered by day,
kind and arrival. ttpcron import --format events reads them back as the same
events with the same ids, in another store or in this one, where they count as
known. Control characters and invalid UTF-8 are escaped, so the lines are safe
to show, and everything comes back byte for byte. For tags, use ttpcron tags
--json.

--arrived-since goes by when events arrived in the store, by its clock, whenever
they happened. It leaves out events from before stores recorded arrival times.`,
		Examples: "ttpcron export-events > events.jsonl\nttpcron export-events --since 2026-05-01 --until 2026-06-01 | gzip >may.gz\nttpcron import --db other.db --format events events.jsonl",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			w, err := cli.Window(since, until, s.now())
			if err != nil {
				return err
			}
			at, err := arrivedSince(arrived, s.now())
			if err != nil {
				return err
			}
			return exportEvents(ctx, s, from, w, at)
		},
	}
}

// wanted says which events are exported.
type wanted struct {
	window ttpcron.Window // of event time
	after  uint64         // arrival number
}

// on reports whether any of a day's events may be.
func (w *wanted) on(d *ttpcron.DayHistory) bool {
	return w.window.Overlaps(d.Day) && d.LastSeq > w.after
}

func exportEvents(ctx context.Context, s *session, from sourceFlag, window ttpcron.Window, arrived time.Time) error {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	begun, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	w := &wanted{window: window}
	if w.after, err = arrivedAfter(ctx, db.History, arrived); err != nil {
		return err
	}
	kinds, err := from.kinds(ctx, db)
	if err != nil {
		return err
	}
	show := newProgress(s.out, s.log, s.now)
	defer show.done()
	at := jobs.Progress{Stage: "export"}
	for _, kind := range kinds {
		for d, err := range jobs.Days(ctx, db.History, kind) {
			if err != nil {
				return err
			}
			if w.on(&d) {
				at.Total += int64(d.Events)
			}
		}
	}
	tooLong := 0
	var line []byte
	for d, err := range daysToExport(ctx, db.History, kinds, w) {
		if err != nil {
			return err
		}
		for page, err := range db.History.Events(ctx, d.kind, d.day, w.after, begun.Seq) {
			if err != nil {
				return err
			}
			for i := range page {
				e := &page[i]
				if !w.window.Contains(e.Time) {
					continue
				}
				line = append(e.AppendJSON(line[:0]), '\n')
				if len(line) > importer.MaxLine {
					tooLong++
				}
				if err := s.out.RawJSON(line); err != nil {
					return err
				}
			}
			at.Done += int64(len(page))
			show.update(at)
		}
	}
	show.done()
	if tooLong > 0 {
		s.log.Warn("some events take lines that are longer than import reads back", "events", tooLong, "limit", importer.MaxLine)
	}
	if err := streamed(ctx, s.out, db, begun); err != nil {
		return err
	}
	return db.Close()
}

// kindDay is a day with events of a kind.
type kindDay struct {
	kind ttpcron.SourceKind
	day  ttpcron.Day
}

// heldDays is about how many days daysToExport remembers, for all kinds together.
const heldDays = 1 << 16

// daysToExport yields the days of some kinds with events that may be wanted, by day,
// then as the kinds are ordered. Of each kind it remembers the days that come next.
func daysToExport(ctx context.Context, db jobs.History, kinds []ttpcron.SourceKind, w *wanted) iter.Seq2[kindDay, error] {
	most := max(8, heldDays/max(1, len(kinds)))
	next := func(kind ttpcron.SourceKind, from ttpcron.Day) (days []ttpcron.Day, err error) {
		for len(days) == 0 {
			page, err := db.DayPage(ctx, kind, from)
			if err != nil || len(page) == 0 {
				return nil, err
			}
			for i := range page {
				d := &page[i]
				if from = d.Day + 1; w.on(d) && len(days) < most {
					days = append(days, d.Day)
				}
			}
		}
		return days, nil
	}
	return func(yield func(kindDay, error) bool) {
		ahead, kinds := make([][]ttpcron.Day, len(kinds)), slices.Clone(kinds)
		from := ttpcron.Day(0)
		for {
			first := ttpcron.Day(math.MaxInt32)
			for i, kind := range kinds {
				if len(ahead[i]) == 0 && kind != "" {
					days, err := next(kind, from)
					if err != nil {
						yield(kindDay{}, err)
						return
					}
					if ahead[i] = days; len(days) == 0 {
						kinds[i] = "" // nothing more of it
						continue
					}
				}
				if len(ahead[i]) > 0 {
					first = min(first, ahead[i][0])
				}
			}
			if first == math.MaxInt32 {
				return
			}
			for i, kind := range kinds {
				if len(ahead[i]) > 0 && ahead[i][0] == first {
					ahead[i] = ahead[i][1:]
					if !yield(kindDay{kind, first}, nil) {
						return
					}
				}
			}
			from = first + 1
		}
	}
}
