package kv_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// comparePages: pages of any length yield what the sequences yield, once each.
func comparePages(t *testing.T, db *kv.DB, q ttpcron.MatchQuery, about int) {
	t.Helper()
	type found struct {
		group, text string
		stream      *ttpcron.Stream
	}
	var want, got []found
	for b, err := range db.BaseMatches(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, found{strings.Clone(b.Group), textOf(b), b.Stream})
	}
	for at := (kv.MatchPosition{}); !at.End; {
		page, next, err := db.MatchPage(t.Context(), q, at, about)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > about || len(page) < about && !next.End {
			t.Fatalf("a page of %d matches, asked for %d", len(page), about)
		}
		for i := range page {
			got = append(got, found{page[i].Group, textOf(&page[i]), page[i].Stream})
		}
		at = next
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("query %+v gives in pages of %d\n%v\nwant\n%v", q, about, got, want)
	}
}

// compareTouchedPages does the same for changed groups.
func compareTouchedPages(t *testing.T, db *kv.DB, d ttpcron.MatchDay, about int) {
	t.Helper()
	var want, got []ttpcron.TouchedGroup
	for g, err := range db.Touched(t.Context(), d.Day, d.Last) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, g)
	}
	for at := (kv.MatchPosition{}); !at.End; {
		page, next, err := db.TouchedPage(t.Context(), d.Day, d.Last, at, about)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > about || len(page) < about && !next.End {
			t.Fatalf("a page of %d groups, asked for %d", len(page), about)
		}
		got = append(got, page...)
		at = next
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("touched on %s in pages of %d\n%v\nwant\n%v", d.Day, about, got, want)
	}
}
