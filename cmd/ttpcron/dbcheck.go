package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbCheck() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		Name: "db check", Short: "read the whole store and compare everything in it", Flags: fs,
		Text: `Reads the file from one end to the other without changing it: every page, the
checksum of every record, the UUID of every tag with its fields, the arrival
numbers, the checkpoints, and every index, counter and rollup with a recount.
Damage of any sort makes it exit 1, and each finding says what to do about it. It
works on any file, however damaged, and takes little memory. Other readers can go
on meanwhile; writers wait. While a daemon has the store, the daemon does the
check, of the state at one moment, and goes on importing and tagging.`,
		Examples: "ttpcron db check\nttpcron db check --db /backup/ttpcron.db\nttpcron db check --json | jq '.findings[]'",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			show, done := watchFile(s.out, s.log, s.now, "check", pageBytes)
			r, err := checkStore(ctx, s.stores, show)
			done()
			if err != nil {
				return s.stores.ForItself(ctx, err)
			}
			if *asJSON {
				err = s.out.JSON(checkOf(r))
			} else {
				err = printCheck(s.out, r)
			}
			if err == nil && r.Damaged() {
				err = cli.Hint(fmt.Errorf("the store at %s is damaged: %s", r.Path, term.Plural(len(r.Findings)+r.More, "finding", "findings")),
					"keep a copy of the file before anything else")
			}
			return err
		},
	}
}

func checkStore(ctx context.Context, stores *store.Opener, show func(kv.Progress)) (doctor.CheckReport, error) {
	if db, ok := stores.OfDaemon(ctx); ok {
		return db.File.Check(ctx, show)
	}
	return doctor.Check(ctx, stores.DB, stores.FileOptions(show))
}

// pageBytes is the unit in which checking a file counts.
const pageBytes = 4096

type checkJSON struct {
	Path     string        `json:"path"`
	Damaged  bool          `json:"damaged"`
	Schema   int           `json:"schema"`
	Pages    int           `json:"pages"`
	Events   int           `json:"events"`
	Tags     int           `json:"tags"`
	Days     int           `json:"days"`
	Findings []findingJSON `json:"findings"`
	More     int           `json:"more_findings"`
}

type findingJSON struct {
	Place string `json:"place"`
	Kind  string `json:"kind,omitempty"`
	Day   string `json:"day,omitempty"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

func checkOf(r doctor.CheckReport) checkJSON {
	return checkJSON{
		Path: r.Path, Damaged: r.Damaged(), Schema: r.Schema, Pages: r.Pages, Events: r.Events, Tags: r.Tags, Days: r.Days,
		Findings: findingsOf(r.Findings), More: r.More,
	}
}

func findingsOf(list []doctor.Finding) []findingJSON {
	out := []findingJSON{}
	for _, f := range list {
		out = append(out, findingJSON{f.Place, string(f.Kind), f.Day, f.What, f.Do})
	}
	return out
}

// findingsShown is how many findings are shown as text.
const findingsShown = 50

func printCheck(out *term.Output, r doctor.CheckReport) error {
	if !r.Damaged() {
		_, err := fmt.Fprintf(out, "%s is whole: %s and %s, %s read\n", term.Clean(r.Path),
			term.Plural(r.Events, "event", "events"), term.Plural(r.Tags, "tag", "tags"), term.Plural(r.Pages, "page", "pages"))
		return err
	}
	if err := printFindings(out, r.Findings, r.More); err != nil {
		return err
	}
	advice := map[string]bool{}
	for _, f := range r.Findings {
		if !advice[f.Do] {
			advice[f.Do] = true
			if _, err := fmt.Fprintf(out, "%s: %s\n", term.Clean(f.Place), term.Clean(f.Do)); err != nil {
				return err
			}
		}
	}
	return nil
}

// printFindings prints findings, and how many more there are.
func printFindings(out *term.Output, list []doctor.Finding, more int) error {
	t := term.Table{Columns: []term.Column{{Title: "PLACE", SGR: term.Cyan}, {Title: "KIND"}, {Title: "DAY"}, {Title: "WHAT", Min: 30}}}
	for i, f := range list {
		if i == findingsShown {
			more += len(list) - i
			break
		}
		t.Add(f.Place, string(f.Kind), f.Day, f.What)
	}
	if err := out.Table(&t); err != nil || more == 0 {
		return err
	}
	_, err := fmt.Fprintf(out, "and %s more\n", term.Count(more))
	return err
}
