package main

import (
	"context"
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
		Name: "daemon", Short: "import and tag on a schedule", Flags: fs, Raw: true,
		Text: `Runs the jobs of the config file on their schedules until it is stopped. It
holds the store the whole time. Without [[job]] it imports the inputs and tags
every 5 minutes, and does maintenance once a day. ttpcron config check shows the
schedule. One job runs at a time. After downtime, one run catches up: it takes
everything since the checkpoint.

SIGTERM stops the daemon after the current batch, within 5 seconds; a second
SIGTERM stops it at once. Either way, nothing that was committed is lost. SIGHUP
reloads the config file and the rules; if either has a fault, the old ones stay
in force and the log says so. It supports systemd's notifications: readiness,
reload, status and watchdog.`,
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
			if err := c.RoleErr(); err != nil {
				return err
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
