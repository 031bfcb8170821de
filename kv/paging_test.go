package kv_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// tagged fills a store with events over several days, a tag of each.
func tagged(t *testing.T, db *kv.DB, n int) {
	t.Helper()
	g := newGenerator(7)
	g.pace = 5 * time.Minute
	events := g.events(n)
	for i := range events {
		events[i].ID = fmt.Sprint(i)
	}
	importAll(t, db, events)
	var tags []ttpcron.Tag
	for i := range events {
		tags = append(tags, tagOf(&events[i], i%5))
	}
	var rejects []ttpcron.Reject
	for i := range 250 {
		rejects = append(rejects, ttpcron.Reject{File: "f", Line: i + 1, Excerpt: fmt.Append(nil, i), At: g.now})
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Rejects: rejects}); err != nil {
		t.Fatal(err)
	}
}

// While an iterator's consumer works, however slowly, no transaction is open that would
// keep bbolt from reusing freed pages.
func TestIteratorsHoldNoTransaction(t *testing.T) {
	db := kvtest.Open(t)
	tagged(t, db, 2000)
	none := func(where string) {
		t.Helper()
		if n := kv.OpenTransactions(db); n != 0 {
			t.Fatalf("%d transactions are open within a loop over %s", n, where)
		}
	}
	loops := 0
	for _, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		none("tags")
		loops++
	}
	for _, err := range db.Rejects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		none("rejects")
		loops++
	}
	days, err := db.Days(t.Context(), ttpcron.Command)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		for page, err := range db.Events(t.Context(), ttpcron.Command, d.Day, 0, 1<<63) {
			if err != nil {
				t.Fatal(err)
			}
			none("events")
			loops += len(page)
		}
	}
	if loops != 2000+250+2000 {
		t.Errorf("%d steps", loops)
	}
	// Nor while a copy of the store is checked, which takes longer than to make it.
	checked := false
	err = doctor.Backup(t.Context(), db, filepath.Join(t.TempDir(), "copy.db"), false, func(p kv.Progress) {
		if p.Place == "verify" {
			checked = true
			none("the check of a backup")
		}
	})
	if err != nil || !checked {
		t.Errorf("checked %t, %v", checked, err)
	}
}

// Pages yield what Tags yields, whatever their size, each from a fresh scan.
func TestTagPages(t *testing.T) {
	db := kvtest.Open(t)
	tagged(t, db, 2000)
	day := ttpcron.DayOf(time.Date(2024, 6, 4, 0, 0, 0, 0, time.UTC))
	for _, q := range []ttpcron.TagQuery{
		{}, {Technique: "T1105"}, {Technique: "T9999"}, {MinConfidence: 0.8}, {Attacker: "nobody"},
		{Window: ttpcron.Window{Since: day.Start().Add(time.Hour), Until: (day + 1).Start().Add(-time.Hour)}},
	} {
		var want []ttpcron.Tag
		for tag, err := range db.Tags(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, tag)
		}
		for _, about := range []int{1, 256, 1000, 1 << 20} {
			var got []ttpcron.Tag
			for at := (kv.TagPosition{}); !at.End; {
				page, next, err := db.Under(nil).TagPage(t.Context(), q, at, about)
				if err != nil {
					t.Fatal(err)
				}
				got, at = append(got, page...), next
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v in pages of %d: %d tags, want %d, or others", q, about, len(got), len(want))
			}
		}
	}
}

// A day that is removed from the store between two pages is no damage.
func TestTagPagesWhilePruning(t *testing.T) {
	db := kvtest.Open(t)
	tagged(t, db, 2000)
	first, at, err := db.Under(nil).TagPage(t.Context(), ttpcron.TagQuery{}, kv.TagPosition{}, 1)
	if err != nil || len(first) == 0 || at.Until == nil {
		t.Fatalf("%d tags, at %+v, %v", len(first), at, err)
	}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: at.Day + 1, TagsBefore: at.Day + 1}); err != nil {
		t.Fatal(err)
	}
	rest, at, err := db.Under(nil).TagPage(t.Context(), ttpcron.TagQuery{}, at, 1)
	if err != nil || len(rest) != 0 || !at.End {
		t.Errorf("%d tags, at %+v, %v", len(rest), at, err)
	}
}

// A position that no page returned, such as a hostile one, yields tags or none.
func TestTagPageAnywhere(t *testing.T) {
	db := kvtest.Open(t)
	tagged(t, db, 500)
	for _, at := range []kv.TagPosition{
		{Begun: true}, {Begun: true, Day: -1, Until: []byte{}}, {Begun: true, Day: 1<<31 - 1, Until: []byte("x")},
		{Begun: true, Day: 19876, Until: make([]byte, 1<<16)}, {Begun: true, Day: -1 << 31},
	} {
		for n := 0; !at.End; n++ {
			var err error
			if _, at, err = db.Under(nil).TagPage(t.Context(), ttpcron.TagQuery{}, at, 100); err != nil || n > 100 {
				t.Fatalf("page %d: %v", n, err)
			}
		}
	}
}

// An open store is measured as a closed one is, while others write to it.
func TestMeasureSpaceOfOpenStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	tagged(t, db, 2000)
	got, err := doctor.MeasureOpen(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A write that makes the file larger than its mapping waits for the measuring
	// to end, so it does not happen within its steps.
	var writing sync.WaitGroup
	writing.Go(func() {
		g := newGenerator(9)
		for range 30 {
			importAll(t, db, g.events(500))
		}
	})
	for range 20 {
		if _, err := doctor.MeasureOpen(t.Context(), db, nil); err != nil {
			t.Errorf("while it grows: %v", err)
		}
	}
	writing.Wait()
	none := kv.OpenTransactions(db)
	if err := db.Close(); err != nil || none != 0 {
		t.Errorf("%d transactions are left, %v", none, err)
	}
	want := map[string]int{"tags": 2000, "rejects": 250}
	for _, b := range got.Buckets {
		if n, ok := want[b.Name]; ok && b.Entries != n {
			t.Errorf("%s: %d records, want %d", b.Name, b.Entries, n)
		}
		delete(want, b.Name)
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
}

// TestCheckGivesWay: an open store is checked like a closed one. If a commit has to wait
// for the check, because the file outgrows its mapping, the check begins again after it.
func TestCheckGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	tagged(t, db, 2000)
	stop := make(chan bool)
	var writing sync.WaitGroup
	var begun sync.Once
	write := func() {
		g := newGenerator(9)
		for {
			select {
			case <-stop:
				return
			default:
				importAll(t, db, g.events(500))
			}
		}
	}
	last, again := int64(0), 0
	r, err := doctor.CheckOpen(t.Context(), db, doctor.Options{Progress: func(p kv.Progress) {
		begun.Do(func() {
			writing.Go(write)
			for !db.Blocked() {
				time.Sleep(time.Millisecond)
			}
		})
		if p.Done < last {
			if again++; again == 1 {
				close(stop)
			}
		}
		last = p.Done
	}})
	if err != nil || r.Damaged() || r.Tags != 2000 {
		t.Errorf("%v, %+v", err, r)
	}
	if again == 0 {
		t.Error("the check kept a commit waiting until its end")
		close(stop)
	}
	writing.Wait()
	none := kv.OpenTransactions(db)
	if err := db.Close(); err != nil || none != 0 {
		t.Errorf("%d transactions are left, %v", none, err)
	}
	checked(t, path)

	ended, end := context.WithCancel(t.Context())
	end()
	if db, err = kv.Open(t.Context(), path, kv.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := doctor.CheckOpen(ended, db, doctor.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that is called off: %v", err)
	}
}

func TestTechniqueTotals(t *testing.T) {
	db := kvtest.Open(t)
	tagged(t, db, 500)
	want := map[string]int{}
	compare := func() {
		t.Helper()
		clear(want)
		for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			want[tag.Technique()]++
		}
		totals, err := db.Under(nil).TechniqueTotals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, n := range totals {
			got[n.Technique] = n.Tags
		}
		if len(got) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	compare()
	if err := db.Retire(t.Context(), ttpcron.Retirement{RuleID: "R0002", Version: ttpcron.AllVersions, SetAt: time.Unix(1, 0)}); err != nil {
		t.Fatal(err)
	}
	compare()
}

// Stats can be asked for while commits make the file outgrow its mapping; the
// race detector watches.
func TestStatsWhileGrowing(t *testing.T) {
	db := kvtest.Open(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		g := newGenerator(3)
		g.unique = true
		for range 20 {
			importAll(t, db, g.events(1000))
		}
	}()
	for asked := 0; ; asked++ {
		s, err := db.Stats(t.Context())
		if err != nil || s.FreeBytes%4096 != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		select {
		case <-done:
			if asked == 0 {
				t.Error("it had grown before it was asked")
			}
			return
		default:
		}
	}
}
