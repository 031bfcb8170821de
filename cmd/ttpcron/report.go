package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/report"
)

// reportOptions are the flags of the command.
type reportOptions struct {
	reportMaker
	output string
	open   bool
	json   bool
	mmdb   cli.List
}

func reportCommand() *command {
	var o reportOptions
	fs := cli.NewFlags()
	o.defineWithEvents(fs)
	f := fs.Lookup("new-since")
	o.newSince, f.DefValue = reportNew, reportNew
	f.Usage = "show what is new since `TIME`, whatever --since says; empty to leave this out"
	fs.StringVar(&o.output, "output", "report.html", "write to `FILE`, which appears only when complete; - for standard output")
	cli.Letter(fs, "o", "output")
	fs.BoolVar(&o.open, "open", false, "open the page in a browser, if there is a screen")
	fs.BoolVar(&o.passwords, "with-passwords", false, "do not mask captured passwords")
	fs.IntVar(&o.rows, "rows", reportRows, "at most `N` rows in a list; the page says how many there are and which command shows them all")
	fs.IntVar(&o.stories, "stories", reportStories, "tell the stories of the first `N` sessions in the list")
	fs.Var(&o.mmdb, "mmdb", mmdbUsage)
	fs.BoolVar(&o.json, "json", false, "print a summary of what was written, as a JSON object")
	return &command{
		Name: "report", Short: "write a report as one HTML page", Flags: fs,
		Text: `Writes one HTML page about the store: the ATT&CK matrix as a heat map, activity
by day and hour, techniques with evidence, attackers, sessions, stories of the
first sessions, credentials, files, sensors, rules and how often they fire,
canary tokens that were triggered, and what is new since --new-since.

The page is one file of at most 5 MiB that needs no network and no server: open
it, mail it, or put it where others can read it. You can filter, sort and print
it, save the matrix as SVG or PNG, and save each table as CSV. It says what was
left out, and which commands show that.

Filters of time, attacker, session and sensor select events and tags; all others
select only tags. Captured passwords are masked unless you give
--with-passwords. What attackers typed is never masked, even if it contains a
password. The page contains addresses and the names of your sensors, so a new
file is readable only by you until you change its mode.`,
		Examples: `ttpcron report --open
ttpcron report -o may.html --since 2026-05-01 --until 2026-06-01
ttpcron report -o ams.html --sensor hp-ams-1 --min-level medium
ttpcron report -o - | ssh intranet 'cat >report.html'`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return cli.Usage(err.Error(), "name the file with -o")
			}
			if err := o.check(s); err != nil {
				return err
			}
			defer o.places.Close()
			return writeReport(ctx, s, &o)
		},
	}
}

// check validates the flags.
func (o *reportOptions) check(s *session) (err error) {
	switch {
	case o.output == "":
		return cli.Usage("--output is empty", "name a file, or - for standard output")
	case o.output == "-" && o.open:
		return cli.Usage("--open needs a file", "name one with -o")
	case o.output == "-" && o.json:
		return cli.Usage("--json says what was written to a file", "name one with -o")
	case o.rows < 1:
		return cli.Usagef("--rows is %d, want 1 or more", o.rows)
	case o.stories < 0:
		return cli.Usagef("--stories is %d, want 0 or more", o.stories)
	}
	o.now, o.own = s.now(), s.set.OwnNetworks
	o.version = buildVersion()
	if err := o.tagSelection.check(o.now, s.set.Attack); err != nil {
		return err
	}
	o.places, err = openPlaces(o.mmdb)
	return err
}

// writeReport makes the page and writes it where it belongs.
func writeReport(ctx context.Context, s *session, o *reportOptions) error {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if o.rules, err = loadNames(s); err != nil {
		return err
	}
	var r *report.Report
	write := func(w io.Writer) (err error) {
		r, err = o.make(ctx, db, w)
		return err
	}
	var size int64
	stream := o.output == "-"
	switch {
	case stream:
		err = write(s.out)
	case same(o.output, s.stores.DB):
		err = cli.Usage(fmt.Sprintf("--output %s is the store itself", o.output), "name another file")
	default:
		size, stream, err = writeReportFile(ctx, o.output, write)
	}
	if err != nil {
		return err
	}
	for _, note := range o.said {
		s.out.Note("%s", note)
	}
	if r.Total.Events+r.Total.Tags == 0 {
		if err := o.noteNone(ctx, s, db, "no events match: the page is empty", eventsAndTags); err != nil {
			return err
		}
	}
	if stream {
		return nil
	}
	if err := o.say(s, r, size); err != nil {
		return err
	}
	if o.open {
		show(ctx, s, o.output)
	}
	return nil
}

// loadNames loads the rules for their names.
func loadNames(s *session) (map[string]namedRule, error) {
	rs, loaded, err := loadRules(s.set, s.log)
	if err != nil {
		return nil, err
	}
	ruleset.Warn(s.log, loaded)
	return namesOf(rs.RuleSet), nil
}

// reportJSON is what report --json prints.
type reportJSON struct {
	Path      term.Exact `json:"path"`
	Bytes     int64      `json:"bytes"`
	Events    int        `json:"events"`
	Tags      int        `json:"tags"`
	Attackers int        `json:"attackers"`
	Tagged    int        `json:"tagged_attackers"`
	Sessions  int        `json:"sessions"`
	First     *time.Time `json:"first_seen"`
	Last      *time.Time `json:"last_seen"`
	Masked    bool       `json:"passwords_masked"`
	Elapsed   float64    `json:"elapsed_s"`
}

// say says what was written, and how to view it.
func (o *reportOptions) say(s *session, r *report.Report, size int64) error {
	took := s.now().Sub(o.now)
	t := &r.Total
	if o.json {
		return s.out.JSON(reportJSON{
			Path: term.Exact(o.output), Bytes: size, Events: t.Events, Tags: t.Tags, Attackers: t.Attackers, Tagged: t.TaggedAttackers, Sessions: t.Sessions,
			First: term.TimeOrNull(r.First), Last: term.TimeOrNull(r.Last), Masked: r.Masked, Elapsed: took.Seconds(),
		})
	}
	span, least := "", ""
	if t.AtLeast {
		least = "at least "
	}
	if !r.First.IsZero() {
		span = ", " + days(r.First, r.Last)
	}
	fmt.Fprintf(s.out, "wrote %s, %s in %s: %s of %s%s; %s of %s%s%s\n", term.Clean(o.output), term.Bytes(size), duration(took),
		term.Plural(t.Events, "event", "events"), least, term.Plural(t.Attackers, "attacker", "attackers"),
		term.Plural(t.Tags, "tag", "tags"), least, term.Plural(t.TaggedAttackers, "attacker", "attackers"), span)
	if !o.open {
		path, err := filepath.Abs(o.output)
		if err != nil {
			path = o.output
		}
		fmt.Fprintf(s.out, "open it in a browser: %s\n", term.Clean(fileURL(path)))
	}
	return nil
}

// days is the range of days.
func days(first, last time.Time) string {
	from, to := first.UTC().Format(time.DateOnly), last.UTC().Format(time.DateOnly)
	if from == to {
		return from
	}
	return from + " to " + to
}
