package match_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ttpcron/ttpcron/kv/match"
)

// loginList is what the logins of some addresses yield in two streams of one grouping, in
// order.
func loginList(logins, addresses int) *match.List {
	r := rand.New(rand.NewPCG(1, 2))
	type login struct {
		match.Group
		match.Row
		values string
	}
	var all []login
	for i := range logins {
		n := r.IntN(addresses)
		g := match.Group{Grouping: 1, Text: fmt.Sprintf("\x00t\x0e20.20.%03d.%03d", n>>8&255, n&255)}
		g.Hash = secret.Group(g.Text)
		row := match.Row{Nanos: int64(i) * 1e3 * 170, Seq: uint64(i + 1), Stream: 1}
		all = append(all, login{g, row, fmt.Sprintf("t\x04roott\x08pass%04d", r.IntN(2000))})
		row.Stream = 2
		all = append(all, login{g, row, ""})
	}
	slices.SortFunc(all, func(a, b login) int { return cmp.Or(a.Group.Compare(&b.Group), a.Row.Compare(&b.Row)) })
	l := &match.List{}
	for i := range all {
		l.Add(&all[i].Group, &all[i].Row, all[i].values)
	}
	return l
}

// write writes a list as a run.
func write(b testing.TB, l *match.List, put func(k, rec []byte) error) {
	w := match.Writer{Day: day, Run: 7, Put: put}
	for i := range l.Groups {
		g := &l.Groups[i]
		for row := g.From; row < g.To; row++ {
			if err := w.Add(g, &l.Rows[row], l.Value(&l.Rows[row])); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

var listSizes = []int{300, 30_000}

// BenchmarkWrite writes runs: time for each match.
func BenchmarkWrite(b *testing.B) {
	for _, addresses := range listSizes {
		b.Run(fmt.Sprint(addresses), func(b *testing.B) {
			l := loginList(50_000, addresses)
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				write(b, l, func(_, rec []byte) error { bytes += len(rec); return nil })
			}
			n := float64(b.N * len(l.Rows))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/match")
			b.ReportMetric(float64(bytes)/n, "bytes/match")
		})
	}
}

// BenchmarkMerge reads everything in four runs, and reports the time for each match.
func BenchmarkMerge(b *testing.B) {
	for _, addresses := range listSizes {
		b.Run(fmt.Sprint(addresses), func(b *testing.B) {
			l := loginList(50_000, addresses)
			const runs = 4
			var keys, recs [runs][][]byte
			for i := range runs {
				part := match.List{}
				for k := range l.Groups {
					for row := l.Groups[k].From; row < l.Groups[k].To; row++ {
						if r := &l.Rows[row]; int(r.Seq)*runs/50_001 == i {
							part.Add(&l.Groups[k], r, l.Value(r))
						}
					}
				}
				write(b, &part, func(k, rec []byte) error {
					keys[i], recs[i] = append(keys[i], slices.Clone(k)), append(recs[i], slices.Clone(rec))
					return nil
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				var all match.Merge
				for i := range runs {
					if err := all.Add(cursor(i, keys[i], recs[i])); err != nil {
						b.Fatal(err)
					}
				}
				n := 0
				for {
					c, err := all.Live()
					if err != nil {
						b.Fatal(err)
					}
					if c == nil {
						break
					}
					n++
				}
				if n != len(l.Rows) {
					b.Fatalf("%d matches of %d", n, len(l.Rows))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(l.Rows)), "ns/match")
		})
	}
}
