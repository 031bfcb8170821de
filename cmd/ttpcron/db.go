package main

import (
	"errors"
	"io/fs"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbCommands() *ffcli.Command {
	group := &command{
		name: "db", args: "COMMAND", short: "check, copy, mend and shrink the store", fs: a.flags(),
		text: `Commands for the file that holds the store. Every one of them leaves the file as
it was when it is interrupted or fails, but for prune, which keeps what it has
done.

While a daemon has the store, backup, stats and prune go through it. check,
restore, recover and compact need the file for themselves: stop the daemon first.`,
		examples: "ttpcron db check\nttpcron db backup /backup/ttpcron.db\nttpcron db prune --keep-events 365d --dry-run",
	}
	return a.build(group,
		a.build(a.dbCheck()),
		a.build(a.dbStats()),
		a.build(a.dbBackup()),
		a.build(a.dbRestore()),
		a.build(a.dbRecover()),
		a.build(a.dbCompact()),
		a.build(a.dbPrune()),
	)
}

// fileOptions says how commands treat the store's file as a whole.
func (a *app) fileOptions(show func(kv.Progress)) doctor.Options {
	return doctor.Options{Options: kv.Options{LockTimeout: a.set.lockTimeout, Now: a.now}, Progress: show}
}

// ofFile explains an error of work on the store's file.
func (a *app) ofFile(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return a.missing()
	}
	return unmade(err)
}

// watchFile returns a function that shows how far work on the store's file has
// come, and one that takes the bar away. Sizes are shown in bytes, or, when days
// are counted, in days.
func (a *app) watchFile(work string, pageSize int64) (show func(kv.Progress), done func()) {
	p := a.newProgress()
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

// halfFree says how to get the room back of a store of which more than half is
// free, or nothing.
func halfFree(bytes, free int64) string {
	if free*2 <= bytes || bytes < 1<<20 {
		return ""
	}
	return bytesText(free) + " of it are free: ttpcron db compact gives them back"
}

// oneArg checks that a command has its one argument.
func oneArg(args []string, command, what, hint string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", &usageError{command + " takes one argument, " + what, hint}
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
