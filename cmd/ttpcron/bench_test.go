package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/tagger"
)

const benchCommands = 100_000

// BenchmarkRun measures a command end to end: reading history, tagging, inserting and the
// checkpoint, with the real store, rules and disk. One operation is a run over 100,000
// commands.
func BenchmarkRun(b *testing.B) {
	few := tagger.Folder{Name: "few", FS: os.DirFS("testdata/rules")}
	pack := tagger.Folder{Name: "embedded", FS: tagger.Embedded()}
	for _, bm := range []struct {
		name   string
		rules  tagger.Folder
		unique bool
		second bool // measure the pass after the first
	}{
		{"first-pass/few-rules/real", few, false, false},
		{"first-pass/pack/real", pack, false, false},
		{"first-pass/pack/unique", pack, true, false},
		{"covered/pack/real", pack, false, true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			rules, _ := load(nil, []tagger.Folder{bm.rules}, &settings.Settings{}, hclog.NewNullLogger())
			b.ReportAllocs()
			tags := 0
			for range b.N {
				b.StopTimer()
				db := benchStore(b, bm.unique)
				job := jobs.Job{Store: db.Jobs(), Rules: rules, Source: jobs.SourceCommand, SinceDays: jobs.MaxSinceDays}
				if bm.second {
					runJob(b, job)
				}
				b.StartTimer()
				tags += runJob(b, job)
				b.StopTimer()
				db.Close()
				b.StartTimer()
			}
			perOp := float64(b.Elapsed().Seconds()) / float64(b.N)
			b.ReportMetric(benchCommands/perOp, "commands/s")
			b.ReportMetric(float64(tags)/float64(b.N)/benchCommands, "tags/command")
		})
	}
}

func runJob(b *testing.B, job jobs.Job) int {
	r, err := job.Run(b.Context())
	if err != nil || r.Run.Sources[0].Events != benchCommands {
		b.Fatalf("%v: %+v", err, r.Run.Sources)
	}
	return r.Run.Sources[0].Tags
}

// benchStore makes a store with a history.
func benchStore(b *testing.B, unique bool) *store.Store {
	db, err := kv.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), kv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var batch []ttpcron.Event
	put := func() {
		if _, err := db.Import(b.Context(), ttpcron.Batch{Events: batch}); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	for e := range workload.Events(workload.Options{Commands: benchCommands, Unique: unique, Seed: 1}) {
		if batch = append(batch, e); len(batch) == 4096 {
			put()
		}
	}
	put()
	return store.Local(&store.Holder{DB: db})
}
