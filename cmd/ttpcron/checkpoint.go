package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jobs"
)

func (a *app) checkpointCommands() *ffcli.Command {
	group := &command{
		name: "checkpoint", args: "COMMAND", short: "show or move the point where runs resume", fs: a.flags(),
		text: `The checkpoint of a source is an arrival number: a run without --since-days takes
the events that arrived after it, however old they are.`,
		examples: "ttpcron checkpoint show\nttpcron checkpoint set 0",
	}
	return a.build(group, a.build(a.checkpointShow()), a.build(a.checkpointReset()), a.build(a.checkpointSet()))
}

func (a *app) checkpointShow() *command {
	fs := a.flags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source")
	return &command{
		name: "checkpoint show", short: "show the checkpoint of every source", fs: fs,
		text: `Shows for every source the checkpoint, the number of the last arrival,
and how many events wait between the two; "<" means that it may be fewer.`,
		examples: "ttpcron checkpoint show",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			return a.showCheckpoints(ctx, *asJSON)
		},
	}
}

type checkpointJSON struct {
	Source       string    `json:"source"`
	Seq          uint64    `json:"seq"`
	LastSeq      uint64    `json:"last_seq"`
	Waiting      int       `json:"waiting"`
	WaitingExact bool      `json:"waiting_exact"`
	UpdatedAt    time.Time `json:"updated_at"`
	Run          string    `json:"run"`
}

func (a *app) showCheckpoints(ctx context.Context, asJSON bool) error {
	db, err := a.readStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	last, err := db.LastSeq(ctx)
	if err != nil {
		return err
	}
	cursors, err := db.Cursors(ctx)
	if err != nil {
		return err
	}
	t := table{columns: []column{{title: "SOURCE", sgr: cyan}, {title: "CHECKPOINT", right: true}, {title: "LAST ARRIVAL", right: true}, {title: "WAITING", right: true, sgr: yellow}, {title: "MOVED"}, {title: "BY RUN", min: 10}}}
	for _, c := range cursors {
		n, exact, err := jobs.Waiting(ctx, db, c.Kind, c.Seq)
		if err != nil {
			return err
		}
		j := checkpointJSON{jobs.SourceOf(c.Kind), c.Seq, last, n, exact, c.UpdatedAt.UTC(), c.RunID}
		if asJSON {
			if err := a.printJSON(j); err != nil {
				return err
			}
			continue
		}
		waiting := count(n)
		if !exact {
			waiting = "<" + waiting
		}
		t.add(j.Source, count(c.Seq), count(last), waiting, shown(c.UpdatedAt), c.RunID)
	}
	if len(cursors) == 0 && !asJSON {
		fmt.Fprintln(a.stdout, "No checkpoint yet: the next run-once takes the events of the last 7 days.")
	}
	return t.print(a.stdout, a.out)
}

// sourceFlag limits a command to one source.
func sourceFlag(o *oneOf) *oneOf {
	*o = oneOf{jobs.SourceAll, []string{jobs.SourceCommand, jobs.SourceCanary, jobs.SourceAll}}
	return o
}

func (a *app) checkpointReset() *command {
	var source oneOf
	fs := a.flags()
	fs.Var(sourceFlag(&source), "source", "`SOURCE`: command, canary or all")
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source: source")
	return &command{
		name: "checkpoint reset", short: "forget checkpoints, and what has been covered", fs: fs,
		text: `Forgets the checkpoint of a source and which days the rules have covered. The next
run is a first run: without --since-days it takes the last 7 days. Tags stay, and
tags that exist are never made twice. To make runs take everything that is stored,
use checkpoint set 0 instead.`,
		examples: "ttpcron checkpoint reset --source canary",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			return a.eachCheckpoint(ctx, source.value, func(db store, k ttpcron.SourceKind, last uint64) error {
				if err := db.DeleteCursor(ctx, k); err != nil {
					return err
				}
				name := jobs.SourceOf(k)
				return a.printEither(*asJSON, map[string]string{"source": name},
					"%s: no checkpoint; the next run takes the last %d days, or what --since-days says", clean(name), jobs.DefaultSinceDays)
			})
		},
	}
}

func (a *app) checkpointSet() *command {
	var source oneOf
	fs := a.flags()
	fs.Var(sourceFlag(&source), "source", "`SOURCE`: command, canary or all")
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source, as checkpoint show does")
	return &command{
		name: "checkpoint set", args: "SEQ|end", short: "set the checkpoint to an arrival number", fs: fs,
		text: `Sets the checkpoint to an arrival number. With 0 the next run takes everything
that is stored, with "end", the last arrival, only what is imported from now on.
Events that the checkpoint skips are left out until it is set back, or
--since-days takes them.`,
		examples: "ttpcron checkpoint set 0\nttpcron checkpoint set end --source command",
		exits:    []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return &usageError{"checkpoint set takes one arrival number", "ttpcron checkpoint show shows the last one; end means it"}
			}
			seq, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil && args[0] != "end" {
				return &usageError{fmt.Sprintf("%q is no arrival number", args[0]), "give a number from 0, or end"}
			}
			return a.eachCheckpoint(ctx, source.value, func(db store, k ttpcron.SourceKind, last uint64) error {
				if args[0] == "end" {
					seq = last
				}
				return a.setCheckpoint(ctx, db, k, seq, last, *asJSON)
			})
		},
	}
}

// manual is in the place of the run that moved a checkpoint when somebody did.
const manual = "manual"

func (a *app) setCheckpoint(ctx context.Context, db store, k ttpcron.SourceKind, seq, last uint64, asJSON bool) error {
	if seq > last {
		return hinted{fmt.Errorf("checkpoint %d is greater than the last arrival, %d: events that arrive next would be missed", seq, last), "end means the last arrival"}
	}
	c := ttpcron.Cursor{Kind: k, Seq: seq, UpdatedAt: a.now().UTC(), RunID: manual}
	if err := db.SetCursor(ctx, c); err != nil {
		return err
	}
	n, exact, err := jobs.Waiting(ctx, db, k, seq)
	if err != nil {
		return err
	}
	about := ""
	if !exact {
		about = "at most "
	}
	j := checkpointJSON{jobs.SourceOf(k), seq, last, n, exact, c.UpdatedAt, c.RunID}
	return a.printEither(asJSON, j, "%s: checkpoint %s of %s; %s%s", clean(j.Source), count(seq), count(last), about, plural(n, "event waits", "events wait"))
}

// eachCheckpoint does something for the kinds that a source means: for all, the
// two main ones and every other that is stored or has a checkpoint.
func (a *app) eachCheckpoint(ctx context.Context, source string, do func(db store, k ttpcron.SourceKind, last uint64) error) error {
	db, err := a.changeStore(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	last, err := db.LastSeq(ctx)
	if err != nil {
		return err
	}
	kinds := []ttpcron.SourceKind{jobs.KindOf(source)}
	if source == jobs.SourceAll {
		if kinds, err = allKinds(ctx, db); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		if err := do(db, k, last); err != nil {
			return err
		}
	}
	return db.Close()
}

func allKinds(ctx context.Context, db store) ([]ttpcron.SourceKind, error) {
	kinds := []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint}
	stored, err := db.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	cursors, err := db.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cursors {
		stored = append(stored, c.Kind)
	}
	seen := map[ttpcron.SourceKind]bool{ttpcron.Command: true, ttpcron.CanaryFingerprint: true}
	for _, k := range stored {
		if !seen[k] {
			seen[k] = true
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}
