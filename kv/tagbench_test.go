package kv_test

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/layout"
)

// room reports how much a tag takes in the buckets that grow with tags: in its own, with
// and without page overhead, and its share of the rollups.
func room(b *testing.B, db *kv.DB) {
	b.Helper()
	space, err := doctor.MeasureOpen(b.Context(), db, nil)
	if err != nil {
		b.Fatal(err)
	}
	tags := 0
	for _, s := range space.Buckets {
		switch s.Name {
		case layout.Tags:
			tags = s.Entries
			b.ReportMetric(float64(s.Bytes)/float64(tags), "tag-B")
			b.ReportMetric(float64(s.Data)/float64(tags), "tag-data-B")
		case layout.Rollups:
			b.ReportMetric(float64(s.Bytes)/float64(tags), "rollup-B/tag")
		}
	}
}

// openTagged opens a store of benchEvents events and two tags of each.
func openTagged(b *testing.B) (db *kv.DB, tags int) {
	b.Helper()
	db, _ = openBench(b)
	importAll(b, db, newGenerator(1).events(benchEvents))
	tags = tagAll(b, db, 2, func(tags []ttpcron.Tag) {
		if _, err := db.Commit(b.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			b.Fatal(err)
		}
	})
	return db, tags
}

// readTags reads the tags that a query selects and returns their number.
func readTags(b *testing.B, db *kv.DB, q ttpcron.TagQuery) (n int) {
	b.Helper()
	for t, err := range db.Tags(b.Context(), q) {
		if err != nil {
			b.Fatal(err)
		}
		if t.SourceID == "" || len(t.Evidence) == 0 {
			b.Fatalf("tag %s without its event", t.UUID())
		}
		n++
	}
	return n
}

// BenchmarkReadTags reads tags as views do: the newest page, all of them, and those of a
// session in the middle of the history and of its attacker.
func BenchmarkReadTags(b *testing.B) {
	db, total := openTagged(b)
	var session, attacker string
	n := 0
	readAll(b, db, func(page []ttpcron.Event) {
		if n += len(page); n >= benchEvents/2 && session == "" {
			session, attacker = page[0].SessionID, page[0].AttackerIP
		}
	})
	for _, c := range []struct {
		name string
		q    ttpcron.TagQuery
		want int // 0: some
	}{
		{"newest-100", ttpcron.TagQuery{Limit: 100}, 100},
		{"all", ttpcron.TagQuery{}, total},
		{"session", ttpcron.TagQuery{Session: session}, 0},
		{"attacker", ttpcron.TagQuery{Attacker: attacker}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			read, start := 0, time.Now()
			for b.Loop() {
				n := readTags(b, db, c.q)
				if n == 0 || c.want > 0 && n != c.want {
					b.Fatalf("%d tags, want %d", n, c.want)
				}
				read += n
			}
			b.ReportMetric(float64(read)/time.Since(start).Seconds(), "tags/s")
			b.ReportMetric(float64(read)/float64(b.N), "tags/op")
		})
	}
}

// BenchmarkArrival commits the tags of histories that arrive in order of time, and of
// twenty sensors that saw the same days and arrive one after the other: bytes a tag, bytes
// written, and what it costs to read them back and to check them.
func BenchmarkArrival(b *testing.B) {
	for _, sensors := range []int{1, 20} {
		b.Run(fmt.Sprintf("sensors-%d", sensors), func(b *testing.B) {
			for b.Loop() {
				arrive(b, sensors)
			}
		})
	}
}

// tagSince makes two tags of each event that arrived after another, in commit-sized
// groups.
func tagSince(b *testing.B, db *kv.DB, after uint64, commit func([]ttpcron.Tag)) {
	days, err := db.Days(b.Context(), ttpcron.Command)
	if err != nil {
		b.Fatal(err)
	}
	var tags []ttpcron.Tag
	for _, d := range days {
		for page, err := range db.Events(b.Context(), ttpcron.Command, d.Day, after, math.MaxUint64) {
			if err != nil {
				b.Fatal(err)
			}
			for i := range page {
				tags = append(tags, tagOf(&page[i], i%7), tagOf(&page[i], 1+i%7))
			}
		}
		if len(tags) >= commitBatch {
			commit(tags)
			tags = nil
		}
	}
	commit(tags)
}

func arrive(b *testing.B, sensors int) {
	db, _ := openBench(b)
	var spent time.Duration
	var wrote int64
	tags, last := 0, uint64(0)
	for i := range sensors {
		g := newGenerator(uint64(i + 1))
		g.pace *= time.Duration(sensors)
		importAll(b, db, g.events(benchEvents/sensors))
		var groups [][]ttpcron.Tag
		tagSince(b, db, last, func(tags []ttpcron.Tag) { groups = append(groups, tags) })
		before, start := written(), time.Now()
		for _, group := range groups {
			n, err := db.Commit(b.Context(), ttpcron.Commit{Tags: group})
			if err != nil {
				b.Fatal(err)
			}
			tags += n.Inserted
		}
		spent += time.Since(start)
		wrote += written() - before
		seq, err := db.LastSeq(b.Context())
		if err != nil || seq == last {
			b.Fatal(seq, err)
		}
		last = seq
	}
	b.ReportMetric(float64(tags)/spent.Seconds(), "tags/s")
	b.ReportMetric(float64(wrote)/float64(tags), "written-B/tag")
	room(b, db)
	start := time.Now()
	if n := readTags(b, db, ttpcron.TagQuery{}); n != tags {
		b.Fatalf("%d tags of %d", n, tags)
	}
	b.ReportMetric(float64(tags)/time.Since(start).Seconds(), "read/s")
	start = time.Now()
	readTags(b, db, ttpcron.TagQuery{Limit: 100})
	b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "newest-100-ms")
	f, err := os.Open(db.Path())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	start = time.Now()
	if r, err := doctor.CheckReader(b.Context(), f, info.Size(), doctor.Options{}); err != nil || r.Damaged() || r.Tags != tags {
		b.Fatal(r, err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "check-s")
}
