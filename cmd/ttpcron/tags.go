package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/export"
)

// screenful is how many tags a terminal shows by default.
const screenful = 100

type tagsOptions struct {
	tagSelection
	limit int
	own   ttpcron.Networks
	names findingNames
	uuid  bool
	json  bool
	csv   bool
}

func tagsCommand() *command {
	var o tagsOptions
	fs := cli.NewFlags()
	o.define(fs)
	cli.LimitVar(fs, &o.limit, "limit", -1, "at most `N` rows or tags, the newest; 0 for all (default: 100 as a table on a terminal, else all)")
	fs.BoolVar(&o.uuid, "uuid", false, "show the UUID of the tag in each row, for explain --tag")
	fs.BoolVar(&o.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&o.csv, "csv", false, "print CSV, a row for each tag, as export --format csv does")
	return &command{
		Name: "tags", Short: "list the tags, newest first", Flags: fs,
		Text: `Lists tags by the time of their event, newest first. The table has one row for
each technique that an event showed: the tag with the highest level, then the
highest confidence, and how many other rules make the same claim. Text from
attackers is made safe to show. --json has the tag of every rule, in full. If a
tag's event is gone, the tag stays, whatever becomes of its rule; --json then
has "checked": false.

TEXT is what the event was about: a command, the user and password of a login,
the URL or name of a file, the destination of a tunnel. Passwords are shown,
also with --json. A correlation's tag has no event: TEXT is the rule's name and
the group, and TIME is when the slot began. explain --tag lists its events;
"text" in --json says what was counted.

CONF is the confidence: given that an attacker did this, how likely it is that
the technique describes it. LEVEL is how much it means where honest people work
too: informational, low, medium, high or critical. A rule without a level has
medium.

Anyone who works on a honeypot is an attacker, so tags of every level are shown.
Events with "vantage": "host" come from the logs of a real host, where its owner
works too: tags below medium are left out, and a note says how many. --min-level
applies to both; --min-level informational shows everything.

--attack-release names the ATT&CK release for ids and names, whatever release
the rules use. If several techniques of one rule were merged into one, an event
has one tag of it, that with the highest confidence. If the store has another id
for a tag, --json shows it as "recorded"; the UUID follows from that.

Times are those of events. --arrived-since goes by when events arrived in the
store, by its clock, however old the logs are. A correlation's tag counts from
when it was made. Tags whose events are gone, and events from before stores
recorded arrival times, are left out.

(own) marks an address in your --own-networks. (resolver) marks the source of a
DNS token hit: it looked up a name for someone else. In --json "attacker_mark"
is "own-network", "resolver" or null. Tags whose events are gone are never
marked (resolver).

On a terminal, or with COLUMNS set, rows are cut to fit: paths keep their end,
commands their beginning. If there is little room, session, tactic, level, rule,
confidence, technique names and attacker are dropped, in this order. Elsewhere
only long texts are cut.

Filters accept what a table shows, in quotes: --since '2026-05-04 05:49:05',
--rule 'TC1501 +2'. --tagged-since goes by when a run made the tag, and so shows
what new rules or late logs added. If a filter cannot match anything, a note
says so.`,
		Examples: `ttpcron tags --since 7d --min-confidence 0.6
ttpcron tags --attacker 203.0.113.24 --tactic persistence
ttpcron tags --arrived-since 24h --min-level high
ttpcron tags --technique T1105 --since 2026-05-01 --until 2026-06-01 --json`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			if o.json && o.csv {
				return cli.Usagef("--json and --csv are two forms: give one")
			}
			if err := o.check(s.now(), s.set.Attack); err != nil {
				return err
			}
			o.own, o.names = s.set.OwnNetworks, newFindingNames(s.set)
			return showTags(ctx, s, o)
		},
	}
}

func showTags(ctx context.Context, s *session, o tagsOptions) error {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.begin(ctx, s.out, db); err != nil {
		return err
	}
	at, err := db.History.Moment(ctx)
	if err != nil {
		return err
	}
	o.q.UpTo, o.q.Limit = at.Seq, max(o.limit, 0)
	if o.limit < 0 && s.out.Term.Is && !o.json && !o.csv {
		o.q.Limit = screenful
	}
	show := tagTable
	switch {
	case o.json:
		show = tagLines
	case o.csv:
		show = tagRows
	}
	if err := show(ctx, s.out, db, &o); err != nil {
		return err
	}
	if err := o.end(ctx, s, db); err != nil {
		return err
	}
	return streamed(ctx, s.out, db, at)
}

// tagLines prints tags as JSON.
func tagLines(ctx context.Context, out *term.Output, db *store.Store, o *tagsOptions) error {
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

// tagRows prints tags as CSV.
func tagRows(ctx context.Context, out *term.Output, db *store.Store, o *tagsOptions) error {
	exported := exportOptions{own: o.own, passwords: true}
	j := &export.Job{
		Out: out, Query: o.q, Table: o.under, Passwords: true, Note: out.Note,
		Tags: func(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[*export.Tag, error] {
			return exported.exported(o.tagsOf(ctx, db, q))
		},
	}
	if err := export.WriteCSV(ctx, j); err != nil {
		return err
	}
	o.noteLacking(out)
	return nil
}

// tagColumns are the columns of the table for a terminal's width, and the longest name of
// a technique: 0 for any length, -1 for no names at all.
func tagColumns(width int, uuid bool) (columns []term.Column, names int) {
	text, technique := 24, 18
	switch {
	case width <= 0 || width >= 160:
	case width >= 100:
		names = 30
	case width >= 78:
		text, names = 20, 30
	default:
		text, technique, names = 8, 9, -1
	}
	columns = []term.Column{
		{Title: "TIME (UTC)"}, {Title: "ATTACKER", Min: 15, SGR: term.Cyan, Spare: 6, Cut: cutAttacker}, {Title: "SESSION", Min: 8, Spare: 1}, {Title: "TECHNIQUE", Min: technique, SGR: term.Bold}, {Title: "TACTIC", Min: 10, SGR: term.Yellow, Spare: 2},
		{Title: "LEVEL", Spare: 3}, {Title: "CONF", Right: true, Spare: 5}, {Title: "RULE", Min: 6, Spare: 4}, {Title: "TEXT", Min: text, Cut: term.Terminal.CutTelling},
	}
	if uuid {
		columns[0].Spare, columns[3].Spare, columns[8].Spare = 7, 9, 8
		columns = append(columns, term.Column{Title: "UUID"})
	}
	return columns, names
}

// tagTable prints tags in parts of a table, so that memory stays small.
func tagTable(ctx context.Context, out *term.Output, db *store.Store, o *tagsOptions) error {
	columns, names := tagColumns(out.Term.Width, o.uuid)
	t := term.Table{Columns: columns}
	limit := o.q.Limit
	q := o.q
	q.Limit = 0
	n, unchecked := 0, 0
	for f, err := range agreements(o.tagsOf(ctx, db, q)) {
		if err != nil {
			return err
		}
		if n++; n > limit && limit > 0 {
			break
		}
		if !checkedByRules(&f.Tag) {
			unchecked++
		}
		technique := f.Shown.Technique()
		if names >= 0 {
			technique += " " + shortName(o.under, technique, names)
		}
		row := []string{term.Time(f.EventTime), cmp.Or(f.AttackerIP, f.AttackerUUID, f.IdentityUUID) + besideAttacker[f.Mark(o.own)], f.SessionID,
			technique, tacticName(o.under, f.Shown.Tactic), f.Level.String(), fmt.Sprintf("%.2f", f.Confidence), f.rule(), o.names.excerpt(&f.Tag, out.Term)}
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
		out.Note("the event of %s is gone: rules can no longer check it", term.Plural(unchecked, "row", "rows"))
	}
	switch {
	case n > limit && limit == 1:
		out.Note("the newest is shown; --limit 0 shows all")
	case n > limit && limit > 0:
		out.Note("the newest %s are shown; --limit 0 shows all", term.Count(limit))
	}
	return nil
}

// cutAttacker cuts the mark next to an address before it cuts the address, and cuts a UUID
// in its middle.
func cutAttacker(t term.Terminal, cleaned string, width int) string {
	if strings.HasSuffix(cleaned, ")") {
		return t.Cut(cleaned, width)
	}
	return t.CutMiddle(cleaned, width)
}

// besideAttacker is the mark next to an attacker.
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
