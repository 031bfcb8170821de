package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// heldLedger is the ledger of a daemon in which this process has a turn.
type heldLedger struct {
	store.Ledger
	turn *Turn
}

// Commit sends large commits in parts.
func (s heldLedger) Commit(ctx context.Context, c ttpcron.Commit) (done ttpcron.Committed, err error) {
	for part, err := range partsOf(&c) {
		if err != nil {
			return done, err
		}
		part.Turn = s.turn.id
		n, err := calls.Commit.Call(ctx, s.turn.client, part)
		done.Add(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// partsOf splits a commit into parts that a call can carry. Everything but the tags goes
// with the last one: nothing may count as covered before its tags are stored.
func partsOf(c *ttpcron.Commit) iter.Seq2[committing, error] {
	return func(yield func(committing, error) bool) {
		var last *store.Tagging
		for part, err := range store.TaggingParts(c) {
			if err != nil {
				yield(committing{}, err)
				return
			}
			if last != nil && !yield(committing{Tagging: *last}, nil) {
				return
			}
			last = &part
		}
		yield(lastPart(c, last), nil)
	}
}

func lastPart(c *ttpcron.Commit, last *store.Tagging) committing {
	return committing{
		Tagging: *last, Coverage: control.ListOf(c.Coverage), RuleSets: control.ListOf(c.RuleSets), Audit: control.ListOf(c.Audit),
		Matches: store.MatchList{Items: c.Matches}, Judged: control.ListOf(c.Judged), Settled: control.ListOf(c.Settled),
		Rest: control.Small[rest]{Value: rest{c.Cursors, c.Run}},
	}
}

// Turn is the turn for a run, which a command has or waits for.
type Turn struct {
	client *control.Client
	id     string
}

// AskTurn asks a daemon for a turn.
func AskTurn(ctx context.Context, client *control.Client) (*Turn, error) {
	// An interrupt waits for the id: without it the turn could not be returned.
	id, err := calls.Turn.Call(context.WithoutCancel(ctx), client, none{})
	return &Turn{client, id}, err
}

// Wait waits until the turn has begun.
func (t *Turn) Wait(ctx context.Context) error {
	for state := (turnState{}); !state.Begun; {
		var err error
		if state, err = calls.TurnKeep.Call(ctx, t.client, keeping{ID: t.id}); err != nil {
			return err
		}
	}
	return nil
}

// Keep shows the daemon that this process lives, until ctx ends or the turn does,
// whatever the run is busy with. It tells lose why the turn ended.
func (t *Turn) Keep(ctx context.Context, lose func(error)) {
	for ctx.Err() == nil {
		if _, err := calls.TurnKeep.Call(ctx, t.client, keeping{t.id, true}); err != nil {
			lose(err) // does nothing if the run ended first
			return
		}
	}
}

// End gives the turn back. It does nothing when the turn is over already.
func (t *Turn) End(ctx context.Context) {
	_, _ = calls.TurnEnd.Call(context.WithoutCancel(ctx), t.client, t.id)
}

// here does a run in this process, with rules that the daemon does not have, when
// the daemon gives it its turn.
func (t *There) here(ctx context.Context, client *control.Client) (jobs.Report, error) {
	t.Log.Info("the daemon has other rules: the run is done here, when no other one is in progress")
	turn, err := AskTurn(ctx, client)
	if err != nil {
		return jobs.Report{}, err
	}
	defer turn.End(ctx)
	if err := turn.Wait(ctx); err != nil {
		return jobs.Report{}, turnLost(err)
	}
	running, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	// An interrupt does not end the turn before the batch in hand is committed.
	working, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	go turn.Keep(working, lose)
	job := *t.Job
	job.Store.Ledger = heldLedger{t.Store.Ledger, turn}
	r, err := job.Run(running)
	if lost := context.Cause(running); lost != nil && ctx.Err() == nil {
		err = lost
	}
	return r, turnLost(err)
}

// turnLost says what to do when a turn was over before the run was.
func turnLost(err error) error {
	if errors.Is(err, store.ErrTurnTaken) {
		return cli.Hint(fmt.Errorf("the run did not end: %w", store.ErrTurnTaken), "what it had committed is kept, and nothing was after that; it was suspended or got no time, run it again to go on")
	}
	return stopped(err)
}
