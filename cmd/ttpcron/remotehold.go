package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// heldStore is a remoteStore whose turn for a run this process has.
type heldStore struct {
	remoteStore
	id string
}

// Commit sends large commits in parts. The marks go with the last one: nothing is
// said to be covered before its tags are stored.
func (s heldStore) Commit(ctx context.Context, c jobs.Commit) (inserted int, err error) {
	last := committing{Hold: s.id}
	for part := range parts(c.Tags, wireTags) {
		if part.last {
			last.Tags = part.wire
			break
		}
		n, err := control.Call[committing, int](ctx, s.client, "commit", committing{Hold: s.id, Tags: part.wire})
		if inserted += n; err != nil {
			return inserted, err
		}
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(marks{c.Coverage, c.RuleSet, c.Cursors, c.Run}); err != nil {
		return inserted, err
	}
	last.Marks = b.Bytes()
	n, err := control.Call[committing, int](ctx, s.client, "commit", last)
	return inserted + n, err
}

// runWithOwnRules does a run here, with rules that the daemon does not have, when
// the daemon gives it its turn.
func (a *app) runWithOwnRules(ctx context.Context, db remoteStore, job *jobs.Job) (jobs.Report, error) {
	a.log.Info("the daemon has other rules: the run is done here, when no other one is in progress")
	id, err := control.Call[none, string](ctx, db.client, "hold", none{})
	if errors.Is(err, context.Canceled) {
		err = jobs.ErrInterrupted
	}
	if err != nil {
		return jobs.Report{}, err
	}
	keep, release := context.WithCancel(context.WithoutCancel(ctx))
	lost := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, err := control.Call[string, none](keep, db.client, "hold-keep", id)
		lost <- err
		stop() // at the latest with the run itself
	}()
	job.Store = heldStore{db, id}
	r, err := job.Run(running)
	release()
	if kerr := <-lost; ctx.Err() == nil && errors.Is(err, jobs.ErrInterrupted) {
		err = stopped(kerr)
	}
	return r, err
}
