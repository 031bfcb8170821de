package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/live"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/tagger"
)

// Reporter writes the report of a store as a page, without captured passwords, as a
// configuration says and with the names of these rules.
type Reporter func(ctx context.Context, db *store.Store, c *settings.Daemon, rules *tagger.RuleSet, w io.Writer) error

// shown identifies the content of a report page: equal values mean equal pages.
type shown struct {
	moment ttpcron.Moment
	config *settings.Daemon
	rules  *tagger.RuleSet
	hour   int64 // what is new changes as time goes by
}

// forOthers is how many connections are reserved for metrics and health, however many ask
// for the report.
const forOthers = 32

// liveServer returns what serves the report until ctx ends.
func (d *daemon) liveServer(ctx context.Context) *live.Server {
	return live.New(ctx, live.Options{
		Log: d.log, Now: time.Now, Refused: d.observer.ReportRefused, AtOnce: control.MaxConnections - forOthers,
		Make: func(ctx context.Context, w io.Writer) error {
			return d.report(ctx, d.store, d.config(), d.ruleSet(), w)
		},
		State: func(ctx context.Context) (any, error) {
			m, err := d.db.Moment(ctx)
			return shown{m, d.config(), d.ruleSet(), d.now().Unix() / 3600}, err
		},
		Made: func(_ time.Duration, err error) {
			d.observer.ReportMade(err)
			freeMemory()
		},
	})
}

// web is what serves metrics, health and the report on an address.
type web struct {
	address string
	policy  live.Policy // of the report
	door    *live.Door
	end     func()
}

// serveWeb serves a configuration at its address, or nothing if that is empty, and stops
// serving at an earlier one. If it fails, the earlier one continues.
func (d *daemon) serveWeb(c *settings.Daemon) error {
	policy := c.ReportPolicy()
	policy.On = policy.On && d.report != nil
	if d.web.address == c.HTTP {
		if d.web.door != nil {
			d.web.policy = policy
			d.web.door.Change(policy)
		}
		return nil
	}
	was := d.web
	door, next, err := d.listenHTTP(c.HTTP, policy)
	d.endWeb()
	if err != nil { // perhaps it is the old one that has the port
		door, next, err = d.listenHTTP(c.HTTP, policy)
	}
	if err != nil {
		err = cli.Hint(fmt.Errorf("http: %w", err), "--http names another address")
		if door, back, lerr := d.listenHTTP(was.address, was.policy); lerr == nil && was.address != "" {
			d.web = web{was.address, was.policy, door, d.launch(back)}
		}
		return err
	}
	if c.HTTP != "" {
		d.web = web{c.HTTP, policy, door, d.launch(next)}
	}
	return nil
}

func (d *daemon) endWeb() {
	if d.web.address != "" {
		d.web.end()
		d.log.Info("no longer listening", "http", d.web.address)
	}
	d.web = web{}
}

// listenHTTP serves metrics and health on an address, and the report to whom a policy
// lets see it. It serves nothing else.
func (d *daemon) listenHTTP(address string, policy live.Policy) (*live.Door, server, error) {
	if address == "" {
		return nil, nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	door := d.live.Door(address, l.Addr(), policy)
	s := control.NewServer(control.Options{Log: d.log, Once: true})
	for pattern, h := range d.handlers() {
		s.Handle(pattern, door.Guard(h))
	}
	s.HandleLong(live.Path, door)
	s.HandleLong("/{$}", door.Index())
	d.log.Info("listening", "http", l.Addr().String())
	return door, serveUntilDone(s, control.Bounded(l)), nil
}
