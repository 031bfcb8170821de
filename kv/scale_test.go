package kv_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

var (
	scaleTags = flag.Int("scale", 500_000, "tags of BenchmarkGrowing and BenchmarkRetention")
	keepStore = flag.String("keep", "", "where BenchmarkRetention leaves the store that it filled")
)

// rssAnon returns the process's own memory in bytes, without the mapped file; 0
// where the system does not say.
func rssAnon() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return n * 1024
		}
	}
	return 0
}

// BenchmarkGrowing inserts about 30,000 tags a day until there are -scale of them. It
// compares the last tenth with the first and with as many values in plain bbolt, in time,
// bytes written and memory. Then it measures queries, and commits all tags once more.
func BenchmarkGrowing(b *testing.B) {
	for b.Loop() {
		db, path := openBench(b)
		var size, peak float64
		wrote := int64(0)
		spent := growing(func(events []ttpcron.Event) { importAll(b, db, events) }, func(tags []ttpcron.Tag) {
			before := written()
			if _, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags}); err != nil {
				b.Fatal(err)
			}
			wrote += written() - before
			if size == 0 {
				size = float64(kv.TagBytes(tags[:100]))
			}
			peak = max(peak, rssAnon())
		})
		tenth := max(1, len(spent)/10)
		n := float64(len(spent) * commitBatch)
		first := total(spent)
		b.ReportMetric(n/first, "tags/s")
		b.ReportMetric(100*total(spent[:tenth])/total(spent[len(spent)-tenth:]), "last-%-of-first")
		b.ReportMetric(float64(wrote)/n/size, "written/key+value")
		b.ReportMetric(float64(wrote)/n, "written-B/tag")
		room(b, db)
		b.ReportMetric(peak/(1<<20), "peak-MiB")
		slices.Sort(spent)
		b.ReportMetric(float64(spent[len(spent)*99/100].Milliseconds()), "p99-ms")

		before := written()
		again := growing(func([]ttpcron.Event) {}, func(tags []ttpcron.Tag) {
			if n, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags}); err != nil || n.Inserted != 0 {
				b.Fatal(n, err)
			}
			peak = max(peak, rssAnon())
		})
		b.ReportMetric(first/total(again), "replay/first")
		b.ReportMetric(float64(written()-before)/n, "replay-written-B/tag")

		took := func(metric string, do func()) {
			start := time.Now()
			do()
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, metric)
		}
		took("summary-ms", func() {
			if _, err := db.Under(nil).Summary(b.Context(), ttpcron.Window{}, ttpcron.MinLevels{}, nil); err != nil {
				b.Fatal(err)
			}
		})
		took("absent-session-ms", func() {
			for range db.Tags(b.Context(), ttpcron.TagQuery{Session: "no such session"}) {
			}
		})
		db.Close()
		took("open+stats-ms", func() {
			db, err := kv.Open(b.Context(), path, kv.Options{ReadOnly: true})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := db.Stats(b.Context()); err != nil {
				b.Fatal(err)
			}
			db.Close()
		})
		os.Remove(path)
		rate, _ := floor(b, int(n), int(size))
		b.ReportMetric(100*n/first/rate, "%-of-floor")
	}
}

// growing makes -scale tags in batches, after their events, and returns how long each took
// to commit.
func growing(arrive func(events []ttpcron.Event), commit func(tags []ttpcron.Tag)) (spent []time.Duration) {
	g := newGenerator(1)
	g.pace = 5 * time.Second
	for done := 0; done < *scaleTags; done += commitBatch {
		events := g.events(commitBatch / 2)
		arrive(events)
		tags := twoOfEach(events, g.n)
		start := time.Now()
		commit(tags)
		spent = append(spent, time.Since(start))
	}
	return spent
}

// twoOfEach makes two tags of each of the events that arrived last, after which there
// are so many.
func twoOfEach(events []ttpcron.Event, arrived int) (tags []ttpcron.Tag) {
	for i := range events {
		e := events[i]
		e.Seq = uint64(arrived - len(events) + i + 1)
		tags = append(tags, tagOf(&e, i%9), tagOf(&e, i%9+1))
	}
	return tags
}

func total(spent []time.Duration) (seconds float64) {
	for _, d := range spent {
		seconds += d.Seconds()
	}
	return seconds
}

// BenchmarkRetention fills a store with events, two tags each, until there are
// -scale tags; ten million of them are two years. Then it checks the store, backs
// it up, prunes the first half of its days, and compacts it. With -keep the full
// store stays in that file.
func BenchmarkRetention(b *testing.B) {
	for b.Loop() {
		db, path := openBench(b)
		g := newGenerator(1)
		g.pace = 2 * 365 * 24 * time.Hour / 5_000_000
		began := g.now
		var peak float64
		var spent []time.Duration
		for done := 0; done < *scaleTags; done += commitBatch {
			events := g.events(commitBatch / 2)
			tags := twoOfEach(events, g.n)
			start := time.Now()
			importAll(b, db, events)
			if _, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags, Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: uint64(g.n)}}}); err != nil {
				b.Fatal(err)
			}
			spent = append(spent, time.Since(start))
			peak = max(peak, rssAnon())
		}
		b.ReportMetric(total(spent), "fill-s")
		b.ReportMetric(peak/(1<<20), "fill-peak-MiB")
		measure := func(name string, do func() error) {
			before, start := written(), time.Now()
			if err := do(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(start).Seconds(), name+"-s")
			b.ReportMetric(float64(written()-before)/(1<<20), name+"-written-MiB")
			b.ReportMetric(rssAnon()/(1<<20), name+"-MiB")
		}
		copied := filepath.Join(filepath.Dir(path), "copy.db")
		measure("backup", func() error { return doctor.Backup(b.Context(), db, copied, true, nil) })
		if *keepStore != "" {
			if err := os.Rename(copied, *keepStore); err != nil {
				b.Fatal(err)
			}
		}
		os.Remove(copied)
		half := ttpcron.DayOf(began.Add(g.now.Sub(began) / 2))
		var pruned kv.PruneReport
		measure("prune", func() (err error) {
			pruned, err = db.Prune(b.Context(), kv.Prune{EventsBefore: half, TagsBefore: half})
			return err
		})
		b.ReportMetric(float64(pruned.Tags), "pruned-tags")
		b.ReportMetric(float64(pruned.Kinds[0].Events), "pruned-events")
		b.ReportMetric(float64(pruned.TagDays), "pruned-days")
		db.Close()
		measure("check", func() error {
			r, err := doctor.Check(b.Context(), path, doctor.Options{})
			if err == nil && r.Damaged() {
				b.Fatal(r.Findings)
			}
			return err
		})
		measure("compact", func() error {
			c, err := doctor.Compact(b.Context(), path, doctor.Options{})
			b.ReportMetric(float64(c.Before)/(1<<20), "before-MiB")
			b.ReportMetric(float64(c.After)/(1<<20), "after-MiB")
			return err
		})
	}
}
