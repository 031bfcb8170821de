package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
)

type horizonsJSON struct {
	Forgotten []horizonJSON `json:"forgotten"`
}

type horizonJSON struct {
	Source  string `json:"source"`
	Horizon string `json:"horizon"` // what it was: the first day that came in
}

// forgetHorizon lets events of days that were taken out come in again.
func forgetHorizon(ctx context.Context, out *term.Output, stores *store.Opener, o pruneOptions) error {
	if o.keepEvents != "" || o.keepTags != "" || o.dryRun || o.yes || o.orphans {
		return cli.Usage("--forget-horizon takes nothing out", "it goes with --source and --json alone")
	}
	db, err := stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	kind := ttpcron.SourceKind("")
	if o.source != jobs.SourceAll {
		kinds, err := o.source.kinds(ctx, db)
		if err != nil {
			return err
		}
		kind = kinds[0]
	}
	gone, err := db.File.ForgetHorizon(ctx, kind)
	if err != nil {
		return err
	}
	if o.json {
		result := horizonsJSON{Forgotten: []horizonJSON{}}
		for _, h := range gone {
			result.Forgotten = append(result.Forgotten, horizonJSON{jobs.SourceOf(h.Kind), h.Before.String()})
		}
		err = out.JSON(result)
	} else {
		err = printForgotten(out, gone)
	}
	return closing(err, db)
}

func printForgotten(out *term.Output, gone []kv.Horizon) (err error) {
	for _, h := range gone {
		fmt.Fprintf(out, "%s: the horizon was %s; events of earlier days are imported again\n", term.Clean(jobs.SourceOf(h.Kind)), h.Before)
	}
	if len(gone) == 0 {
		_, err = fmt.Fprintln(out, "there is no horizon: events of every day are imported")
		return err
	}
	_, err = fmt.Fprintln(out, "To bring back what logs still hold: ttpcron import --again PATH reads them from their beginning.\nDo so before the next run: it judges correlations of these days again, and what they found goes until the events are back.\nA daemon with keep-events takes out again what is older than that.")
	return err
}
