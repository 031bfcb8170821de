package kv_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func openMemory(t *testing.T) (*kv.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

// commitAttackers stores a tag for each of n attackers on each of two days, and more for
// some of them.
func commitAttackers(t *testing.T, db *kv.DB, n int) {
	t.Helper()
	var tags []ttpcron.Tag
	flush := func() {
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
		tags = tags[:0]
	}
	for i := range n {
		for k := range 2 {
			e := ttpcron.Event{
				Kind: ttpcron.Command, ID: fmt.Sprint("e", i, "-", k), AttackerIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255),
				SessionID: fmt.Sprint("s", i), Time: time.Date(2026, 5, 1+k, 0, 0, 0, i*1000, time.UTC), Payload: ttpcron.TextPayload("command_text", "id"),
			}
			for r := range 1 + max(0, i-(n-50)) { // the last 49 have more and more
				tags = append(tags, tagOf(&e, r))
			}
		}
		if len(tags) > 20_000 {
			flush()
		}
	}
	flush()
}

// TestManyAttackers has more attackers than are added up, or checked, at once.
func TestManyAttackers(t *testing.T) {
	const n = 10_000
	db, path := openMemory(t)
	kv.AtOnce(db, 8000)
	o := doctor.Options{AtOnce: 8000}
	commitAttackers(t, db, n)
	day := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, w := range map[string]ttpcron.Window{
		"all": {}, "a part of a day": {Since: day.Add(time.Nanosecond)},
	} {
		s, err := db.Under(nil).Summary(t.Context(), w, ttpcron.MinLevels{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := 2*n + 2*49*50/2
		if w.Since.After(day) {
			want-- // the first tag of the first attacker
		}
		if s.Tags != want || s.AttackersTotal != n || len(s.Attackers) != ttpcron.MaxAttackers {
			t.Errorf("%s: %d tags of %d attackers, %d listed; want %d of %d", name, s.Tags, s.AttackersTotal, len(s.Attackers), want, n)
		}
		for i, a := range s.Attackers[:49] {
			at := n - 1 - i
			if ip := fmt.Sprintf("10.%d.%d.%d", at>>16, at>>8&255, at&255); a.AttackerIP != ip || a.Tags != 2*(50-i) ||
				!a.First.Equal(day.Add(time.Duration(at)*time.Microsecond)) || !a.Last.Equal(a.First.AddDate(0, 0, 1)) {
				t.Errorf("%s: attacker %d is %+v, want %s with %d tags", name, i, a, ip, 2*(50-i))
			}
		}
		if !slices.IsSortedFunc(s.Attackers[49:], func(a, b ttpcron.AttackerCount) int { return cmpText(a.AttackerIP, b.AttackerIP) }) || s.Attackers[49].AttackerIP != "10.0.0.0" && s.Attackers[49].AttackerIP != "10.0.0.1" {
			t.Errorf("%s: the rest begins with %+v", name, s.Attackers[49])
		}
	}
	own, err := ttpcron.ParseNetworks("10.0.39.0/24") // the 16 with the most tags
	if err != nil {
		t.Fatal(err)
	}
	for since, want := range map[time.Time]int{{}: 2 * (50*51 - 34*35) / 2, day.Add(time.Nanosecond): 2 * (50*51 - 34*35) / 2} {
		s, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{Since: since}, ttpcron.MinLevels{}, own)
		if err != nil {
			t.Fatal(err)
		}
		if s.OwnTags != want || s.AttackersTotal != n || len(s.Attackers) != ttpcron.MaxAttackers || s.Attackers[0].AttackerIP != "10.0.38.255" {
			t.Errorf("since %v: %d tags of own networks, want %d; %d attackers, first of %d %+v", since, s.OwnTags, want, s.AttackersTotal, len(s.Attackers), s.Attackers[0])
		}
	}
	db.Close()
	check := func() doctor.CheckReport {
		t.Helper()
		r, err := doctor.Check(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := check(); r.Damaged() {
		t.Fatalf("%+v", r.Findings[:1])
	}
	// One more tag for the attackers with the first and the last hash.
	kv.Miscount(t, path, ttpcron.DayOf(day))
	if r := check(); len(r.Findings) != 2 {
		t.Errorf("findings %+v", r.Findings)
	}
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestMemoryOfStoredDays measures what checking and measuring keep while they
// go through a store, with few days and with many.
func TestMemoryOfStoredDays(t *testing.T) {
	live := func(days int) map[string]int {
		db, path := openMemory(t)
		var events []ttpcron.Event
		var tags []ttpcron.Tag
		for i := range days {
			e := ttpcron.Event{Kind: ttpcron.Command, AttackerIP: "192.0.2.1", Time: ttpcron.Day(i).Start().Add(time.Hour), Payload: ttpcron.TextPayload("command_text", "id")}
			events = append(events, e)
			e.ID = e.ContentID()
			tags = append(tags, tagOf(&e, 1))
			if len(events) == 4000 || i == days-1 {
				importAll(t, db, events)
				if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
					t.Fatal(err)
				}
				events, tags = nil, nil
			}
		}
		db.Close()
		most := map[string]int{}
		var m runtime.MemStats
		at := func(name string) func(kv.Progress) {
			n := 0
			return func(kv.Progress) {
				if n++; n%200 != 0 {
					return
				}
				runtime.GC()
				runtime.ReadMemStats(&m)
				most[name] = max(most[name], int(m.HeapAlloc))
			}
		}
		if _, err := doctor.MeasureSpace(t.Context(), path, doctor.Options{Progress: at("space")}); err != nil {
			t.Fatal(err)
		}
		if r, err := doctor.Check(t.Context(), path, doctor.Options{Progress: at("check")}); err != nil || r.Damaged() {
			t.Fatal(r, err)
		}
		return most
	}
	few, many := live(4_000), live(14_000)
	for name, n := range many {
		if grown := (n - few[name]) / 10_000; grown > 300 {
			t.Errorf("%s: %d bytes for each day", name, grown)
		} else {
			t.Logf("%s: %d bytes for each day", name, grown)
		}
	}
}
