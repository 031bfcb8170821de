package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// screenful is how many tags are shown on a terminal when nobody says how many.
const screenful = 100

type tagsOptions struct {
	tagSelection
	limit int
	own   ttpcron.Networks
	uuid  bool
	json  bool
}

func tagsCommand() *command {
	var o tagsOptions
	fs := cli.NewFlags()
	o.define(fs)
	fs.IntVar(&o.limit, "limit", -1, "at most `N` rows or tags, the newest; 0 for all (default: 100 as a table on a terminal, else all)")
	fs.BoolVar(&o.uuid, "uuid", false, "show the UUID of the tag in each row, for explain --tag")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line")
	fs.Lookup("limit").DefValue = ""
	return &command{
		Name: "tags", Short: "show what was found, newest first", Flags: fs,
		Text: `Shows tags by the time of their event, the newest first: as a table for people,
with text that came from attackers made safe to show, or complete with --json. The
table has one row for each technique that an event showed: the rule that is surest
of it, how many others agree, and the highest level that one of them gives. --json
has the tag of every rule. A tag whose event is gone stays as it was, whatever
becomes of its rule: --json says "checked": false.

TEXT is what the event was about: a command, the user and password of a login,
the URL or name of a file, where a tunnel led. Passwords are shown, here and in
--json. What a correlation found has no event: TEXT is what was counted, and of
which group; TIME is when the slot began in which it was found. explain --tag
lists the events that made it.

CONF is the confidence: given that an attacker did this, how likely the technique
describes it. LEVEL is how much it says where honest people work too, from
informational over low, medium and high to critical. Where no rule names one it is
medium.

Whoever works on a honeypot is an attacker: tags of every level are shown. Events
with "vantage": "host" come from the logs of a real host, whose owner works there
too: of their tags those below medium are left out, and a note says how many.
--min-level holds for both; --min-level informational leaves nothing out.

Ids and names are those of the release of ATT&CK that --attack-release names,
whatever the rules have. Where several techniques of one rule became one, an
event has one tag of it, the surest. --json has as "recorded" what a tag is
called in the store, where that differs: its UUID follows from that.

Times are those of events. --arrived-since goes by when events arrived in the
store, by its clock: what a run brought in, however old its logs are. A tag of
several events (a correlation's) counts from when it was made. What arrived before
stores noted that, and tags whose events are gone, are not in it.

An address in your --own-networks is marked (own), that of a hit of a DNS token
(resolver): it looked a name up for somebody else. In --json "attacker_mark" is
"own-network", "resolver" or null. A tag whose event is gone does not tell a
resolver.

On a terminal, or where COLUMNS says how wide the table may be, rows are cut to
that width; where it is narrow, session, tactic, level and rule are left out in
turn. Elsewhere only long texts are cut.`,
		Examples: `ttpcron tags --since 7d --min-confidence 0.6
ttpcron tags --attacker 203.0.113.7 --tactic persistence
ttpcron tags --arrived-since 24h --min-level high
ttpcron tags --technique T1105 --since 2026-05-01 --until 2026-06-01 --json`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			if o.limit < -1 {
				return cli.Usagef("--limit is %d, want 0 or more", o.limit)
			}
			if err := o.check(s.now(), s.set.Attack); err != nil {
				return err
			}
			o.own = s.set.OwnNetworks
			return showTags(ctx, s.out, s.stores, o)
		},
	}
}

func showTags(ctx context.Context, out *term.Output, stores *store.Opener, o tagsOptions) error {
	db, err := stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.begin(ctx, out, db); err != nil {
		return err
	}
	o.q.Limit = o.limit
	if o.limit < 0 {
		o.q.Limit = 0
		if out.Term.Is && !o.json {
			o.q.Limit = screenful
		}
	}
	if o.json {
		if err := tagLines(ctx, out, db, o); err != nil {
			return err
		}
	} else if err := tagTable(ctx, out, db, o); err != nil {
		return err
	}
	return o.noteLeftOut(ctx, out, db)
}

// tagLines prints tags as JSON.
func tagLines(ctx context.Context, out *term.Output, db *store.Store, o tagsOptions) error {
	var line []byte
	for t, err := range o.tags(ctx, db) {
		if err != nil {
			return err
		}
		e := exportedTag(t, o.own)
		line = append(e.AppendJSON(line[:0], o.under), '\n')
		if err := out.RawJSON(line); err != nil {
			return err
		}
	}
	o.noteLacking(out)
	return nil
}

// tagTable prints tags in parts of a table, so that memory stays small.
func tagTable(ctx context.Context, out *term.Output, db *store.Store, o tagsOptions) error {
	t := term.Table{Columns: []term.Column{
		{Title: "TIME"}, {Title: "ATTACKER", Min: 15, SGR: term.Cyan}, {Title: "SESSION", Min: 8, Spare: 1}, {Title: "TECHNIQUE", Min: 18, SGR: term.Bold}, {Title: "TACTIC", Min: 10, SGR: term.Yellow, Spare: 2},
		{Title: "LEVEL", Spare: 3}, {Title: "CONF", Right: true, Spare: 5}, {Title: "RULE", Min: 6, Spare: 4}, {Title: "TEXT", Min: 24},
	}}
	if o.uuid {
		t.Columns = append(t.Columns, term.Column{Title: "UUID"})
	}
	names := 0 // how long technique names may be
	if w := out.Term.Width; w > 0 && w < 160 {
		names = 30
	}
	limit := o.q.Limit
	o.q.Limit = 0
	n, unchecked := 0, 0
	for f, err := range agreements(o.tags(ctx, db)) {
		if err != nil {
			return err
		}
		if n++; n > limit && limit > 0 {
			break
		}
		if !checkedByRules(&f.Tag) {
			unchecked++
		}
		row := []string{term.Time(f.EventTime), cmp.Or(f.AttackerIP, f.AttackerUUID, f.IdentityUUID) + besideAttacker[f.Mark(o.own)], f.SessionID,
			f.Shown.Technique() + " " + shortName(o.under, f.Shown.Technique(), names), tacticName(o.under, f.Shown.Tactic), f.Level.String(), fmt.Sprintf("%.2f", f.Confidence), f.rule(), excerpt(&f.Tag, out.Term)}
		if o.uuid {
			row = append(row, f.UUID().String())
		}
		t.Add(row...)
		if t.Len() == 1000 {
			if err := out.Table(&t); err != nil {
				return err
			}
		}
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	o.noteLacking(out)
	if unchecked > 0 {
		out.Note("of %s the event is gone: no rule looks at it any more", term.Plural(unchecked, "row", "rows"))
	}
	switch {
	case n == 0:
		arrived, err := lastArrived(ctx, db, o.q.ArrivedAfter)
		if err != nil {
			return err
		}
		out.Note("no tags match%s", arrived)
	case n > limit && limit == 1:
		out.Note("the newest is shown; --limit 0 shows all")
	case n > limit && limit > 0:
		out.Note("the newest %s are shown; --limit 0 shows all", term.Count(limit))
	}
	return nil
}

// besideAttacker is what stands beside an attacker who is marked.
var besideAttacker = map[ttpcron.Mark]string{ttpcron.MarkOwnNetwork: " (own)", ttpcron.MarkResolver: " (resolver)"}

func markOrNull(m ttpcron.Mark) *ttpcron.Mark {
	if m == ttpcron.MarkNone {
		return nil
	}
	return &m
}

// checkedByRules reports whether the event of a tag is in the store, so that runs
// with changed rules look at it again. A finding has no event: its group is judged again.
func checkedByRules(t *ttpcron.Tag) bool { return t.Seq != 0 || t.SourceKind == ttpcron.Correlation }

// lastArrived says when events arrived last, to somebody who asked for what arrived
// later than something and saw nothing.
func lastArrived(ctx context.Context, db *store.Store, after uint64) (string, error) {
	if after == 0 {
		return "", nil
	}
	st, err := db.File.Stats(ctx)
	if err != nil {
		return "", err
	}
	if st.Arrived.IsZero() {
		return "; when events arrived is not known", nil
	}
	return "; the last events arrived " + term.Time(st.Arrived), nil
}
