package report

import (
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// Options select what is gathered.
type Options struct {
	// Query selects tags, and what it says of attacker, session, sensor, time and arrival
	// selects events too.
	Query ttpcron.TagQuery
	// Tagged leaves out attackers and sessions that have none of these tags.
	Tagged bool
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

// limits are how much a gatherer distinguishes, each with about the bytes that an entry
// takes. All together take less than 64 MiB, even if an attacker fills everything.
type limits struct {
	attackers     int // of events and of tags, each: 130
	eventSessions int // 70
	tagSessions   int // 75
	logins        int // 90
	pairs         int // who tried a login, and with which passwords: 16
	files         int // 120
	sensors       int
	techniques    int // under a tactic
	rules         int
	claims        int // a rule, technique and level
	rowWords      int // of 8 bytes: techniques of those who show many
	texts         int // bytes of a table's names
	joined        int // transfers and their tags: 16
	days          int
	cells         int // while they are gathered: 16
	met           int // of the events of one instant: 16
}

var standard = limits{
	attackers: 60_000, eventSessions: 300_000, tagSessions: 160_000, logins: 60_000, pairs: 390_000, files: 20_000,
	sensors: 512, techniques: 1000, rules: 4000, claims: 16_000, rowWords: 1 << 20, texts: 4 << 20, joined: 60_000, days: 20_000, cells: 390_000, met: 390_000,
}

// Gatherer counts events and tags. Event and Tag may be called by two goroutines, one each.
type Gatherer struct {
	o      Options
	lim    limits
	h      hasher
	events *eventSide
	tags   *tagSide
}

// New returns a gatherer.
func New(o Options) *Gatherer { return newLimited(o, standard) }

func newLimited(o Options, lim limits) *Gatherer {
	if o.Rows <= 0 {
		o.Rows = 100
	}
	if o.Under == nil {
		o.Under = attack.Current()
	}
	g := &Gatherer{o: o, lim: lim, h: newHasher()}
	g.events, g.tags = newEventSide(&g.o, &g.lim, g.h), newTagSide(&g.o, &g.lim, g.h)
	return g
}

// Event counts an event of any kind, in any order. It does not keep the event.
func (g *Gatherer) Event(e *ttpcron.Event) { g.events.event(e) }

// Tag counts a tag, which may be bare; shown is its claim in the ids of the release. If
// there is a NewSince, old tags must be passed too. Tags of one instant must be passed
// consecutively, so that an event with several tags is counted once. Only copies are
// kept.
func (g *Gatherer) Tag(t *ttpcron.Tag, shown *ttpcron.Claim) { g.tags.tag(t, shown) }

// asksNew reports whether the report lists what is new.
func (o *Options) asksNew() bool { return !o.NewSince.IsZero() }
