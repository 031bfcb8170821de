package main

import (
	"cmp"
	"context"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func attackersCommand() *command {
	var o censusOptions
	var places placeOptions
	fs := cli.NewFlags()
	places.by = cli.OneOf{Values: []string{byCountry, byNetwork}}
	fs.Var(&places.files, "mmdb", mmdbUsage)
	fs.Var(&places.by, "by", "one row for each `PLACE`: country or network")
	cli.TextVar(fs, &places.country, "country", "only attackers from the country with code `CC`, such as NL")
	o.define(fs, "tags")
	return &command{
		Name: "attackers", Short: "list the attackers", Flags: fs,
		Text: `Lists attackers, those with the most tags first: events, sessions, logins tried,
logins that worked (WON), commands (CMDS), requests to web servers and other
services (REQS), files transferred, tags, distinct
techniques (TECHN), and the highest level of any tag.

An attacker is an address, or an identity that your source provides. (own) marks
addresses in your --own-networks; (resolver) marks addresses that only looked up
the names of DNS tokens. Tags of correlations over several attackers are of none
of them, and only counted.

With --mmdb, FROM is the country and NETWORK the operator of the network.
GeoLite2, DB-IP and IPinfo files work. Locations are looked up on each call and
never stored. Set TTPCRON_MMDB to use the same files every time.
` + censusText,
		Examples: `ttpcron attackers --technique T1110
ttpcron attackers --new-since 7d
ttpcron attackers --mmdb GeoLite2-Country.mmdb --by country
ttpcron attackers --since 24h --sort logins --limit 10
ttpcron attackers --attacker 192.0.2.0/24 --json`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := places.open(); err != nil {
				return err
			}
			defer places.places.Close()
			o.places = &places
			if places.by.Value != "" {
				return places.view().run(ctx, s, &o, args)
			}
			v := attackersView(s.set.OwnNetworks)
			v.columns = append(v.columns, places.columns()...)
			return v.run(ctx, s, &o, args)
		},
	}
}

// censusText is part of the help of all commands that count.
const censusText = `
Filters of time, attacker, session and sensor select events and tags. Other
filters, such as --technique or --min-level, select tags: rows without such a
tag are left out, and TAGS and the columns after it count only these tags.
--new-since leaves out rows that were known before; it goes by when events
arrived, in the whole history.

Times are those of events, in UTC. Names are cut at 256 bytes. --json and --csv
have all columns, and lists of the 16 most frequent names. On a terminal,
columns that do not fit are left out.`

func attackersView(own ttpcron.Networks) *censusView {
	mark := func(r *census.Row) ttpcron.Mark { return markOf(r, own) }
	name := func(r *census.Row) string { return cmp.Or(r.Addresses.First(), r.Name[0]) }
	v := &censusView{by: census.Attackers, one: "attacker", many: "attackers"}
	v.columns = append([]censusColumn{
		{Column: term.Column{Title: "ATTACKER", Min: 15, SGR: term.Cyan}, name: "attacker", sort: "addresses", value: func(r *census.Row) any { return name(r) }, cell: func(r *census.Row) string {
			return firstOfNamed(&r.Addresses, name(r)) + besideAttacker[mark(r)]
		}},
		{name: "uuid", sort: "name", value: func(r *census.Row) any { return orNull(r.Name[0]) }},
		{name: "addresses", value: func(r *census.Row) any { return r.Addresses.Names() }},
		{name: "attacker_mark", value: func(r *census.Row) any { return orNull(string(mark(r))) }},
		countEvents,
		countColumn("SESSIONS", "sessions", 3, func(r *census.Row) int { return r.Sessions }),
		countColumn("LOGINS", "logins", 9, func(r *census.Row) int { return r.Logins }),
		countColumn("WON", "logins_won", 8, func(r *census.Row) int { return r.Won }),
		countCommands,
		rare(countColumn("REQS", "requests", 7, (*census.Row).Requests)),
		countColumn("FILES", "files", 4, func(r *census.Row) int { return r.Files }),
		countTags, spared(countTechniques, 6), techniqueIDs, levelColumn(5),
	}, append(seenColumns(2, 10), countSensors, namesColumn("SENSORS", "sensor_names", 1, func(r *census.Row) *census.List { return &r.Sensors }))...)
	return v
}

// firstOfNamed is firstOf for a list that may be empty.
func firstOfNamed(l *census.List, name string) string {
	if l.N < 2 {
		return name
	}
	return firstOf(l)
}

// markOf is an attacker's mark: a resolver only looked up names.
func markOf(r *census.Row, own ttpcron.Networks) ttpcron.Mark {
	switch {
	case own.Contains(r.Addresses.First()):
		return ttpcron.MarkOwnNetwork
	case r.Events > 0 && r.Resolver == r.Events:
		return ttpcron.MarkResolver
	}
	return ttpcron.MarkNone
}
