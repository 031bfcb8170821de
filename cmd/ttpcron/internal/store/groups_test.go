package store

import (
	"testing"

	"github.com/ttpcron/ttpcron"
)

func TestGroupsSought(t *testing.T) {
	group := func(values ...string) ttpcron.Group {
		packed := []byte{byte(ttpcron.VantageHoneypot)}
		for _, v := range values {
			p := ttpcron.PackedValue{Text: v, Null: v == "-"}
			packed = p.Append(packed)
		}
		return ttpcron.Group(packed)
	}
	for name, c := range map[string]struct {
		q    GroupsSought
		g    ttpcron.Group
		want bool
	}{
		"one":                  {GroupsSought{Grouping: "a", Any: []string{"x"}}, group("x"), true},
		"another":              {GroupsSought{Grouping: "a", Any: []string{"x"}}, group("y"), false},
		"none asked for":       {GroupsSought{Grouping: "a,b"}, group("x", "-"), true},
		"by name":              {GroupsSought{Grouping: "a,b", Named: map[string]string{"b": "x"}}, group("y", "x"), true},
		"by another name":      {GroupsSought{Grouping: "a,b", Named: map[string]string{"a": "x"}}, group("y", "x"), false},
		"any field":            {GroupsSought{Grouping: "a,b", Any: []string{"x"}}, group("y", "x"), true},
		"two in any order":     {GroupsSought{Grouping: "a,b", Any: []string{"x", "y"}}, group("y", "x"), true},
		"two are not one":      {GroupsSought{Grouping: "a,b", Any: []string{"x", "x"}}, group("y", "x"), false},
		"one may give way":     {GroupsSought{Grouping: "a,b,c", Any: []string{"x", "y"}}, group("x", "x", "y"), true},
		"named is taken":       {GroupsSought{Grouping: "a,b", Named: map[string]string{"a": "x"}, Any: []string{"x"}}, group("x", "y"), false},
		"named and any":        {GroupsSought{Grouping: "a,b", Named: map[string]string{"a": "x"}, Any: []string{"x"}}, group("x", "x"), true},
		"null is no text":      {GroupsSought{Grouping: "a", Any: []string{"-"}}, group("-"), false},
		"by hash":              {GroupsSought{Grouping: "a", Hash: group("x").Hash([]string{"a"})}, group("x"), true},
		"by another hash":      {GroupsSought{Grouping: "a", Hash: group("x").Hash([]string{"a"})}, group("y"), false},
		"no field at all":      {GroupsSought{}, group(), true},
		"too few in the group": {GroupsSought{Grouping: "a,b"}, group("x"), false},
	} {
		if got := c.q.fits()(c.g); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	q := GroupsSought{Grouping: "a,b", Named: map[string]string{"b": "y"}, Any: []string{"x"}}
	groups, ok := q.Exactly()
	if !ok || len(groups) != 2 || groups[0] != group("x", "y") || groups[1].Vantage() != ttpcron.VantageHost {
		t.Errorf("exactly %q, %v", groups, ok)
	}
	for _, q := range []GroupsSought{{Grouping: "a,b", Any: []string{"x", "y"}}, {Grouping: "a,b", Any: []string{"x"}}} {
		if groups, ok := q.Exactly(); ok {
			t.Errorf("%+v is exactly %q", q, groups)
		}
	}
}
