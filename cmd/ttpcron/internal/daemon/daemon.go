// Package daemon is the program that runs for years: the jobs of a configuration
// on their schedules, the store that it holds meanwhile, and the servers beside the
// scheduler through which commands use both.
//
// Start with [Run]. A command that wants a daemon to do a run uses [There]; both
// ends of that are here, as both ends of the store are in package store. Of the
// files, jobs.go, maintain.go and retention.go are what jobs do, reload.go replaces
// the configuration, and the servers are in serve.go, runserve.go, turnserve.go,
// metrics.go and web.go.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/metrics"
	"github.com/ttpcron/ttpcron/scheduler"
)

// Options are what a daemon runs with.
type Options struct {
	Config *settings.Daemon // that of the start
	// Read reads the configuration again, as it was read at the start.
	Read    func() (*settings.Daemon, error)
	Store   *store.Opener
	Log     hclog.Logger
	Now     func() time.Time
	Env     map[string]string // for systemd's protocol
	Version string            // of the program
	// Report writes the page that is served live; nil: there is none.
	Report Reporter
}

// The times that a stop keeps to.
const (
	jobGrace    = 4 * time.Second        // for the job that runs
	serverGrace = 400 * time.Millisecond // for servers, and for whoever reads the store
)

// daemon lives as long as the command daemon runs: the runner, which does the jobs, with
// the scheduler and the servers.
type daemon struct {
	runner
	holder  *store.Holder // of the store, as calls see it
	read    func() (*settings.Daemon, error)
	version string
	report  Reporter

	notify *notifier
	sched  *scheduler.Scheduler
	turns  *turns
	began  time.Time

	refused atomic.Int64              // rules and files that could not be loaded
	launch  func(server) (end func()) // runs a server beside the scheduler
	reloads sync.Mutex                // held while one is in progress
	web     web                       // changed by reloads alone
	live    *live.Server              // what it serves of the store
	fed     int64                     // the value of moved when the watchdog was last fed
}

// server runs next to the scheduler until its context ends, and returns soon after. An
// error before that ends the daemon.
type server func(ctx context.Context) error

// Run runs a daemon until ctx ends.
func Run(ctx context.Context, o Options) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	notify, err := newNotifier(o.Env, os.Getpid())
	if err != nil {
		o.Log.Warn("systemd will not be told of the state", "error", err.Error())
	}
	folders, err := ruleset.Folders(o.Config.Embedded, o.Config.Rules)
	if err != nil {
		return err
	}
	wanted := ruleset.Options(folders, o.Config.OwnNetworks)
	wanted.WithoutCorrelations = !o.Config.Correlations
	rules, report := ruleset.Load(wanted, ruleset.GCForYears)
	ruleset.Warn(o.Log, report)
	notify.tell("opening the store")
	db, err := o.Store.File(ctx)
	if err != nil {
		return o.Store.ForItself(ctx, err)
	}
	d := newDaemon(o, db, notify)
	d.rules = rules
	d.refused.Store(int64(ruleset.Refused(report)))
	if err := d.prepare(ctx); err != nil {
		db.Close()
		return err
	}
	err = d.run(ctx, hup)
	if errors.Is(err, scheduler.ErrStillRunning) {
		// The store cannot be closed while the job uses it. What was committed is on disk,
		// and the next start continues from there, as after a crash.
		d.log.Warn("left while a job was still running; the next start goes on after what it committed", "error", err.Error())
		return nil
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case cerr := <-closed:
		err = errors.Join(err, cerr)
	case <-time.After(serverGrace):
		d.log.Warn("left while somebody was still reading the store")
	}
	d.log.Info("stopped")
	return err
}

// newDaemon returns a daemon that has not begun. Its rules are not loaded.
func newDaemon(o Options, db *kv.DB, notify *notifier) *daemon {
	d := &daemon{
		runner: runner{
			current: current{conf: o.Config}, db: db, log: o.Log, now: o.Now, passed: passing(),
			observer: &observer{Metrics: metrics.New(live.Reasons()...)}, runEnded: make(chan struct{}, 1),
		},
		read: o.Read, version: o.Version, report: o.Report, notify: notify, began: o.Now(),
	}
	d.holder = &store.Holder{
		DB: db, Version: o.Version, Now: o.Now, Alone: d.alone, Author: author, Tell: d.tell,
		Moved: func() { d.moved.Add(1) }, Imported: d.observer.Import,
	}
	d.store = store.Local(&store.Holder{DB: db, Now: o.Now}) // jobs are counted as a whole, see count
	return d
}

// passing returns a clock that shows how much time has passed since now. Setting the wall
// clock does not affect it.
func passing() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// prepare sets up the scheduler.
func (d *daemon) prepare(ctx context.Context) error {
	c := d.config()
	err := d.checkSources(ctx, c)
	if err != nil {
		return err
	}
	if d.times, err = d.db.JobTimes(ctx); err != nil {
		return err
	}
	entries := d.entries(c)
	d.sched, err = scheduler.New(scheduler.Options{
		Now: d.now, Log: d.log, Wake: d.wake(), Grace: jobGrace,
		Spread: c.Spread, Node: c.Node, Awake: d.awake,
	}, entries)
	d.turns = &turns{log: d.log, sched: d.sched, name: fmt.Sprint(d.began.UnixNano()), byID: map[string]*turn{}}
	return err
}

// checkSources refuses a configuration with a job whose source is neither known nor
// stored. It warns about such kinds.
func (d *daemon) checkSources(ctx context.Context, c *settings.Daemon) error {
	stored, err := d.db.Kinds(ctx)
	if err != nil {
		return err
	}
	settings.WarnKinds(d.log, c.Kinds, stored)
	return c.File.Refusal(c.CheckSources(stored))
}

// wake is how often the clock is read: often enough for the watchdog.
func (d *daemon) wake() time.Duration {
	wake := 30 * time.Second
	if d.notify.watchdog > 0 {
		wake = max(min(wake, d.notify.watchdog/3), 10*time.Millisecond)
	}
	return wake
}

// run runs the scheduler and the servers.
func (d *daemon) run(ctx context.Context, hup <-chan os.Signal) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	servers, err := d.listen(inner)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	d.launch = func(serve server) (end func()) {
		ctx, cancel := context.WithCancel(inner)
		ended := make(chan struct{})
		wg.Go(func() {
			defer close(ended)
			if err := serve(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("a server ended: %w", err))
			}
		})
		return func() { cancel(); <-ended }
	}
	for _, serve := range servers {
		d.launch(serve)
	}
	d.live = d.liveServer(inner)
	wg.Go(func() { <-inner.Done(); d.live.Wait() })
	if err := d.serveWeb(d.config()); err != nil {
		stop(err)
		wg.Wait()
		return err
	}
	wg.Go(func() { d.reloadOn(inner, hup) })
	wg.Go(func() { d.turns.count(inner) })
	defer context.AfterFunc(ctx, d.notify.stopping)()
	c := d.config()
	d.log.Info("ready", "store", term.Clean(d.db.Path()), "jobs", len(c.Jobs), "rules", d.inForce(), "node_offset", scheduler.Offset(c.Node, c.Spread).String())
	if len(c.AllInputs()) == 0 {
		d.log.Warn("no inputs are set: this daemon imports nothing by itself; ttpcron config check says where they belong")
	}
	d.notify.ready("idle")
	err = d.sched.Run(inner)
	failed := context.Cause(inner)
	stop(nil)
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(serverGrace):
	}
	if ctx.Err() == nil && failed != nil {
		err = errors.Join(failed, err)
	}
	return err
}

// awake is called at every tick: it feeds the watchdog, unless one of the daemon's own
// jobs runs without progress, and reports the daemon's state. A restart would not help
// while it waits for a caller's turn, or for an input's disk.
func (d *daemon) awake(all []scheduler.Status) {
	moved := d.moved.Load()
	if !running(all) || moved != d.fed || d.turns.away() || d.input.Name() != "" {
		d.notify.feed()
	}
	d.fed = moved
	d.notify.tell(d.state(all))
}

func running(all []scheduler.Status) bool {
	for _, s := range all {
		if s.Running {
			return true
		}
	}
	return false
}

// state describes the daemon's state in a line.
func (d *daemon) state(all []scheduler.Status) string {
	text := "idle"
	var next *scheduler.Status
	for i, s := range all {
		switch {
		case s.Running:
			text = "running " + s.Name
		case !s.Next.IsZero() && (next == nil || s.Next.Before(next.Next)):
			next = &all[i]
		}
	}
	if text == "idle" && next != nil {
		text += fmt.Sprintf("; next %s at %s UTC", next.Name, next.Next.UTC().Format(time.TimeOnly))
	}
	return text + d.input.Text() + d.health.text()
}
