package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func filesCommand() *command {
	var o censusOptions
	fs := cli.NewFlags()
	o.define(fs, "times")
	return &command{
		Name: "files", Short: "list the files that attackers transferred", Flags: fs,
		Text: `Lists files, the most frequent first. A file is identified by its SHA-256,
whatever URL it came from: the table shows its most frequent URL or name, and
URLS counts them. A file that was not fetched is identified by its URL or name.
Tags are those of the transfers, not of commands that name the file.
` + censusText,
		Examples: `ttpcron files --since 30d
ttpcron files --new-since 7d
ttpcron files --sort attackers --json | jq -r '.sha256 // empty'
ttpcron files --session e41b2c99d706 --csv > files.csv`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			return filesView.run(ctx, s, &o, args)
		},
	}
}

var filesView = &censusView{by: census.Files, one: "file", many: "files", columns: append([]censusColumn{
	{Column: term.Column{Title: "SHA-256", Min: 12}, name: "sha256", sort: "name", value: func(r *census.Row) any { return orNull(r.Name[0]) }, cell: func(r *census.Row) string { return cmp.Or(r.Name[0], "-") }},
	{Column: term.Column{Title: "URL OR NAME", Min: 24}, name: "path", value: func(r *census.Row) any { return orNull(r.Paths.First()) }, cell: func(r *census.Row) string { return cmp.Or(r.Paths.First(), "-") }},
	{name: "paths", value: func(r *census.Row) any { return r.Paths.Names() }},
	{Column: term.Column{Title: "URLS", Right: true, Spare: 9}, name: "path_count", sort: "paths", value: func(r *census.Row) any { return r.Paths.N }},
	{Column: term.Column{Title: "DIR", Spare: 3}, name: "directions", value: func(r *census.Row) any { return r.Directions.Names() }, cell: func(r *census.Row) string {
		return strings.Join(r.Directions.Names(), " ")
	}},
	timesColumn("TIMES", "times"),
	countColumn("ATTACKERS", "attackers", 10, func(r *census.Row) int { return r.Attackers }),
	countColumn("SESSIONS", "sessions", 4, func(r *census.Row) int { return r.Sessions }),
	countColumn("SENSORS", "sensors", 2, func(r *census.Row) int { return r.Sensors.N }),
	{Column: term.Column{Title: "SIZE", Right: true, Spare: 5}, name: "size", sort: "size", value: func(r *census.Row) any {
		if r.Size == 0 {
			return nil
		}
		return r.Size
	}, cell: func(r *census.Row) string {
		if r.Size == 0 {
			return "-"
		}
		return term.Bytes(int64(r.Size))
	}},
	spared(countTags, 6), techniqueIDs, levelColumn(7),
}, seenColumns(1, 8)...)}

// timesColumn counts events under another name.
func timesColumn(title, name string) censusColumn {
	c := countColumn(title, name, 0, func(r *census.Row) int { return r.Events })
	c.sort = "events"
	return c
}
