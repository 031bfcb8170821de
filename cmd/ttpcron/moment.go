package main

import (
	"context"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// noter takes notes for people, such as the output of a command.
type noter interface {
	Note(format string, args ...any)
}

// moments is how often something is read again if a daemon changed the store meanwhile.
const moments = 3

// atOneMoment calls read until nothing changes the store meanwhile, at most moments times,
// before anything is printed. If the store keeps changing, a note says so. read gets the
// last arrival number, and leaves out later arrivals.
func atOneMoment(ctx context.Context, out noter, db *store.Store, read func(upTo uint64) error) error {
	return atMoment(ctx, out, db, moments, read)
}

// atMoment is atOneMoment with at most so many times.
func atMoment(ctx context.Context, out noter, db *store.Store, times int, read func(upTo uint64) error) error {
	for n := 1; ; n++ {
		m, err := db.History.Moment(ctx)
		if err != nil {
			return err
		}
		if err := read(m.Seq); err != nil {
			return err
		}
		now, err := db.History.Moment(ctx)
		if err != nil || now == m {
			return err
		}
		if n == times {
			noteChanged(out, m)
			return nil
		}
	}
}

// noteChanged says up to which arrival the result is complete, if the store has changed
// since.
func noteChanged(out noter, m ttpcron.Moment) {
	out.Note("the store changed while it was read: this is complete up to arrival %s; of what a run did meanwhile some may be in it", term.Count(int(m.Seq)))
}

// streamed says, after printing while reading, up to which arrival the output is complete.
func streamed(ctx context.Context, out *term.Output, db *store.Store, m ttpcron.Moment) error {
	now, err := db.History.Moment(ctx)
	if err == nil && now != m {
		noteChanged(out, m)
	}
	return err
}
