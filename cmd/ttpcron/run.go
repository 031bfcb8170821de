package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// The exit codes, the same for every command; see exitTexts for their meaning.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitLocked      = 75
	exitInterrupted = 130
)

// app is one invocation of the program.
type app struct {
	stdin  io.Reader
	stdout *bufio.Writer
	stderr *screen
	out    terminal // what stdout is
	err    terminal // what stderr is
	env    map[string]string
	now    func() time.Time

	set  settings
	log  hclog.Logger
	args []string // what the program was called with
	// loadGC is how eagerly garbage is collected while rules are loaded, see
	// debug.SetGCPercent: a command wants to be quick, and a daemon its rules, which
	// stay for years, without gaps between them.
	loadGC int
	// observer counts what taggers do; nil but in a daemon.
	observer *observer

	// daemonReads, when set, takes the configuration that the command daemon
	// would start with, in its place.
	daemonReads func(*daemonConfig)
	lenient     bool // what means nothing in the config file is listed, and no error

	help    strings.Builder // what flag sets print
	literal []string        // arguments behind "--", which are never flags
	current *ffcli.Command  // the command whose usage was asked for last
	root    *ffcli.Command
	byFlags map[*flag.FlagSet]*command
}

// run is the program without the process around it. It returns the exit code.
func run(ctx context.Context, now func() time.Time, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	a := newApp(interruptible(ctx, stdin), stdout, stderr, environment(env))
	a.now = now
	err := a.main(ctx, args)
	if ferr := a.stdout.Flush(); err == nil {
		err = ferr
	}
	return a.report(ctx, err)
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, env map[string]string) *app {
	return &app{
		stdin: stdin, stdout: bufio.NewWriterSize(stdout, 64<<10), stderr: &screen{w: stderr},
		out: newTerminal(stdout, env), err: newTerminal(stderr, env),
		env: env, now: time.Now, loadGC: 400, log: hclog.NewNullLogger(), byFlags: map[*flag.FlagSet]*command{},
	}
}

// main parses, then runs; only the former gives usage errors of the flag
// package.
func (a *app) main(ctx context.Context, args []string) error {
	a.args = slices.Clone(args)
	a.root = a.rootCommand()
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	if i := slices.Index(args, "--"); i >= 0 {
		args, a.literal = args[:i], args[i+1:]
	}
	if err := a.root.Parse(args); err != nil {
		return a.parseError(err, args)
	}
	err := a.root.Run(ctx)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return a.showHelp()
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.Is(err, jobs.ErrInterrupted):
		return jobs.ErrInterrupted // before there was a run to say so
	}
	return err
}

func (a *app) showHelp() error {
	_, err := a.stdout.WriteString(a.help.String())
	return err
}

// note writes a line for people beside the data, below what has been printed.
func (a *app) note(format string, args ...any) {
	_ = a.stdout.Flush() // an error of it is reported in the end
	fmt.Fprintf(a.stderr, format+"\n", args...)
}

// report prints an error, with what to do next, and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	code := exitCode(err)
	if err == nil || code == exitDone {
		return code
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(a.stderr, "ttpcron: %s\n", clean(text))
	if hint := a.hint(ctx, err); hint != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", clean(hint))
	}
	return code
}

// exitCode is the only place where errors become exit codes.
func exitCode(err error) int {
	var usage *usageError
	var locked *kv.LockedError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &locked), errors.Is(err, errTurnTaken):
		return exitLocked
	case errors.Is(err, jobs.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// usageError is a mistake in how the program was called or configured.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{text: fmt.Sprintf(format, args...)} }

// hinted is an error that knows what to do next.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// hint says what to do about an error, or nothing.
func (a *app) hint(ctx context.Context, err error) string {
	var usage *usageError
	var h hinted
	var locked *kv.LockedError
	var older *kv.OlderError
	var narrow *doctor.NoSpaceError
	var bad *jobs.InputError
	switch {
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &locked) && a.daemonHas(ctx, locked.Path):
		return "a daemon has the store and this needs the file for itself: stop the daemon first, with systemctl stop ttpcron"
	case errors.As(err, &older):
		return "ttpcron import - </dev/null opens it for writing and does nothing else"
	case errors.As(err, &locked) && suspended(locked.PID):
		return fmt.Sprintf("that process is suspended: let it go on with fg or kill -CONT %d, or end it", locked.PID)
	case errors.As(err, &locked):
		return "wait until it has finished, or wait longer with --lock-timeout 60s"
	case errors.Is(err, jobs.ErrNoRules):
		return "ttpcron rules list shows the rules and why one is not in force"
	case errors.Is(err, jobs.ErrInterrupted):
		return "what was done is kept; run the command again to go on"
	case errors.As(err, &bad) && noFormat(bad):
		return "everything else was done; ttpcron import --help lists the formats that are read"
	case errors.As(err, &bad):
		return "everything else was done; correct the input and run the command again"
	case errors.As(err, &narrow):
		return "free some space there; db backup and db recover can write to another disk"
	case errors.Is(err, syscall.ENOSPC):
		return "free some space and run the command again; what was committed is kept"
	case errors.Is(err, fs.ErrPermission):
		return "run ttpcron as the user that owns the file, or name another store with --db"
	}
	return ""
}

// suspended reports whether a process was stopped, as by Ctrl-Z; false when the
// system does not say.
func suspended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name before the state is in brackets, and may hold brackets itself.
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return bytes.HasPrefix(after, []byte(" T"))
}

// noFormat reports whether some input was of no known format.
func noFormat(e *jobs.InputError) bool {
	var unknown *importer.UnknownFormatError
	return slices.ContainsFunc(e.Files, func(f jobs.FileReport) bool { return errors.As(f.Err, &unknown) })
}

func environment(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		m[name] = value
	}
	return m
}
