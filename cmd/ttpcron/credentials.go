package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

func credentialsCommand() *command {
	var o censusOptions
	var users, passwords, keys bool
	fs := cli.NewFlags()
	fs.BoolVar(&users, "users", false, "one row for each user name")
	fs.BoolVar(&passwords, "passwords", false, "one row for each password")
	fs.BoolVar(&keys, "keys", false, "one row for each key that was offered, by fingerprint")
	o.define(fs, "tries")
	o.defineWon(fs)
	o.who = true
	return &command{
		Name: "credentials", Short: "list the users, passwords and keys that were tried", Flags: fs,
		Text: `Lists the users and passwords that were tried, the most frequent first: how
often each was tried and worked (WON), by how many attackers, in how many
sessions, at how many sensors, and when first and last. FROM is the address that
tried it most, and how many others did; with --won, only those that got in count
here. Passwords are shown, also with --json and --csv. Some may belong to real
people.

(empty) is an empty password. (none) means that none was recorded, and (key)
that a key was offered instead; --keys lists the keys. In --json both are null,
and "offered" is password, key or nothing.
` + censusText,
		Examples: `ttpcron credentials --limit 20
ttpcron credentials --won
ttpcron credentials --passwords --sort attackers
ttpcron credentials --sort won --attacker 192.0.2.0/24
ttpcron credentials --new-since 7d --csv > new.csv`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			by := census.Credentials
			for _, choice := range []struct {
				given bool
				by    census.By
			}{{users, census.Users}, {passwords, census.Passwords}, {keys, census.Keys}} {
				if !choice.given {
					continue
				}
				if by != census.Credentials {
					return cli.Usage("--users, --passwords and --keys exclude one another", "give one of them")
				}
				by = choice.by
			}
			return credentialsView(by).run(ctx, s, &o, args)
		},
	}
}

func credentialsView(by census.By) *censusView {
	v := &censusView{by: by, one: "login", many: "logins"}
	var offered []censusColumn
	name := func(title, name string, i int) censusColumn {
		return censusColumn{Column: term.Column{Title: title, Min: 10, SGR: term.Bold}, name: name, sort: "name",
			value: func(r *census.Row) any {
				if untried(r, i) != "" {
					return nil
				}
				return r.Name[i]
			},
			cell: func(r *census.Row) string { return cmp.Or(r.Name[i], untried(r, i), "(empty)") }}
	}
	switch by {
	case census.Users:
		v.columns, v.one, v.many = []censusColumn{name("USER", "username", 0)}, "user", "users"
	case census.Passwords:
		v.columns, v.one, v.many = []censusColumn{name("PASSWORD", "password", 0)}, "password", "passwords"
	case census.Keys:
		v.columns, v.one, v.many = []censusColumn{name("KEY", "key_fingerprint", 0)}, "key", "keys"
	default:
		v.columns = []censusColumn{name("USER", "username", 0), name("PASSWORD", "password", 1)}
		v.columns[1].sort = ""
		offered = append(offered, censusColumn{name: "offered", value: func(r *census.Row) any {
			switch {
			case strings.Contains(r.Name[2], census.OnlyKey):
				return "key"
			case strings.Contains(r.Name[2], census.NoPassword):
				return "nothing"
			}
			return "password"
		}})
	}
	tries := countColumn("TRIES", "tries", 0, func(r *census.Row) int { return r.Logins })
	tries.sort = "logins"
	v.columns = append(append(v.columns, tries,
		countColumn("WON", "won", 0, func(r *census.Row) int { return r.Won }),
		countColumn("ATTACKERS", "attackers", 0, func(r *census.Row) int { return r.Attackers }),
		censusColumn{Column: term.Column{Title: "FROM", Min: 18, Spare: 5, SGR: term.Cyan}, name: "addresses", value: func(r *census.Row) any { return r.Addresses.Names() },
			cell: func(r *census.Row) string { return firstOf(&r.Addresses) }},
		countColumn("SESSIONS", "sessions", 2, func(r *census.Row) int { return r.Sessions }),
		countColumn("SENSORS", "sensors", 3, func(r *census.Row) int { return r.Sensors.N })), append(seenColumns(1, 4), offered...)...)
	return v
}

// untried says which of a login's user and password was not tried, empty if it was.
func untried(r *census.Row, i int) string {
	lacks := ""
	if len(r.Name) == 3 {
		lacks = r.Name[2]
	}
	switch {
	case i == 0 && strings.Contains(lacks, census.NoUser):
		return "(none)"
	case i == 1 && strings.Contains(lacks, census.OnlyKey):
		return "(key)"
	case i == 1 && strings.Contains(lacks, census.NoPassword):
		return "(none)"
	}
	return ""
}

// loginName is user/password, as far as the two were tried.
func loginName(r *census.Row) string {
	return cmp.Or(untried(r, 0), r.Name[0]) + "/" + cmp.Or(untried(r, 1), r.Name[1])
}
