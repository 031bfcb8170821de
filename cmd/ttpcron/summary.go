package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func summaryCommand() *command {
	var o censusOptions
	fs := cli.NewFlags()
	o.filters(fs)
	fs.Lookup("new-since").Usage = "show what is new since `TIME` (default: --arrived-since, else --since)"
	return &command{
		Name: "summary", Short: "show techniques, attackers, sensors and what is new", Flags: fs,
		Text: `Shows one page about the store: events by kind, attackers, sessions and sensors;
techniques by tactic, in the order of the matrix; the attackers with the most
tags; the sensors with the most events; and what is new.

For each technique it shows the number of tags, and in how many events and
sessions and by how many attackers they were seen. One session that writes a
file in 62 pieces has 62 tags and 62 events, but is one session of one attacker.

New means that nothing of it had arrived before --new-since, in the whole
history. For attackers, this goes by their events; for techniques, by events
with such a tag.

Filters of time, attacker, session and sensor select events and tags; all others
select only tags. --json is one object: the numbers, every technique, and twenty
attackers and sensors.`,
		Examples: `ttpcron summary --since 7d
ttpcron summary --arrived-since 24h
ttpcron summary --sensor hp-ams-1 --min-level high
ttpcron summary --since 2026-05-01 --until 2026-06-01 --json`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			return summarise(ctx, s, &o, args)
		},
	}
}

// summary is what is shown.
type summary struct {
	whole                          *census.Row
	techniques, attackers, sensors []*census.Row
	since                          time.Time // what is new goes by it; zero: nothing is said
	newTechniques                  []*census.Row
	news                           []newRows // all else that is new
}

// The most that a summary lists.
const (
	summaryTechniques = 1000
	summaryRows       = 20
)

func summarise(ctx context.Context, s *session, o *censusOptions, args []string) error {
	if err := cli.NoArgs(args); err != nil {
		return err
	}
	if err := o.check(s); err != nil {
		return err
	}
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := o.begin(ctx, s.out, db); err != nil {
		return err
	}
	var sum *summary
	err = atOneMoment(ctx, s.out, db, func(upTo uint64) (err error) {
		sum, err = o.summary(ctx, db, upTo)
		return err
	})
	if err != nil {
		return err
	}
	leftOut, err := o.leftOut(ctx, db)
	if err != nil {
		return err
	}
	if o.json {
		err = s.out.RawJSON(append(sum.appendJSON(nil, s, o), '\n'))
	} else {
		err = sum.print(s, o)
	}
	o.noteLacking(s.out)
	noteLeftOut(s.out, leftOut)
	return err
}

// summary counts what arrived up to an arrival number.
func (o *censusOptions) summary(ctx context.Context, db *store.Store, upTo uint64) (*summary, error) {
	q := census.Query{Tags: o.q}
	sum := &summary{since: o.new}
	for _, t := range []time.Time{o.arrived, o.q.Window.Since} {
		if sum.since.IsZero() {
			sum.since = t
		}
	}
	by := []census.By{census.Whole, census.Techniques, census.Attackers, census.Sensors}
	c := census.New(q, by...)
	defer c.Close()
	if err := c.Count(ctx, o.source(db), upTo); err != nil {
		return nil, err
	}
	for i, of := range []struct {
		rows  *[]*census.Row
		sort  string
		limit int
	}{{nil, "tags", 1}, {&sum.techniques, "tags", summaryTechniques}, {&sum.attackers, "tags", summaryRows}, {&sum.sensors, "events", summaryRows}} {
		_, err := c.Rows(ctx, i, census.Order{By: census.ColumnNamed(of.sort), Limit: of.limit}, func(r *census.Row) error {
			if of.rows == nil {
				sum.whole = r
			} else {
				*of.rows = append(*of.rows, r)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if sum.whole == nil || sum.since.IsZero() {
		return sum, nil
	}
	return sum, sum.findNew(ctx, o, db, q, upTo)
}

// findNew finds what is new.
func (sum *summary) findNew(ctx context.Context, o *censusOptions, db *store.Store, q census.Query, upTo uint64) (err error) {
	q.NewSince = sum.since
	if q.NewAfter, err = arrivedAfter(ctx, db.History, sum.since); err != nil {
		return err
	}
	c := census.New(q, census.Techniques, census.Attackers, census.Sensors, census.Sessions, census.Files)
	defer c.Close()
	if err := c.Count(ctx, o.source(db), upTo); err != nil {
		return err
	}
	_, err = c.Rows(ctx, 0, census.Order{By: census.ColumnNamed("tags"), Limit: summaryTechniques}, func(r *census.Row) error {
		sum.newTechniques = append(sum.newTechniques, r)
		return nil
	})
	if err != nil {
		return err
	}
	sum.news = slices.Clone(newKinds)
	for i := range sum.news[:4] {
		if err := sum.news[i].read(ctx, c, i+1); err != nil {
			return err
		}
	}
	q.Won = true
	won := census.New(q, census.Credentials)
	defer won.Close()
	if err := won.Count(ctx, o.source(db), upTo); err != nil {
		return err
	}
	return sum.news[4].read(ctx, won, 0)
}

// span says from when to when.
func (sum *summary) span() string {
	return term.Time(sum.whole.First) + " to " + term.Time(sum.whole.Last) + " UTC"
}

func (sum *summary) print(s *session, o *censusOptions) error {
	out, w := s.out, sum.whole
	if w == nil {
		out.Note("no events match")
		return nil
	}
	var kinds []string
	for _, k := range w.Kinds.Top {
		kinds = append(kinds, term.Count(k.Times)+" "+term.Clean(k.Name))
	}
	if more := w.Kinds.N - len(w.Kinds.Top); more > 0 {
		kinds = append(kinds, term.Plural(more, "other kind", "other kinds"))
	}
	fmt.Fprintf(out, "%s\n", term.Plural(w.Events, "event", "events")+", "+sum.span())
	for _, line := range wrapList(kinds, 78) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	who := term.Plural(w.Attackers, "attacker", "attackers")
	if w.Sessions > 0 { // canary tokens, for one, have none and name no sensor
		who += " in " + term.Plural(w.Sessions, "session", "sessions")
	}
	if w.Sensors.N > 0 {
		who += " at " + term.Plural(w.Sensors.N, "sensor", "sensors")
	}
	fmt.Fprintln(out, who)
	level := ""
	if w.Tags > 0 {
		level = ", level up to " + w.Level.String()
	}
	fmt.Fprintf(out, "%s of %s, %s%s\n", term.Plural(w.Tags, "tag", "tags"), term.Plural(w.Tagged, "event", "events"), term.Plural(w.Techniques.N, "technique", "techniques"), level)
	p := picture{under: s.set.Attack, title: "by tactic", also: "LAST (UTC)", counted: true}
	for _, r := range sum.techniques {
		p.techniques = append(p.techniques, techniqueCount{r.Name[0], r.Name[1], r.Tags, r.Tagged, r.Attackers, r.Sessions})
	}
	for _, r := range sum.attackers {
		if r.Tags > 0 {
			p.attackers = append(p.attackers, attackerCount{cmp.Or(r.Addresses.First(), r.Name[0]) + besideAttacker[markOf(r, o.own)], r.Tags, term.Time(r.Last)})
		}
	}
	if err := p.print(out, out.Term); err != nil {
		return err
	}
	return sum.printRest(s)
}

func (sum *summary) printRest(s *session) error {
	out := s.out
	fmt.Fprintf(out, "\n%s\n", out.Term.Paint(term.Bold, "Top sensors"))
	t := term.Table{}
	v := sensorsView(s.now())
	for i := range v.columns {
		if v.columns[i].name == "first_seen" {
			v.columns[i].Title = ""
		}
	}
	for _, c := range v.columns {
		if c.Title != "" {
			t.Columns = append(t.Columns, c.Column)
		}
	}
	t.Columns[0].Title = "  " + t.Columns[0].Title
	for _, r := range sum.sensors[:min(len(sum.sensors), mostAttackers)] {
		cells := v.cells(r)
		cells[0] = "  " + cells[0]
		t.Add(cells...)
	}
	if err := out.Table(&t); err != nil {
		return err
	}
	if sum.since.IsZero() {
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", out.Term.Paint(term.Bold, "New since "+term.Time(sum.since)+" UTC"))
	for _, n := range sum.news {
		n.print(out, sum.since)
	}
	fmt.Fprintf(out, "  %s\n", term.Plural(len(sum.newTechniques), "technique", "techniques"))
	for i, r := range sum.newTechniques {
		if i == summaryRows {
			fmt.Fprintf(out, "    and %s: ttpcron techniques --new-since %s\n", term.Plural(len(sum.newTechniques)-i, "other", "others"), sum.since.UTC().Format(time.RFC3339))
			break
		}
		fmt.Fprintf(out, "    %-9s  %s\n", term.Clean(r.Name[1]), techniqueName(s.set.Attack, r.Name[1]))
	}
	return nil
}

// wrapList joins words with commas to lines of so many cells.
func wrapList(words []string, width int) (lines []string) {
	line := ""
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if line != "" && term.Cells(line)+1+term.Cells(w) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + w)
	}
	if line == "" {
		return lines
	}
	return append(lines, line)
}
