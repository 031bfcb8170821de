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

// moments is how often something is read anew when a daemon changed the store meanwhile.
const moments = 3

// atOneMoment has read read a store until nothing changed it meanwhile, moments times at
// most, before anything is printed. If it never held still a note says so. What read is
// given is the last arrival number: it leaves out what arrived later.
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

// noteChanged says up to where what was read is complete, when the store has changed
// since.
func noteChanged(out noter, m ttpcron.Moment) {
	out.Note("the store changed while it was read: this is complete up to arrival %s; of what a run did meanwhile some may be in it", term.Count(int(m.Seq)))
}

// streamed says, behind what was printed while it was read, up to where it is complete.
func streamed(ctx context.Context, out *term.Output, db *store.Store, m ttpcron.Moment) error {
	now, err := db.History.Moment(ctx)
	if err == nil && now != m {
		noteChanged(out, m)
	}
	return err
}
