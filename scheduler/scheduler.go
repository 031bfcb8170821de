// Package scheduler runs jobs on cron schedules for years, on machines that
// lose power, sleep and change their clocks. Start with [Parse] and [New].
//
// What it promises:
//
//   - Times are UTC, or in the zone that CRON_TZ= names. A time that daylight saving skips
//     occurs right after the jump; a repeated time occurs once.
//   - One run at a time. An occurrence of a job that is still running is skipped, counted
//     and logged. A job that is due while another runs waits, so two jobs of the same hour
//     both run.
//   - A requested run waits for its turn and is never dropped.
//   - After missed occurrences (power off, suspend, an earlier job), one run catches up.
//   - It looks at the wall clock every [Options.Wake], since timers do not run while a
//     machine sleeps.
//   - If the clock steps back by at most an hour, no occurrence runs twice. A longer step
//     corrects a wrong clock: schedules count from the new time at once, so nothing waits
//     for years. An @every schedule goes by elapsed time, whatever the clock says.
//   - A job that fails or panics stops neither the others nor its own next run. It pauses,
//     twice as long after each further failure, up to [Options.MaxPause].
//   - A node's spread moves all of its occurrences by the same offset.
//
// The library robfig/cron parses expressions and finds times on the calendar. Its runner is
// not used. It sleeps on one timer until the next occurrence, so a machine that was
// suspended is late by as long as it slept. When the clock jumps, it runs missed
// occurrences not at all or twice. It runs jobs in parallel, dies of a job's panic, and has
// no clock that a test could set.
package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Job is something to run. Run returns soon after ctx has ended; an error counts
// as a failure, unless ctx had ended.
type Job interface {
	Run(ctx context.Context) error
}

// JobFunc is a Job that is a function.
type JobFunc func(ctx context.Context) error

// Run calls the function.
func (f JobFunc) Run(ctx context.Context) error { return f(ctx) }

// Entry is a job with its schedule.
type Entry struct {
	Name     string // unique
	Schedule *Schedule
	Job      Job
	// Last is when the job last began to run, before this process. What was missed since
	// then is caught up with. Zero means unknown: an @every job then runs at once, any
	// other at its next occurrence. The same holds if Last is more than MaxStepBack in the
	// future, because its clock was wrong.
	Last time.Time
	// MaxRuntime ends a run by its context, with ErrMaxRuntime as the cause. Such
	// a run counts as stopped, not as failed. The time that the machine sleeps
	// does not count, nor do steps of its clock. 0: no limit.
	MaxRuntime time.Duration
}

// ErrMaxRuntime is the cause of a cancelled context if the run took longer than its Entry
// allows.
var ErrMaxRuntime = errors.New("it ran for longer than max-runtime")

// ErrStillRunning is returned by Run when a job did not end within the grace.
var ErrStillRunning = errors.New("a job did not stop in time")

// Options sets up a Scheduler. Zero values have defaults.
type Options struct {
	// Now is the wall clock, time.Now if nil. Elapsed time is measured separately.
	Now func() time.Time
	Log hclog.Logger // nil: none
	// Wake is the longest sleep between two looks at the clock, 30 s by default.
	Wake time.Duration
	// Grace is how long Run waits for the running job when it has to stop, 10 s by default.
	Grace time.Duration
	// Pause is the pause after a first failure, 30 s by default; MaxPause, 1 h by
	// default, the longest.
	Pause, MaxPause time.Duration
	// Spread delays all occurrences by a part of it that Node's hash decides, so
	// that a fleet does not do the same thing in the same second.
	Spread time.Duration
	Node   string
	// Awake is called at every look at the clock, with the state of all jobs; it
	// must return soon.
	Awake func([]Status)
}

// Status is the state of a job.
type Status struct {
	Name     string
	Manual   bool // asked for with Queue, gone from the list when it has ended
	Running  bool
	Started  time.Time // of the run in progress or the last one; zero: none
	Next     time.Time // zero: none
	Runs     int       // ended
	Failures int       // of these, failed
	InRow    int       // failures since the last success
	Stopped  int       // ended by MaxRuntime
	Missed   int       // occurrences made up for by a later run, at least
	Skipped  int       // occurrences skipped because the job was running
	Err      error     // of the last run
}

// Scheduler runs entries one at a time.
type Scheduler struct {
	o       Options
	base    time.Time // with a monotonic reading, to measure what passes
	entries []*entry
	running *running
	done    chan result
	replace chan []Entry
	asked   chan struct{} // something was queued

	mu      sync.Mutex
	status  []Status
	queue   []*Ticket
	stopped bool
}

type running struct {
	entry  *entry  // nil for a run that somebody asked for
	ticket *Ticket // of that, nil else
	cancel context.CancelCauseFunc
	began  moment
	ctx    context.Context
}

type result struct {
	err   error
	stack []byte // of a panic
}

// New checks the entries and returns a scheduler for them.
func New(o Options, entries []Entry) (*Scheduler, error) {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Wake, 30 * time.Second}, {&o.Grace, 10 * time.Second}, {&o.Pause, 30 * time.Second}, {&o.MaxPause, time.Hour}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if err := check(entries); err != nil {
		return nil, err
	}
	s := &Scheduler{o: o, base: time.Now(), done: make(chan result, 1), replace: make(chan []Entry, 1), asked: make(chan struct{}, 1)}
	now := s.now()
	for _, e := range entries {
		s.entries = append(s.entries, newEntry(e, now, Offset(o.Node, o.Spread)))
	}
	s.status = s.current()
	return s, nil
}

func check(entries []Entry) error {
	seen := map[string]bool{}
	for _, e := range entries {
		switch {
		case e.Name == "":
			return errors.New("a job has no name")
		case seen[e.Name]:
			return fmt.Errorf("two jobs have the name %q", e.Name)
		case e.Schedule == nil || e.Job == nil:
			return fmt.Errorf("job %q has no schedule or nothing to run", e.Name)
		}
		seen[e.Name] = true
	}
	return nil
}

// Offset is the part of a spread, in whole seconds, by which a node delays its jobs: the
// same at every start, and evenly distributed over nodes.
func Offset(node string, spread time.Duration) time.Duration {
	seconds := uint64(max(0, spread) / time.Second)
	if seconds == 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(node))
	return time.Duration(binary.BigEndian.Uint64(sum[:])%seconds) * time.Second
}

// moment is an instant on both clocks: the one on the wall, and the one that
// only ever goes forward but stands still while the machine sleeps.
type moment struct {
	wall   time.Time
	passed time.Duration
}

func (s *Scheduler) now() moment {
	return moment{s.o.Now().Round(0).UTC(), time.Since(s.base)}
}

// since is how much time has passed: what the clock that runs through sleep
// says, unless it was set back.
func (m moment) since(o moment) time.Duration {
	return max(m.wall.Sub(o.wall), m.passed-o.passed)
}

func (m moment) minus(d time.Duration) moment {
	return moment{m.wall.Add(-d), m.passed - d}
}

// Run runs jobs until ctx is cancelled. It then cancels the running job's context, waits
// for it up to the grace, and returns nil or ErrStillRunning. It can be called once.
func (s *Scheduler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		now := s.now()
		s.look(ctx, now)
		s.publish()
		timer := time.NewTimer(s.sleep(now))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.asked:
		case r := <-s.done:
			s.ended(r)
		case entries := <-s.replace:
			s.swap(entries)
		}
		timer.Stop()
	}
	return s.drain()
}

func (r *running) name() string {
	if r.entry == nil {
		return r.ticket.name
	}
	return r.entry.Name
}

// drain waits for the job that runs.
func (s *Scheduler) drain() error {
	defer s.publish()
	s.dismiss()
	if s.running == nil {
		return nil
	}
	timer := time.NewTimer(s.o.Grace)
	defer timer.Stop()
	select {
	case r := <-s.done:
		s.ended(r)
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: %s after %s", ErrStillRunning, s.running.name(), s.o.Grace)
	}
}

// Replace gives the scheduler other entries. A job that keeps its name and schedule keeps
// its place in time, its counts and its pause. A running job is not disturbed, even if it
// is not among them. Call it from one goroutine.
func (s *Scheduler) Replace(entries []Entry) error {
	if err := check(entries); err != nil {
		return err
	}
	select {
	case <-s.replace: // not yet looked at
	default:
	}
	s.replace <- slices.Clone(entries)
	return nil
}

func (s *Scheduler) swap(entries []Entry) {
	now := s.now()
	old := s.entries
	s.entries = nil
	for _, e := range entries {
		i := slices.IndexFunc(old, func(o *entry) bool { return o.Name == e.Name })
		if i < 0 {
			s.entries = append(s.entries, newEntry(e, now, Offset(s.o.Node, s.o.Spread)))
			continue
		}
		o := old[i]
		same := o.Schedule.String() == e.Schedule.String()
		o.Entry = e
		switch {
		case same:
		case o.interval():
			o.place(now, o.status.Started)
		default: // the new times before now are none that were missed
			o.place(now, time.Time{})
		}
		s.entries = append(s.entries, o)
	}
}

// look acts on what the clock says.
func (s *Scheduler) look(ctx context.Context, now moment) {
	for _, e := range s.entries {
		if back := e.correct(now); back > 0 {
			s.o.Log.Warn("the clock was set back, the schedule counts from the new time", "job", e.Name, "by", back.String())
		}
	}
	if r := s.running; r != nil {
		e := r.entry
		if e == nil {
			return
		}
		if e.due(now) {
			n := e.consume(now)
			e.status.Skipped += n
			s.o.Log.Warn("skipped: the job is still running", "job", e.Name, "occurrences", n, "running_for", now.since(r.began).Round(time.Second).String())
		}
		if limit := e.MaxRuntime; limit > 0 && now.passed-r.began.passed >= limit {
			r.cancel(ErrMaxRuntime)
		}
		return
	}
	e := s.pick(now)
	if t := s.first(e, now); t != nil {
		s.runTicket(ctx, t, now)
	} else if e != nil {
		s.start(ctx, e, now)
	}
}

// pick chooses the job whose occurrence is the oldest.
func (s *Scheduler) pick(now moment) *entry {
	var best *entry
	for _, e := range s.entries {
		if e.due(now) && !e.paused(now) && (best == nil || e.next.Before(best.next)) {
			best = e
		}
	}
	return best
}

func (s *Scheduler) start(ctx context.Context, e *entry, now moment) {
	if n := e.consume(now) - 1; n > 0 {
		e.status.Missed += n
		s.o.Log.Info("making up for missed occurrences in one run", "job", e.Name, "missed", n)
	}
	e.status.Started = now.wall
	inner, cancel := context.WithCancelCause(ctx)
	s.running = &running{entry: e, cancel: cancel, began: now, ctx: inner}
	s.launch(inner, e.Job)
}

// launch runs a job in a goroutine, whatever becomes of it.
func (s *Scheduler) launch(ctx context.Context, job Job) {
	go func() {
		var r result
		finished := false
		defer func() {
			if p := recover(); p != nil {
				r = result{fmt.Errorf("panic: %v", p), debug.Stack()}
			} else if !finished {
				r.err = errors.New("the job ended its goroutine")
			}
			s.done <- r
		}()
		r.err = job.Run(ctx)
		finished = true
	}()
}

// ended takes in the result of the job that ran.
func (s *Scheduler) ended(r result) {
	e, now := s.running.entry, s.now()
	stopped, cause := s.running.ctx.Err() != nil, context.Cause(s.running.ctx)
	s.running.cancel(nil)
	took := now.since(s.running.began).Round(time.Millisecond).String()
	ticket := s.running.ticket
	s.running = nil
	if ticket != nil {
		if r.stack != nil {
			s.o.Log.Error("a run on request panicked", "job", ticket.name, "error", r.err, "stack", hclog.Quote(r.stack))
		}
		s.ticketEnded(ticket, r, took)
		return
	}
	e.status.Runs++
	e.status.Err = r.err
	switch {
	case r.err == nil:
		e.status.InRow = 0
	case stopped && r.stack == nil && errors.Is(cause, ErrMaxRuntime):
		e.status.Stopped++
		e.status.InRow = 0
		s.o.Log.Warn("stopped, the next run goes on", "job", e.Name, "reason", ErrMaxRuntime, "took", took)
	case stopped && r.stack == nil: // by whoever stops the scheduler
	default:
		e.status.Failures++
		e.status.InRow++
		e.failed, e.pause = now, s.pause(e.status.InRow)
		args := []any{"job", e.Name, "error", r.err, "in_row", e.status.InRow, "pause", e.pause.String(), "took", took}
		if r.stack != nil {
			args = append(args, "stack", hclog.Quote(r.stack))
		}
		s.o.Log.Error("job failed", args...)
	}
}

// pause grows with the number of failures in a row.
func (s *Scheduler) pause(failures int) time.Duration {
	d := s.o.Pause
	for range failures - 1 {
		if d *= 2; d >= s.o.MaxPause {
			return s.o.MaxPause
		}
	}
	return min(d, s.o.MaxPause)
}

// sleep is how long nothing is to be done.
func (s *Scheduler) sleep(now moment) time.Duration {
	d := s.o.Wake
	if r := s.running; r != nil && r.entry != nil && r.entry.MaxRuntime > 0 && r.ctx.Err() == nil {
		d = min(d, r.entry.MaxRuntime-(now.passed-r.began.passed))
	}
	for _, e := range s.entries {
		if s.running == nil || s.running.entry == e {
			d = min(d, e.wait(now))
		}
	}
	return max(d, time.Millisecond)
}

// Status returns the state of all jobs.
func (s *Scheduler) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.status)
}

// current is the state of all jobs as the loop sees it.
func (s *Scheduler) current() []Status {
	status := make([]Status, 0, len(s.entries))
	for _, e := range s.entries {
		st := e.status
		st.Name, st.Next = e.Name, e.next
		st.Running = s.running != nil && s.running.entry == e
		status = append(status, st)
	}
	if s.running != nil && s.running.ticket != nil {
		status = append(status, Status{Name: s.running.name(), Manual: true, Running: true, Started: s.running.began.wall})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.queue {
		status = append(status, Status{Name: t.name, Manual: true})
	}
	return status
}

func (s *Scheduler) publish() {
	status := s.current()
	s.mu.Lock()
	s.status = status
	s.mu.Unlock()
	if s.o.Awake != nil {
		s.o.Awake(slices.Clone(status))
	}
}
