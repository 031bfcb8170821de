package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/jobs"
)

const (
	// maxPassedNamed is how many of the files passed over for one reason are named.
	maxPassedNamed = 5
	// maxPassedReasons is how many reasons are told apart: what is wrong with a
	// damaged file says where it is damaged.
	maxPassedReasons = 20
)

const otherReasons = "other reasons; ttpcron import --json says which"

// fileNotes tells the log what a user should know of the files of a scan: of each
// at once, but for those passed over, of which there may be a folder full. They
// are a line for each reason in the end.
type fileNotes struct {
	app    *app
	passed []passedOver
}

// passedOver is the files that were passed over for one reason.
type passedOver struct {
	reason string
	files  int
	names  []string // the first
	whole  string   // what was said of the first
}

// add takes in what became of a file.
func (n *fileNotes) add(f jobs.FileReport) {
	for _, note := range f.Notes {
		n.app.log.Warn(clean(note), "file", clean(f.File))
	}
	if f.Err == nil || errors.Is(f.Err, context.Canceled) { // an interrupt is no fault of the file
		return
	}
	text := strings.TrimPrefix(f.Err.Error(), jobs.ErrPassedOver.Error()+": ")
	text = strings.TrimPrefix(text, f.File+": ")
	if f.Passed {
		n.pass(f.File, text)
	} else {
		n.app.log.Error("not read to its end", "file", clean(f.File), "error", clean(text))
	}
}

func (n *fileNotes) pass(name, whole string) {
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
		p.names = append(p.names, clean(name))
	}
}

// end says which files were passed over.
func (n *fileNotes) end() {
	for _, p := range n.passed {
		if p.files == 1 {
			n.app.log.Warn("passed over", "file", p.names[0], "reason", clean(p.whole))
			continue
		}
		n.app.log.Warn("passed over", "files", p.files, "reason", clean(p.reason), "first", strings.Join(p.names, ", "))
	}
	n.passed = nil
}
