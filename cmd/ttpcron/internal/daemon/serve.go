package daemon

import (
	"context"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/scheduler"
)

// listen opens the control socket, so that it listens before the daemon says that it is
// ready, and returns the servers to run next to the scheduler.
func (d *daemon) listen(ctx context.Context) ([]server, error) {
	c := d.config()
	l, err := control.Listen(c.Socket, d.log)
	if err != nil {
		return nil, cli.Hint(err, "--socket names another place for it")
	}
	s := control.NewServer(control.Options{Log: d.log, Fault: store.FaultOf, Quiet: freeMemory})
	store.Serve(s, d.holder)
	d.serveRuns(ctx, s)
	d.serveTurns(s)
	d.log.Info("listening", "socket", term.Clean(l.Path()))
	for pattern, h := range d.handlers() {
		s.Handle(pattern, h)
	}
	return []server{serveUntilDone(s, l), d.writeMetrics}, nil
}

func serveUntilDone(s *control.Server, l net.Listener) server {
	return func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), serverGrace/2)
			defer cancel()
			_ = s.Shutdown(grace) // who is still there is cut off
		})()
		return s.Serve(l)
	}
}

// followTime is the longest that a caller waits for news in one call.
const followTime = 10 * time.Second

// freeMemory returns unused memory to the system. It collects twice, because pools keep
// their content through one collection.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// tell logs who changes something.
func (d *daemon) tell(ctx context.Context, did string, args ...any) {
	d.log.Info(did, append(args, "by", author(ctx, ""))...)
}

// alone calls do between two runs. When the run in progress does not end in time it
// does not call do, and the error is a *kv.LockedError.
func (d *daemon) alone(ctx context.Context, name string, wait time.Duration, do func(ctx context.Context) error) error {
	ticket, err := d.sched.Queue(name, scheduler.JobFunc(do))
	if err != nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ticket.Started():
	case <-ctx.Done():
		ticket.Cancel()
		return ctx.Err()
	case <-timer.C:
		if ticket.Withdraw() { // else it has just begun
			return &kv.LockedError{Path: d.db.Path(), PID: os.Getpid(), Command: "ttpcron"}
		}
	}
	defer context.AfterFunc(ctx, ticket.Cancel)()
	<-ticket.Done()
	return ticket.Err()
}
