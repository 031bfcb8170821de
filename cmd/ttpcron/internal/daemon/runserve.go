package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// maxWorkers bounds what a caller may ask for.
const maxWorkers = 256

// maxAsked is how many runs are remembered, including waiting ones.
const maxAsked = 64

// newsEvery is the least time between two reports of progress to a caller.
const newsEvery = 100 * time.Millisecond

// askedRuns are the runs that callers asked for.
type askedRuns struct {
	mu    sync.Mutex
	n     int
	byID  map[string]*askedRun
	order []string
}

// askedRun is a run that a caller asked for.
type askedRun struct {
	ticket *scheduler.Ticket

	mu      sync.Mutex
	news    runNews
	changed chan struct{} // closed at the next change
	next    time.Time     // when progress is news again
}

func (r *askedRun) change(do func(*runNews)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(&r.news)
	r.news.Version++
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *askedRun) look() (runNews, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.news, r.changed
}

func (r *askedRun) progress(p jobs.Progress) {
	r.mu.Lock()
	now := time.Now()
	due := !now.Before(r.next)
	if due {
		r.next = now.Add(newsEvery)
	}
	r.mu.Unlock()
	if due {
		r.change(func(n *runNews) { n.Progress = p })
	}
}

// add remembers a run, and forgets the oldest that is done.
func (s *askedRuns) add(r *askedRun) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.order) && len(s.order) >= maxAsked; i++ {
		if news, _ := s.byID[s.order[i]].look(); news.Done {
			delete(s.byID, s.order[i])
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			i--
		}
	}
	if len(s.order) >= maxAsked {
		return "", scheduler.ErrQueueFull
	}
	s.n++
	id = fmt.Sprint(s.n)
	s.byID[id] = r
	s.order = append(s.order, id)
	return id, nil
}

func (s *askedRuns) get(id string) (*askedRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byID[id]; r != nil {
		return r, nil
	}
	return nil, errors.New("the daemon does not know the run any more: it was started again; ttpcron status shows what the run did")
}

// serveRuns lets callers have runs of their own, which wait for their turn. They
// go on when the caller leaves.
func (d *daemon) serveRuns(ctx context.Context, s *control.Server) {
	runs := &askedRuns{byID: map[string]*askedRun{}}
	calls.Run.Serve(s, func(_ context.Context, q runAsked) (string, error) {
		if q.Workers < 0 || q.Workers > maxWorkers {
			return "", fmt.Errorf("workers is %d, want 0 to %d", q.Workers, maxWorkers)
		}
		if q.Rules != d.ruleSet().WithOwnNetworks(q.OwnNetworks).Fingerprint() {
			return "", store.ErrOtherRules
		}
		r := &askedRun{news: runNews{Waiting: true}, changed: make(chan struct{})}
		id, err := runs.add(r)
		if err != nil {
			return "", err
		}
		r.ticket, err = d.sched.Queue("run-once", scheduler.JobFunc(func(ctx context.Context) error {
			r.change(func(n *runNews) { n.Waiting = false })
			return d.runFor(ctx, q, r)
		}))
		if err != nil {
			r.change(func(n *runNews) { n.Done = true })
			return "", err
		}
		go func() {
			<-r.ticket.Done()
			r.change(func(n *runNews) {
				if n.Done = true; n.Fault == nil && r.ticket.Err() != nil { // it never began, or panicked
					n.Fault = control.FaultOf(r.ticket.Err(), store.FaultOf)
				}
			})
		}()
		return id, nil
	})
	calls.RunFollow.Serve(s, func(call context.Context, q following) (runNews, error) {
		r, err := runs.get(q.ID)
		if err != nil {
			return runNews{}, err
		}
		timer := time.NewTimer(followTime)
		defer timer.Stop()
		for {
			news, changed := r.look()
			if news.Version != q.Version || news.Done {
				return news, nil
			}
			select {
			case <-changed:
			case <-timer.C:
				return news, nil
			case <-call.Done():
				return news, call.Err()
			case <-ctx.Done():
				return news, scheduler.ErrStopped
			}
		}
	})
	calls.RunCancel.Serve(s, func(_ context.Context, id string) (none, error) {
		r, err := runs.get(id)
		if err == nil {
			r.ticket.Cancel()
		}
		return none{}, err
	})
}

// runFor does a run that a caller asked for.
func (d *daemon) runFor(ctx context.Context, q runAsked, asked *askedRun) error {
	defer d.giveBack()
	life, err := ruleset.ReadLife(ctx, d.store.Rules)
	if err != nil {
		return err
	}
	rules := d.ruleSet().WithOwnNetworks(q.OwnNetworks)
	if q.Rules != rules.Fingerprint() { // reloaded while it waited
		return store.ErrOtherRules
	}
	table, err := store.TableOf(q.AttackRelease)
	if err != nil {
		return err
	}
	job := jobs.Job{
		Store: d.timed(), Rules: life.InForce(d.set(rules), d.now()), Decided: life.Decided(d.now()), Imported: q.Imported, ChangedOnly: q.ChangedOnly,
		Source: q.Source, SinceDays: q.SinceDays, BatchSize: q.BatchSize, Workers: q.Workers, OwnNetworks: q.OwnNetworks, Names: table,
		Now: d.now, Log: d.log, Progress: func(p jobs.Progress) {
			d.progress(p)
			asked.progress(p)
		},
	}
	if q.Failed != "" {
		job.Failed = errors.New(q.Failed)
	}
	r, err := job.Run(ctx)
	d.logRun("run-once", r, err)
	d.count(withoutImported(r.Run))
	asked.change(func(n *runNews) {
		n.Report = r
		n.Report.Files = nil
		if err != nil {
			n.Fault = control.FaultOf(err, store.FaultOf)
		}
	})
	return err
}
