package daemon

import (
	"flag"
	"io"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/logging"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// bench is a daemon within the test, with a clock that can be set.
type bench struct {
	t      *testing.T
	n      *nodetest.Node
	d      *daemon
	stderr nodetest.Buffer
	clock  time.Time
	since  time.Duration // what has passed since the daemon began
}

func newBench(t *testing.T, config string) *bench {
	t.Helper()
	b := &bench{t: t, n: nodetest.New(t, config, "../../testdata/rules")}
	b.clock = b.n.Base
	env := b.n.Vars()
	reader := settings.Reader{Env: env, Commands: func() map[string]*flag.FlagSet {
		fs := cli.NewFlags()
		settings.ShareDaemon(fs)
		return map[string]*flag.FlagSet{"daemon": fs}
	}}
	read := func() (*settings.Daemon, error) { return reader.Daemon(nil) }
	c, err := read()
	if err == nil {
		err = c.File.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	folders, err := ruleset.Folders(c.Embedded, c.Rules)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return b.clock }
	log := logging.New(term.NewOutput(io.Discard, &b.stderr, env).Err, logging.Options{Level: c.LogLevel})
	db := kvtest.OpenWith(t, c.DB, kv.Options{Now: now})
	b.d = newDaemon(Options{Config: c, Read: read, Log: log, Now: now, Env: env}, db, &notifier{})
	b.d.rules, _ = ruleset.Load(ruleset.Options(folders, nil), ruleset.GCQuick)
	b.d.times = map[string]time.Time{}
	b.d.passed = func() time.Duration { return b.since }
	return b
}

// slow makes each look at the clock take a minute.
func (b *bench) slow() {
	b.d.now = func() time.Time { b.clock = b.clock.Add(time.Minute); return b.clock }
}

// run runs a job of the configuration once.
func (b *bench) run(name string) {
	b.t.Helper()
	for _, j := range b.d.conf.Jobs {
		if j.Name == name {
			if err := b.d.job(j)(b.t.Context()); err != nil {
				b.t.Fatalf("%s: %v\n%s", name, err, b.stderr.String())
			}
			return
		}
	}
	b.t.Fatalf("no job %q", name)
}

// wait waits for something that is bound to happen.
func (b *bench) wait(what string, done func() bool) {
	b.t.Helper()
	for until := time.Now().Add(nodetest.Patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			b.t.Fatalf("%s: not in %s\nlog:\n%s", what, nodetest.Patience, b.stderr.String())
		}
	}
}

func (b *bench) stats() kv.Stats {
	b.t.Helper()
	s, err := b.d.db.Stats(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func events(s kv.Stats) (n int) {
	for _, k := range s.Kinds {
		n += k.Events
	}
	return n
}

func tags(s kv.Stats) (n int) {
	for _, k := range s.Kinds {
		n += k.Tags
	}
	return n
}

// cursor is the checkpoint of commands.
func (b *bench) cursor() uint64 {
	b.t.Helper()
	all, err := b.d.db.Cursors(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		if c.Kind == ttpcron.Command {
			return c.Seq
		}
	}
	return 0
}
