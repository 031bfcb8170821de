package kv_test

import (
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestPruneInParts: days with much text are removed in their own transactions, however few
// events they have.
func TestPruneInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a hundred MiB")
	}
	db := kvtest.Open(t)
	noise := rand.NewChaCha8([32]byte{7})
	text := make([]byte, 1<<20)
	const days = 80
	for day := range days {
		noise.Read(text)
		importAll(t, db, []ttpcron.Event{{
			Kind: ttpcron.Command, AttackerIP: "192.0.2.7", Time: ttpcron.Day(20000 + day).Start(),
			Payload: ttpcron.TextPayload("command_text", hex.EncodeToString(text)),
		}})
	}
	parts := 0
	r, err := db.Prune(t.Context(), kv.Prune{EventsBefore: 30000, TagsBefore: 30000, Progress: func(kv.Progress) { parts++ }})
	if err != nil || len(r.Kinds) != 1 || r.Kinds[0].Events != days {
		t.Fatalf("%+v, %v", r, err)
	}
	if parts < 2 {
		t.Errorf("%d MiB of events were taken out in %d transactions", days, parts)
	}
}

// TestExpiredStateIsNone: once a state has expired, the decision before it counts again.
func TestExpiredStateIsNone(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	db := kvtest.OpenWith(t, filepath.Join(t.TempDir(), "t.db"), kv.Options{NoSync: true, Now: func() time.Time { return now }})
	set := func(status ttpcron.RuleStatus, until time.Time) {
		t.Helper()
		if err := db.SetRuleState(t.Context(), ttpcron.RuleState{RuleID: "R1", Status: status, ConfidenceMax: 0.4, ExpiresAt: until, SetBy: "u", SetAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	set(ttpcron.StatusDisabled, now.Add(time.Minute))
	now = now.Add(time.Hour)
	set(ttpcron.StatusClipped, time.Time{})
	entries, err := db.Audit(t.Context(), 0)
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	if got := entries[0]; got.Before != "enabled" || got.After != "clipped to 0.4" {
		t.Errorf("%+v", got)
	}
}

// TestUpgradingIsSaid: a caller that opens an old store is told before the upgrade, and
// only then.
func TestUpgradingIsSaid(t *testing.T) {
	path := write(t, unpack(t, "v4.db.gz"))
	for _, want := range []int{1, 0} {
		said := 0
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Upgrading: func(from, to int) {
			said++
			if from != 4 || to != kv.Schema {
				t.Errorf("from %d to %d", from, to)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if said != want {
			t.Errorf("said %d times, want %d", said, want)
		}
	}
}
