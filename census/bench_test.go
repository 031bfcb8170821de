package census

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkCensus counts the events and tags of a history by attacker and by technique.
func BenchmarkCensus(b *testing.B) {
	h := randomHistory(rand.New(rand.NewPCG(1, 2)), 2000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		c := New(Query{}, Attackers, Techniques)
		if err := c.Count(b.Context(), h.source(), uint64(len(h.events))); err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		n += len(h.events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
