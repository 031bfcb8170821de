package kv_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// A search by actors finds each event that a search through all events finds, for any
// query.
func TestEventBlocks(t *testing.T) {
	db := kvtest.Open(t)
	start := time.Date(2026, 5, 4, 22, 0, 0, 0, time.UTC)
	var events []ttpcron.Event
	for i := range 3000 {
		kind := []ttpcron.SourceKind{ttpcron.Command, ttpcron.AuthAttempt, "odd"}[i%3]
		events = append(events, ttpcron.Event{
			Kind: kind, Time: start.Add(time.Duration(i) * 7 * time.Second), AttackerIP: fmt.Sprintf("203.0.113.%d", i/500),
			SessionID: fmt.Sprintf("s%d", i/100), DeckyID: []string{"a", "b"}[i/50%2], Payload: ttpcron.TextPayload("command_text", fmt.Sprint("id ", i)),
		})
	}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	var stored []ttpcron.Event
	kinds, err := db.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		for day := ttpcron.DayOf(start); day < ttpcron.DayOf(start)+2; day++ {
			for page, err := range db.Events(t.Context(), kind, day, 0, 1<<40) {
				if err != nil {
					t.Fatal(err)
				}
				stored = append(stored, page...)
			}
		}
	}
	for name, q := range map[string]ttpcron.EventQuery{
		"all": {}, "session": {Session: "s7"}, "session on one of two sensors": {Session: "s7", Sensor: "b"}, "sessions": {SessionBegins: "s2"},
		"nobody": {Session: "none"}, "address": {Attacker: "203.0.113.4"}, "derived": {Attacker: ttpcron.DeriveAttacker("203.0.113.4")},
		"begins": {AttackerBegins: ttpcron.DeriveAttacker("203.0.113.4")[:8]},
		"day":    {Window: ttpcron.Window{Since: start.Add(2 * time.Hour)}}, "window": {Window: ttpcron.Window{Since: start.Add(time.Hour), Until: start.Add(90 * time.Minute)}},
		"arrived": {UpTo: 700},
	} {
		t.Run(name, func(t *testing.T) {
			var found []ttpcron.Event
			last := ttpcron.EventBlock{}
			for at := (kv.BlockPosition{}); !at.End; {
				blocks, next, err := db.EventBlocks(t.Context(), q, at)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range blocks {
					if cmp.Or(cmp.Compare(last.Day, b.Day), cmp.Compare(last.Kind, b.Kind), cmp.Compare(last.First, b.First)) >= 0 {
						t.Errorf("%+v follows %+v", b, last)
					}
					last = b
					events, err := db.EventsIn(t.Context(), q, b)
					if err != nil {
						t.Fatal(err)
					}
					found = append(found, events...)
				}
				at = next
			}
			var attackers ttpcron.Attackers
			want := map[uint64]bool{}
			for i := range stored {
				if q.Match(&stored[i], &attackers) {
					want[stored[i].Seq] = true
				}
			}
			if len(found) != len(want) || slices.ContainsFunc(found, func(e ttpcron.Event) bool { return !want[e.Seq] }) {
				t.Errorf("%d events are found, want %d", len(found), len(want))
			}
			if name != "nobody" && len(found) == 0 {
				t.Error("the test selects nothing")
			}
		})
	}
}
