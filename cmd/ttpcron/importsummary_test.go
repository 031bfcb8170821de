package main

import (
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// A summary names every known kind, counts what it does not name, and no name looks like a count.
func TestNamesText(t *testing.T) {
	kinds := ttpcron.NameCounts{}
	for i, k := range ttpcron.Kinds() {
		kinds[string(k)] = 100 - i
	}
	many := ttpcron.NameCounts{}
	for _, c := range "abcdefghijklmn" {
		many[string(c)] = 1
	}
	for _, tt := range []struct {
		counts ttpcron.NameCounts
		want   string
	}{
		{many, "1 a, 1 b, 1 c, 1 d, 1 e, 1 f, 1 g, 1 h, 1 i, 1 j, 1 k, 1 l, 2 of other names"},
		{ttpcron.NameCounts{"1001": 2, "console-audit": 1}, "2 of type 1001, 1 console-audit"},
		{ttpcron.NameCounts{"\x1b[31m": 1}, `1 \x1b[31m`},
		{nil, ""},
	} {
		if got := namesText(tt.counts); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	if got := namesText(kinds); strings.Count(got, ", ") != len(kinds)-1 || strings.Contains(got, "other names") {
		t.Errorf("not every kind is named: %q", got)
	}
	delete(many, "n")
	if got, want := namesText(many), "1 a, 1 b, 1 c, 1 d, 1 e, 1 f, 1 g, 1 h, 1 i, 1 j, 1 k, 1 l, 1 m"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
