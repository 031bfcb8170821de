package kv_test

import (
	"fmt"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// rejectsOf makes rejects of a file, each with its own text.
func rejectsOf(file string, n int) (list []ttpcron.Reject) {
	for i := range n {
		list = append(list, ttpcron.Reject{File: file, Line: i + 1, Format: "cowrie", Reason: "odd", Excerpt: fmt.Append(nil, file, i)})
	}
	return list
}

// TestRejectsAgain imports an unchanged file in every run, under other names.
func TestRejectsAgain(t *testing.T) {
	db := kvtest.Open(t)
	im := ttpcron.Batch{Rejects: rejectsOf("a.json", 200), Events: []ttpcron.Event{{Kind: ttpcron.Command, Time: noon}}} // of nobody
	if r, err := db.Import(t.Context(), im); err != nil || r.Rejected != 201 || r.RejectedKnown != 0 {
		t.Fatal(r, err)
	}
	for i := range im.Rejects {
		im.Rejects[i].File, im.Rejects[i].Line = "a.json.1", i+7
	}
	known, err := db.KnownRejects(t.Context(), append(rejectsOf("a.json", 2), rejectsOf("b.json", 2)...))
	if want := "[true true false false]"; err != nil || fmt.Sprint(known) != want {
		t.Errorf("known %v, want %s, %v", known, want, err)
	}
	unchanged(t, db.Path(), func() {
		for range 60 {
			if r, err := db.Import(t.Context(), im); err != nil || r.Rejected != 201 || r.RejectedKnown != 201 {
				t.Fatal(r, err)
			}
		}
	})
	twice := append(rejectsOf("b.json", 1), rejectsOf("b.json", 1)...)
	if r, err := db.Import(t.Context(), ttpcron.Batch{Rejects: twice}); err != nil || r.Rejected != 2 || r.RejectedKnown != 1 {
		t.Error(r, err)
	}
	s, err := db.Stats(t.Context())
	if err != nil || s.Rejects != 202 || s.RejectsDropped != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestRejectsShareTheRoom fills the list from two files; the rejects of others stay, and
// dropped ones are still known.
func TestRejectsShareTheRoom(t *testing.T) {
	db := kvtest.Open(t)
	add := func(list []ttpcron.Reject, known int) {
		t.Helper()
		if r, err := db.Import(t.Context(), ttpcron.Batch{Rejects: list}); err != nil || r.Rejected != len(list) || r.RejectedKnown != known {
			t.Fatal(r, err)
		}
	}
	add(rejectsOf("real.json", 1), 0)
	add(rejectsOf("small.json", 99), 0)
	add(rejectsOf("a.json", kv.MaxRejects), 0)
	add(rejectsOf("b.json", kv.MaxRejects+1), 0)
	count := func(want map[string]int) {
		t.Helper()
		got, first := map[string]int{}, map[string]int{}
		for r, err := range db.Rejects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got[r.File]++; got[r.File] == 1 {
				first[r.File] = r.Line
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("kept %v, want %v", got, want)
		}
		if first["b.json"] != kv.MaxRejects+2-want["b.json"] {
			t.Errorf("of b.json the first is %d: the oldest are to go", first["b.json"])
		}
	}
	want := map[string]int{"real.json": 1, "small.json": 99, "a.json": 4950, "b.json": 4950}
	count(want)
	unchanged(t, db.Path(), func() { add(rejectsOf("a.json", kv.MaxRejects), kv.MaxRejects) })
	count(want)
	if dropped, err := db.RejectsDropped(t.Context()); err != nil || dropped != 100+2*kv.MaxRejects+1-kv.MaxRejects {
		t.Errorf("%d dropped, %v", dropped, err)
	}
	closed(t, db)
}
