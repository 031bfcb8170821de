package kv_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// aStream returns a stream of logins by address, and the start of a day.
func aStream() (*ttpcron.Stream, time.Time) {
	s := ttpcron.NewStream("R", ttpcron.AuthAttempt, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, nil, [16]byte{1})
	return s, time.Unix(1_700_006_400, 0).UTC().Truncate(24 * time.Hour)
}

// If others commit while a scan looks for its beginning, it begins again; the caller does
// not see an error.
func TestScanBeginsWhileOthersCommit(t *testing.T) {
	db, _ := openMemory(t)
	s, start := aStream()
	const n = 40_000
	var c ttpcron.Commit
	for i := range n {
		c.Matches = append(c.Matches, ttpcron.BaseMatch{Stream: s, Group: "\x00t\x04" + strconv.Itoa(1000+i%500), Time: start.Add(time.Duration(i) * 2 * time.Second), Seq: uint64(i + 1)})
	}
	if _, err := db.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan bool), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			m := ttpcron.BaseMatch{Stream: s, Group: "\x00t\x04none", Time: start.AddDate(0, 0, i%3), Seq: uint64(n + 1 + i)}
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Matches: []ttpcron.BaseMatch{m}}); err != nil {
				done <- err
				return
			}
		}
	}()
	// The last matches of the day: hardly any block has one.
	q := ttpcron.MatchQuery{Grouping: "attacker_ip", Since: start.Add((n - 1) * 2 * time.Second), Until: start.Add(24 * time.Hour)}
	for range 50 {
		got := 0
		for m, err := range db.BaseMatches(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			if got++; m.Seq != n {
				t.Fatalf("match %d", m.Seq)
			}
		}
		if got != 1 {
			t.Fatalf("%d matches, want 1", got)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A scan continues in place if others commit something other than matches of its days, and
// otherwise begins again: each match is yielded once.
func TestScanGoesOnWhileOthersCommit(t *testing.T) {
	db, _ := openMemory(t)
	s, start := aStream()
	seq := uint64(0)
	add := func(day, n int) {
		t.Helper()
		var c ttpcron.Commit
		for range n {
			seq++
			c.Matches = append(c.Matches, ttpcron.BaseMatch{Stream: s, Group: "\x00t\x04" + strconv.Itoa(1000+int(seq)%500), Time: start.AddDate(0, 0, day).Add(time.Duration(seq) * time.Second), Seq: seq})
		}
		if _, err := db.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	const n = 10_000
	for range 4 {
		add(0, n)
	}
	q := ttpcron.MatchQuery{Grouping: "attacker_ip", Since: start, Until: start.AddDate(0, 0, 1)}
	for _, c := range []struct {
		name   string
		commit func(i int)
		moved  bool
	}{
		{"cursor", func(i int) {
			if err := db.SetCursor(t.Context(), ttpcron.Cursor{Kind: ttpcron.Command, Seq: uint64(i + 1)}); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"matches of another day", func(int) { add(2, 1) }, false},
		{"matches of the day", func(int) { add(0, 1) }, true},
	} {
		seen, last := map[uint64]bool{}, seq
		begins, err := kv.ScanBegins(t.Context(), db, q, func(i int, m *ttpcron.BaseMatch) {
			if seen[m.Seq] {
				t.Fatalf("%s: match %d is given twice", c.name, m.Seq)
			}
			if seen[m.Seq] = true; i%1000 == 0 {
				c.commit(i)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		was := 0
		for m := range seen {
			if m <= last {
				was++
			}
		}
		if was != 4*n || (begins > 1) != c.moved {
			t.Errorf("%s: %d matches, the scan began %d times", c.name, was, begins)
		}
	}
}
