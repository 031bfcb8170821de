package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

func checkpointCommands() *command {
	return &command{
		Name: "checkpoint", Args: "COMMAND", Short: "show or move the point where runs resume",
		Text: `The checkpoint of a source is an arrival number. A run without --since-days
takes the events that arrived after it, however old they are.`,
		Examples: "ttpcron checkpoint show\nttpcron checkpoint set 0",
		Sub: []*command{
			checkpointShow(),
			checkpointReset(),
			checkpointSet(),
		},
	}
}

func checkpointShow() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source")
	return &command{
		Name: "checkpoint show", Short: "show the checkpoint of every source", Flags: fs,
		Text: `Shows for every source its checkpoint, the number of the last arrival, and how
many events wait in between. "<" means at most that many.`,
		Examples: "ttpcron checkpoint show",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			return showCheckpoints(ctx, s.out, s.stores, *asJSON)
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

func showCheckpoints(ctx context.Context, out *term.Output, stores *store.Opener, asJSON bool) error {
	db, err := stores.Read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var list []checkpointJSON
	if err := atOneMoment(ctx, out, db, func(last uint64) (err error) {
		list, err = checkpointsOf(ctx, db, last)
		return err
	}); err != nil {
		return err
	}
	t := term.Table{Columns: []term.Column{{Title: "SOURCE", SGR: term.Cyan}, {Title: "CHECKPOINT", Right: true}, {Title: "LAST ARRIVAL", Right: true}, {Title: "WAITING", Right: true, SGR: term.Yellow}, {Title: "MOVED"}, {Title: "BY RUN", Min: 10}}}
	for _, j := range list {
		if asJSON {
			if err := out.JSON(j); err != nil {
				return err
			}
			continue
		}
		waiting := term.Count(j.Waiting)
		if !j.WaitingExact {
			waiting = "<" + waiting
		}
		t.Add(j.Source, term.Count(j.Seq), term.Count(j.LastSeq), waiting, term.Time(j.UpdatedAt), j.Run)
	}
	if len(list) == 0 && !asJSON {
		fmt.Fprintln(out, "No checkpoint yet: the next run-once takes all events.")
	}
	return out.Table(&t)
}

func checkpointsOf(ctx context.Context, db *store.Store, last uint64) (list []checkpointJSON, err error) {
	cursors, err := db.Ledger.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cursors {
		n, exact, err := jobs.Waiting(ctx, db.History, c.Kind, c.Seq)
		if err != nil {
			return nil, err
		}
		list = append(list, checkpointJSON{jobs.SourceOf(c.Kind), c.Seq, last, n, exact, c.UpdatedAt.UTC(), c.RunID})
	}
	return list, nil
}

func checkpointReset() *command {
	from := sourceFlag(jobs.SourceAll)
	fs := cli.NewFlags()
	fs.Var(&from, "source", sourceUsage)
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source: source")
	return &command{
		Name: "checkpoint reset", Short: "forget checkpoints and covered days", Flags: fs,
		Text: `Forgets the checkpoint of a source and which days the rules have covered. The
next run is then like a first run: without --since-days it takes every stored
event. Tags stay, and no tag is made twice. checkpoint set 0 is milder: it skips
days that the same rules have covered.`,
		Examples: "ttpcron checkpoint reset --source canary",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			return eachCheckpoint(ctx, s.stores, from, func(db *store.Store, k ttpcron.SourceKind, last uint64) error {
				if err := db.Ledger.DeleteCursor(ctx, k); err != nil {
					return err
				}
				name := jobs.SourceOf(k)
				return s.out.Either(*asJSON, map[string]string{"source": name},
					"%s: no checkpoint; the next run takes everything, or what --since-days says", term.Clean(name))
			})
		},
	}
}

func checkpointSet() *command {
	from := sourceFlag(jobs.SourceAll)
	fs := cli.NewFlags()
	fs.Var(&from, "source", sourceUsage)
	asJSON := fs.Bool("json", false, "print one JSON object a line for each source, as checkpoint show does")
	return &command{
		Name: "checkpoint set", Args: "SEQ|end", Short: "set the checkpoint to an arrival number", Flags: fs,
		Text: `Sets the checkpoint to an arrival number. With 0 the next run takes every stored
event; with "end", the last arrival, only events imported from now on. Events
before the checkpoint stay untagged until you set it back or a run takes them
with --since-days.`,
		Examples: "ttpcron checkpoint set 0\nttpcron checkpoint set end --source command",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if len(args) != 1 {
				return cli.Usage("checkpoint set takes one arrival number", "ttpcron checkpoint show shows the last one; end means it")
			}
			seq, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil && args[0] != "end" {
				return cli.Usage(fmt.Sprintf("%q is no arrival number", args[0]), "give a number from 0, or end")
			}
			return eachCheckpoint(ctx, s.stores, from, func(db *store.Store, k ttpcron.SourceKind, last uint64) error {
				if args[0] == "end" {
					seq = last
				}
				return setCheckpoint(ctx, s.out, s.now, db, k, seq, last, *asJSON)
			})
		},
	}
}

func setCheckpoint(ctx context.Context, out *term.Output, now func() time.Time, db *store.Store, k ttpcron.SourceKind, seq, last uint64, asJSON bool) error {
	if seq > last {
		return cli.Hint(fmt.Errorf("checkpoint %d is greater than the last arrival, %d: events that arrive next would be missed", seq, last), "end means the last arrival")
	}
	c := ttpcron.Cursor{Kind: k, Seq: seq, UpdatedAt: now().UTC(), RunID: store.Manual}
	if err := db.Ledger.SetCursor(ctx, c); err != nil {
		return err
	}
	n, exact, err := jobs.Waiting(ctx, db.History, k, seq)
	if err != nil {
		return err
	}
	about := ""
	if !exact {
		about = "at most "
	}
	j := checkpointJSON{jobs.SourceOf(k), seq, last, n, exact, c.UpdatedAt, c.RunID}
	return out.Either(asJSON, j, "%s: checkpoint %s of %s; %s%s", term.Clean(j.Source), term.Count(seq), term.Count(last), about, term.Plural(n, "event waits", "events wait"))
}

// eachCheckpoint does something for the kinds that a source means: for all, the
// two main ones and every other that is stored or has a checkpoint.
func eachCheckpoint(ctx context.Context, stores *store.Opener, from sourceFlag, do func(db *store.Store, k ttpcron.SourceKind, last uint64) error) error {
	db, err := stores.Change(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	last, err := db.History.LastSeq(ctx)
	if err != nil {
		return err
	}
	kinds, err := from.kinds(ctx, db)
	if err == nil && from == jobs.SourceAll {
		kinds, err = allKinds(ctx, db)
	}
	if err != nil {
		return err
	}
	for _, k := range kinds {
		if err := do(db, k, last); err != nil {
			return err
		}
	}
	return db.Close()
}

func allKinds(ctx context.Context, db *store.Store) ([]ttpcron.SourceKind, error) {
	kinds := []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint}
	stored, err := db.History.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	cursors, err := db.Ledger.Cursors(ctx)
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
