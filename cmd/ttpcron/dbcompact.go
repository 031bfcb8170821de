package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbCompact() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object: path, before, after (bytes)")
	return &command{
		Name: "db compact", Short: "return free space in the store to the disk", Flags: fs,
		Text: `Writes the store to a new file without its free space, checks that file as db
check does, and then replaces the old one with it. This needs as much free disk
space as the new file will take, and no other process may have the store open.
The store reuses free space by itself, so compact only when more than half of it
is free, as after db prune.`,
		Examples: "ttpcron db compact",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			show, done := watchFile(s.out, s.log, s.now, "compact", pageBytes)
			c, err := doctor.Compact(ctx, s.set.DB, s.stores.FileOptions(show))
			done()
			if err != nil {
				return s.stores.ForItself(ctx, err)
			}
			if *asJSON {
				return s.out.JSON(map[string]any{"path": term.Exact(s.set.DB), "before": c.Before, "after": c.After})
			}
			_, err = fmt.Fprintf(s.out, "%s: %s before, %s now\n", term.Clean(s.set.DB), term.Bytes(c.Before), term.Bytes(c.After))
			return err
		},
	}
}
