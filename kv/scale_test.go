package kv_test

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

var scaleTags = flag.Int("scale", 500_000, "tags of BenchmarkGrowing")

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

// BenchmarkGrowing inserts tags of about 30,000 a day until there are -scale of
// them: what the last tenth costs against the first, bytes written, memory, and
// what questions cost in the end.
func BenchmarkGrowing(b *testing.B) {
	for b.Loop() {
		db, path := openBench(b)
		g := newGenerator(1)
		g.pace = 5 * time.Second
		var spent []time.Duration
		var size, peak float64
		before := written()
		for total := 0; total < *scaleTags; total += commitBatch {
			tags := make([]ttpcron.Tag, 0, commitBatch)
			for len(tags) < commitBatch {
				e := g.next()
				e.ID = e.ContentID()
				tags = append(tags, tagOf(&e, g.n%9), tagOf(&e, g.n%9+1))
			}
			size = float64(kv.TagBytes(tags[:100]))
			start := time.Now()
			if _, err := db.Commit(b.Context(), kv.Commit{Tags: tags}); err != nil {
				b.Fatal(err)
			}
			spent = append(spent, time.Since(start))
			peak = max(peak, rssAnon())
		}
		tenth := max(1, len(spent)/10)
		sum := func(d []time.Duration) (t float64) {
			for _, x := range d {
				t += x.Seconds()
			}
			return t
		}
		n := float64(len(spent) * commitBatch)
		b.ReportMetric(n/sum(spent), "tags/s")
		b.ReportMetric(100*sum(spent[:tenth])/sum(spent[len(spent)-tenth:]), "last-%-of-first")
		b.ReportMetric(float64(written()-before)/n/size, "written/key+value")
		b.ReportMetric(peak/(1<<20), "peak-MiB")
		slices.Sort(spent)
		b.ReportMetric(float64(spent[len(spent)*99/100].Milliseconds()), "p99-ms")

		start := time.Now()
		if _, err := db.Summary(b.Context(), ttpcron.Window{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "summary-ms")
		start = time.Now()
		for range db.Tags(b.Context(), ttpcron.TagQuery{Session: "no such session"}) {
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "absent-session-ms")
		db.Close()
		start = time.Now()
		db, err := kv.Open(b.Context(), path, kv.Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := db.Stats(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "open+stats-ms")
		db.Close()
	}
}
