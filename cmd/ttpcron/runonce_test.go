package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// TestRunsThatEndedEarly: a failed run prints what it did.
func TestRunsThatEndedEarly(t *testing.T) {
	judged := ttpcron.CorrelationReport{Rules: 5, Days: 3, Waiting: 12, Groups: 40, Tags: 2, Inserted: 2}
	begun := ttpcron.CorrelationReport{Rules: 5, Waiting: 1}
	files := []jobs.FileReport{{ImportReport: ttpcron.ImportReport{File: "a.json", Lines: 7, New: 6, Rejected: 1}}}
	for _, c := range []struct {
		name      string
		r         jobs.Report
		want, not string
	}{
		{"while it imported", jobs.Report{Files: files, Run: ttpcron.Run{Imported: files[0].ImportReport}}, "Imported 1 file: 7 lines; 6 new events", "technique"},
		{"while it correlated", jobs.Report{Run: ttpcron.Run{Correlation: judged}}, "5 rules judged 40 groups on 3 of 15 days: 2 tags, 2 new", "nothing new"},
		{"before a day was judged", jobs.Report{Run: ttpcron.Run{Correlation: begun}}, "5 rules judged 0 groups on 0 of 1 day: 0 tags", "nothing new"},
	} {
		var out bytes.Buffer
		screen := term.NewOutput(&out, io.Discard, nil)
		if err := printRun(t.Context(), screen, nil, c.r, new(settings.Settings), nil, runOnceOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := screen.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, c.want) || strings.Contains(got, c.not) || strings.HasPrefix(got, "\n") {
			t.Errorf("%s: printed %q, want %q", c.name, got, c.want)
		}
	}
}
