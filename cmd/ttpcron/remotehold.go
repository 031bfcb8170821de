package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// heldStore is a remoteStore whose turn for a run this process has.
type heldStore struct {
	remoteStore
	id string
}

// Commit sends large commits in parts. The rest goes with the last one: nothing is
// said to be covered before its tags are stored.
func (s heldStore) Commit(ctx context.Context, c ttpcron.Commit) (inserted int, err error) {
	last := committing{Turn: s.id}
	for part := range parts(c.Tags, wireTags) {
		if part.last {
			last.Tags = part.wire
			break
		}
		n, err := control.Call[committing, int](ctx, s.client, "commit", committing{Turn: s.id, Tags: part.wire})
		if inserted += n; err != nil {
			return inserted, err
		}
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(commitRest{c.Coverage, c.RuleSet, c.Cursors, c.Run}); err != nil {
		return inserted, err
	}
	last.Rest = b.Bytes()
	n, err := control.Call[committing, int](ctx, s.client, "commit", last)
	return inserted + n, err
}

// runWithOwnRules does a run here, with rules that the daemon does not have, when
// the daemon gives it its turn.
func (a *app) runWithOwnRules(ctx context.Context, db remoteStore, job *jobs.Job) (jobs.Report, error) {
	a.log.Info("the daemon has other rules: the run is done here, when no other one is in progress")
	id, err := control.Call[none, string](context.WithoutCancel(ctx), db.client, "turn", none{})
	if err != nil {
		return jobs.Report{}, err
	}
	defer func() {
		// One that is over already is none to end.
		_, _ = control.Call[string, none](context.WithoutCancel(ctx), db.client, "turn-end", id)
	}()
	state := turnState{}
	for !state.Begun {
		if state, err = control.Call[keeping, turnState](ctx, db.client, "turn-keep", keeping{ID: id}); err != nil {
			return jobs.Report{}, turnLost(err)
		}
	}
	running, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	// An interrupt leaves the turn until the batch in hand is committed.
	working, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	go keepTurn(working, db.client, id, lose)
	job.Store = heldStore{db, id}
	r, err := job.Run(running)
	if lost := context.Cause(running); lost != nil && ctx.Err() == nil {
		err = lost
	}
	return r, turnLost(err)
}

// keepTurn shows the daemon that this process lives, until ctx ends or the turn
// does, whatever the run is busy with.
func keepTurn(ctx context.Context, c *control.Client, id string, lose context.CancelCauseFunc) {
	for ctx.Err() == nil {
		if _, err := control.Call[keeping, turnState](ctx, c, "turn-keep", keeping{id, true}); err != nil {
			lose(err) // says nothing when the run ended first
			return
		}
	}
}

// turnLost says what to do when a turn was over before the run was.
func turnLost(err error) error {
	if errors.Is(err, errTurnTaken) {
		return hinted{fmt.Errorf("the run did not end: %w", errTurnTaken), "what it had committed is kept, and nothing was after that; it was suspended or got no time, run it again to go on"}
	}
	return stopped(err)
}
