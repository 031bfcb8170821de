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
		Name: "db compact", Short: "give free room in the store back to the disk", Flags: fs,
		Text: `Writes the store anew without the room that is free in it, checks the new file as
db check does, and puts it in the place of the old one, all of it at once. It
needs as much free space on the disk as the store will have, and nobody else may
have the store open meanwhile. The store reuses free room by itself: compacting
pays after db prune, when more than half is free.`,
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
