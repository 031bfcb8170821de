package main

import (
	"context"
	"flag"
	"iter"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// tagSelection selects tags by flags, and gives them the names of the release of ATT&CK
// that is shown. A command defines its flags, checks them, begins, and ranges
// over tags.
type tagSelection struct {
	q                 ttpcron.TagQuery
	attacker          string // as it was named
	malformed         bool   // the attacker looks like an address, and is none
	since, until      string
	arrivedSince      string
	taggedSince       string
	newSince          string
	levels            cli.Levels
	arrived           time.Time // what it means; zero: whenever
	new               time.Time // what --new-since means; zero: what was known before counts too
	minLevel          cli.MinLevel
	technique, tactic string        // as they were named
	under             *attack.Table // whose names are shown
	notes             []string      // what technique and tactic are in that release
	without           int           // tags so far whose technique the release lacks
	found             bool          // there was a tag
}

// defineFilters defines every flag that is a filter for some command.
func defineFilters(fs *flag.FlagSet) {
	var s tagSelection
	s.define(fs)
	fs.String("new-since", "", "")
}

// define defines the flags of views that show only tags.
func (s *tagSelection) define(fs *flag.FlagSet) {
	s.defineShared(fs)
	cli.TextVar(fs, &s.taggedSince, "tagged-since", "only tags that a run made at or after `TIME`, however old their events are")
}

// defineWithEvents defines the flags of views where those of actor and time also select
// events.
func (s *tagSelection) defineWithEvents(fs *flag.FlagSet) {
	s.defineShared(fs)
	for _, name := range []string{"attacker", "session", "sensor"} {
		f := fs.Lookup(name)
		f.Usage = strings.Replace(f.Usage, "only tags of", "only events and tags of", 1)
	}
	fs.StringVar(&s.newSince, "new-since", "", newSinceUsage) // an empty one takes back a default of the report
}

func (s *tagSelection) defineShared(fs *flag.FlagSet) {
	cli.TextVar(fs, &s.attacker, "attacker", "only tags of attacker `WHO`: an address, a network such as 192.0.2.0/24, or a UUID")
	cli.TextVar(fs, &s.q.Session, "session", "only tags of session `ID`")
	cli.TextVar(fs, &s.q.Sensor, "sensor", "only tags of sensor `NAME`")
	cli.TextVar(fs, &s.technique, "technique", "only tags of technique `ID`: T1059 for it and its sub-techniques, or T1059.004; of any ATT&CK release")
	cli.TextVar(fs, &s.tactic, "tactic", "only tags of `TACTIC`: an id or a name, such as TA0002 or execution")
	cli.TextVar(fs, &s.q.Rule, "rule", "only tags of rule `ID`")
	cli.TextVar(fs, &s.since, "since", "only events at or after `TIME`: "+cli.WhenForms)
	cli.TextVar(fs, &s.until, "until", "only events before `TIME`")
	cli.TextVar(fs, &s.arrivedSince, "arrived-since", arrivedUsage)
	cli.ConfidenceVar(fs, &s.q.MinConfidence, "min-confidence", 0, "only tags with confidence `C` or more, from 0 to 1 (default 0: all)")
	fs.Var(&s.minLevel, "min-level", "only tags with `LEVEL` or above: informational, low, medium, high, critical (default: all from honeypots, medium from real hosts)")
	fs.Var(&s.levels, "level", "only tags of just this level, or of several: `L,L`")
}

// check validates the flags.
func (s *tagSelection) check(now time.Time, under *attack.Table) (err error) {
	if s.q.Window, err = cli.Window(s.since, s.until, now); err != nil {
		return err
	}
	s.under, s.q.MinLevels, s.q.Levels = under, s.minLevel.Levels(), s.levels
	if s.everyLevel() && !s.minLevel.IsSet {
		s.q.MinLevels = ttpcron.MinLevels{}
	}
	s.selectAttacker()
	s.q.Rule = pastedRule(s.q.Rule)
	technique, err := selectTechnique(&s.q, s.technique, under)
	if err != nil {
		return err
	}
	tactics, tactic, err := tacticIDs(s.tactic, under)
	if err != nil {
		return err
	}
	s.q.Tactics = tactics
	for _, note := range []string{technique, tactic} {
		if note != "" {
			s.notes = append(s.notes, note)
		}
	}
	if s.q.MadeSince, err = cli.ParseWhen(s.taggedSince, now); err != nil {
		return cli.Usagef("--tagged-since: %v", err)
	}
	if s.new, err = cli.ParseWhen(s.newSince, now); err != nil {
		return cli.Usagef("--new-since: %v", err)
	}
	s.arrived, err = arrivedSince(s.arrivedSince, now)
	return err
}

// everyLevel reports whether levels were asked for, so that none is left out unasked.
func (s *tagSelection) everyLevel() bool { return s.minLevel.IsSet || len(s.levels) > 0 }

// onlyTagged reports whether tags are selected by their claims, and not only by attacker,
// sensor and time: then attackers without such tags are left out.
func (s *tagSelection) onlyTagged() bool {
	return s.q.Technique != "" || len(s.q.Tactics) > 0 || s.q.Rule != "" || s.everyLevel() || s.q.MinConfidence > 0
}

// begin asks the store for what the selection depends on, and says what is selected if
// that differs from what was named.
func (s *tagSelection) begin(ctx context.Context, out noter, db *store.Store) (err error) {
	if s.q.ArrivedAfter, err = arrivedAfter(ctx, db.History, s.arrived); err != nil {
		return err
	}
	s.q.FoundSince = s.arrived
	if err := s.recognise(ctx, db); err != nil {
		return err
	}
	for _, note := range s.notes {
		out.Note("%s", note)
	}
	return nil
}

// tags yields the tags, each good until the next.
func (s *tagSelection) tags(ctx context.Context, db *store.Store) iter.Seq2[*shownTag, error] {
	return s.tagsOf(ctx, db, s.q)
}

// tagsOf yields the tags of another query under the same names.
func (s *tagSelection) tagsOf(ctx context.Context, db *store.Store, q ttpcron.TagQuery) iter.Seq2[*shownTag, error] {
	return func(yield func(*shownTag, error) bool) {
		for t, err := range shownTags(db.Tags.Query(ctx, q, s.under), s.under, &s.without) {
			s.found = s.found || err == nil
			if !yield(t, err) {
				return
			}
		}
	}
}

// noteLacking says for how many of the tags the release lacks the technique.
func (s *tagSelection) noteLacking(out noter) {
	if text := lacking(s.under, s.without); text != "" {
		out.Note("%s", text)
	}
}

// end says what the default level leaves out and, if nothing was found, which filters
// nothing can match.
func (s *tagSelection) end(ctx context.Context, c *session, db *store.Store) error {
	n, err := s.leftOut(ctx, db)
	if err != nil {
		return err
	}
	if !s.found {
		if err := s.noteNone(ctx, c, db, "no tags match", allTags(n == 0)); err != nil {
			return err
		}
	}
	noteLeftOut(c.out, n)
	return nil
}

// leftOut counts the tags that the default level leaves out.
func (s *tagSelection) leftOut(ctx context.Context, db *store.Store) (int, error) {
	if s.everyLevel() {
		return 0, nil
	}
	return db.Tags.LeftOut(ctx, s.q, s.under)
}

func noteLeftOut(out noter, n int) {
	if n > 0 {
		out.Note("%s not shown; --min-level informational shows all", term.Plural(n, "tag of hosts below medium is", "tags of hosts below medium are"))
	}
}
