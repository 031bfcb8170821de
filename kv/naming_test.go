package kv_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// counted is an event of a collector that counts its records.
func counted(id int, ip string, at time.Time) ttpcron.Event {
	return ttpcron.Event{Kind: ttpcron.Command, ID: fmt.Sprint(id), Time: at, AttackerIP: ip, SessionID: "s", DeckyID: "sensor-1", Payload: ttpcron.TextPayload("command_text", "id")}
}

// imports imports events and compares the report.
func imports(t *testing.T, db *kv.DB, events []ttpcron.Event, want ttpcron.ImportReport) {
	t.Helper()
	known, err := db.Known(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Import(t.Context(), ttpcron.Batch{Events: events})
	if want.New > 0 {
		want.NewKinds = ttpcron.NameCounts{string(events[0].Kind): want.New} // the tests import events of one kind at a time
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("imported %+v, %v, want %+v", got, err, want)
	}
	n := 0
	for _, k := range known {
		if k {
			n++
		}
	}
	if n != want.Known+want.BeforeHorizon {
		t.Errorf("%d events are known before, want %d", n, want.Known+want.BeforeHorizon)
	}
}

// closed closes a store and checks its file.
func closed(t *testing.T, db *kv.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	checked(t, db.Path())
}

// TestCollectorCounts reads a collector that starts counting from 1 again: the texts are
// the same, everything else differs.
func TestCollectorCounts(t *testing.T) {
	for _, batch := range []int{1, 7, 1000} {
		db := kvtest.Open(t)
		var events []ttpcron.Event
		for i := range 600 {
			events = append(events, counted(i%200, fmt.Sprint("192.0.2.", i/200), noon.Add(time.Duration(i)*time.Hour)))
		}
		for range 2 {
			total := ttpcron.ImportReport{}
			for part := range slices.Chunk(events, batch) {
				r, err := db.Import(t.Context(), ttpcron.Batch{Events: part})
				if err != nil {
					t.Fatal(err)
				}
				total.Add(r)
			}
			if n := len(idsOf(t, db)); n != 600 || total.New+total.Known != 600 || total.New > 0 && total.Changed != 400 {
				t.Fatalf("batches of %d: %d events stored, %+v", batch, n, total)
			}
		}
		slices.Reverse(events) // known in any order
		imports(t, db, events, ttpcron.ImportReport{Known: 600})
		closed(t, db)
	}
}

// TestLearnedLater imports events whose source knows more about them later, or less, in
// each order, in one batch and in two.
func TestLearnedLater(t *testing.T) {
	base := ttpcron.Event{
		Kind: ttpcron.CanaryFingerprint, ID: "t1", Time: noon, AttackerIP: "192.0.2.1", DeckyID: "web", SessionID: "s",
		Payload: ttpcron.Payload{{Name: "token_uuid", Text: "token"}, {Name: "user_agent", Text: "curl"}},
	}
	learned := map[string][2]int{ // in each order
		"attacker": {1, 0}, "resolved": {1, 0}, "country, sensor's name, identity": {1, 0}, "no address": {1, 1}, "no sensor": {0, 1},
		"no session": {0, 1}, "path": {1, 0}, "no agent": {0, 1}, "last seen": {0, 0},
	}
	for name, change := range map[string]func(*ttpcron.Event){
		"attacker": func(e *ttpcron.Event) { e.AttackerUUID = "a" },
		"resolved": func(e *ttpcron.Event) { e.AttackerUUID, e.AttackerOrigin = "b", ttpcron.OriginResolved },
		"country, sensor's name, identity": func(e *ttpcron.Event) {
			e.IdentityUUID = "i"
			e.Payload.Set("country_code", "NL")
			e.Payload.Set("decky_name", "web")
		},
		"no address": func(e *ttpcron.Event) { e.AttackerIP, e.IdentityUUID = "", "i" },
		"no sensor":  func(e *ttpcron.Event) { e.DeckyID = "" },
		"no session": func(e *ttpcron.Event) { e.SessionID = "" },
		"path":       func(e *ttpcron.Event) { e.Payload.Set("request_path", "/") },
		"no agent":   func(e *ttpcron.Event) { e.Payload = slices.Clone(e.Payload[:1]) },
		"last seen":  func(e *ttpcron.Event) { e.Time, e.TimeOrigin = noon.AddDate(0, 0, 40), ttpcron.OriginDerived },
	} {
		t.Run(name, func(t *testing.T) {
			other := base
			other.Payload = slices.Clone(base.Payload)
			change(&other)
			for order, pair := range [][]ttpcron.Event{{base, other}, {other, base}} {
				n := learned[name][order]
				db := kvtest.Open(t)
				imports(t, db, pair, ttpcron.ImportReport{New: 1, Known: 1, Learned: n})
				unchanged(t, db.Path(), func() { imports(t, db, pair, ttpcron.ImportReport{Known: 2}) })
				want := storedIn(t, db)
				db = kvtest.Open(t)
				imports(t, db, pair[:1], ttpcron.ImportReport{New: 1})
				imports(t, db, pair[1:], ttpcron.ImportReport{Known: 1, Learned: n})
				unchanged(t, db.Path(), func() { imports(t, db, pair, ttpcron.ImportReport{Known: 2}) })
				if got := storedIn(t, db); !reflect.DeepEqual(got, want) {
					t.Errorf("in two imports the event is %+v, in one %+v", got, want)
				}
				closed(t, db)
			}
		})
	}
}

// TestLastSeenMoves imports a command without its own time several times.
func TestLastSeenMoves(t *testing.T) {
	db := kvtest.Open(t)
	e := command("u#cmd0", "192.0.2.1", "id")
	for i := range 5 {
		e.Time, e.TimeOrigin = noon.AddDate(0, 0, i), ttpcron.OriginDerived
		want := ttpcron.ImportReport{New: 1}
		if i > 0 {
			want = ttpcron.ImportReport{Known: 1}
		}
		imports(t, db, []ttpcron.Event{e}, want)
		if i == 3 {
			if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNamesAfterPrune reuses the ids of pruned events.
func TestNamesAfterPrune(t *testing.T) {
	db := kvtest.Open(t)
	first := counted(1, "192.0.2.1", noon)
	imports(t, db, []ttpcron.Event{first}, ttpcron.ImportReport{New: 1})
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
		t.Fatal(err)
	}
	second := counted(1, "192.0.2.1", noon.AddDate(0, 0, 3))
	imports(t, db, []ttpcron.Event{first, second}, ttpcron.ImportReport{New: 1, Changed: 1, BeforeHorizon: 1, Horizon: ttpcron.DayOf(noon) + 1})
	imports(t, db, []ttpcron.Event{second, first}, ttpcron.ImportReport{Known: 1, BeforeHorizon: 1, Horizon: ttpcron.DayOf(noon) + 1})
	if ids := idsOf(t, db); len(ids) != 1 || !strings.HasPrefix(ids[0], "1~") {
		t.Errorf("stored %q", ids)
	}
	closed(t, db)
}

// TestSchema2 opens a store whose index of given ids had only payloads.
func TestSchema2(t *testing.T) {
	path := write(t, unpack(t, "v2.db.gz"))
	db := kvtest.OpenAt(t, path)
	command := func(id string, day int, text string) ttpcron.Event {
		return ttpcron.Event{Kind: ttpcron.Command, ID: id, Time: noon.AddDate(0, 0, day), AttackerIP: "192.0.2.1", SessionID: "s1", Payload: ttpcron.TextPayload("command_text", text)}
	}
	var again []ttpcron.Event
	for i := range 40 {
		again = append(again, command("", i%4, fmt.Sprint("echo ", i)), command(fmt.Sprint("a#cmd", i), i%4, fmt.Sprint("cat ", i)))
	}
	again = append(again, command("a#cmd1", 3, "uname")) // stored under a name of schema 2
	imports(t, db, again, ttpcron.ImportReport{Known: 81})
	old := command("old", -9, "id")
	imports(t, db, []ttpcron.Event{old}, ttpcron.ImportReport{BeforeHorizon: 1, Horizon: ttpcron.DayOf(noon) - 8})
	old.Time, old.TimeOrigin = noon, ttpcron.OriginDerived
	imports(t, db, []ttpcron.Event{old}, ttpcron.ImportReport{Known: 1}) // its id stays taken
	old.Payload = ttpcron.TextPayload("command_text", "other")
	imports(t, db, []ttpcron.Event{old}, ttpcron.ImportReport{New: 1, Changed: 1})
	moved := command("a#cmd1", 3, "cat 1")
	imports(t, db, []ttpcron.Event{moved}, ttpcron.ImportReport{New: 1, Changed: 1})
	imports(t, db, []ttpcron.Event{moved, old}, ttpcron.ImportReport{Known: 2})

	days, err := db.Days(t.Context(), ttpcron.Command)
	if err != nil || len(days) == 0 || len(days[0].Coverage) != 1 {
		t.Errorf("days %+v, %v", days, err)
	}
	r, err := db.Import(t.Context(), ttpcron.Batch{Rejects: []ttpcron.Reject{{File: "g", Line: 9, Format: "cowrie", Reason: "odd", Excerpt: []byte("{1")}}})
	if err != nil || r.RejectedKnown != 1 {
		t.Errorf("a reject again: %+v, %v", r, err)
	}
	closed(t, db)
}

// storedIn reads all events.
func storedIn(t *testing.T, db *kv.DB) (events []ttpcron.Event) {
	t.Helper()
	kinds, err := db.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		days, err := db.Days(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range days {
			for page, err := range db.Events(t.Context(), kind, d.Day, 0, 1<<63) {
				if err != nil {
					t.Fatal(err)
				}
				events = append(events, page...)
			}
		}
	}
	return events
}

// TestNamesAfterForgetting reads a log again. One of its events was renamed because
// another had its id, which is free by now.
func TestNamesAfterForgetting(t *testing.T) {
	db := kvtest.Open(t)
	first, second := counted(1, "192.0.2.1", noon), counted(1, "192.0.2.1", noon.AddDate(0, 0, 3))
	imports(t, db, []ttpcron.Event{first, second}, ttpcron.ImportReport{New: 2, Changed: 1})
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ForgetHorizon(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	imports(t, db, []ttpcron.Event{second}, ttpcron.ImportReport{Known: 1})
	imports(t, db, []ttpcron.Event{first, second}, ttpcron.ImportReport{New: 1, Known: 1})
	closed(t, db)
}
