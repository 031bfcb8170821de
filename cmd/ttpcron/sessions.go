package main

import (
	"context"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func sessionsCommand() *command {
	var o censusOptions
	fs := cli.NewFlags()
	o.define(fs, "tags")
	o.defineWon(fs)
	return &command{
		Name: "sessions", Short: "list the sessions", Flags: fs,
		Text: `Lists sessions, those with the most tags first: the start and duration, sensor,
attacker, LOGIN (user/password of a login that worked, else the number of
tries), commands (CMDS), files transferred, tags, distinct techniques (TECHN),
the highest level of any tag, the client's own name for itself, and whether the
end of the session was recorded (END).

Sessions are identified by sensor and id: two sensors may use the same id. The
duration is that in the record of the session's end, or else the time from its
first to its last event. Passwords are shown.
` + censusText,
		Examples: `ttpcron sessions --since 24h --sort first
ttpcron sessions --won --attacker 203.0.113.24
ttpcron sessions --technique T1105 --min-level high
ttpcron sessions --sort commands --limit 20 --csv > sessions.csv`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			return sessionsView.run(ctx, s, &o, args)
		},
	}
}

var sessionsView = &censusView{by: census.Sessions, one: "session", many: "sessions", columns: []censusColumn{
	{Column: term.Column{Title: "SESSION", Min: 12, SGR: term.Bold}, name: "session_id", sort: "name", value: func(r *census.Row) any { return r.Name[0] }},
	{Column: term.Column{Title: "SENSOR", Min: 8, Spare: 3}, name: "sensor", value: func(r *census.Row) any { return orNull(r.Name[1]) }},
	{Column: term.Column{Title: "ATTACKER", Min: 15, SGR: term.Cyan}, name: "attacker", sort: "addresses", value: func(r *census.Row) any { return orNull(r.Addresses.First()) },
		cell: func(r *census.Row) string { return firstOf(&r.Addresses) }},
	{name: "attackers", value: func(r *census.Row) any { return r.Addresses.Names() }},
	{Column: term.Column{Title: "START (UTC)", Spare: 10}, name: "first_seen", sort: "first", value: func(r *census.Row) any { return r.First }},
	{name: "last_seen", sort: "last", value: func(r *census.Row) any { return r.Last }},
	{Column: term.Column{Title: "TOOK", Right: true, Spare: 5}, name: "duration_s", sort: "duration", value: func(r *census.Row) any { return r.Duration().Seconds() },
		cell: func(r *census.Row) string { return term.Ago(r.Duration()) }},
	{Column: term.Column{Title: "LOGIN", Min: 10, Spare: 9}, name: "login", value: func(r *census.Row) any { return orNull(r.Logged.First()) }, cell: func(r *census.Row) string {
		switch {
		case r.Logged.N > 0:
			return firstOf(&r.Logged)
		case r.Logins > 0:
			return term.Plural(r.Logins, "try", "tries")
		}
		return "-"
	}},
	{name: "logins", sort: "logins", value: func(r *census.Row) any { return r.Logins }},
	{name: "logins_won", sort: "won", value: func(r *census.Row) any { return r.Won }},
	{name: "events", sort: "events", value: func(r *census.Row) any { return r.Events }},
	spared(countCommands, 8),
	countColumn("FILES", "files", 6, func(r *census.Row) int { return r.Files }),
	countTags, spared(countTechniques, 4), techniqueIDs, levelColumn(7),
	{Column: term.Column{Title: "END", Spare: 2}, name: "ended", value: func(r *census.Row) any { return r.Ended }, cell: func(r *census.Row) string {
		if r.Ended {
			return "closed"
		}
		return "-"
	}},
	{Column: term.Column{Title: "CLIENT", Min: 12, Spare: 1}, name: "client", value: func(r *census.Row) any { return orNull(r.Clients.First()) }, cell: func(r *census.Row) string { return firstOf(&r.Clients) }},
}}
