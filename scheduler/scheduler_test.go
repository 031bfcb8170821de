package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// world is a machine with a clock that can be set. Time that passes is that of
// the synctest bubble; what the clock on the wall shows differs from it by skew.
type world struct {
	t      *testing.T
	mu     sync.Mutex
	skew   time.Duration
	runs   []string
	log    bytes.Buffer
	s      *Scheduler
	cancel context.CancelFunc
	ended  chan error
}

var start = time.Date(2026, 5, 4, 12, 0, 10, 0, time.UTC)

func newWorld(t *testing.T) *world {
	return &world{t: t, skew: time.Until(start), ended: make(chan error, 1)}
}

// job is an entry that takes no time.
func (w *world) job(name, expr string) Entry { return w.long(name, expr, 0) }

// ask queues a run that takes so long.
func (w *world) ask(name string, d time.Duration) *Ticket {
	w.t.Helper()
	t, err := w.s.Queue(name, w.long(name, "@daily", d).Job)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return t
}

// long is an entry whose job notes when it runs, and takes so long.
func (w *world) long(name, expr string, d time.Duration) Entry {
	return w.does(name, expr, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	})
}

func (w *world) does(name, expr string, f JobFunc) Entry {
	return Entry{Name: name, Schedule: parse(w.t, expr), Job: JobFunc(func(ctx context.Context) error {
		at := w.now().UTC().Format("15:04:05")
		w.mu.Lock()
		w.runs = append(w.runs, name+" "+at)
		w.mu.Unlock()
		return f(ctx)
	})}
}

// begin starts a scheduler at 12:00:10.
func (w *world) begin(o Options, entries ...Entry) {
	w.t.Helper()
	o.Now = w.now
	o.Log = hclog.New(&hclog.LoggerOptions{Output: &w.log, Level: hclog.Debug})
	s, err := New(o, entries)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.s, w.cancel = s, cancel
	go func() { w.ended <- s.Run(ctx) }()
	synctest.Wait()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.skew)
}

// set moves the clock on the wall; to suspend a machine is to move it forward.
func (w *world) set(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skew += by
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want compares the runs since it was last asked.
func (w *world) want(runs string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.runs, ", "); got != runs {
		w.t.Errorf("ran %q\nwant %q", got, runs)
	}
	w.runs = nil
}

func (w *world) status(name string) Status {
	w.t.Helper()
	for _, s := range w.s.Status() {
		if s.Name == name {
			return s
		}
	}
	w.t.Fatalf("no job %q", name)
	return Status{}
}

func (w *world) counts(name, want string) {
	w.t.Helper()
	s := w.status(name)
	if got := fmt.Sprintf("runs %d failures %d stopped %d missed %d skipped %d", s.Runs, s.Failures, s.Stopped, s.Missed, s.Skipped); got != want {
		w.t.Errorf("%s: %s, want %s", name, got, want)
	}
}

func (w *world) logged(text string) {
	w.t.Helper()
	if !strings.Contains(w.log.String(), text) {
		w.t.Errorf("the log lacks %q:\n%s", text, w.log.String())
	}
}

// stop ends the scheduler; its log may be read after.
func (w *world) stop() error {
	w.cancel()
	return <-w.ended
}

func ago(d time.Duration) time.Time { return start.Add(-d) }

func last(e Entry, at time.Time) Entry {
	e.Last = at
	return e
}

func limited(e Entry, d time.Duration) Entry {
	e.MaxRuntime = d
	return e
}

func fails(context.Context) error { return errors.New("no luck") }

// TestSemantics is the table of what the package comment promises.
func TestSemantics(t *testing.T) {
	tests := []struct {
		name string
		run  func(w *world)
	}{
		{"times are UTC and on the minute", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"), w.job("daily", "10 12 * * *"))
			w.pass(15 * time.Minute)
			w.want("five 12:05:00, five 12:10:00, daily 12:10:00, five 12:15:00")
		}},
		{"a named zone", func(w *world) {
			w.begin(Options{}, w.job("berlin", "CRON_TZ=Europe/Berlin 30 14 * * *"))
			w.pass(24 * time.Hour)
			w.want("berlin 12:30:00")
		}},
		{"an interval begins at once and keeps its distance", func(w *world) {
			w.begin(Options{}, w.job("every", "@every 5m"))
			w.pass(11 * time.Minute)
			w.want("every 12:00:10, every 12:05:10, every 12:10:10")
		}},
		{"an interval goes on from the run of another process", func(w *world) {
			w.begin(Options{}, last(w.job("every", "@every 5m"), ago(2*time.Minute)))
			w.pass(9 * time.Minute)
			w.want("every 12:03:10, every 12:08:10")
		}},
		{"overlap is skipped, counted, logged", func(w *world) {
			w.begin(Options{}, w.long("five", "*/5 * * * *", 12*time.Minute))
			w.pass(16 * time.Minute)
			w.want("five 12:05:00")
			w.counts("five", "runs 0 failures 0 stopped 0 missed 0 skipped 2")
			w.pass(4 * time.Minute)
			w.want("five 12:20:00")
			w.counts("five", "runs 1 failures 0 stopped 0 missed 0 skipped 2")
			w.stop()
			w.logged("skipped: the job is still running: job=five occurrences=1")
		}},
		{"overlap of an interval", func(w *world) {
			w.begin(Options{}, w.long("every", "@every 1m", 150*time.Second))
			w.pass(4 * time.Minute)
			w.want("every 12:00:10, every 12:03:10")
			w.counts("every", "runs 1 failures 0 stopped 0 missed 0 skipped 3")
		}},
		{"jobs of the same minute run one after the other, none starves", func(w *world) {
			w.begin(Options{}, w.long("a", "0 13 * * *", 10*time.Minute), w.long("b", "0 13 * * *", 10*time.Minute), w.long("c", "5 13 * * *", time.Minute))
			w.pass(2 * time.Hour)
			w.want("a 13:00:00, b 13:10:00, c 13:20:00")
			w.counts("b", "runs 1 failures 0 stopped 0 missed 0 skipped 0")
		}},
		{"power off: one run makes up for all that was missed", func(w *world) {
			w.begin(Options{}, last(w.job("five", "*/5 * * * *"), ago(time.Hour)), last(w.job("daily", "0 3 * * *"), ago(24*365*time.Hour)), last(w.job("every", "@every 10m"), ago(time.Hour)))
			w.pass(5 * time.Minute)
			w.want("daily 12:00:10, five 12:00:10, every 12:00:10, five 12:05:00")
			w.counts("five", "runs 2 failures 0 stopped 0 missed 11 skipped 0")
			w.counts("daily", "runs 1 failures 0 stopped 0 missed 364 skipped 0")
			w.counts("every", "runs 1 failures 0 stopped 0 missed 5 skipped 0")
			w.stop()
			w.logged("making up for missed occurrences in one run: job=five missed=11")
		}},
		{"no power lost: what ran is not run again", func(w *world) {
			w.begin(Options{}, last(w.job("five", "*/5 * * * *"), ago(5*time.Second)), last(w.job("daily", "0 3 * * *"), ago(9*time.Hour)))
			w.pass(4 * time.Minute)
			w.want("")
		}},
		{"suspend: seen within 30 seconds, made up for by one run", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"), w.job("every", "@every 2h"))
			w.pass(10 * time.Second)
			w.want("every 12:00:10")
			w.set(8 * time.Hour) // no timer runs
			w.pass(30 * time.Second)
			w.want("five 20:00:40, every 20:00:40")
			w.counts("five", "runs 1 failures 0 stopped 0 missed 95 skipped 0")
			w.counts("every", "runs 2 failures 0 stopped 0 missed 3 skipped 0")
		}},
		{"a small step back: nothing runs twice", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"), w.job("daily", "5 12 * * *"))
			w.pass(5 * time.Minute)
			w.want("five 12:05:00, daily 12:05:00")
			w.set(-time.Minute)
			w.pass(5*time.Minute + 50*time.Second)
			w.want("five 12:10:00")
			w.set(-time.Hour)
			w.pass(64*time.Minute + 50*time.Second)
			w.want("")
			w.pass(10 * time.Second)
			w.want("five 12:15:00")
		}},
		{"a great step back: nothing waits for years", func(w *world) {
			w.set(24 * 365 * 4 * time.Hour) // a clock that has lost its battery
			w.begin(Options{}, w.job("five", "*/5 * * * *"), w.job("every", "@every 5m"))
			w.pass(5 * time.Minute)
			w.set(-24 * 365 * 4 * time.Hour)
			w.want("every 12:00:10, five 12:05:00, every 12:05:10")
			w.pass(10 * time.Minute)
			w.want("five 12:10:00, every 12:10:10, five 12:15:00, every 12:15:10")
			w.stop()
			w.logged("the clock was set back")
		}},
		{"an interval does not feel a step back", func(w *world) {
			w.begin(Options{}, w.job("every", "@every 5m"))
			w.pass(time.Minute)
			w.set(-30 * time.Minute)
			w.pass(8 * time.Minute)
			w.want("every 12:00:10, every 11:35:10")
		}},
		{"a clock that steps to and fro", func(w *world) {
			w.begin(Options{}, w.job("every", "@every 5m"), w.job("five", "*/5 * * * *"))
			w.set(24 * time.Hour)
			w.pass(30 * time.Second)
			w.set(-24 * time.Hour)
			w.want("every 12:00:10, five 12:00:40, every 12:00:40")
			w.pass(6 * time.Minute)
			w.want("five 12:05:00, every 12:05:10")
		}},
		{"a last run in the future is of a wrong clock", func(w *world) {
			future := start.AddDate(3, 0, 0)
			w.begin(Options{}, last(w.job("five", "*/5 * * * *"), future), last(w.job("every", "@every 5m"), future))
			w.pass(6 * time.Minute)
			w.want("every 12:00:10, five 12:05:00, every 12:05:10")
		}},
		{"a failing job backs off, and the others run", func(w *world) {
			w.begin(Options{Pause: time.Minute, MaxPause: 10 * time.Minute}, w.does("bad", "* * * * *", fails), w.job("good", "*/10 * * * *"))
			w.pass(30 * time.Minute)
			w.want("bad 12:01:00, bad 12:02:00, bad 12:04:00, bad 12:08:00, good 12:10:00, bad 12:16:00, good 12:20:00, bad 12:26:00, good 12:30:00")
			if s := w.status("bad"); s.InRow != 6 || s.Failures != 6 || s.Err == nil {
				w.t.Errorf("%+v", s)
			}
			w.stop()
			w.logged(`job failed: job=bad error="no luck" in_row=6 pause=10m0s`)
		}},
		{"success ends the pauses", func(w *world) {
			n := 0
			w.begin(Options{Pause: 2 * time.Minute}, w.does("wavering", "* * * * *", func(ctx context.Context) error {
				if n++; n%2 == 1 {
					return fails(ctx)
				}
				return nil
			}))
			w.pass(8 * time.Minute)
			w.want("wavering 12:01:00, wavering 12:03:00, wavering 12:04:00, wavering 12:06:00, wavering 12:07:00")
			w.counts("wavering", "runs 5 failures 3 stopped 0 missed 2 skipped 0")
		}},
		{"a panic is a failure", func(w *world) {
			w.begin(Options{}, w.does("panics", "*/5 * * * *", func(context.Context) error { panic("at the disco") }), w.job("good", "*/5 * * * *"))
			w.pass(10 * time.Minute)
			w.want("panics 12:05:00, good 12:05:00, panics 12:10:00, good 12:10:00")
			w.counts("panics", "runs 2 failures 2 stopped 0 missed 0 skipped 0")
			w.stop()
			w.logged("panic: at the disco")
			w.logged("scheduler_test.go")
		}},
		{"a job that ends its goroutine is a failure", func(w *world) {
			w.begin(Options{}, w.does("goes", "*/5 * * * *", func(context.Context) error { runtime.Goexit(); return nil }))
			w.pass(5 * time.Minute)
			w.counts("goes", "runs 1 failures 1 stopped 0 missed 0 skipped 0")
		}},
		{"max-runtime stops a run, without a pause", func(w *world) {
			w.begin(Options{}, limited(w.long("long", "*/5 * * * *", time.Hour), 7*time.Minute))
			w.pass(16 * time.Minute)
			w.want("long 12:05:00, long 12:15:00")
			w.counts("long", "runs 1 failures 0 stopped 1 missed 0 skipped 1")
			w.stop()
			w.logged("stopped, the next run goes on: job=long")
		}},
		{"max-runtime counts no sleep and no step of the clock", func(w *world) {
			w.begin(Options{}, limited(w.long("long", "5 12 * * *", 4*time.Minute), 7*time.Minute))
			w.pass(5*time.Minute + 50*time.Second)
			w.set(8 * time.Hour)
			w.pass(5 * time.Minute)
			w.want("long 12:05:00")
			w.counts("long", "runs 1 failures 0 stopped 0 missed 0 skipped 0")
		}},
		{"a time that daylight saving skips runs right after the jump", func(w *world) {
			w.set(time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC).Sub(start))
			w.begin(Options{}, w.job("berlin", "CRON_TZ=Europe/Berlin 30 2 * * *"))
			w.pass(26 * time.Hour)
			w.want("berlin 01:00:00, berlin 00:30:00")
			w.counts("berlin", "runs 2 failures 0 stopped 0 missed 0 skipped 0")
		}},
		{"a time that daylight saving repeats runs once", func(w *world) {
			w.set(time.Date(2026, 10, 24, 23, 0, 0, 0, time.UTC).Sub(start))
			w.begin(Options{}, w.job("berlin", "CRON_TZ=Europe/Berlin 30 2 * * *"))
			w.pass(25 * time.Hour)
			w.want("berlin 00:30:00")
		}},
		{"runs on request wait for their turn and all run", func(w *world) {
			w.begin(Options{}, w.long("five", "*/5 * * * *", 2*time.Minute))
			w.pass(5 * time.Minute) // five runs until 12:07
			var tickets []*Ticket
			for _, name := range []string{"x", "x", "y"} {
				tickets = append(tickets, w.ask(name, time.Minute))
			}
			w.counts("y", "runs 0 failures 0 stopped 0 missed 0 skipped 0")
			w.pass(5 * time.Minute)
			w.want("five 12:05:00, x 12:07:00, x 12:08:00, y 12:09:00, five 12:10:00")
			for _, t := range tickets {
				if <-t.Done(); t.Err() != nil {
					w.t.Error(t.Err())
				}
			}
			w.counts("five", "runs 1 failures 0 stopped 0 missed 0 skipped 0")
		}},
		{"requests without end do not keep a schedule from its turn", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"))
			for range 10 {
				w.ask("x", 90*time.Second)
			}
			w.pass(10 * time.Minute)
			w.want("x 12:00:10, x 12:01:40, x 12:03:10, x 12:04:40, x 12:06:10, x 12:07:40, x 12:09:10")
			w.pass(6 * time.Minute)
			w.want("x 12:10:40, x 12:12:10, x 12:13:40, five 12:15:10")
			w.counts("five", "runs 1 failures 0 stopped 0 missed 2 skipped 0")
		}},
		{"a request may be withdrawn, before and while it runs", func(w *world) {
			w.begin(Options{}, w.job("daily", "@daily"))
			a, b, c := w.ask("a", time.Hour), w.ask("b", time.Hour), w.ask("c", 0)
			w.pass(time.Minute)
			b.Cancel()
			a.Cancel()
			w.pass(time.Second)
			w.want("a 12:00:10, c 12:01:10")
			for _, t := range []*Ticket{a, b} {
				if <-t.Done(); !errors.Is(t.Err(), context.Canceled) {
					w.t.Error(t.Err())
				}
			}
			if <-c.Started(); c.Err() != nil {
				w.t.Error(c.Err())
			}
		}},
		{"a request that fails or panics is told to who asked and pauses nothing", func(w *world) {
			w.begin(Options{}, w.job("five", "*/5 * * * *"))
			bad, err := w.s.Queue("bad", JobFunc(func(context.Context) error { panic("no luck") }))
			if err != nil {
				w.t.Fatal(err)
			}
			next := w.ask("next", 0)
			w.pass(5 * time.Minute)
			w.want("next 12:00:10, five 12:05:00")
			if bad.Err() == nil || !strings.Contains(bad.Err().Error(), "no luck") || next.Err() != nil {
				w.t.Error(bad.Err(), next.Err())
			}
		}},
		{"requests that still wait at the end are told", func(w *world) {
			w.begin(Options{}, w.job("daily", "@daily"))
			a, b := w.ask("a", time.Hour), w.ask("b", time.Hour)
			w.pass(time.Second)
			if err := w.stop(); err != nil {
				w.t.Error(err)
			}
			if <-a.Done(); !errors.Is(a.Err(), context.Canceled) {
				w.t.Error(a.Err())
			}
			if <-b.Done(); !errors.Is(b.Err(), ErrStopped) {
				w.t.Error(b.Err())
			}
			if _, err := w.s.Queue("c", JobFunc(fails)); !errors.Is(err, ErrStopped) {
				w.t.Error(err)
			}
		}},
		{"a node's spread is the same offset for all", func(w *world) {
			const spread = 10 * time.Minute
			off := Offset("sensor-7", spread)
			if off != 2*time.Minute+36*time.Second {
				w.t.Errorf("the offset of sensor-7 is %v: it must never change", off)
			}
			w.begin(Options{Spread: spread, Node: "sensor-7"}, w.job("hourly", "@hourly"), w.job("every", "@every 30m"))
			w.pass(65 * time.Minute)
			w.want("hourly 12:02:36, every 12:02:46, every 12:32:46, hourly 13:02:36, every 13:02:46")
		}},
		{"stopping waits for the job in hand", func(w *world) {
			w.begin(Options{Grace: 10 * time.Second}, w.does("slow", "* * * * *", func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(9 * time.Second)
				return ctx.Err()
			}))
			w.pass(time.Minute)
			before := time.Now()
			if err := w.stop(); err != nil || time.Since(before) != 9*time.Second {
				w.t.Errorf("%v after %v", err, time.Since(before))
			}
			w.counts("slow", "runs 1 failures 0 stopped 0 missed 0 skipped 0")
		}},
		{"but not longer than the grace", func(w *world) {
			w.begin(Options{Grace: 10 * time.Second}, w.does("stuck", "* * * * *", func(context.Context) error {
				time.Sleep(time.Hour)
				return nil
			}))
			w.pass(time.Minute)
			before := time.Now()
			if err := w.stop(); !errors.Is(err, ErrStillRunning) || time.Since(before) != 10*time.Second {
				w.t.Errorf("%v after %v", err, time.Since(before))
			}
			w.pass(time.Hour)
		}},
		{"the clock is looked at, and a watcher told, every 30 seconds", func(w *world) {
			looks := 0
			w.begin(Options{Awake: func([]Status) { looks++ }}, w.job("daily", "@daily"))
			w.pass(10 * time.Minute)
			if looks != 21 {
				w.t.Errorf("%d looks in ten minutes, want 21", looks)
			}
		}},
		{"entries are replaced while one runs", func(w *world) {
			w.begin(Options{}, w.job("kept", "*/5 * * * *"), w.long("dropped", "1 * * * *", 3*time.Minute), w.job("changed", "@hourly"))
			w.pass(90 * time.Second) // dropped runs
			if err := w.s.Replace([]Entry{w.job("kept", "*/5 * * * *"), w.job("changed", "50 11,12 * * *"), w.job("new", "2 * * * *")}); err != nil {
				w.t.Error(err)
			}
			w.pass(time.Hour)
			w.want("dropped 12:01:00, new 12:04:00, kept 12:05:00, kept 12:10:00, kept 12:15:00, kept 12:20:00, kept 12:25:00, kept 12:30:00, kept 12:35:00, kept 12:40:00, kept 12:45:00, kept 12:50:00, changed 12:50:00, kept 12:55:00, kept 13:00:00")
			if err := w.s.Replace([]Entry{w.job("x", "@daily"), w.job("x", "@daily")}); err == nil {
				w.t.Error("two jobs of one name are taken")
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.run(w)
				if w.cancel(); w.s != nil {
					synctest.Wait()
				}
			})
		})
	}
}

// Offsets lie within the spread, and a fleet is spread evenly.
func TestOffset(t *testing.T) {
	var quarter [4]int
	for i := range 4000 {
		off := Offset(fmt.Sprintf("node-%d", i), time.Hour)
		if off < 0 || off >= time.Hour || off%time.Second != 0 {
			t.Fatalf("offset %v", off)
		}
		quarter[off/(15*time.Minute)]++
	}
	for _, n := range quarter {
		if n < 900 || n > 1100 {
			t.Errorf("nodes in each quarter of the spread: %v", quarter)
		}
	}
	if Offset("x", 0) != 0 || Offset("x", -time.Hour) != 0 || Offset("x", time.Millisecond) != 0 {
		t.Error("an offset without a spread")
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	for _, entries := range [][]Entry{{w.job("", "@daily")}, {w.job("a", "@daily"), w.job("a", "@hourly")}, {{Name: "a", Job: JobFunc(fails)}}, {{Name: "a", Schedule: parse(t, "@daily")}}} {
		if _, err := New(Options{}, entries); err == nil {
			t.Errorf("%v is taken", entries)
		}
	}
}
