package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbBackup() *command {
	fs := a.flags()
	replace := fs.Bool("replace", false, "replace FILE if it exists")
	asJSON := fs.Bool("json", false, "print one JSON object: path, bytes")
	return &command{
		name: "db backup", args: "FILE", short: "copy the store as it stands, and verify the copy", fs: fs,
		text: `Writes a copy of the store at one moment to FILE. The copy is read back and
checked as db check does before it appears under its name, all of it at once;
whatever fails or interrupts it leaves no FILE, and an older one as it was.
Writers wait while it copies and go on while it verifies. Copying the file by
other means while a program writes to it gives no usable copy.`,
		examples: "ttpcron db backup /backup/ttpcron-$(date +%F).db\nttpcron db backup --replace /backup/ttpcron.db",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			to, err := oneArg(args, "db backup", "the file to write", "ttpcron db backup /backup/ttpcron.db")
			if err != nil {
				return err
			}
			if err := a.backup(ctx, to, *replace); err != nil {
				return err
			}
			info, err := os.Stat(to)
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(map[string]any{"path": exact(to), "bytes": info.Size()})
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %s, verified\n", clean(to), bytesText(info.Size()))
			return err
		},
	}
}

func (a *app) backup(ctx context.Context, to string, replace bool) error {
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if own, err := os.Stat(a.set.db); err == nil {
		if at, err := os.Stat(to); err == nil && os.SameFile(own, at) {
			return hinted{fmt.Errorf("%s is the store itself", to), "name another file"}
		}
	}
	show, done := a.watchFile("back up", pageBytes)
	err = db.Backup(ctx, to, replace, show)
	done()
	return hintExists(err, "name another file, or replace it with --replace")
}

// hintExists says what to do about a file that exists.
func hintExists(err error, hint string) error {
	var exists *doctor.ExistsError
	if errors.As(err, &exists) {
		return hinted{err, hint}
	}
	return err
}
