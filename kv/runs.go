package kv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
)

// MaxRuns is how many runs are remembered; the oldest are dropped.
const MaxRuns = 1000

// farAhead is how far in the future a run may have begun before its clock is taken
// for a wrong one.
const farAhead = time.Hour

// Runs lists runs, newest first; limit 0 lists all that are remembered. Those that
// began in the future, under a clock that was wrong, come last.
func (db *DB) Runs(ctx context.Context, limit int) ([]ttpcron.Run, error) {
	var runs, ahead []ttpcron.Run
	now := db.now()
	err := db.view(ctx, func(tx *txn) error {
		c := tx.Bucket(bucketRuns).Cursor()
		for k, rec := c.Last(); k != nil && (limit == 0 || len(runs) < limit); k, rec = c.Prev() {
			r, err := readRun(k, rec)
			if err != nil {
				return err
			}
			if r.Started.Sub(now) > farAhead {
				ahead = append(ahead, r)
			} else {
				runs = append(runs, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	if runs = append(runs, ahead...); limit > 0 {
		runs = runs[:min(limit, len(runs))]
	}
	return runs, nil
}

// putRun stores a run. The bucket's sequence counts the runs.
func putRun(tx *txn, r *ttpcron.Run) error {
	b := tx.Bucket(bucketRuns)
	key := []byte(r.ID)
	if b.Get(key) == nil {
		n := b.Sequence() + 1
		for ; n > MaxRuns; n-- {
			if err := b.Delete(farthest(b, r)); err != nil {
				return err
			}
		}
		if err := b.SetSequence(n); err != nil {
			return err
		}
	}
	return b.Put(key, appendRun(nil, r))
}

// farthest returns the key of the first run or of the last, whichever began the
// longer time before a new one, or after it: those of a clock that was wrong for a
// while must not drive out those of a right one.
func farthest(b *bucket, r *ttpcron.Run) []byte {
	c := b.Cursor()
	first, rec := c.First()
	first = bytes.Clone(first)
	before, berr := readRun(first, rec)
	last, rec := c.Last()
	after, aerr := readRun(last, rec)
	if berr == nil && aerr == nil && after.Started.Sub(r.Started).Abs() > r.Started.Sub(before.Started).Abs() {
		return bytes.Clone(last)
	}
	return first
}

func appendRun(dst []byte, r *ttpcron.Run) []byte {
	dst = beginRecord(dst)
	for _, t := range [...]time.Time{r.Started, r.Finished, r.Window.Since, r.Window.Until} {
		dst = appendTime(dst, t)
	}
	dst = appendText(appendText(dst, r.RuleSet), r.Outcome)
	dst = appendImportReport(dst, &r.Imported)
	dst = binary.AppendUvarint(dst, uint64(len(r.Sources)))
	for i := range r.Sources {
		s := &r.Sources[i]
		dst = appendText(dst, s.Source)
		for _, n := range sourceCounts(s) {
			dst = appendInt(dst, *n)
		}
		dst = appendBool(dst, s.DryRun)
		dst = binary.AppendVarint(dst, int64(s.Elapsed))
	}
	known := r.Imported.RejectedKnown > 0
	before := known || r.Imported.BeforeHorizon > 0
	if before || slices.ContainsFunc(r.Sources, retagged) {
		for i := range r.Sources {
			for _, n := range retagCounts(&r.Sources[i]) {
				dst = appendInt(dst, *n)
			}
		}
	}
	if before {
		dst = appendInt(appendInt(dst, r.Imported.BeforeHorizon), int(r.Imported.Horizon))
	}
	if known {
		dst = appendInt(dst, r.Imported.RejectedKnown)
	}
	return endRecord(dst, []byte(r.ID))
}

func readRun(key, rec []byte) (run ttpcron.Run, err error) {
	r, err := openRecord(rec, key)
	if err != nil {
		return run, fmt.Errorf("run %q: %w", key, err)
	}
	run.ID = string(key)
	for _, t := range [...]*time.Time{&run.Started, &run.Finished, &run.Window.Since, &run.Window.Until} {
		*t = r.time()
	}
	run.RuleSet, run.Outcome = r.text(), r.text()
	readImportReport(&r, &run.Imported)
	for range r.count(len(r.rest)) {
		s := ttpcron.SourceReport{Source: r.text()}
		for _, n := range sourceCounts(&s) {
			*n = r.int()
		}
		s.DryRun = r.bool()
		s.Elapsed = time.Duration(r.varint())
		run.Sources = append(run.Sources, s)
	}
	for i := 0; i < len(run.Sources) && len(r.rest) > 0; i++ {
		for _, n := range retagCounts(&run.Sources[i]) {
			*n = r.int()
		}
	}
	if len(r.rest) > 0 {
		run.Imported.BeforeHorizon, run.Imported.Horizon = r.int(), ttpcron.Day(r.int())
	}
	if len(r.rest) > 0 {
		run.Imported.RejectedKnown = r.int()
	}
	if err := r.finish(); err != nil {
		return ttpcron.Run{}, fmt.Errorf("run %q: %w", key, err)
	}
	return run, nil
}

// sourceCounts lists the counts of a report in the order in which they are
// stored.
func sourceCounts(s *ttpcron.SourceReport) [9]*int {
	return [...]*int{&s.Events, &s.Commands, &s.Tagged, &s.Tags, &s.Inserted, &s.Known, &s.Skipped, &s.Bounded, &s.Left}
}

func retagCounts(s *ttpcron.SourceReport) [3]*int {
	return [...]*int{&s.Retagged, &s.RetagTags, &s.RetagInserted}
}

func retagged(s ttpcron.SourceReport) bool {
	return s.Retagged != 0 || s.RetagTags != 0 || s.RetagInserted != 0
}

func importCounts(r *ttpcron.ImportReport) [6]*int {
	return [...]*int{&r.Lines, &r.New, &r.Known, &r.Changed, &r.Ignored, &r.Rejected}
}

func appendImportReport(dst []byte, r *ttpcron.ImportReport) []byte {
	dst = appendText(appendText(dst, r.File), r.Format)
	for _, n := range importCounts(r) {
		dst = appendInt(dst, *n)
	}
	return dst
}

func readImportReport(r *reader, out *ttpcron.ImportReport) {
	out.File, out.Format = r.text(), r.text()
	for _, n := range importCounts(out) {
		*n = r.int()
	}
}
