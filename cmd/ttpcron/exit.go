package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// The exit codes, the same for every command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitLocked      = 75
	exitInterrupted = 130
)

var exitTexts = map[int]cli.Exit{
	exitDone:        {Word: "done", Text: "done"},
	exitFailed:      {Word: "failed", Text: "failed; the message says why"},
	exitUsage:       {Word: "wrong call", Text: "wrong flags, arguments, environment or config file"},
	exitLocked:      {Word: "held", Text: "another process holds the store, or a suspended command lost its turn"},
	exitInterrupted: {Word: "interrupted", Text: "interrupted; work done so far is kept"},
}

// exitCode is the only place where errors become exit codes.
func exitCode(err error) int {
	var usage *cli.UsageError
	var source *jobs.UnknownSourceError
	var locked *kv.LockedError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return exitDone
	case errors.As(err, &usage), errors.As(err, &source):
		return exitUsage
	case errors.As(err, &locked), errors.Is(err, store.ErrTurnTaken):
		return exitLocked
	case errors.Is(err, jobs.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// printError prints an error, with what to do next, and returns the exit code.
func printError(stderr *term.Screen, err error) int {
	code := exitCode(err)
	if err == nil || code == exitDone {
		return code
	}
	text := strings.ReplaceAll(cli.Plain(err), "\n", "; ")
	fmt.Fprintf(stderr, "ttpcron: %s\n", term.Clean(text))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", term.Clean(hint))
	}
	return code
}

// hintOf says what to do about an error, or nothing.
func hintOf(err error) string {
	var usage *cli.UsageError
	var h cli.Hinted
	var locked *kv.LockedError
	var older *kv.OlderError
	var other *kv.NotStoreError
	var unfinished *kv.UnfinishedError
	var narrow *doctor.NoSpaceError
	var bad *jobs.InputError
	var useless *inputs.UselessError
	switch {
	case errors.As(err, &usage):
		return usage.Hint
	case errors.As(err, &h):
		return h.Hint
	case errors.As(err, &older):
		return "ttpcron import - </dev/null opens it for writing and does nothing else"
	case errors.As(err, &other):
		if strings.HasSuffix(other.Reason, "folder") {
			return "name a file in it: --db FOLDER/ttpcron.db"
		}
		return "name the store with --db, or move this file away to start a new one in its place"
	case errors.As(err, &unfinished):
		return store.MakeHint
	case errors.As(err, &locked) && host.Suspended(locked.PID):
		return fmt.Sprintf("that process is suspended: let it go on with fg or kill -CONT %d, or end it", locked.PID)
	case errors.As(err, &locked):
		return "wait until it has finished, or wait longer with --lock-timeout 60s"
	case errors.Is(err, jobs.ErrNoRules):
		return "ttpcron rules list shows the rules and why one is not in force"
	case errors.Is(err, jobs.ErrInterrupted):
		return "what was done is kept; run the command again to go on"
	case errors.As(err, &bad) && everyLacks(bad):
		return restDone(bad) + "docs/config.md describes the tables [[input]], ttpcron import --help the flags"
	case errors.As(err, &bad) && noFormat(bad):
		return restDone(bad) + "ttpcron import --list-formats shows what is read, --explain FILE what a file is"
	case errors.As(err, &bad) && errors.As(err, &useless):
		return restDone(bad) + "ttpcron import --rejected lists the lines, import --explain FILE says what the file is"
	case errors.As(err, &bad) && everyFile(bad, fs.ErrNotExist):
		return restDone(bad) + "check the path: a relative one begins in the current folder, and a pattern is quoted"
	case errors.As(err, &bad) && everyFile(bad, fs.ErrPermission):
		return restDone(bad) + "let the user of ttpcron read it, such as with setfacl -m u:USER:r FILE, or run ttpcron as another user"
	case errors.As(err, &bad):
		return restDone(bad) + "correct the input and run the command again"
	case errors.As(err, &narrow):
		return "free some space there; db backup and db recover can write to another disk"
	case errors.Is(err, syscall.ENOSPC):
		return "free some space and run the command again; what was committed is kept"
	case errors.Is(err, fs.ErrPermission):
		return "run ttpcron as a user with access to it, such as with sudo -u USER or runuser -u USER --, or name another path"
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "check the path: a relative one begins in the current folder"
	}
	return ""
}

// everyFile reports whether all inputs failed for one reason.
func everyFile(e *jobs.InputError, reason error) bool {
	return !slices.ContainsFunc(e.Files, func(f jobs.FileReport) bool { return !errors.Is(f.Err, reason) })
}

// everyLacks reports whether all inputs failed because a setting is missing.
func everyLacks(e *jobs.InputError) bool {
	var lacks *importer.LacksError
	return !slices.ContainsFunc(e.Files, func(f jobs.FileReport) bool { return !errors.As(f.Err, &lacks) })
}

// restDone says that the other inputs were imported, where there were some.
func restDone(e *jobs.InputError) string {
	if e.Others == 0 {
		return ""
	}
	return "everything else was done; "
}

// noFormat reports whether some input was of no known format.
func noFormat(e *jobs.InputError) bool {
	var unknown *importer.UnknownFormatError
	return slices.ContainsFunc(e.Files, func(f jobs.FileReport) bool { return errors.As(f.Err, &unknown) })
}
