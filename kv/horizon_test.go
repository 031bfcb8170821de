package kv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// everyKind makes some events of each kind on each of some days, commands first.
func everyKind(first ttpcron.Day, days, each int) (all []ttpcron.Event) {
	for _, kind := range ttpcron.Kinds() {
		if kind == ttpcron.Correlation {
			continue
		}
		fields, listed := kind.IdentityFields()
		if !listed {
			fields = []string{"signature"} // all of them distinguish
		}
		for day := range days {
			for n := range each {
				all = append(all, ttpcron.Event{
					Kind: kind, Time: (first + ttpcron.Day(day)).Start().Add(time.Duration(n) * time.Second), AttackerIP: "192.0.2.7", SessionID: fmt.Sprint("s", n%7), DeckyID: "sensor-1",
					Payload: ttpcron.Payload{{Name: fields[0], Text: fmt.Sprint(kind, day, n)}},
				})
			}
		}
	}
	return all
}

func ofKind(events []ttpcron.Event, kinds ...ttpcron.SourceKind) (some []ttpcron.Event) {
	for _, e := range events {
		if slices.Contains(kinds, e.Kind) {
			some = append(some, e)
		}
	}
	return some
}

func imported(t *testing.T, db *kv.DB, events []ttpcron.Event) (r ttpcron.ImportReport) {
	t.Helper()
	for part := range slices.Chunk(events, 4096) {
		got, err := db.Import(t.Context(), ttpcron.Batch{Events: part})
		if err != nil {
			t.Fatal(err)
		}
		r.Add(got)
	}
	return r
}

// TestHorizonOfKindsThatCameLater: a store that had only commands has pruned days. Events
// of kinds that it meets later do not come in for these days, in the store itself, in a
// compacted and in a recovered one, until the horizon is forgotten, for that kind or for
// all.
func TestHorizonOfKindsThatCameLater(t *testing.T) {
	const days, each = 10, 20
	first := ttpcron.Day(20000)
	all := everyKind(first, days, each)
	kinds := len(all) / days / each
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	imported(t, db, ofKind(all, ttpcron.Command))
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 6, TagsBefore: first + 6}); err != nil {
		t.Fatal(err)
	}
	closed(t, db)

	compacted, recovered := filepath.Join(t.TempDir(), "compacted.db"), filepath.Join(t.TempDir(), "recovered.db")
	if _, err := doctor.Recover(t.Context(), path, recovered, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(compacted, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := doctor.Compact(t.Context(), compacted, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, compacted, recovered} {
		db := kvtest.OpenAt(t, path)
		known, err := db.Known(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range all {
			if want := e.Kind == ttpcron.Command || ttpcron.DayOf(e.Time) < first+6; known[i] != want {
				t.Fatalf("%s: %s event of %s is known: %t", filepath.Base(path), e.Kind, e.Time, known[i])
			}
		}
		r := imported(t, db, all)
		if r.New != (kinds-1)*4*each || r.BeforeHorizon != kinds*6*each || r.Horizon != first+6 {
			t.Errorf("%s: %+v", filepath.Base(path), r)
		}
		h, err := db.Horizons(t.Context())
		if err != nil || len(h) != kinds || h[0].Before != first+6 || h[kinds-1].Before != first+6 {
			t.Errorf("horizons %v, %v", h, err)
		}

		// Only for the pruned kind; all others keep the horizon, stored or not.
		gone, err := db.ForgetHorizon(t.Context(), ttpcron.Command)
		if err != nil || !slices.Equal(gone, []kv.Horizon{{Kind: ttpcron.Command, Before: first + 6}}) {
			t.Fatalf("%v, %v", gone, err)
		}
		if r := imported(t, db, all); r.New != 6*each || r.BeforeHorizon != (kinds-1)*6*each {
			t.Errorf("%s: with the horizon of commands forgotten: %+v", filepath.Base(path), r)
		}
		intel := ttpcron.Event{Kind: "intel", Time: first.Start(), AttackerIP: "192.0.2.7", Payload: ttpcron.Payload{{Name: "x", Text: "y"}}}
		if r := imported(t, db, []ttpcron.Event{intel}); r.BeforeHorizon != 1 {
			t.Errorf("%s: a kind that the program does not know: %+v", filepath.Base(path), r)
		}
		// What is pruned later holds for all kinds again.
		if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 7, TagsBefore: first + 7}); err != nil {
			t.Fatal(err)
		}
		if r := imported(t, db, all); r.New != 0 || r.BeforeHorizon != kinds*7*each {
			t.Errorf("%s: pruned again: %+v", filepath.Base(path), r)
		}
		if gone, err := db.ForgetHorizon(t.Context(), ""); err != nil || len(gone) != kinds {
			t.Errorf("%v, %v", gone, err)
		}
		if r := imported(t, db, append(all, intel)); r.New != kinds*7*each+1 || r.BeforeHorizon != 0 {
			t.Errorf("%s: with all forgotten: %+v", filepath.Base(path), r)
		}
		closed(t, db)
		checked(t, path)
	}
}

// TestRetentionOfEveryKind: counts, pruning and purging go over thousands of events of
// each kind, and db check finds nothing.
func TestRetentionOfEveryKind(t *testing.T) {
	const days, each = 6, 500
	first := ttpcron.Day(20000)
	all := everyKind(first, days, each)
	kinds := len(all) / days / each
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	if r := imported(t, db, all); r.New != len(all) {
		t.Fatalf("%+v", r)
	}
	counted := func(perKind int) {
		t.Helper()
		s, err := db.Stats(t.Context())
		if err != nil || len(s.Kinds) != kinds {
			t.Fatalf("%d kinds, %v", len(s.Kinds), err)
		}
		for _, k := range s.Kinds {
			if k.Events != perKind {
				t.Errorf("%d events of %s, want %d", k.Events, k.Kind, perKind)
			}
		}
	}
	counted(days * each)
	p, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 2, TagsBefore: first + 2})
	if err != nil || len(p.Kinds) != kinds {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, k := range p.Kinds {
		if k.Events != 2*each || k.Days != 2 {
			t.Errorf("pruned %+v", k)
		}
	}
	counted((days - 2) * each)
	if r := imported(t, db, all); r.New != 0 || r.BeforeHorizon != kinds*2*each {
		t.Errorf("read again: %+v", r)
	}
	closed(t, db)
	checked(t, path)
}
