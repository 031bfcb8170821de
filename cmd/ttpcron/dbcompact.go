package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron/kv/doctor"
)

func (a *app) dbCompact() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object: path, before, after (bytes)")
	return &command{
		name: "db compact", short: "give free room in the store back to the disk", fs: fs,
		text: `Writes the store anew without the room that is free in it, checks the new file as
db check does, and puts it in the place of the old one, all of it at once. It
needs as much free space on the disk as the store will have, and nobody else may
have the store open meanwhile. The store reuses free room by itself: compacting
pays after db prune, when more than half is free.`,
		examples: "ttpcron db compact",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			show, done := a.watchFile("compact", pageBytes)
			c, err := doctor.Compact(ctx, a.set.db, a.fileOptions(show))
			done()
			if err != nil {
				return a.ofFile(err)
			}
			if *asJSON {
				return a.printJSON(map[string]any{"path": exact(a.set.db), "before": c.Before, "after": c.After})
			}
			_, err = fmt.Fprintf(a.stdout, "%s: %s before, %s now\n", clean(a.set.db), bytesText(c.Before), bytesText(c.After))
			return err
		},
	}
}
