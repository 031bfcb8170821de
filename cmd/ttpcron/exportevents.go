package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

func (a *app) exportEventsCommand() *command {
	var since, until string
	source := jobs.SourceAll
	fs := a.flags()
	fs.StringVar(&since, "since", "", "only events at or after `TIME`: RFC 3339, YYYY-MM-DD, or how long ago, such as 7d or 36h")
	fs.StringVar(&until, "until", "", "only events before `TIME`")
	fs.StringVar(&source, "source", source, "`SOURCE`: command, canary, all, or another kind of event that is stored")
	return &command{
		name: "export-events", short: "print stored events as JSON lines, which import reads back", fs: fs,
		text: `Prints the events of the store in their native form, one JSON object a line,
ordered by day, then kind, then arrival. Read back with import --format events
they make the same events with the same ids, in a new store or in this one, where
they are known. Control characters and bytes that are not UTF-8 are escaped, so
that the lines are safe to show; everything comes back byte for byte. Only one
page of events is in memory at a time. Tags are printed by ttpcron tags --json.`,
		examples: "ttpcron export-events > events.jsonl\nttpcron export-events --since 2026-05-01 --until 2026-06-01 | gzip >may.gz\nttpcron import --db other.db --format events events.jsonl",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			w, err := window(since, until, a.now())
			if err != nil {
				return err
			}
			return a.exportEvents(ctx, source, w)
		},
	}
}

func (a *app) exportEvents(ctx context.Context, source string, w ttpcron.Window) error {
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	days, err := daysToExport(ctx, db, source, w)
	if err != nil {
		return err
	}
	show := a.newProgress()
	defer show.done()
	at := jobs.Progress{Stage: "export"}
	for _, d := range days {
		at.Total += int64(d.Events)
	}
	tooLong := 0
	var line []byte
	for _, d := range days {
		for page, err := range db.Events(ctx, d.Kind, d.Day, 0, math.MaxUint64) {
			if err != nil {
				return err
			}
			for i := range page {
				e := &page[i]
				if !w.Contains(e.Time) {
					continue
				}
				line = append(e.AppendJSON(line[:0]), '\n')
				if len(line) > importer.MaxLine {
					tooLong++
				}
				if err := a.writeJSON(line); err != nil {
					return err
				}
			}
			at.Done += int64(len(page))
			show.update(at)
		}
	}
	show.done()
	if tooLong > 0 {
		a.log.Warn("some events take lines that are longer than import reads back", "events", tooLong, "limit", importer.MaxLine)
	}
	return db.Close()
}

// daysToExport lists the days of the kinds that a source means, by day and kind.
func daysToExport(ctx context.Context, db store, source string, w ttpcron.Window) ([]ttpcron.DayHistory, error) {
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	if source != jobs.SourceAll {
		kind := jobs.KindOf(source)
		if !slices.Contains(kinds, kind) && kind != ttpcron.Command && kind != ttpcron.CanaryFingerprint {
			return nil, &usageError{fmt.Sprintf("--source %q is nothing that is stored", source), "give command, canary, all, or a kind that ttpcron status shows"}
		}
		kinds = []ttpcron.SourceKind{kind}
	}
	var out []ttpcron.DayHistory
	for _, kind := range kinds {
		days, err := db.Days(ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			if w.Overlaps(d.Day) {
				out = append(out, d)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b ttpcron.DayHistory) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}
