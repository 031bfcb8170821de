package main

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
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
func (a *app) forgetHorizon(ctx context.Context, o pruneOptions) error {
	if o.keepEvents != "" || o.keepTags != "" || o.dryRun || o.yes {
		return &usageError{"--forget-horizon takes nothing out", "it goes with --source and --json alone"}
	}
	kind := ttpcron.SourceKind("")
	if o.source != jobs.SourceAll {
		kind = jobs.KindOf(o.source)
	}
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	gone, err := db.ForgetHorizon(ctx, kind)
	if err != nil {
		return err
	}
	if o.json {
		out := horizonsJSON{Forgotten: []horizonJSON{}}
		for _, h := range gone {
			out.Forgotten = append(out.Forgotten, horizonJSON{jobs.SourceOf(h.Kind), h.Before.String()})
		}
		err = a.printJSON(out)
	} else {
		err = a.printForgotten(gone)
	}
	return closing(err, db)
}

func (a *app) printForgotten(gone []kv.Horizon) (err error) {
	for _, h := range gone {
		fmt.Fprintf(a.stdout, "%s: the horizon was %s; events of earlier days come in again\n", clean(jobs.SourceOf(h.Kind)), h.Before)
	}
	if len(gone) == 0 {
		_, err = fmt.Fprintln(a.stdout, "there is no horizon: events of every day come in")
		return err
	}
	_, err = fmt.Fprintln(a.stdout, "To bring back what logs still hold: ttpcron import --again PATH reads them from their beginning.\nA daemon with keep-events takes out again what is older than that.")
	return err
}

// horizonText says that events were passed over, "" for none, and what to do
// about it where that is no matter of course: the horizon lies ahead, as after a
// clock was wrong, or hardly anything came in.
func (a *app) horizonText(r ttpcron.ImportReport) (text, hint string) {
	if r.BeforeHorizon == 0 {
		return "", ""
	}
	text = fmt.Sprintf("%s passed over: days before %s were taken out of the store, and stay out", plural(r.BeforeHorizon, "event was", "events were"), r.Horizon)
	if r.Horizon > ttpcron.DayOf(a.now()) || r.BeforeHorizon >= 9*r.New {
		hint = "if the clock was wrong, or they are wanted: ttpcron db prune --forget-horizon"
	}
	return text, hint
}

// warnHorizon warns of it.
func (a *app) warnHorizon(r ttpcron.ImportReport) {
	switch text, hint := a.horizonText(r); {
	case hint != "":
		a.log.Warn(text, "hint", hint)
	case text != "":
		a.log.Warn(text)
	}
}
