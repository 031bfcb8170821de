package kv

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestUpgradeJoinsEvents: two events that differed only in a fact that is not part of
// their identity become one, with the facts of both.
func TestUpgradeJoinsEvents(t *testing.T) {
	ctx := t.Context()
	db, err := Open(ctx, filepath.Join(t.TempDir(), "t.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := time.Date(2026, 5, 4, 5, 6, 7, 0, time.UTC)
	event := func(seq uint64, more, value string) ttpcron.Event {
		e := ttpcron.Event{Kind: ttpcron.Command, Time: at, AttackerIP: "192.0.2.7", Seq: seq, Payload: ttpcron.TextPayload("command_text", "id")}
		e.Payload.Set(more, value)
		return e
	}
	other := event(2, "uid", "0")
	other.Payload.Set("command_text", "ls")
	events := []ttpcron.Event{event(1, "protocol", "ssh"), other, event(3, "user", "root")}
	if err := db.TakeOver(ctx, func(t *Takeover) error { return t.Events(events) }); err != nil {
		t.Fatal(err)
	}
	day := ttpcron.DayOf(at)
	err = db.change(ctx, func(tx *txn) error {
		n, err := db.upgradeDay(tx, day)
		if n != 3 {
			t.Errorf("%d rows", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.EventPage(ctx, ttpcron.Command, day, 0, 1<<40)
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	one := got[0]
	for name, want := range map[string]string{"command_text": "id", "protocol": "ssh", "user": "root"} {
		if text, _ := one.Payload.Text(name); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
	}
	if one.Seq != 1 || got[1].Seq != 2 {
		t.Errorf("events %d and %d are left", one.Seq, got[1].Seq)
	}
}
