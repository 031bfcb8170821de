package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbBackup() *command {
	fs := cli.NewFlags()
	replace := fs.Bool("replace", false, "replace FILE if it exists")
	asJSON := fs.Bool("json", false, "print one JSON object: path, bytes")
	return &command{
		Name: "db backup", Args: "FILE", Short: "copy the store and verify the copy", Flags: fs,
		Text: `Writes a copy of the store, as of one moment, to FILE. The copy is read back and
checked as db check does; only then does it appear as FILE. If the backup fails
or is interrupted, there is no FILE, or the older one stays. Writers wait while
the store is copied, but not during the check. Do not copy the store by other
means while a program writes to it: the copy would be unusable.`,
		Examples: "ttpcron db backup /backup/ttpcron-$(date +%F).db\nttpcron db backup --replace /backup/ttpcron.db",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			to, err := oneArg(args, "db backup", "the file to write", "ttpcron db backup /backup/ttpcron.db")
			if err != nil {
				return err
			}
			if err := backup(ctx, s, to, *replace); err != nil {
				return err
			}
			info, err := os.Stat(to)
			if err != nil {
				return err
			}
			if *asJSON {
				return s.out.JSON(map[string]any{"path": term.Exact(to), "bytes": info.Size()})
			}
			_, err = fmt.Fprintf(s.out, "%s: %s, verified\n", term.Clean(to), term.Bytes(info.Size()))
			return err
		},
	}
}

func backup(ctx context.Context, s *session, to string, replace bool) error {
	db, err := s.stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if own, err := os.Stat(s.stores.DB); err == nil {
		if at, err := os.Stat(to); err == nil && os.SameFile(own, at) {
			return cli.Hint(fmt.Errorf("%s is the store itself", to), "name another file")
		}
	}
	show, done := watchFile(s.out, s.log, s.now, "back up", pageBytes)
	err = db.File.Backup(ctx, to, replace, show)
	done()
	return hintExists(err, "name another file, or replace it with --replace")
}

// hintExists says what to do about a file that exists.
func hintExists(err error, hint string) error {
	var exists *doctor.ExistsError
	if errors.As(err, &exists) {
		return cli.Hint(err, hint)
	}
	return err
}
