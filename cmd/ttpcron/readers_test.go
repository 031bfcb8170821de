package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/nodetest"
)

var backfill = flag.Int("backfill", 40_000, "events of TestReadersDuringBackfill")

// readerCommands are what the readers run repeatedly. Those of slowReaders stop reading
// their output after its first bytes.
var (
	readerCommands = []string{"status", "tags --json", "tags --limit 20", "checkpoint show", "export-events", "db stats --json", "rules noise --json"}
	slowReaders    = []string{"export-events", "export-events --source command", "tags --json"}
)

// Twenty readers, some of which never read their output, do not enlarge the file during a
// backfill, and do not change its results.
func TestReadersDuringBackfill(t *testing.T) {
	t.Parallel()
	events, readers := *backfill, 20
	if testing.Short() {
		events, readers = min(events, 10_000), 6
	}
	alone := backfillWith(t, events, 0)
	with := backfillWith(t, events, readers)
	// How much is committed at once depends on the machine's load, and so does the size of
	// the file. A reader that keeps old pages from being reused enlarges it each time.
	most := alone.bytes*11/10 + 128<<10
	for range 2 {
		if with.bytes > most {
			with = backfillWith(t, events, readers)
		}
	}
	t.Logf("%d events, %d tags: %d bytes without readers, %d with %d, which made %d calls meanwhile", alone.events, alone.tags, alone.bytes, with.bytes, readers, with.calls)
	if with.events != alone.events || with.tags != alone.tags || alone.events != events || alone.tags == 0 {
		t.Errorf("with readers %d events and %d tags, without %d and %d", with.events, with.tags, alone.events, alone.tags)
	}
	if with.bytes > most {
		t.Errorf("the file has %d bytes with readers and %d without", with.bytes, alone.bytes)
	}
	if with.calls < int64(readers) {
		t.Errorf("%d calls of readers: they did not read meanwhile", with.calls)
	}
}

type backfilled struct {
	events, tags, bytes int
	calls               int64 // by readers, that ended before the backfill did
}

func backfillWith(t *testing.T, events, readers int) backfilled {
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	n.Write("log.jsonl", "")
	log, err := os.Create(n.Path("log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for e := range workload.Events(workload.Options{Commands: events, Unique: true, Seed: 1}) {
		if _, err := log.Write(append(e.AppendJSON(nil), '\n')); err != nil {
			t.Fatal(err)
		}
	}
	n.serving()
	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	var calls atomic.Int64
	for i := range readers {
		args := strings.Fields(readerCommands[i%len(readerCommands)])
		reading.Go(func() {
			for ctx.Err() == nil {
				if code, _, errs := n.run("", args...); code != exitDone {
					t.Errorf("%v: exit %d: %s", args, code, errs)
					return
				}
				calls.Add(1)
			}
		})
	}
	must := func(args ...string) {
		if code, _, errs := n.run("", args...); code != exitDone {
			t.Fatalf("%v: %s", args, errs)
		}
	}
	must("import", "log.jsonl")
	if readers > 0 {
		for _, args := range slowReaders {
			defer n.slowly(strings.Fields(args), events)()
		}
	}
	must("run-once", "--since-days", "3650", "--batch-size", "1")
	_, status, _ := n.run("", "status", "--json")
	made := calls.Load()
	stop()
	reading.Wait()
	var s struct {
		Store struct{ Bytes, Events, Tags int }
	}
	if err := json.Unmarshal([]byte(status), &s); err != nil {
		t.Fatal(err)
	}
	return backfilled{s.Store.Events, s.Store.Tags, s.Store.Bytes, made}
}

// slowly starts a reader that stops taking its output. The function returned
// takes the rest, and checks that it is whole.
func (n *node) slowly(args []string, events int) (finish func()) {
	n.T.Helper()
	cmd := exec.Command(n.Path("ttpcron"), args...)
	cmd.Dir, cmd.Env = n.Dir, n.Env
	var stderr nodetest.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.T.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.T.Fatal(err)
	}
	first := make([]byte, 1)
	got, _ := io.ReadFull(out, first) // nothing, when there are no tags yet
	return func() {
		rest, err := io.ReadAll(out)
		if err != nil {
			n.T.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			n.T.Errorf("%v: %v: %s", args, err, stderr.String())
		}
		lines := strings.Count(string(first[:got])+string(rest), "\n")
		if args[0] == "export-events" && lines != events {
			n.T.Errorf("%v: %d lines of %d", args, lines, events)
		}
	}
}
