package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbRestore() *command {
	flags := cli.NewFlags()
	asJSON := flags.Bool("json", false, "print one JSON object: path, from, aside")
	return &command{
		Name: "db restore", Args: "FILE", Short: "replace the store with a backup", Flags: flags,
		Text: `Copies FILE, checks the copy as db check does, and replaces the store with it.
The old store is not deleted: it stays in the same folder under a name that ends
in the time. Delete it when you no longer need it. A damaged backup replaces
nothing.`,
		Examples: "ttpcron db restore /backup/ttpcron.db\nttpcron db restore --db /var/lib/ttpcron/ttpcron.db /backup/ttpcron.db",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			from, err := oneArg(args, "db restore", "the backup", "ttpcron db restore /backup/ttpcron.db")
			if err != nil {
				return err
			}
			show, done := watchFile(s.out, s.log, s.now, "restore", pageBytes)
			aside, err := doctor.Restore(ctx, from, s.set.DB, s.stores.FileOptions(show))
			done()
			if err != nil {
				return noBackup(err, from, s.stores.ForItself(ctx, err))
			}
			if *asJSON {
				return s.out.JSON(map[string]term.Exact{"path": term.Exact(s.set.DB), "from": term.Exact(from), "aside": term.Exact(aside)})
			}
			fmt.Fprintf(s.out, "%s is now what %s held\n", term.Clean(s.set.DB), term.Clean(from))
			if aside != "" {
				fmt.Fprintf(s.out, "the store that was there is %s\n", term.Clean(aside))
			}
			return nil
		},
	}
}

// noBackup explains why a file cannot be restored, if it is the file's fault; otherwise it
// returns another explanation.
func noBackup(err error, from string, other error) error {
	const named = "name a file that ttpcron db backup wrote; the store is as it was"
	notStore, empty := (*kv.NotStoreError)(nil), (*kv.UnfinishedError)(nil)
	if _, missing := os.Stat(from); errors.Is(missing, fs.ErrNotExist) {
		return cli.Hint(fmt.Errorf("there is no backup at %s", from), named)
	}
	switch {
	case errors.Is(err, doctor.ErrStoreItself):
		return cli.Hint(fmt.Errorf("%s is the store itself, not a backup of it", from), named)
	case errors.As(err, &notStore) && notStore.Path == from:
		return cli.Hint(fmt.Errorf("%s is not a backup of a store: %s", from, notStore.Reason), named)
	case errors.As(err, &empty) && empty.Path == from:
		return cli.Hint(err, named)
	}
	return other
}
