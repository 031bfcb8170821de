package kv_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// Runs under a clock ten years ahead, or behind, neither hide nor displace those under the
// right one.
func TestRunsOfAWrongClock(t *testing.T) {
	right := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	db, err := kv.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), kv.Options{NoSync: true, Now: func() time.Time { return right }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var good []string
	run := func(years, n int) {
		t.Helper()
		for range n {
			right = right.Add(time.Second)
			at := right.AddDate(years, 0, 0)
			id := fmt.Sprintf("%s-%d", at.Format("20060102T150405.000000Z"), years)
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Run: &ttpcron.Run{ID: id, Started: at}}); err != nil {
				t.Fatal(err)
			}
			if years == 0 {
				good = append(good, id)
			}
		}
	}
	run(0, 20)
	run(10, kv.MaxRuns-10)
	good = good[10:] // the oldest are gone
	run(0, 30)
	run(-56, 10)
	run(0, 10)
	runs, err := db.Runs(t.Context(), 0)
	if err != nil || len(runs) != kv.MaxRuns {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	latest, err := db.Runs(t.Context(), len(good))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range latest {
		if want := good[len(good)-1-i]; r.ID != want || runs[i].ID != want {
			t.Fatalf("run %d is %s, want %s", i, r.ID, want)
		}
	}
}
