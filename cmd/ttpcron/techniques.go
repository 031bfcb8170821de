package main

import (
	"context"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func techniquesCommand() *command {
	var o censusOptions
	fs := cli.NewFlags()
	o.define(fs, "tags")
	return &command{
		Name: "techniques", Short: "list the techniques", Flags: fs,
		Text: `Lists techniques, those with the most tags first, and in how many events and
sessions and by how many attackers they were seen. One session that writes a
file in 62 pieces has 62 tags and 62 events, but is one session of one attacker.
A correlation's tag covers several events, and adds none to EVENTS. A dash means
that only correlations found the technique, and that they name no session,
attacker or sensor.

A technique that rules name under several tactics has a row for each.
--attack-release names the ATT&CK release for ids and names. --new-since shows
techniques for which no event with such a tag had arrived before.
` + censusText,
		Examples: `ttpcron techniques --since 7d
ttpcron techniques --attacker 203.0.113.24 --sort first
ttpcron techniques --tactic persistence --sort attackers
ttpcron techniques --new-since 7d --json`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			return techniquesView(s.set.Attack, s.out.Term.Width).run(ctx, s, &o, args)
		},
	}
}

func techniquesView(under *attack.Table, width int) *censusView {
	names := 0 // how long those of techniques may be
	if width > 0 && width < 160 {
		names = 30
	}
	v := &censusView{by: census.Techniques, one: "technique", many: "techniques"}
	v.columns = append([]censusColumn{
		{Column: term.Column{Title: "TECHNIQUE", Min: 18, SGR: term.Bold}, name: "technique", sort: "technique", value: func(r *census.Row) any { return r.Name[1] },
			cell: func(r *census.Row) string { return r.Name[1] + " " + shortName(under, r.Name[1], names) }},
		{name: "technique_name", value: func(r *census.Row) any { return orNull(under.TechniqueName(r.Name[1])) }},
		{Column: term.Column{Title: "TACTIC", Min: 10, SGR: term.Yellow, Spare: 4}, name: "tactic", sort: "name", value: func(r *census.Row) any { return r.Name[0] },
			cell: func(r *census.Row) string { return tacticName(under, r.Name[0]) }},
		{name: "tactic_name", value: func(r *census.Row) any { return orNull(under.TacticName(r.Name[0])) }},
		countTags,
		countColumn("EVENTS", "events", 8, func(r *census.Row) int { return r.Tagged }),
		countColumn("ATTACKERS", "attackers", 0, func(r *census.Row) int { return r.Attackers }),
		countColumn("SESSIONS", "sessions", 7, func(r *census.Row) int { return r.Sessions }),
		countColumn("SENSORS", "sensors", 3, func(r *census.Row) int { return r.Sensors.N }),
		spared(levelColumn(0), 5),
	}, append(seenColumns(2, 6), namesColumn("RULES", "rules", 1, func(r *census.Row) *census.List { return &r.Rules }),
		censusColumn{name: "rule_count", sort: "rules", value: func(r *census.Row) any { return r.Rules.N }})...)
	for i := range v.columns {
		switch c := &v.columns[i]; c.name {
		case "events":
			c.sort = "tagged"
			fallthrough
		case "attackers", "sessions", "sensors":
			n := c.value
			c.cell = func(r *census.Row) string { return countOrNone(n(r).(int), r.Tagged) }
		}
	}
	return v
}
