package main

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

func dbCommands() *command {
	return &command{
		Name: "db", Args: "COMMAND", Short: "check, copy, repair and shrink the store",
		Text: `If one of these commands is interrupted or fails, the store's file stays as it
was. Only prune and purge keep what they have done.

While a daemon has the store, check, stats, backup and prune go through it.
restore, recover, compact and purge need the file to themselves: run systemctl
stop ttpcron, then the command, then systemctl start ttpcron.`,
		Examples: "ttpcron db check\nttpcron db backup /backup/ttpcron.db\nttpcron db prune --keep-events 365d --dry-run",
		Sub: []*command{
			dbCheck(),
			dbStats(),
			dbBackup(),
			dbRestore(),
			dbRecover(),
			dbCompact(),
			dbPrune(),
			dbPurge(),
		},
	}
}

// watchFile returns a function that shows the progress of work on the store's file, and
// one that removes the bar. Sizes are in bytes, or in days if days are counted.
func watchFile(out *term.Output, log hclog.Logger, now func() time.Time, work string, pageSize int64) (show func(kv.Progress), done func()) {
	p := newProgress(out, log, now)
	p.bytes = pageSize > 0
	return func(at kv.Progress) {
		size := max(pageSize, 1)
		name := ""
		if at.Place == "copy" || at.Place == "verify" {
			name = at.Place // other places follow one another within one count
			if at.Place == "copy" {
				size = 1
			}
		}
		p.update(jobs.Progress{Stage: work, Name: name, Done: at.Done * size, Total: at.Total * size})
	}, p.done
}

// halfFree says how to shrink a store if more than half of it is free, or nothing.
func halfFree(bytes, free int64) string {
	if free*2 <= bytes || bytes < 1<<20 {
		return ""
	}
	return term.Bytes(free) + " of it are free: ttpcron db compact gives them back"
}

// oneArg checks that a command has its one argument.
func oneArg(args []string, command, what, hint string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", cli.Usage(command+" takes one argument, "+what, hint)
	}
	return args[0], nil
}

// closing closes a store and returns the first error.
func closing(err error, db interface{ Close() error }) error {
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return err
}
