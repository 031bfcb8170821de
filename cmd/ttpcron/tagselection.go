package main

import (
	"context"
	"flag"
	"iter"
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
	since, until      string
	arrivedSince      string
	arrived           time.Time // what it means; zero: whenever
	minLevel          cli.MinLevel
	technique, tactic string        // as they were named
	under             *attack.Table // whose names are shown
	notes             []string      // what technique and tactic are in that release
	without           int           // tags so far whose technique the release lacks
}

// define defines the flags.
func (s *tagSelection) define(fs *flag.FlagSet) {
	fs.StringVar(&s.q.Attacker, "attacker", "", "only tags of an attacker: `A` is an address or a UUID")
	fs.StringVar(&s.q.Session, "session", "", "only tags of the session `S`")
	fs.StringVar(&s.technique, "technique", "", "only tags of the technique `T`, such as T1059, with its sub-techniques, or T1059.004; an id of any release")
	fs.StringVar(&s.tactic, "tactic", "", "only tags of the tactic `TA`: an id or a name, such as TA0002 or execution")
	fs.StringVar(&s.q.Rule, "rule", "", "only tags of the rule with id `R`")
	fs.StringVar(&s.since, "since", "", "only events at or after `TIME`: RFC 3339, YYYY-MM-DD, or how long ago, such as 7d or 36h")
	fs.StringVar(&s.until, "until", "", "only events before `TIME`")
	fs.StringVar(&s.arrivedSince, "arrived-since", "", arrivedUsage)
	fs.Float64Var(&s.q.MinConfidence, "min-confidence", 0, "only tags with at least this confidence, `C` from 0 to 1 (default 0: all)")
	fs.Var(&s.minLevel, "min-level", "only tags with at least the level `L`: informational, low, medium, high or critical (default: all of honeypots, medium of hosts)")
}

// check reads what the flags mean.
func (s *tagSelection) check(now time.Time, under *attack.Table) (err error) {
	if s.q.Window, err = cli.Window(s.since, s.until, now); err != nil {
		return err
	}
	if s.q.MinConfidence < 0 || s.q.MinConfidence > 1 || s.q.MinConfidence != s.q.MinConfidence {
		return cli.Usagef("--min-confidence is %v, want 0 to 1", s.q.MinConfidence)
	}
	s.under, s.q.MinLevels = under, s.minLevel.Levels()
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
	s.arrived, err = arrivedSince(s.arrivedSince, now)
	return err
}

// begin asks the store for what the selection depends on, and says what is selected where
// that is something else than what was named.
func (s *tagSelection) begin(ctx context.Context, out *term.Output, db *store.Store) (err error) {
	if s.q.ArrivedAfter, err = arrivedAfter(ctx, db.History, s.arrived); err != nil {
		return err
	}
	s.q.FoundSince = s.arrived
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
	return shownTags(db.Tags.Query(ctx, q, s.under), s.under, &s.without)
}

// noteLacking says of how many of the tags the release lacks the technique.
func (s *tagSelection) noteLacking(out *term.Output) {
	if text := lacking(s.under, s.without); text != "" {
		out.Note("%s", text)
	}
}

// noteLeftOut says what is not shown because nobody asked for a level.
func (s *tagSelection) noteLeftOut(ctx context.Context, out *term.Output, db *store.Store) error {
	if s.minLevel.IsSet {
		return nil
	}
	n, err := db.Tags.LeftOut(ctx, s.q, s.under)
	if err == nil && n > 0 {
		out.Note("%s not shown; --min-level informational shows all", term.Plural(n, "tag of hosts below medium is", "tags of hosts below medium are"))
	}
	return err
}
