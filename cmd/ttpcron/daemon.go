package main

import (
	"context"
	"errors"
	"io"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/daemon"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/logging"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/tagger"
)

func daemonCommand() *command {
	fs := cli.NewFlags()
	settings.ShareDaemon(fs)
	return &command{
		Name: "daemon", Short: "import and tag on a schedule, for years", Flags: fs, Raw: true,
		Text: `Runs the jobs of the config file on their schedules until it is stopped, and holds
the store meanwhile. Without [[job]] it imports the inputs and tags every 5
minutes, and does maintenance once a day; ttpcron config check shows what is
scheduled and when. One job runs at a time. What was missed while the machine was
off or asleep is made up for by one run, which takes everything since the
checkpoint.

SIGTERM stops it at the end of a batch, within 5 seconds, and a second one at
once; nothing that was committed is lost either way. SIGHUP reads the config file
and the rules again; when something is wrong with them the old ones stay, and the
log says so. It speaks systemd's protocol: readiness, reload, status, watchdog.`,
		Examples: `ttpcron daemon
ttpcron daemon --input /var/log/cowrie --keep-events 90d --keep-tags 730d`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			read := func() (*settings.Daemon, error) { return s.reader.Daemon(s.given) }
			c, err := read()
			if err == nil {
				err = c.File.Err()
			}
			if err != nil {
				return err
			}
			if c.Role == settings.RoleAgent {
				return cli.Hint(errors.New("this host is an agent: tags are made on the host that keeps them"), "run the daemon there; role = \"standalone\" in the config lets this host keep its own tags")
			}
			s.use(&c.Settings)
			logging.Queue(s.out.Err, s.log)
			v := buildVersion()
			report := func(ctx context.Context, db *store.Store, c *settings.Daemon, rules *tagger.RuleSet, w io.Writer) error {
				return liveReport(ctx, db, c, rules, s.now(), w)
			}
			return daemon.Run(ctx, daemon.Options{Config: c, Read: read, Store: s.stores, Log: s.log, Now: s.now, Env: s.env, Version: v, Report: report})
		},
	}
}
