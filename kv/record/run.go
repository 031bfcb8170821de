package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// AppendRun appends the record of a run, whose key is the ID. Fields at the end that few
// runs have are left out if they are zero.
func AppendRun(dst []byte, r *ttpcron.Run) []byte {
	dst = typeRun.Begin(dst)
	for _, t := range [...]time.Time{r.Started, r.Finished, r.Window.Since, r.Window.Until} {
		dst = AppendTime(dst, t)
	}
	dst = AppendText(AppendText(dst, r.RuleSet), r.Outcome)
	dst = appendImportReport(dst, &r.Imported)
	dst = binary.AppendUvarint(dst, uint64(len(r.Sources)))
	for i := range r.Sources {
		s := &r.Sources[i]
		dst = AppendText(dst, s.Source)
		for _, n := range sourceCounts(s) {
			dst = AppendInt(dst, *n)
		}
		dst = AppendBool(dst, s.DryRun)
		dst = binary.AppendVarint(dst, int64(s.Elapsed))
	}
	for i := range r.Sources {
		for _, n := range retagCounts(&r.Sources[i]) {
			dst = AppendInt(dst, *n)
		}
	}
	m := &r.Imported
	for _, n := range [...]int{m.BeforeHorizon, int(m.Horizon), m.RejectedKnown, m.Learned, m.Disputed} {
		dst = AppendInt(dst, n)
	}
	for i := range r.Sources {
		dst = AppendInt(AppendInt(dst, r.Sources[i].Removed), r.Sources[i].Replaced)
	}
	dst = binary.AppendVarint(dst, m.Waiting)
	for _, c := range [...]ttpcron.NameCounts{m.NewKinds, m.IgnoredTypes} {
		dst = appendNameCounts(dst, c)
	}
	dst = binary.AppendUvarint(AppendInt(dst, m.LeftOut), uint64(len(r.Unclaimed)))
	for _, k := range r.Unclaimed {
		dst = AppendText(dst, string(k))
	}
	c := r.Correlation
	for _, n := range correlationCounts(&c) {
		dst = AppendInt(dst, *n)
	}
	dst = binary.AppendVarint(AppendBool(dst, c.NotForetold), int64(c.Elapsed))
	return End(dst, []byte(r.ID))
}

func appendNameCounts(dst []byte, c ttpcron.NameCounts) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c)))
	for _, name := range c.Names() {
		dst = AppendInt(AppendText(dst, name), c[name])
	}
	return dst
}

func readNameCounts(r *Reader) (c ttpcron.NameCounts) {
	for range r.Count(ttpcron.MaxNames + 1) {
		c.Count(r.Text(), r.Int())
	}
	return c
}

// ReadRun reads the record of a run.
func ReadRun(key, rec []byte) (run ttpcron.Run, err error) {
	r, err := typeRun.Open(rec, key)
	if err != nil {
		return run, fmt.Errorf("run %q: %w", key, err)
	}
	run.ID = string(key)
	for _, t := range [...]*time.Time{&run.Started, &run.Finished, &run.Window.Since, &run.Window.Until} {
		*t = r.Time()
	}
	run.RuleSet, run.Outcome = r.Text(), r.Text()
	readImportReport(&r, &run.Imported)
	for range r.Count(len(r.Rest)) {
		s := ttpcron.SourceReport{Source: r.Text()}
		for _, n := range sourceCounts(&s) {
			*n = r.Int()
		}
		if r.Version < 5 {
			r.Int() // events that a first run left out
		}
		s.DryRun = r.Bool()
		s.Elapsed = time.Duration(r.Varint())
		run.Sources = append(run.Sources, s)
	}
	for i := 0; i < len(run.Sources) && len(r.Rest) > 0; i++ {
		for _, n := range retagCounts(&run.Sources[i]) {
			*n = r.Int()
		}
	}
	if len(r.Rest) > 0 {
		run.Imported.BeforeHorizon, run.Imported.Horizon = r.Int(), ttpcron.Day(r.Int())
	}
	if len(r.Rest) > 0 {
		run.Imported.RejectedKnown = r.Int()
	}
	if r.Version >= 2 {
		run.Imported.Learned, run.Imported.Disputed = r.Int(), r.Int()
		for i := range run.Sources {
			run.Sources[i].Removed, run.Sources[i].Replaced = r.Int(), r.Int()
		}
	}
	if r.Version >= 3 {
		run.Imported.Waiting = r.Varint()
	}
	if r.Version >= 4 {
		run.Imported.NewKinds, run.Imported.IgnoredTypes = readNameCounts(&r), readNameCounts(&r)
	}
	if r.Version >= 5 {
		run.Imported.LeftOut = r.Int()
		for range r.Count(len(r.Rest)) {
			run.Unclaimed = append(run.Unclaimed, ttpcron.SourceKind(r.Text()))
		}
	}
	if r.Version >= 6 {
		for _, n := range correlationCounts(&run.Correlation) {
			*n = r.Int()
		}
		run.Correlation.NotForetold, run.Correlation.Elapsed = r.Bool(), time.Duration(r.Varint())
	}
	if err := r.Finish(); err != nil {
		return ttpcron.Run{}, fmt.Errorf("run %q: %w", key, err)
	}
	return run, nil
}

// sourceCounts lists the counts of a report in the order in which they are
// stored.
func sourceCounts(s *ttpcron.SourceReport) [8]*int {
	return [...]*int{&s.Events, &s.Commands, &s.Tagged, &s.Tags, &s.Inserted, &s.Known, &s.Skipped, &s.Bounded}
}

func retagCounts(s *ttpcron.SourceReport) [3]*int {
	return [...]*int{&s.Retagged, &s.RetagTags, &s.RetagInserted}
}

func correlationCounts(c *ttpcron.CorrelationReport) [12]*int {
	return [...]*int{&c.Rules, &c.Days, &c.Matches, &c.Groups, &c.Bounded, &c.LeftOut, &c.Tags, &c.Inserted, &c.Known, &c.Replaced, &c.Removed, &c.Waiting}
}

func importCounts(r *ttpcron.ImportReport) [6]*int {
	return [...]*int{&r.Lines, &r.New, &r.Known, &r.Changed, &r.Ignored, &r.Rejected}
}

func appendImportReport(dst []byte, r *ttpcron.ImportReport) []byte {
	dst = AppendText(AppendText(dst, r.File), r.Format)
	for _, n := range importCounts(r) {
		dst = AppendInt(dst, *n)
	}
	return dst
}

func readImportReport(r *Reader, out *ttpcron.ImportReport) {
	out.File, out.Format = r.Text(), r.Text()
	for _, n := range importCounts(out) {
		*n = r.Int()
	}
}
