package export

import (
	"flag"
	"io"
	"testing"
)

// BenchmarkFormats writes tags of every kind in each format.
func BenchmarkFormats(b *testing.B) {
	tags := sampleTags(5000)
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				j, write := jobOf(b, tags), f.New(flag.NewFlagSet(f.Name, flag.ContinueOnError))
				if f.To == Stream {
					j.Out = io.Discard
				}
				if err := write(b.Context(), j); err != nil {
					b.Fatal(err)
				}
				n += len(tags)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tags/s")
		})
	}
}
