package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// progress shows a run's progress: as a bar on a terminal, and elsewhere as a log line
// every few seconds.
type progress struct {
	out   *term.Output
	log   hclog.Logger
	now   func() time.Time
	stage string
	name  string
	start time.Time
	next  time.Time
	bytes bool // work on a file, counted in bytes
}

// How often progress is shown.
const (
	barEvery = 100 * time.Millisecond
	logEvery = 5 * time.Second
)

func newProgress(out *term.Output, log hclog.Logger, now func() time.Time) *progress {
	return &progress{out: out, log: log, now: now}
}

// update is called many times a second and mostly does nothing.
func (p *progress) update(at jobs.Progress) {
	now := p.now()
	every := logEvery
	if p.out.Err.Term.Is {
		every = barEvery
	}
	if at.Stage != p.stage || at.Name != p.name {
		p.stage, p.name, p.start, p.next = at.Stage, at.Name, now, now.Add(every)
		return
	}
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(every)
	seconds := now.Sub(p.start).Seconds()
	if p.out.Err.Term.Is {
		p.out.Err.Draw(p.out.Err.Term.Cut(bar(at, seconds, p.bytes, p.out.Err.Term), p.out.Err.Term.Width-1))
		return
	}
	args := []any{"done", at.Done, "total", at.Total, "per_second", int64(float64(at.Done) / seconds)}
	if at.Name != "" {
		args = append([]any{"name", term.Clean(at.Name)}, args...)
	}
	if at.Stage == jobs.StageTag || at.Stage == jobs.StageRetag || at.Stage == jobs.StageCorrelate {
		args = append(args, "tags", at.Tags)
	}
	p.log.Info("working: "+at.Stage, args...)
}

// done takes the bar away.
func (p *progress) done() { p.out.Err.Wipe() }

// bar draws the line of a bar: name, bar, share, rate, and what is left.
func bar(at jobs.Progress, seconds float64, bytes bool, t term.Terminal) string {
	const width = 20
	rate := float64(at.Done) / max(seconds, 1e-9)
	share := 0.0
	if at.Total > 0 {
		share = min(1, float64(at.Done)/float64(at.Total))
	}
	full, empty := "█", "░"
	if !t.UTF8 {
		full, empty = "#", "."
	}
	n := int(share * width)
	var b strings.Builder
	fmt.Fprintf(&b, "%s ", at.Stage)
	if at.Name != "" {
		fmt.Fprintf(&b, "%s ", t.Cut(term.Clean(at.Name), 28))
	}
	if at.Total > 0 {
		fmt.Fprintf(&b, "%s%s %3.0f%%  ", strings.Repeat(full, n), strings.Repeat(empty, width-n), 100*share)
	}
	switch {
	case bytes:
		fmt.Fprintf(&b, "%s  %s/s", term.Bytes(at.Done), term.Bytes(int64(rate)))
	case at.Stage == jobs.StageImport:
		fmt.Fprintf(&b, "%s lines  %s/s", term.Count(at.Lines), term.Bytes(int64(rate)))
	case at.Stage == jobs.StageTag, at.Stage == jobs.StageRetag:
		fmt.Fprintf(&b, "%s events  %s/s  %s tags", term.Count(at.Done), term.Count(int64(rate)), term.Count(at.Tags))
	case at.Stage == jobs.StageCorrelate:
		fmt.Fprintf(&b, "%s of %s  %s tags", term.Count(at.Done), term.Plural(int(at.Total), "day", "days"), term.Count(at.Tags))
	default:
		fmt.Fprintf(&b, "%s of %s  %s/s", term.Count(at.Done), term.Count(at.Total), term.Count(int64(rate)))
	}
	if share > 0 && share < 1 && seconds > 1 {
		left := time.Duration(seconds / share * (1 - share) * float64(time.Second))
		fmt.Fprintf(&b, "  %s left", left.Round(time.Second))
	}
	return b.String()
}
