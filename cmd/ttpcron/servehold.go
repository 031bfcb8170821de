package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// A run with rules that are not the daemon's is done by the command that has
// them. It holds the turn of a run meanwhile, so that no other run meets it, and
// commits through the daemon.

// committing is a jobs.Commit as it travels. Marks is the encoding of all but
// the tags: apart, so that its size can be bounded before it is read.
type committing struct {
	Hold  string
	Tags  []byte
	Marks []byte
}

// marks are what goes with tags.
type marks struct {
	Coverage []ttpcron.Coverage
	RuleSet  *ttpcron.RuleSet
	Cursors  []ttpcron.Cursor
	Run      *ttpcron.Run
}

// maxMarks bounds committing.Marks, in bytes: years of coverage have less.
const maxMarks = 1 << 20

// keepTime is how soon a caller that got its turn must begin to keep it.
const keepTime = 10 * time.Second

// holds are the turns that callers have, or wait for.
type holds struct {
	mu   sync.Mutex
	n    int
	id   string          // of the turn in progress; empty: none
	ctx  context.Context // ends when that must be given back
	kept chan struct{}   // closed when its caller keeps it, and nil then
	free func()          // gives it back
}

var errNoTurn = errors.New("the turn for a run is over: the daemon stops, or the command was too slow to take it")

// begin marks a turn as in progress and waits until it is given back.
func (h *holds) begin(ctx context.Context, id string, begun func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kept := make(chan struct{})
	h.mu.Lock()
	h.id, h.ctx, h.kept, h.free = id, ctx, kept, cancel
	h.mu.Unlock()
	begun()
	timer := time.NewTimer(keepTime)
	defer timer.Stop()
	select {
	case <-kept:
		<-ctx.Done()
	case <-ctx.Done():
	case <-timer.C:
	}
	h.mu.Lock()
	h.id = ""
	h.mu.Unlock()
}

// keep lets one caller keep the turn in progress, if it has that id, and returns
// what ends with the turn.
func (h *holds) keep(id string) (ctx context.Context, free func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.has(id) || h.kept == nil {
		return nil, nil, errNoTurn
	}
	close(h.kept)
	h.kept = nil
	return h.ctx, h.free, nil
}

// has reports whether the turn in progress has that id. The caller holds mu.
func (h *holds) has(id string) bool { return id != "" && h.id == id && h.ctx.Err() == nil }

// serveHolds lets callers have the turn of a run.
func (d *daemon) serveHolds(s *control.Server) {
	h := &holds{}
	control.Register(s, "hold", func(ctx context.Context, _ none) (string, error) {
		h.mu.Lock()
		h.n++
		id := fmt.Sprintf("%d.%d", d.began.UnixNano(), h.n)
		h.mu.Unlock()
		begun := make(chan struct{})
		ticket, err := d.sched.Queue("run-once with other rules", scheduler.JobFunc(func(ctx context.Context) error {
			h.begin(ctx, id, func() { close(begun) })
			return nil
		}))
		if err != nil {
			return "", err
		}
		select {
		case <-begun:
			return id, nil
		case <-ticket.Done():
			return "", errors.Join(errNoTurn, ticket.Err())
		case <-ctx.Done():
			ticket.Cancel()
			return "", ctx.Err()
		}
	}, control.Waits)
	// The turn lasts as long as this call does.
	control.Register(s, "hold-keep", func(call context.Context, id string) (none, error) {
		ctx, free, err := h.keep(id)
		if err != nil {
			return none{}, err
		}
		defer free()
		select {
		case <-call.Done():
			return none{}, call.Err()
		case <-ctx.Done():
			return none{}, errNoTurn
		}
	}, control.Waits)
	control.Register(s, "commit", func(ctx context.Context, q committing) (int, error) {
		h.mu.Lock()
		mine := h.has(q.Hold)
		h.mu.Unlock()
		if !mine {
			return 0, errNoTurn
		}
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
	}, control.Large)
}

// withoutImported leaves out what was counted when it came.
func withoutImported(r ttpcron.Run) *ttpcron.Run {
	r.Imported = ttpcron.ImportReport{}
	return &r
}

func readCommit(q committing) (c jobs.Commit, err error) {
	if len(q.Marks) > maxMarks {
		return c, fmt.Errorf("the marks of a commit have %d bytes, and %d are taken", len(q.Marks), maxMarks)
	}
	var m marks
	if len(q.Marks) > 0 {
		if err := gob.NewDecoder(bytes.NewReader(q.Marks)).Decode(&m); err != nil {
			return c, fmt.Errorf("the marks of a commit cannot be read: %w", err)
		}
	}
	tags, err := readTags(q.Tags)
	return jobs.Commit{Tags: tags, Coverage: m.Coverage, RuleSet: m.RuleSet, Cursors: m.Cursors, Run: m.Run}, err
}
