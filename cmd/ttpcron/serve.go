package main

import (
	"cmp"
	"context"
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ttpcron/ttpcron/control"
)

// socketPath is where the daemon of a configuration answers.
func (c *daemonConfig) socketPath() string {
	a := c.app
	if dir := serviceDir(a.env, "RUNTIME_DIRECTORY"); a.set.socket == "" && dir != "" {
		return filepath.Join(dir, filepath.Base(systemSocket))
	}
	return cmp.Or(a.set.socket, socketOf(a.set.db))
}

// listen begins to serve what other processes of the machine may ask for.
func (d *daemon) listen(ctx context.Context) ([]server, error) {
	c := d.config()
	a := c.app
	l, err := control.Listen(c.socketPath(), a.log)
	if err != nil {
		return nil, hinted{err, "--socket names another place for it"}
	}
	s := control.NewServer(control.Options{Log: a.log, Fault: faultOf, Quiet: freeMemory})
	d.serveStore(s)
	d.serveRuns(ctx, s)
	d.serveHolds(s)
	a.log.Info("listening", "socket", clean(l.Path()))
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

// freeMemory gives back to the system what is not used. What pools hold is free
// for the second collection only.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}
