package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/geo"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
)

// storyOptions are shared by the commands that show stories.
type storyOptions struct {
	since, until string
	sensor       string
	minLevel     cli.MinLevel
	limit        int
	full         bool
	json, csv    bool
	mmdb         cli.List
	places       *geo.Places

	window ttpcron.Window
	under  *attack.Table
	own    ttpcron.Networks
	names  findingNames
}

func (o *storyOptions) define(fs *flag.FlagSet) {
	cli.TextVar(fs, &o.since, "since", "only events at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &o.until, "until", "only events before `TIME`")
	fs.Var(&o.minLevel, "min-level", "only tags with at least the level `L`: informational, low, medium, high or critical (default: all of honeypots, medium of hosts)")
	fs.Var(&o.mmdb, "mmdb", mmdbUsage)
	fs.BoolVar(&o.full, "full", false, "cut nothing and leave nothing out")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&o.csv, "csv", false, "print CSV, a row for each event")
}

func (o *storyOptions) check(s *session) (err error) {
	if o.json && o.csv {
		return cli.Usage("--json and --csv exclude one another", "give one of them")
	}
	o.under, o.own, o.names = s.set.Attack, s.set.OwnNetworks, newFindingNames(s.set)
	if o.window, err = cli.Window(o.since, o.until, s.now()); err != nil {
		return err
	}
	o.places, err = openPlaces(o.mmdb)
	return err
}

// storySource yields the stored events and tags of a session or an attacker.
type storySource struct {
	db     *store.Store
	q      ttpcron.EventQuery
	blocks []ttpcron.EventBlock
	// Only events and tags without a session, or without the name of a sensor: no query
	// says either.
	unnamed, nowhere bool
	levels           ttpcron.MinLevels
	under            *attack.Table
	without          *int // tags whose technique the release lacks
}

// source finds the events that a query selects.
func (o *storyOptions) source(ctx context.Context, db *store.Store, q ttpcron.EventQuery) (*storySource, error) {
	s := &storySource{db: db, q: q, levels: o.minLevel.Levels(), under: o.under, without: new(int)}
	var err error
	s.blocks, err = db.History.Blocks(ctx, q)
	return s, err
}

// Events implements story.Source.
func (s *storySource) Events(ctx context.Context) iter.Seq2[*ttpcron.Event, error] {
	events := s.db.History.EventsOf(ctx, s.q, s.blocks)
	if !s.unnamed && !s.nowhere {
		return events
	}
	return func(yield func(*ttpcron.Event, error) bool) {
		for e, err := range events {
			if (err != nil || s.has(e.SessionID, e.DeckyID)) && !yield(e, err) {
				return
			}
		}
	}
}

// has reports whether an event or tag is one of those that no query selects.
func (s *storySource) has(session, sensor string) bool {
	return (!s.unnamed || session == "") && (!s.nowhere || sensor == "")
}

// of returns the source for a session of a sensor, either of which may have no name.
func (s *storySource) of(session, sensor string) *storySource {
	one := *s
	one.q.Session, one.q.Sensor = session, sensor
	one.unnamed, one.nowhere = session == "", sensor == ""
	return &one
}

// within returns the source for a span of time, both ends included.
func (s *storySource) within(first, last time.Time) *storySource {
	part := *s
	w := ttpcron.Window{Since: first, Until: last.Add(1)}
	part.q.Window, part.blocks = w, nil
	for _, b := range s.blocks {
		begin := b.Day.Start().Add(time.Duration(b.Since) * time.Second)
		if end := b.Day.Start().Add(time.Duration(b.Till+1) * time.Second); begin.Before(w.Until) && end.After(w.Since) {
			part.blocks = append(part.blocks, b)
		}
	}
	return &part
}

// Tags implements story.Source.
func (s *storySource) Tags(ctx context.Context, w ttpcron.Window) iter.Seq2[*story.Tag, error] {
	q := s.tagQuery()
	if q.Window.Since.Before(w.Since) {
		q.Window.Since = w.Since
	}
	if !w.Until.IsZero() && (q.Window.Until.IsZero() || w.Until.Before(q.Window.Until)) {
		q.Window.Until = w.Until
	}
	return func(yield func(*story.Tag, error) bool) {
		for t, err := range shownTags(s.db.Tags.Query(ctx, q, s.under), s.under, s.without) {
			if err == nil && !s.has(t.SessionID, t.DeckyID) {
				continue
			}
			told := &story.Tag{Tag: t.Tag, Shown: t.Shown}
			if !yield(told, err) || err != nil {
				return
			}
		}
	}
}

func (s *storySource) tagQuery() ttpcron.TagQuery {
	return ttpcron.TagQuery{Attacker: s.q.Attacker, AttackerToo: s.q.AttackerToo, Session: s.q.Session, Sensor: s.q.Sensor, Window: s.q.Window, MinLevels: s.levels, UpTo: s.q.UpTo}
}

// noteHidden says what is left out by default level, or lacks a name.
func (s *storySource) noteHidden(ctx context.Context, out *term.Output, asked bool) error {
	if text := lacking(s.under, min(*s.without, 1)); text != "" {
		out.Note("some tags are of techniques that %s does not have, shown under the ids of a later release", s.under.Release())
	}
	if asked {
		return nil
	}
	n, err := s.db.Tags.LeftOut(ctx, s.tagQuery(), s.under)
	if err == nil && n > 0 {
		out.Note("%s not told; --min-level informational tells all", term.Plural(n, "tag of a host below medium is", "tags of hosts below medium are"))
	}
	return err
}

// maxLoose is how many tags without an event a story shows as text.
const maxLoose = 200

// looseTags are tags that belong to no event in the store.
type looseTags struct {
	Tags []story.Tag
	More int
}

func (l *looseTags) add(t *story.Tag) {
	if len(l.Tags) == maxLoose {
		l.More++
		return
	}
	l.Tags = append(l.Tags, *t)
}

// duration writes a duration for people.
func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	if days := d.Hours() / 24; days < 2*365 {
		return fmt.Sprintf("%.1f days", days)
	}
	return fmt.Sprintf("%.1f years", d.Hours()/24/365.25)
}
