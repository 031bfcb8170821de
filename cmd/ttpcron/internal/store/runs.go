package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
)

// SendBytes is about how much is sent to a daemon in one call.
const SendBytes = 1 << 20

// Archive is where imports go.
type Archive struct{ conn *conn }

var _ jobs.Archive = Archive{}

// Import does what kv.DB.Import does. Large batches are sent to a daemon in parts.
// The read position of the file goes with the last one, so that it is never ahead of what
// is stored.
func (s Archive) Import(ctx context.Context, b ttpcron.Batch) (total ttpcron.ImportReport, err error) {
	if s.conn.holder != nil {
		return calls.Import.ask(ctx, s.conn, importing{control.ListOf(b.Events), control.ListOf(b.Rejects), b.Position})
	}
	var waiting importing
	send := func() error {
		r, err := calls.Import.ask(ctx, s.conn, waiting)
		total.Add(r)
		waiting = importing{}
		return err
	}
	for part, err := range control.Parts(b.Rejects, SendBytes) {
		if err != nil {
			return total, err
		}
		if len(waiting.Rejects.Items) > 0 {
			if err := send(); err != nil {
				return total, err
			}
		}
		waiting.Rejects = part
	}
	for part, err := range control.Parts(b.Events, SendBytes) {
		if err != nil {
			return total, err
		}
		if len(waiting.Events.Items)+len(waiting.Rejects.Items) > 0 {
			if err := send(); err != nil {
				return total, err
			}
		}
		waiting.Events = part
	}
	waiting.Position = b.Position
	return total, send()
}

// Known does what kv.DB.Known does.
func (s Archive) Known(ctx context.Context, events []ttpcron.Event) ([]bool, error) {
	return askAbout(ctx, s.conn, &calls.Known, events)
}

// KnownRejects does what kv.DB.KnownRejects does.
func (s Archive) KnownRejects(ctx context.Context, rejects []ttpcron.Reject) ([]bool, error) {
	return askAbout(ctx, s.conn, &calls.KnownRejects, rejects)
}

// askAbout makes a call with an answer for each item, in parts if needed.
func askAbout[T, A any](ctx context.Context, to *conn, c *call[control.List[T], []A], items []T) (all []A, err error) {
	for part, err := range partsFor(to, items) {
		if err != nil {
			return nil, err
		}
		answers, err := c.ask(ctx, to, part)
		if err == nil && len(answers) != len(part.Items) {
			err = fmt.Errorf("the store answered for %d of %d", len(answers), len(part.Items))
		}
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

// partsFor cuts a list into the parts that are sent, and leaves it whole where this
// process has the store open.
func partsFor[T any](to *conn, items []T) iter.Seq2[control.List[T], error] {
	if to.holder == nil {
		return control.Parts(items, SendBytes)
	}
	return func(yield func(control.List[T], error) bool) { yield(control.ListOf(items), nil) }
}

// PositionFormats does what kv.DB.PositionFormats does.
func (s Archive) PositionFormats(ctx context.Context) ([]string, error) {
	return calls.PositionFormats.ask(ctx, s.conn, none{})
}

// HeadLengths does what kv.DB.HeadLengths does.
func (s Archive) HeadLengths(ctx context.Context) ([]int, error) {
	return calls.HeadLengths.ask(ctx, s.conn, none{})
}

// FindPositions does what kv.DB.FindPositions does.
func (s Archive) FindPositions(ctx context.Context, format string, heads []ttpcron.FileHead) ([]ttpcron.FilePosition, error) {
	return calls.FindPositions.ask(ctx, s.conn, positionsOf{format, heads})
}

// FileLooks does what kv.DB.FileLooks does.
func (s Archive) FileLooks(ctx context.Context, paths []string) ([]ttpcron.FileLook, error) {
	return askAbout(ctx, s.conn, &calls.FileLooks, paths)
}

// KeepLooks does what kv.DB.KeepLooks does.
func (s Archive) KeepLooks(ctx context.Context, looks []ttpcron.FileLook) error {
	for part, err := range partsFor(s.conn, looks) {
		if err != nil {
			return err
		}
		if _, err := calls.KeepLooks.ask(ctx, s.conn, part); err != nil {
			return err
		}
	}
	return nil
}

// ForgetFiles does what kv.DB.ForgetFiles does.
func (s Archive) ForgetFiles(ctx context.Context, seenBefore time.Time) (int, error) {
	return calls.ForgetFiles.ask(ctx, s.conn, seenBefore)
}

// Rejects does what kv.DB.Rejects does.
func (s Archive) Rejects(ctx context.Context) iter.Seq2[ttpcron.Reject, error] {
	return func(yield func(ttpcron.Reject, error) bool) {
		for after := uint64(0); ; {
			page, err := calls.Rejects.ask(ctx, s.conn, after)
			if err != nil {
				yield(ttpcron.Reject{}, err)
				return
			}
			for _, r := range page.Rejects {
				if !yield(r, nil) {
					return
				}
			}
			if len(page.Rejects) == 0 {
				return
			}
			after = page.Last
		}
	}
}

// RejectsDropped does what kv.DB.RejectsDropped does.
func (s Archive) RejectsDropped(ctx context.Context) (int, error) {
	return calls.RejectsDropped.ask(ctx, s.conn, none{})
}

// Ledger says how far runs have come.
type Ledger struct{ conn *conn }

var _ jobs.Ledger = Ledger{}

// Manual stands for a run's id in a cursor that somebody set by hand.
const Manual = "manual"

// Commit does what kv.DB.Commit does, where this process has the store open.
// Beside a daemon a run needs its turn first: the error is ErrNoTurn.
func (s Ledger) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	if h := s.conn.holder; h != nil {
		return h.DB.Commit(ctx, c)
	}
	return ttpcron.Committed{}, ErrNoTurn
}

// Preview does what kv.DB.Preview does.
func (s Ledger) Preview(ctx context.Context, c ttpcron.Commit) (done ttpcron.Committed, err error) {
	if h := s.conn.holder; h != nil {
		return h.DB.Preview(ctx, c)
	}
	for part, err := range TaggingParts(&c) {
		if err != nil {
			return done, err
		}
		n, err := calls.Preview.ask(ctx, s.conn, part)
		if err != nil {
			return done, err
		}
		done.Add(n)
	}
	return done, nil
}

// RulesOf does what kv.DB.RulesOf does.
func (s Ledger) RulesOf(ctx context.Context, kind ttpcron.SourceKind) ([]string, error) {
	return calls.RulesOf.ask(ctx, s.conn, kind)
}

// RuleSet does what kv.DB.RuleSet does.
func (s Ledger) RuleSet(ctx context.Context, fingerprint string) (ttpcron.RuleSet, bool, error) {
	f, err := calls.RuleSet.ask(ctx, s.conn, fingerprint)
	return f.Value, f.OK, err
}

// Cursors does what kv.DB.Cursors does.
func (s Ledger) Cursors(ctx context.Context) ([]ttpcron.Cursor, error) {
	return calls.Cursors.ask(ctx, s.conn, none{})
}

// SetCursor does what kv.DB.SetCursor does. Who set it, and when, is filled in.
func (s Ledger) SetCursor(ctx context.Context, c ttpcron.Cursor) error {
	_, err := calls.SetCursor.ask(ctx, s.conn, exclusive[ttpcron.Cursor]{s.conn.wait, c})
	return err
}

// DeleteCursor does what kv.DB.DeleteCursor does.
func (s Ledger) DeleteCursor(ctx context.Context, kind ttpcron.SourceKind) error {
	_, err := calls.DeleteCursor.ask(ctx, s.conn, exclusive[ttpcron.SourceKind]{s.conn.wait, kind})
	return err
}

// Runs does what kv.DB.Runs does.
func (s Ledger) Runs(ctx context.Context, limit int) ([]ttpcron.Run, error) {
	return calls.Runs.ask(ctx, s.conn, limit)
}
