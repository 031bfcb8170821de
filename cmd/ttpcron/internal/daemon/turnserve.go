package daemon

import (
	"context"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
)

// A run with rules that are not the daemon's is done by the command that has
// them. It has the turn of a run meanwhile, so that no other run meets it, and
// commits through the daemon.

// serveTurns lets callers have the turn of a run.
func (d *daemon) serveTurns(s *control.Server) {
	calls.Turn.Serve(s, func(ctx context.Context, _ none) (string, error) {
		p, _ := control.PeerOf(ctx)
		return d.turns.ask(p)
	})
	calls.TurnKeep.Serve(s, d.turns.keep)
	calls.TurnEnd.Serve(s, func(_ context.Context, id string) (none, error) {
		d.turns.end(id)
		return none{}, nil
	})
	calls.Commit.Serve(s, func(ctx context.Context, q committing) (n ttpcron.Committed, err error) {
		err = d.turns.commit(q.Turn, func() error {
			n, err = d.commit(ctx, q)
			return err
		})
		return n, err
	})
}

// commit commits for a caller that has the turn.
func (d *daemon) commit(ctx context.Context, q committing) (ttpcron.Committed, error) {
	if err := q.Matches.CheckStreams(); err != nil {
		return ttpcron.Committed{}, err
	}
	c := q.commit()
	d.moved.Add(1)
	n, err := d.timed().Commit(ctx, c)
	if err == nil && c.Run != nil && !c.Run.Finished.IsZero() {
		d.count(withoutImported(*c.Run))
	}
	return n, err
}

// withoutImported returns a run without its imports, which were counted when they
// came.
func withoutImported(r ttpcron.Run) *ttpcron.Run {
	r.Imported = ttpcron.ImportReport{}
	return &r
}
