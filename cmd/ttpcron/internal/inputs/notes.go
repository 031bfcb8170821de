package inputs

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

const (
	// maxPassedNamed is how many of the files skipped for one reason are named.
	maxPassedNamed = 5
	// maxPassedReasons is how many reasons are distinguished. There may be as many as
	// files: the reason for a damaged file says where it is damaged.
	maxPassedReasons = 20
)

const otherReasons = "other reasons; ttpcron import --json says which"

// Notes logs what a user should know about the files of a scan: about each file at
// once, except those that were passed over, of which there may be a folder full.
// For them End logs one line for each reason.
type Notes struct {
	Log hclog.Logger

	passed []passedOver
}

// passedOver counts the files that were passed over for one reason.
type passedOver struct {
	reason string
	files  int
	names  []string // the first
	whole  string   // what was said of the first
}

// Add takes in what became of a file.
func (n *Notes) Add(f jobs.FileReport) {
	for _, note := range f.Notes {
		n.Log.Warn(term.Clean(note), "file", term.Clean(f.File))
	}
	if f.Err == nil || errors.Is(f.Err, context.Canceled) { // an interrupt is no fault of the file
		return
	}
	var before interface{ SaidBefore() bool }
	if f.Passed && errors.As(f.Err, &before) && before.SaidBefore() {
		return
	}
	text := strings.TrimPrefix(f.Err.Error(), jobs.ErrPassedOver.Error()+": ")
	text = strings.TrimPrefix(text, f.File+": ")
	useless := (*UselessError)(nil)
	switch {
	case f.Passed:
		n.pass(f.File, text)
	case errors.As(f.Err, &useless):
		n.Log.Error(useless.what(), "file", term.Clean(f.File), "first", term.Clean(useless.First))
	case errors.Is(f.Err, fs.ErrNotExist) && f.Lines == 0:
		n.Log.Error("no such file or folder", "file", term.Clean(f.File))
	case f.Lines == 0:
		n.Log.Error("could not be read", "file", term.Clean(f.File), "error", term.Clean(text))
	default:
		n.Log.Error("not read to its end", "file", term.Clean(f.File), "error", term.Clean(text))
	}
}

func (n *Notes) pass(name, whole string) {
	reason := strings.TrimLeft(strings.TrimPrefix(whole, name), ": ")
	at := slices.IndexFunc(n.passed, func(p passedOver) bool { return p.reason == reason })
	if at < 0 && len(n.passed) >= maxPassedReasons {
		reason = otherReasons
		at = slices.IndexFunc(n.passed, func(p passedOver) bool { return p.reason == reason })
	}
	if at < 0 {
		at = len(n.passed)
		n.passed = append(n.passed, passedOver{reason: reason, whole: whole})
	}
	p := &n.passed[at]
	if p.files++; len(p.names) < maxPassedNamed {
		p.names = append(p.names, term.Clean(name))
	}
}

// End says which files were passed over.
func (n *Notes) End() {
	for _, p := range n.passed {
		if p.files == 1 {
			n.Log.Warn("passed over", "file", p.names[0], "reason", term.Clean(p.whole))
			continue
		}
		n.Log.Warn("passed over", "files", p.files, "reason", term.Clean(p.reason), "first", strings.Join(p.names, ", "))
	}
	n.passed = nil
}
