package story

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestExcerpt(t *testing.T) {
	type given struct {
		text, level, rule string // no tag without a level
	}
	for name, c := range map[string]struct {
		events []given
		want   []string
		more   int
	}{
		"none":      {},
		"few":       {[]given{{"a", "", ""}, {"b", "", ""}}, []string{"a", "b"}, 0},
		"no tags":   {[]given{{"a", "", ""}, {"b", "", ""}, {"c", "", ""}, {"d", "", ""}, {"e", "", ""}}, []string{"a", "b", "c", "d"}, 1},
		"the worst": {[]given{{"a", "", ""}, {"b", "", ""}, {"c", "", ""}, {"d", "", ""}, {"e", "low", "R1"}, {"f", "high", "R2"}}, []string{"a", "b", "e", "f"}, 2},
		"one of a rule": {
			[]given{{"a", "low", "R1"}, {"b", "high", "R1"}, {"c", "high", "R1"}, {"d", "medium", "R2"}, {"e", "low", "R3"}, {"f", "low", "R4"}, {"g", "low", "R5"}},
			[]string{"b", "d", "e", "f"}, 3,
		},
		"repeated":        {[]given{{"a", "", ""}, {"a", "", ""}, {"b", "", ""}}, []string{"a", "b"}, 1},
		"repeated chosen": {[]given{{"a", "", ""}, {"a", "high", "R1"}, {"b", "low", "R2"}, {"a", "low", "R3"}}, []string{"a", "b"}, 2},
	} {
		var x Excerpt
		for i, g := range c.events {
			if g.level != "" {
				tagged := tag(i+1, "T1000", g.level, 0.5)
				tagged.RuleID = g.rule
				x.AddTag(&tagged)
			}
		}
		for i, g := range c.events {
			x.Add(uint64(i+1), g.text)
		}
		if texts, more := x.Texts(); !slices.Equal(texts, c.want) || more != c.more {
			t.Errorf("%s: %q and %d more, want %q and %d", name, texts, more, c.want, c.more)
		}
	}
}

// Tags may come in any order, and more of them than are kept.
func TestExcerptIsBounded(t *testing.T) {
	var x Excerpt
	const n = 5000
	for i := n; i > 0; i-- {
		level := "low"
		if i%1000 == 0 {
			level = "high"
		}
		tagged := tag(i, fmt.Sprint("T", i), level, 0.5)
		x.AddTag(&tagged)
	}
	if len(x.best) > maxExcerptRules {
		t.Errorf("%d rules are kept", len(x.best))
	}
	for i := range n {
		x.Add(uint64(i+1), fmt.Sprint(i+1, strings.Repeat("x", 1<<12)))
	}
	texts, more := x.Texts()
	if len(texts) != MaxExcerpt || more != n-MaxExcerpt {
		t.Fatalf("%d texts and %d more", len(texts), more)
	}
	for i, text := range texts {
		if !strings.HasPrefix(text, fmt.Sprint(1000*(i+1), "x")) || len(text) > maxKeptBytes+16 {
			t.Errorf("text %d is %.10s, of %d bytes", i, text, len(text))
		}
	}
}
