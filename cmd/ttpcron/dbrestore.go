package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbRestore() *command {
	flags := a.flags()
	asJSON := flags.Bool("json", false, "print one JSON object: path, from, aside")
	return &command{
		name: "db restore", args: "FILE", short: "put a backup in the place of the store", fs: flags,
		text: `Copies FILE, checks the copy as db check does, and puts it in the place of the
store, all of it at once. The store that was there is not deleted: it stays
beside it under a name that ends in the time, and can be removed when nobody
needs it. A backup that is damaged replaces nothing.`,
		examples: "ttpcron db restore /backup/ttpcron.db\nttpcron db restore --db /var/lib/ttpcron/ttpcron.db /backup/ttpcron.db",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			from, err := oneArg(args, "db restore", "the backup", "ttpcron db restore /backup/ttpcron.db")
			if err != nil {
				return err
			}
			show, done := a.watchFile("restore", pageBytes)
			aside, err := doctor.Restore(ctx, from, a.set.db, a.fileOptions(show))
			done()
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no backup at %s", from)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return a.printJSON(map[string]exact{"path": exact(a.set.db), "from": exact(from), "aside": exact(aside)})
			}
			fmt.Fprintf(a.stdout, "%s is now what %s held\n", clean(a.set.db), clean(from))
			if aside != "" {
				fmt.Fprintf(a.stdout, "the store that was there is %s\n", clean(aside))
			}
			return nil
		},
	}
}
