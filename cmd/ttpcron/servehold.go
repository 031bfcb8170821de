package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
)

// A run with rules that are not the daemon's is done by the command that has
// them. It has the turn of a run meanwhile, so that no other run meets it, and
// commits through the daemon.

// committing is a ttpcron.Commit as it travels. Rest is the encoding of all but
// the tags: apart, so that its size can be bounded before it is read.
type committing struct {
	Turn string
	Tags []byte
	Rest []byte
}

// commitRest is what goes with tags.
type commitRest struct {
	Coverage []ttpcron.Coverage
	RuleSet  *ttpcron.RuleSet
	Cursors  []ttpcron.Cursor
	Run      *ttpcron.Run
}

// maxRest bounds committing.Rest, in bytes: years of coverage have less.
const maxRest = 1 << 20

// serveHolds lets callers have the turn of a run.
func (d *daemon) serveHolds(s *control.Server) {
	control.Register(s, "turn", func(ctx context.Context, _ none) (string, error) {
		p, _ := control.PeerOf(ctx)
		return d.turns.ask(p)
	})
	control.Register(s, "turn-keep", d.turns.keep, control.Waits)
	control.Register(s, "turn-end", func(_ context.Context, id string) (none, error) {
		d.turns.end(id)
		return none{}, nil
	})
	control.Register(s, "commit", func(ctx context.Context, q committing) (n int, err error) {
		err = d.turns.commit(q.Turn, func() error {
			n, err = d.commit(ctx, q)
			return err
		})
		return n, err
	}, control.Large)
}

// commit does what a caller has the turn for.
func (d *daemon) commit(ctx context.Context, q committing) (int, error) {
	c, err := readCommit(q)
	if err != nil {
		return 0, err
	}
	d.moved.Add(1)
	n, err := timedStore{d.db, d.observer}.Commit(ctx, c)
	if err == nil && c.Run != nil && !c.Run.Finished.IsZero() {
		d.count(withoutImported(*c.Run))
	}
	return n, err
}

// withoutImported leaves out what was counted when it came.
func withoutImported(r ttpcron.Run) *ttpcron.Run {
	r.Imported = ttpcron.ImportReport{}
	return &r
}

func readCommit(q committing) (c ttpcron.Commit, err error) {
	if len(q.Rest) > maxRest {
		return c, fmt.Errorf("what goes with the tags of a commit has %d bytes, and %d are taken", len(q.Rest), maxRest)
	}
	var m commitRest
	if len(q.Rest) > 0 {
		if err := gob.NewDecoder(bytes.NewReader(q.Rest)).Decode(&m); err != nil {
			return c, fmt.Errorf("what goes with the tags of a commit cannot be read: %w", err)
		}
	}
	tags, err := readTags(q.Tags)
	return ttpcron.Commit{Tags: tags, Coverage: m.Coverage, RuleSet: m.RuleSet, Cursors: m.Cursors, Run: m.Run}, err
}
