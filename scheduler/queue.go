package scheduler

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrStopped is the result of a run that was still waiting when the scheduler stopped.
var ErrStopped = errors.New("the scheduler stopped before the run began")

// ErrQueueFull is returned by Queue when MaxQueued runs wait.
var ErrQueueFull = errors.New("too many runs are waiting")

// MaxQueued is how many runs can wait at once.
const MaxQueued = 1000

// Ticket is a run that somebody asked for, from Queue.
type Ticket struct {
	s       *Scheduler
	name    string
	job     Job
	asked   moment
	started chan struct{}
	done    chan struct{}
	err     error

	mu       sync.Mutex
	canceled bool
	cancel   context.CancelCauseFunc // once it runs
}

// Started is closed when the run begins, or ends without having begun.
func (t *Ticket) Started() <-chan struct{} { return t.started }

// Done is closed when the run has ended.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Err returns what the job returned: call it after Done. It is ErrStopped or
// context.Canceled for a run that never began.
func (t *Ticket) Err() error { return t.err }

// Cancel removes the run from the queue at once, or ends its context.
func (t *Ticket) Cancel() {
	t.mu.Lock()
	t.canceled = true
	if t.cancel != nil {
		t.cancel(context.Canceled)
	}
	t.mu.Unlock()
	t.Withdraw()
}

// Withdraw removes the run from the queue and reports whether it was still there. A run
// that has begun continues.
func (t *Ticket) Withdraw() bool {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, t)
	if i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		t.end(context.Canceled)
	}
	return i >= 0
}

func (t *Ticket) end(err error) {
	select {
	case <-t.started:
	default:
		close(t.started)
	}
	t.err = err
	close(t.done)
}

// Queue asks for a run outside the schedules. It waits for the run in progress and for
// earlier occurrences, and is never skipped or merged with another. Its failure is reported
// only to the caller and pauses nothing. Queue may be called from any goroutine, even
// before Run.
func (s *Scheduler) Queue(name string, job Job) (*Ticket, error) {
	t := &Ticket{s: s, name: name, job: job, asked: s.now(), started: make(chan struct{}), done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, ErrStopped
	case len(s.queue) >= MaxQueued:
		return nil, ErrQueueFull
	}
	s.queue = append(s.queue, t)
	select {
	case s.asked <- struct{}{}:
	default: // the loop is about to look anyhow
	}
	return t, nil
}

// first returns the run that has waited longest, unless an entry that is due has
// waited longer; e is nil when none is. It drops those that were cancelled.
func (s *Scheduler) first(e *entry, now moment) *Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		t := s.queue[0]
		t.mu.Lock()
		canceled := t.canceled
		t.mu.Unlock()
		if !canceled && e != nil && e.overdue(now) > now.since(t.asked) {
			return nil
		}
		s.queue = s.queue[1:]
		if !canceled {
			return t
		}
		t.end(context.Canceled)
	}
	return nil
}

func (s *Scheduler) runTicket(ctx context.Context, t *Ticket, now moment) {
	s.o.Log.Info("run on request", "job", t.name, "waited", now.since(t.asked).Round(time.Millisecond).String())
	inner, cancel := context.WithCancelCause(ctx)
	t.mu.Lock()
	if t.cancel = cancel; t.canceled {
		cancel(context.Canceled)
	}
	t.mu.Unlock()
	s.running = &running{ticket: t, cancel: cancel, began: now, ctx: inner}
	close(t.started)
	s.launch(inner, t.job)
}

// ticketEnded passes the result to the caller of Queue.
func (s *Scheduler) ticketEnded(t *Ticket, r result, took string) {
	if r.err != nil {
		s.o.Log.Warn("run on request ended with an error", "job", t.name, "error", r.err, "took", took)
	}
	t.end(r.err)
}

// dismiss ends the runs that wait, and lets nobody queue any more.
func (s *Scheduler) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, t := range s.queue {
		t.end(ErrStopped)
	}
	s.queue = nil
}
