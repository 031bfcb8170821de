package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbPurge() *command {
	fs := cli.NewFlags()
	var p kv.Purge
	cli.TextVar(fs, &p.Attacker, "attacker", "purge attacker `WHO`: an address or a UUID")
	cli.TextVar(fs, &p.Session, "session", "purge session `ID`")
	cli.TextVar(fs, &p.Reason, "reason", "the reason, for ttpcron rules log: `TEXT` that names no attacker")
	dryRun := fs.Bool("dry-run", false, "show what would be removed, and remove nothing")
	yes := fs.Bool("yes", false, "remove it, for good")
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		Name: "db purge", Short: "remove all data of an attacker or a session", Flags: fs,
		Text: `Removes every event of an attacker or a session, whatever its age, with
everything captured in it and all its tags. Also removes rejected lines that
name the address, UUID or session (if its id has six characters or more). Then
it rewrites the store as db compact does, so that no trace remains in the file.
This needs as much free disk space as the new file will take, and no other
process may have the store open: stop the daemon first.

The events do not come back: not when their logs are read again, not when a
horizon is forgotten, and not in a store that db recover makes. The store keeps
only a keyed hash of each and counts it as known. New events of the same
attacker are imported; purge again to remove those. The audit trail (ttpcron
rules log) says when, by whom and how much was purged, but not which attacker or
session.

Not touched: the logs themselves, copies of the store (backups, exports, files
that db restore and db recover left), the journal, and events of others that
mention the address. The disk may hold blocks of the old file until they are
overwritten.

An address counts in any spelling. If the purge is interrupted, part of the data
may remain: run it again, even if there is nothing left to remove, so that the
file is rewritten.`,
		Examples: "ttpcron db purge --attacker 203.0.113.7 --dry-run\nttpcron db purge --attacker 203.0.113.7 --yes\nttpcron db purge --session 5f3a0c9e12ab --reason 'request 17' --yes",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			switch {
			case (p.Attacker == "") == (p.Session == ""):
				return cli.Usage("want one of --attacker and --session", "ttpcron db purge --attacker 203.0.113.7 --dry-run shows what would go")
			}
			var err error
			if p.Attacker, err = whomToPurge(p.Attacker); err != nil {
				return err
			}
			if namesWhom(p.Reason, p) {
				return cli.Usage("--reason names whom to purge", "it stays in the store")
			}
			p.By = s.author()
			return purge(ctx, s, p, *dryRun, *yes, *asJSON)
		},
	}
}

// whomToPurge reads --attacker: an address in its canonical spelling, or a UUID in lower
// case, as they are recorded. Other names are taken as they are.
func whomToPurge(name string) (string, error) {
	name = strings.TrimSpace(name)
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().String(), nil
	}
	if u, ok := ttpcron.ParseUUID(strings.ToLower(name)); ok {
		return u.String(), nil
	}
	if networks, err := ttpcron.ParseNetworks(name); err == nil && len(networks) > 0 {
		return "", cli.Usage(fmt.Sprintf("--attacker %q is a network, want one attacker", name), "ttpcron attackers --attacker "+name+" lists the attackers in it")
	}
	return name, nil
}

// namesWhom reports whether a text names the attacker or session of a purge, in a usual
// spelling.
func namesWhom(text string, p kv.Purge) bool {
	var q ttpcron.TagQuery
	q.SelectAttacker(p.Attacker)
	for _, name := range append(q.AttackerToo, p.Attacker, p.Session) {
		if name != "" && strings.Contains(text, name) {
			return true
		}
	}
	return false
}

type purgeJSON struct {
	DryRun  bool             `json:"dry_run"`
	Sources []purgedKindJSON `json:"sources"`
	Tags    int              `json:"tags"`
	Rejects int              `json:"rejects"`
	Before  int64            `json:"before"` // bytes of the store
	After   int64            `json:"after"`
	Asides  []term.Exact     `json:"asides"` // stores that db restore has set aside, which are not touched
}

type purgedKindJSON struct {
	Source string `json:"source"`
	Days   int    `json:"days"`
	Events int    `json:"events"`
}

func purge(ctx context.Context, s *session, p kv.Purge, dryRun, yes, asJSON bool) error {
	p.DryRun = dryRun || !yes
	show, done := watchFile(s.out, s.log, s.now, "purge", 0)
	r, c, err := doctor.Purge(ctx, s.set.DB, p, s.stores.FileOptions(show))
	done()
	if err != nil {
		return s.stores.ForItself(ctx, err)
	}
	if !dryRun && !yes {
		return cli.Hint(fmt.Errorf("%s would be taken out, and nothing brings that back", purgedAmount(r)), "nothing was done; --yes does it")
	}
	asides, err := doctor.Asides(s.set.DB)
	if err != nil {
		return err
	}
	if asJSON {
		j := purgeJSON{DryRun: dryRun, Sources: []purgedKindJSON{}, Tags: r.Tags, Rejects: r.Rejects, Before: c.Before, After: c.After, Asides: []term.Exact{}}
		for _, k := range r.Kinds {
			j.Sources = append(j.Sources, purgedKindJSON{jobs.SourceOf(k.Kind), k.Days, k.Events})
		}
		for _, path := range asides {
			j.Asides = append(j.Asides, term.Exact(path))
		}
		return s.out.JSON(j)
	}
	return printPurged(s.out, r, c, asides, dryRun)
}

// purgedAmount counts what a purge removes.
func purgedAmount(r kv.PurgeReport) string {
	events := 0
	for _, k := range r.Kinds {
		events += k.Events
	}
	return fmt.Sprintf("%s, %s and %s that could not be used", term.Plural(events, "event", "events"), term.Plural(r.Tags, "tag", "tags"), term.Plural(r.Rejects, "line", "lines"))
}

func printPurged(out *term.Output, r kv.PurgeReport, c doctor.Compacted, asides []string, dryRun bool) error {
	verb := "removed"
	if dryRun {
		verb = "would remove"
	}
	for _, k := range r.Kinds {
		fmt.Fprintf(out, "%s: %s %s of %s\n", term.Clean(jobs.SourceOf(k.Kind)), verb, term.Plural(k.Events, "event", "events"), term.Plural(k.Days, "day", "days"))
	}
	fmt.Fprintf(out, "%s %s in all\n", verb, purgedAmount(r))
	if !dryRun {
		fmt.Fprintf(out, "the store was written anew: %s before, %s now\n", term.Bytes(c.Before), term.Bytes(c.After))
	}
	fmt.Fprintln(out, "not touched: logs, backups and other copies of the store")
	for _, path := range asides {
		fmt.Fprintf(out, "not touched: %s, which db restore has set aside\n", term.Clean(path))
	}
	return nil
}
