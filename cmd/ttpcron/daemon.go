package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/metrics"
	"github.com/ttpcron/ttpcron/scheduler"
)

func (a *app) daemonCommand() *command {
	c := &daemonConfig{app: a, minFree: 256 << 20}
	fs := a.flags()
	fs.Var(&a.set.inputs, "input", "import `[FORMAT:]PATH` in each run; can be repeated")
	fs.Var(&c.keepEvents, "keep-events", "keep events for `DURATION`, such as 90d; maintenance takes older days out (default: for ever)")
	fs.Var(&c.keepTags, "keep-tags", "keep tags for `DURATION`, by the time of their events; no shorter than --keep-events (default: for ever)")
	fs.Var(&c.maxSize, "max-size", "maintenance takes out the oldest days while the store holds more than `SIZE`, such as 2GiB (default: no limit)")
	fs.Var(&c.minFree, "min-free", "with less than `SIZE` of free disk nothing is imported; what is stored is still tagged")
	fs.DurationVar(&c.healthLimit, "health-limit", 0, "/healthz is false when no run has ended well for `DURATION` (default: three times what lies between two runs, 15m at least)")
	fs.Lookup("health-limit").DefValue = ""
	fs.StringVar(&c.http, "http", "", "serve /metrics and /healthz at `ADDRESS` too, such as 127.0.0.1:9847; the control socket serves them in any case")
	fs.BoolVar(&c.httpExposed, "http-exposed", false, "let --http be an address that other machines can reach")
	fs.StringVar(&c.metricsFile, "metrics-file", "", "write metrics to `FILE` for node_exporter's textfile collector, such as DIR/ttpcron.prom")
	fs.DurationVar(&c.spread, "spread", time.Minute, "begin up to `DURATION` later than scheduled, always by the same part of it, which depends on --node")
	fs.Lookup("spread").DefValue = "1m"
	fs.StringVar(&c.node, "node", "", "`NAME` that tells this node from others (default: the machine id)")
	return &command{
		name: "daemon", short: "import and tag on a schedule, for years", fs: fs,
		text: `Runs the jobs of the config file on their schedules until it is stopped, and holds
the store meanwhile. Without [[job]] it imports the inputs and tags every 5
minutes, and does maintenance once a day; ttpcron config check shows what is
scheduled and when. One job runs at a time. What was missed while the machine was
off or asleep is made up for by one run, which takes everything since the
checkpoint.

SIGTERM stops it at the end of a batch, within 5 seconds, and a second one at
once; nothing that was committed is lost either way. SIGHUP reads the config file
and the rules again; when something is wrong with them the old ones stay, and the
log says so. It speaks systemd's protocol: readiness, reload, status, watchdog.`,
		examples: `ttpcron daemon
ttpcron daemon --input /var/log/cowrie --keep-events 90d --keep-tags 730d`,
		exits: []int{exitFailed, exitLocked, exitInterrupted},
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			var err error
			if c.file, err = a.readConfig(); err != nil {
				return err
			}
			if err := c.complete(); err != nil {
				return err
			}
			if a.daemonReads != nil {
				a.daemonReads(c)
				return nil
			}
			return a.runDaemon(ctx, c)
		},
	}
}

// gcForYears is app.loadGC of a daemon. Idle it takes a quarter less memory than
// with Go's default.
const gcForYears = 20

// The times that a stop keeps to.
const (
	jobGrace    = 4 * time.Second        // for the job that runs
	serverGrace = 400 * time.Millisecond // for servers, and for whoever reads the store
)

// daemon is what lives as long as the command daemon runs. What servers beside
// the scheduler need is here: the store, and through its methods the
// configuration and the rules in force, which a reload replaces as a whole.
type daemon struct {
	db     localStore
	notify *notifier
	sched  *scheduler.Scheduler
	turns  *turns
	began  time.Time
	passed func() time.Duration // since then, whatever the clock says
	health health

	mu    sync.RWMutex
	conf  *daemonConfig
	rules ruleSet

	observer *observer
	refused  atomic.Int64  // rules and files that could not be loaded
	runEnded chan struct{} // has room for one

	launch  func(server) (end func()) // runs a server beside the scheduler
	reloads sync.Mutex                // held while one is in progress
	web     web                       // changed by reloads alone
	moved   atomic.Int64              // counts signs of progress of the job that runs
	input   inputWait                 // what that waits for
	fed     int64                     // moved, when the watchdog was fed last
	said    map[string]*saidOnce      // by job
	places  map[string]*jobs.Place    // where imports stopped, by job

	horizonSaid string // what was said last of events that were passed over; runs use it

	timesMu sync.Mutex
	times   map[string]time.Time // when jobs began last
}

// config returns the configuration in force.
func (d *daemon) config() *daemonConfig {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.conf
}

// ruleSet returns the rules in force, without the states that the store has.
func (d *daemon) ruleSet() ruleSet {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rules
}

// server runs beside the scheduler until its context ends, and returns soon
// after. An error before that ends the daemon.
type server func(ctx context.Context) error

// servers makes what runs beside the scheduler. Listening begins here, so that
// whoever was told that the daemon is ready finds it listening.
func (d *daemon) servers(ctx context.Context) ([]server, error) {
	return d.listen(ctx)
}

// runDaemon runs until ctx ends.
func (a *app) runDaemon(ctx context.Context, c *daemonConfig) error {
	if a.set.role == roleAgent {
		return hinted{errors.New("this host is an agent: tags are made on the host that keeps them"), "run the daemon there; role = \"standalone\" in the config lets this host keep its own tags"}
	}
	a.queueLog()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	notify, err := newNotifier(a.env, os.Getpid())
	if err != nil {
		a.log.Warn("systemd will not be told of the state", "error", err.Error())
	}
	a.loadGC = gcForYears
	rules, report, err := a.loadRules()
	if err != nil {
		return err
	}
	a.warnRules(report)
	notify.tell("opening the store")
	db, err := a.openLocal(ctx)
	if err != nil {
		return err
	}
	o := &observer{Metrics: metrics.New()}
	d := &daemon{db: db, notify: notify, conf: c, rules: rules, began: a.now(), passed: passing(), observer: o, runEnded: make(chan struct{}, 1)}
	d.refused.Store(int64(refused(report)))
	if err := d.prepare(ctx); err != nil {
		db.Close()
		return err
	}
	err = d.run(ctx, hup)
	if errors.Is(err, scheduler.ErrStillRunning) {
		// The store cannot be closed under the job's hands. What was committed is
		// on disk, and the next start goes on from there, as after a crash.
		a.log.Warn("left while a job was still running; the next start goes on after what it committed", "error", err.Error())
		return nil
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case cerr := <-closed:
		err = errors.Join(err, cerr)
	case <-time.After(serverGrace):
		a.log.Warn("left while somebody was still reading the store")
	}
	a.log.Info("stopped")
	return err
}

// passing returns a clock that shows how much time has passed since now. It goes
// neither back nor ahead when the one on the wall is set.
func passing() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// queueLog keeps whoever does not read the log from stopping the daemon.
func (a *app) queueLog() {
	log := a.log
	a.stderr.through(func(w io.Writer) io.Writer {
		return &logQueue{w: w, lost: func(n int) { log.Warn("lines of the log were lost: nobody read it", "lines", n) }}
	})
}

// prepare sets up the scheduler.
func (d *daemon) prepare(ctx context.Context) error {
	c := d.config()
	var err error
	if d.times, err = d.db.JobTimes(ctx); err != nil {
		return err
	}
	entries := d.entries(c)
	d.sched, err = scheduler.New(scheduler.Options{
		Now: c.app.now, Log: c.app.log, Wake: d.wake(), Grace: jobGrace,
		Spread: c.spread, Node: c.node, Awake: d.awake,
	}, entries)
	d.turns = &turns{log: c.app.log, sched: d.sched, name: fmt.Sprint(d.began.UnixNano()), byID: map[string]*turn{}}
	return err
}

// wake is how often the clock is looked at: often enough for the watchdog.
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
	servers, err := d.servers(inner)
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
	if err := d.serveWeb(d.config()); err != nil {
		stop(err)
		wg.Wait()
		return err
	}
	wg.Go(func() { d.reloadOn(inner, hup) })
	wg.Go(func() { d.turns.count(inner) })
	defer context.AfterFunc(ctx, d.notify.stopping)()
	c := d.config()
	c.app.log.Info("ready", "store", clean(d.db.Path()), "jobs", len(c.jobs), "rules", d.ruleSet().InForce(), "node_offset", scheduler.Offset(c.node, c.spread).String())
	if len(c.allInputs()) == 0 {
		c.app.log.Warn("no inputs are set: this daemon imports nothing by itself; ttpcron config check says where they belong")
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

// awake is called at every look at the clock: it feeds the watchdog, unless a
// job of the daemon's own runs that shows no progress, and says what the daemon is
// doing. Waiting for a caller that has its turn, or for the disk to give an input,
// is no fault of the daemon that a new start would mend.
func (d *daemon) awake(all []scheduler.Status) {
	moved := d.moved.Load()
	if !running(all) || moved != d.fed || d.turns.away() || d.input.name() != "" {
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

// state says in a line what the daemon is doing.
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
	return text + d.input.text() + d.health.text()
}
