package main

import (
	"testing"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

func TestBar(t *testing.T) {
	tests := []struct {
		at    jobs.Progress
		bytes bool
		want  string
	}{
		{jobs.Progress{Stage: jobs.StageTag, Name: "command", Done: 250, Total: 1000, Tags: 12}, false, "tag command #####...............  25%  250 events  125/s  12 tags  6s left"},
		{jobs.Progress{Stage: jobs.StageImport, Name: "a\x1bb", Done: 4096, Lines: 9}, false, `import a\x1bb 9 lines  2.0 KiB/s`},
		{jobs.Progress{Stage: jobs.StageTag, Name: "command", Done: 20, Total: 10}, false, "tag command #################### 100%  20 events  10/s  0 tags"},
		{jobs.Progress{Stage: "check", Done: 2 << 20, Total: 8 << 20}, true, "check #####...............  25%  2.0 MiB  1.0 MiB/s  6s left"},
		{jobs.Progress{Stage: "prune", Done: 5, Total: 10}, false, "prune ##########..........  50%  5 of 10  2/s  2s left"},
	}
	for _, tt := range tests {
		if got := bar(tt.at, 2, tt.bytes, term.Terminal{}); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
