package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/geo"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/report"
	"github.com/ttpcron/ttpcron/report/page"
	"github.com/ttpcron/ttpcron/tagger"
)

// reportMaker makes reports of a store: for the command, and for a daemon that serves one.
// It is good for one.
type reportMaker struct {
	tagSelection
	rows, stories int  // the most that a list has, and how many sessions are told
	passwords     bool // captured passwords are shown
	live          bool // a daemon serves it

	now     time.Time
	version string // of the program
	own     ttpcron.Networks
	rules   map[string]namedRule
	places  *geo.Places

	said []string // what the reader must know
}

// What a report has unless somebody asks for something else.
const (
	reportRows    = 100
	reportStories = 20
	reportNew     = "7d"
)

// liveReport writes the page that a daemon serves, without captured passwords: everything,
// with what is new in the last week, or in the time that its config says.
func liveReport(ctx context.Context, db *store.Store, c *settings.Daemon, rules *tagger.RuleSet, now time.Time, w io.Writer) error {
	m := &reportMaker{
		rows: reportRows, stories: reportStories, live: true,
		tagSelection: tagSelection{newSince: reportNew},
		now:          now, own: c.OwnNetworks, rules: namesOf(rules), places: &geo.Places{},
	}
	m.version = buildVersion()
	if c.ReportSince > 0 {
		m.since, m.newSince = c.ReportSince.String(), "" // what is new can be told of all alone
	}
	if err := m.check(now, c.Attack); err != nil {
		return err
	}
	_, err := m.make(ctx, db, w)
	return err
}

// make makes a report and writes its page. It returns what the report says.
func (m *reportMaker) make(ctx context.Context, db *store.Store, w io.Writer) (*report.Report, error) {
	if err := m.begin(ctx, m, db); err != nil {
		return nil, err
	}
	o := report.Options{Query: m.q, Tagged: m.onlyTagged(), NewSince: m.new, Under: m.under, Own: m.own, WithPasswords: m.passwords, Rows: m.rows}
	var err error
	if o.NewAfter, err = arrivedAfter(ctx, db.History, m.new); err != nil {
		return nil, err
	}
	times := moments
	if m.live {
		times = 1 // the next page shows what a run did meanwhile
	}
	var g *report.Gatherer
	err = atMoment(ctx, m, db, times, func(upTo uint64) error {
		m.without, m.q.UpTo, o.Query.UpTo = 0, upTo, upTo
		g = report.New(o)
		return m.gather(ctx, db, g)
	})
	if err != nil {
		return nil, err
	}
	r := g.Report()
	if err := m.lookUp(ctx, db, r); err != nil {
		return nil, err
	}
	m.noteLacking(m)
	leftOut, err := m.leftOut(ctx, db)
	if err != nil {
		return nil, err
	}
	noteLeftOut(m, leftOut)
	var flags [][2]string
	r.Filters, flags = m.selected()
	r.Flags = withFlags("ttpcron tags", slices.DeleteFunc(slices.Clone(flags), func(f [2]string) bool { return f[0] == "technique" }))[len("ttpcron tags"):]
	r.EachCommand(func(line string) (string, []string) { return shownBeside(line, flags) })
	r.Made, r.Version, r.Store, r.Masked = m.now.UTC(), m.version, filepath.Base(db.Path()), !m.passwords
	if m.onlyTagged() {
		r.Notes = append(r.Notes, "The filters select tags. Attackers and sessions are listed if they have such a tag. How many there are in all, and all that is said of sensors, logins, files, canaries and days, is of events with any tag or none.")
	}
	r.Notes = append(r.Notes, m.said...)
	return r, page.Write(w, r, page.Options{Under: m.under, Live: m.live})
}

// namedRule is what is told of a rule.
type namedRule struct {
	name  string
	level ttpcron.Level
}

// namesOf are the names of rules by id. Everything else about rules takes more memory than
// a report gathers.
func namesOf(rs *tagger.RuleSet) map[string]namedRule {
	names := map[string]namedRule{}
	for _, r := range rs.Catalogue() {
		names[strings.Clone(r.ID)] = namedRule{strings.Clone(r.Name), r.Level.Rank()}
	}
	return names
}

// Note takes down what the reader of the report must know.
func (m *reportMaker) Note(format string, args ...any) {
	m.said = append(m.said, fmt.Sprintf(format, args...))
}

// gather shows all events and tags to a gatherer, both at once.
func (m *reportMaker) gather(ctx context.Context, db *store.Store, g *report.Gatherer) error {
	if m.q.UpTo == 0 {
		return nil // an empty store, and 0 is no bound
	}
	return together(ctx,
		func(ctx context.Context) error { return m.events(ctx, db, g) },
		func(ctx context.Context) error { return m.tagsOnce(ctx, db, g) },
	)
}

// together does some things at once. The first error ends all.
func together(ctx context.Context, things ...func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, do := range things {
		wg.Go(func() {
			if err := do(ctx); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// events shows the events: all of them, if the report lists what is new.
func (m *reportMaker) events(ctx context.Context, db *store.Store, g *report.Gatherer) error {
	kinds, err := db.History.Kinds(ctx)
	if err != nil {
		return err
	}
	span := census.Span{UpTo: m.q.UpTo}
	if m.new.IsZero() {
		span.Window, span.After = m.q.Window, m.q.ArrivedAfter
	}
	for _, kind := range kinds {
		for page, err := range census.Pages(ctx, db.History, kind, span) {
			if err != nil {
				return err
			}
			for i := range page {
				g.Event(&page[i])
			}
		}
	}
	return nil
}

// tagsOnce shows the tags: those of all times, if the report lists what is new.
func (m *reportMaker) tagsOnce(ctx context.Context, db *store.Store, g *report.Gatherer) error {
	q := m.q
	q.Bare = true
	if !m.new.IsZero() {
		q.Window, q.ArrivedAfter, q.FoundSince = ttpcron.Window{}, 0, time.Time{}
	}
	for t, err := range m.tagsOf(ctx, db, q) {
		if err != nil {
			return err
		}
		g.Tag(&t.Tag, &t.Shown)
	}
	return nil
}
