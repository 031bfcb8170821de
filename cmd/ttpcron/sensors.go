package main

import (
	"cmp"
	"context"
	"time"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func sensorsCommand() *command {
	var o censusOptions
	fs := cli.NewFlags()
	o.define(fs, "events")
	return &command{
		Name: "sensors", Short: "list the sensors and how long each has been silent", Flags: fs,
		Text: `Lists sensors, those with the most events first: events, attackers, sessions,
tags, distinct techniques (TECHN), the highest level of any tag, the first and
last event, and the time since the last one (SILENT). (no name) stands for
records that name no sensor; other views do not count it as a sensor. To name
it, set sensor for the input: docs/config.md.
` + censusText,
		Examples: `ttpcron sensors
ttpcron sensors --sort silent
ttpcron sensors --since 7d --technique T1105
ttpcron sensors --json | jq 'select(.silent_s > 86400) | .sensor'`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			return sensorsView(s.now()).run(ctx, s, &o, args)
		},
	}
}

// noName stands for the name of a sensor where records have none.
const noName = "(no name)"

func sensorsView(now time.Time) *censusView {
	v := &censusView{by: census.Sensors, one: "sensor", many: "sensors"}
	v.columns = append([]censusColumn{
		{Column: term.Column{Title: "SENSOR", Min: 12, SGR: term.Cyan}, name: "sensor", sort: "name", value: func(r *census.Row) any { return orNull(r.Name[0]) },
			cell: func(r *census.Row) string { return cmp.Or(r.Name[0], noName) }},
		countEvents,
		countColumn("ATTACKERS", "attackers", 3, func(r *census.Row) int { return r.Attackers }),
		countColumn("SESSIONS", "sessions", 2, func(r *census.Row) int { return r.Sessions }),
		countTags, spared(countTechniques, 4), techniqueIDs, levelColumn(5),
	}, append(seenColumns(1, 6),
		censusColumn{Column: term.Column{Title: "SILENT", Right: true}, name: "silent_s", sort: "silent", value: func(r *census.Row) any {
			return int(max(now.Sub(r.Last), 0) / time.Second) // a clock that is wrong may say the future
		}, cell: func(r *census.Row) string {
			if r.Last.After(now) {
				return "-"
			}
			return term.Ago(now.Sub(r.Last).Truncate(time.Second))
		}})...)
	return v
}
