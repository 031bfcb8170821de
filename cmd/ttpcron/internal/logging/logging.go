// Package logging makes the log of a process: lines for people, for programs or for
// systemd's journal, none of which can do anything to a terminal. Start with [New];
// a daemon also calls [Queue].
package logging

import (
	"io"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// Options say what a log is like.
type Options struct {
	Level string // as hclog names it
	JSON  bool   // JSON lines
	// Journal is $JOURNAL_STREAM, with which systemd says where standard error
	// goes.
	Journal string
}

// New returns a log on standard error.
func New(screen *term.Screen, o Options) hclog.Logger {
	var out io.Writer = screen
	if !o.JSON && host.IsJournal(screen.Unwrap(), o.Journal) {
		out = journal{screen}
	}
	return hclog.New(&hclog.LoggerOptions{
		Name: "ttpcron", Level: hclog.LevelFromString(o.Level), Output: visibleLog{out, o.JSON}, JSONFormat: o.JSON,
		DisableTime: o.Journal != "",
	})
}

// Queue keeps a log that nobody reads from stopping its process: what is written to
// the screen waits in a queue, and is dropped when that is full.
func Queue(screen *term.Screen, log hclog.Logger) {
	screen.Through(func(w io.Writer) io.Writer {
		return &queue{w: w, lost: func(n int) { log.Warn("lines of the log were lost: nobody read it", "lines", n) }}
	})
}

// sayTime is how long a log line may wait.
const sayTime = 200 * time.Millisecond
