package report

import (
	"time"

	"github.com/ttpcron/ttpcron"
)

// Story is what happened in a session, in order.
type Story struct {
	Head  []Fact // what stands above it: how they got in, with which client, how it ended
	Lines []Line
	More  int // lines that were left out, after the last
}

// Fact is a named value, such as "client".
type Fact struct{ Name, Text string }

// Line is an event of a story.
type Line struct {
	Time    time.Time
	What    string // "login", "typed", "fetched"
	Text    string
	Outcome string // "worked", "failed", or empty where it was not recorded
	Details []Fact
	Tags    []LineTag
}

// LineTag is a technique that an event showed.
type LineTag struct {
	Technique  string // as it is shown
	Level      ttpcron.Level
	Confidence float64 // of the tag of Rule, or the highest of a run
	Rule       string  // the id of the surest
	Others     int     // how many other rules agree
}
