package report

import (
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// Options say what is gathered.
type Options struct {
	// Query selects tags, and what it says of attacker, session, sensor, time and arrival
	// selects events too.
	Query ttpcron.TagQuery
	// NewSince and NewAfter say what is new: that of which no event arrived up to the
	// arrival number NewAfter, whatever Query says of time and arrival.
	NewSince time.Time
	NewAfter uint64
	Under    *attack.Table // the release whose names are shown
	Own      ttpcron.Networks
	// WithPasswords lists logins by user and password, and not by user alone.
	WithPasswords bool
	Rows          int // the most that a list has; 0: 100
}

// Gatherer counts events and tags. Event and Tag may be called by two goroutines, one each.
type Gatherer struct {
	o Options
}

// New returns a gatherer.
func New(o Options) *Gatherer { return &Gatherer{o: o} }

// Event counts an event. It may be of any kind and come in any order.
func (g *Gatherer) Event(e *ttpcron.Event) {}

// Tag counts a tag, which may be bare; shown is its claim under the names of the release.
// Tags that are old are shown too if there is a NewSince.
func (g *Gatherer) Tag(t *ttpcron.Tag, shown *ttpcron.Claim) {}

// Report returns what was counted. It is called once, when all were.
func (g *Gatherer) Report() *Report { return &Report{NewSince: g.o.NewSince} }
