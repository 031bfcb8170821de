// Command ttpcron imports honeypot logs, replays any part of them through a tagger that
// names ATT&CK techniques, and shows what was found.
//
// Run ttpcron --help for its commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
)

// memoryGoal is where the garbage collector begins to work harder, so that a run stays
// under 128 MiB of its own memory. It is not a limit: an event that needs more gets it.
// GOMEMLIMIT sets another.
const memoryGoal = 120 << 20

func main() { os.Exit(process(time.Now)) }

// process sets up this process, runs the program in it, and returns the exit code.
func process(now func() time.Time) int {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// If a reader such as head closes the pipe, writing returns an error, instead of a
	// signal that would end a run between two commits.
	signal.Ignore(syscall.SIGPIPE)
	host.IgnoreFileLimit()
	go interrupts(signals, cancel)
	return run(ctx, now, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
}

// sayTime is how long a signal waits for a message to be printed: perhaps nobody reads
// stderr.
const sayTime = 200 * time.Millisecond

// interrupts obeys signals: the first cancels, the second ends the process.
func interrupts(signals <-chan os.Signal, cancel func()) {
	<-signals
	said := make(chan bool)
	go func() {
		fmt.Fprintln(os.Stderr, "ttpcron: stopping as soon as what is done is safe; once more to stop at once")
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(sayTime):
	}
	cancel()
	<-signals
	os.Exit(exitInterrupted)
}
