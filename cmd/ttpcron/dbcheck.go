package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbCheck() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		name: "db check", short: "read the whole store and compare everything in it", fs: fs,
		text: `Reads the file from one end to the other without changing it: every page, the
checksum of every record, the UUID of every tag with its fields, the arrival
numbers, the checkpoints, and every index, counter and rollup with a recount.
Damage of any sort makes it exit 1, and each finding says what to do about it. It
works on any file, however damaged, and takes little memory. Other readers can go
on meanwhile; writers wait. While a daemon has the store, ttpcron db backup
checks the copy that it makes.`,
		examples: "ttpcron db check\nttpcron db check --db /backup/ttpcron.db\nttpcron db check --json | jq '.findings[]'",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			show, done := a.watchFile("check", pageBytes)
			r, err := doctor.Check(ctx, a.set.db, a.fileOptions(show))
			done()
			if err != nil {
				return a.ofFile(err)
			}
			if *asJSON {
				err = a.printJSON(checkOf(r))
			} else {
				err = a.printCheck(r)
			}
			if err == nil && r.Damaged() {
				err = hinted{fmt.Errorf("the store at %s is damaged: %s", r.Path, plural(len(r.Findings)+r.More, "finding", "findings")),
					"keep a copy of the file before anything else"}
			}
			return err
		},
	}
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

// findingsShown is how many findings are shown to people.
const findingsShown = 50

func (a *app) printCheck(r doctor.CheckReport) error {
	if !r.Damaged() {
		_, err := fmt.Fprintf(a.stdout, "%s is whole: %s and %s, %s read\n", clean(r.Path),
			plural(r.Events, "event", "events"), plural(r.Tags, "tag", "tags"), plural(r.Pages, "page", "pages"))
		return err
	}
	if err := a.printFindings(r.Findings, r.More); err != nil {
		return err
	}
	advice := map[string]bool{}
	for _, f := range r.Findings {
		if !advice[f.Do] {
			advice[f.Do] = true
			if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", clean(f.Place), clean(f.Do)); err != nil {
				return err
			}
		}
	}
	return nil
}

// printFindings prints what was found, and how much more there is.
func (a *app) printFindings(list []doctor.Finding, more int) error {
	t := table{columns: []column{{title: "PLACE", sgr: cyan}, {title: "KIND"}, {title: "DAY"}, {title: "WHAT", min: 30}}}
	for i, f := range list {
		if i == findingsShown {
			more += len(list) - i
			break
		}
		t.add(f.Place, string(f.Kind), f.Day, f.What)
	}
	if err := t.print(a.stdout, a.out); err != nil || more == 0 {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "and %s more\n", count(more))
	return err
}
