package kv_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

const (
	benchEvents = 200_000
	importBatch = 4096
	commitBatch = 20_000
)

func openBench(b *testing.B) (*kv.DB, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.db")
	db, err := kv.Open(b.Context(), path, kv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db, path
}

func importAll(tb testing.TB, db *kv.DB, events []ttpcron.Event) {
	tb.Helper()
	for len(events) > 0 {
		n := min(importBatch, len(events))
		if _, err := db.Import(tb.Context(), ttpcron.Batch{Events: events[:n]}); err != nil {
			tb.Fatal(err)
		}
		events = events[n:]
	}
}

// written returns the bytes that this process has sent to the disk, 0 where the
// system does not say.
func written() int64 {
	b, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// used returns the bytes of a store's file that are in use.
func used(b *testing.B, db *kv.DB) int64 {
	s, err := db.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s.FileBytes - s.FreeBytes
}

// BenchmarkImport stores a honeypot's log of some weeks. It measures time, and bytes for
// each event with its entry in the identity index.
func BenchmarkImport(b *testing.B) {
	for _, unique := range []bool{false, true} {
		name := "real"
		if unique {
			name = "unique"
		}
		b.Run(name, func(b *testing.B) {
			g := newGenerator(1)
			g.unique = unique
			events := g.events(benchEvents)
			for b.Loop() {
				db, _ := openBench(b)
				before := written()
				start := time.Now()
				importAll(b, db, events)
				b.ReportMetric(benchEvents/time.Since(start).Seconds(), "events/s")
				b.ReportMetric(float64(used(b, db))/benchEvents, "B/event")
				b.ReportMetric(float64(written()-before)/benchEvents, "written-B/event")
				start = time.Now()
				importAll(b, db, events)
				b.ReportMetric(benchEvents/time.Since(start).Seconds(), "known/s")
			}
		})
	}
}

// BenchmarkImportNamed stores events with given ids, whose index spans all days.
func BenchmarkImportNamed(b *testing.B) {
	events := newGenerator(1).events(benchEvents)
	for i := range events {
		events[i].ID = fmt.Sprintf("cmd-%d", i)
	}
	for b.Loop() {
		db, _ := openBench(b)
		start := time.Now()
		importAll(b, db, events)
		b.ReportMetric(benchEvents/time.Since(start).Seconds(), "events/s")
		b.ReportMetric(float64(used(b, db))/benchEvents, "B/event")
	}
}

func readAll(tb testing.TB, db *kv.DB, each func([]ttpcron.Event)) {
	days, err := db.Days(tb.Context(), ttpcron.Command)
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range days {
		for page, err := range db.Events(tb.Context(), ttpcron.Command, d.Day, 0, math.MaxUint64) {
			if err != nil {
				tb.Fatal(err)
			}
			for i := range page {
				page[i].ID = page[i].SourceID()
			}
			each(page)
		}
	}
}

// BenchmarkEvents reads the whole history on one core.
func BenchmarkEvents(b *testing.B) {
	db, _ := openBench(b)
	importAll(b, db, newGenerator(1).events(benchEvents))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b.ReportAllocs()
	n := 0
	start := time.Now()
	for b.Loop() {
		readAll(b, db, func(page []ttpcron.Event) { n += len(page) })
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "events/s")
}

// tagAll makes tags of the stored history in commit-sized groups.
func tagAll(tb testing.TB, db *kv.DB, each int, commit func([]ttpcron.Tag)) (total int) {
	var tags []ttpcron.Tag
	readAll(tb, db, func(page []ttpcron.Event) {
		for i := range page {
			for k := range each {
				tags = append(tags, tagOf(&page[i], k+i%7))
			}
		}
		if len(tags) >= commitBatch {
			commit(tags)
			total += len(tags)
			tags = nil
		}
	})
	if len(tags) > 0 {
		commit(tags)
		total += len(tags)
	}
	return total
}

// BenchmarkCommit inserts tags, then inserts them again. For comparison, it puts as many
// values of the same sizes into plain bbolt under ascending keys: the lower bound of the
// medium.
func BenchmarkCommit(b *testing.B) {
	for _, pace := range []time.Duration{4 * time.Second, 300 * time.Millisecond} {
		b.Run(fmt.Sprintf("%.0f-a-day", 86400/pace.Seconds()), func(b *testing.B) {
			for b.Loop() {
				benchCommit(b, pace)
			}
		})
	}
}

func benchCommit(b *testing.B, pace time.Duration) {
	db, _ := openBench(b)
	g := newGenerator(1)
	g.pace = pace
	importAll(b, db, g.events(benchEvents))
	var groups [][]ttpcron.Tag
	total := tagAll(b, db, 2, func(tags []ttpcron.Tag) { groups = append(groups, tags) })
	usedBefore, before := used(b, db), written()
	start := time.Now()
	var worst time.Duration
	inserted := 0
	for _, tags := range groups {
		one := time.Now()
		n, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(inserted)}}})
		if err != nil {
			b.Fatal(err)
		}
		inserted += n.Inserted
		worst = max(worst, time.Since(one))
	}
	first := time.Since(start)
	if inserted != total {
		b.Fatalf("inserted %d of %d tags", inserted, total)
	}
	wrote := float64(written()-before) / float64(total)
	b.ReportMetric(float64(total)/first.Seconds(), "tags/s")
	b.ReportMetric(float64(used(b, db)-usedBefore)/float64(total), "B/tag")
	b.ReportMetric(wrote, "written-B/tag")
	b.ReportMetric(float64(worst.Milliseconds()), "worst-ms")

	before = written()
	start = time.Now()
	for _, tags := range groups {
		if n, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags}); err != nil || n.Inserted != 0 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(total)/time.Since(start).Seconds(), "replayed/s")
	b.ReportMetric(float64(written()-before)/float64(total), "replay-written-B/tag")

	size := kv.TagBytes(groups[0])
	rate, floorWrote := floor(b, total, size)
	b.ReportMetric(float64(size), "key+value-B")
	b.ReportMetric(wrote/float64(size), "written/key+value")
	b.ReportMetric(100*float64(total)/first.Seconds()/rate, "%-of-floor")
	b.ReportMetric(floorWrote, "floor-written-B/tag")
}

// floor puts values into plain bbolt under ascending keys and returns the rate.
func floor(b *testing.B, total, size int) (rate, wrote float64) {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "floor.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	before, start := written(), time.Now()
	for from := 0; from < total; from += commitBatch {
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("tags"))
			if err != nil {
				return err
			}
			bucket.FillPercent = 0.95
			for i := from; i < min(from+commitBatch, total); i++ {
				if err := bucket.Put(fmt.Appendf(nil, "%022d", i), make([]byte, size-22)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(total) / time.Since(start).Seconds(), float64(written()-before) / float64(total)
}
