package kv_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// recovered recovers a store and wants the new one to be in order.
func recovered(t *testing.T, path string) (to string, r doctor.RecoverReport) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "recovered.db")
	r, err := doctor.Recover(t.Context(), path, to, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	checked(t, to)
	return to, r
}

func TestRecoverWhole(t *testing.T) {
	for name, content := range map[string][]byte{"small": small(t), "tiny": tiny(t)} {
		path := write(t, content)
		to, r := recovered(t, path)
		if !r.Whole() || r.Stray != 0 || len(r.Findings) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if got, want := dumpFile(t, to), dumpFile(t, path); !bytes.Equal(got, want) {
			t.Errorf("%s: %s", name, firstDifference(got, want))
		}
		var exists *doctor.ExistsError
		if _, err := doctor.Recover(t.Context(), path, to, doctor.Options{}); !errors.As(err, &exists) {
			t.Errorf("recovering into a file that exists: %v", err)
		}
	}
}

// lines returns the lines of a dump that are events or tags, by their day.
func byDay(dump []byte) map[string][]string {
	days := map[string][]string{}
	for line := range strings.Lines(string(dump)) {
		for _, name := range []string{`,"event_time":"`, `,"time":"`} {
			if _, rest, ok := strings.Cut(line, name); ok && len(rest) > 10 {
				days[rest[:10]] = append(days[rest[:10]], line)
				break
			}
		}
	}
	return days
}

// TestRecoverDamaged recovers stores with single flipped bits: what is saved was there
// before, and days that are not reported are complete.
func TestRecoverDamaged(t *testing.T) {
	content := tiny(t)
	path := write(t, content)
	want := byDay(dumpFile(t, path))
	losses, stray := 0, 0
	flips(content, rounds(100), func(sort string, at int, bad []byte) {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "recovered.db")
		r, err := doctor.Recover(t.Context(), path, to, doctor.Options{})
		if err != nil {
			return // no header is whole
		}
		where := fmt.Sprintf("byte %d of page %d (%s)", at%4096, at/4096, sort)
		checked(t, to)
		got := byDay(dumpFile(t, to))
		if r.OldHeader {
			return // what the other header leads to is of an earlier moment
		}
		lost := map[string]bool{}
		for _, d := range r.LostDays {
			lost[d] = true
		}
		for day, lines := range want {
			have := map[string]bool{}
			for _, l := range got[day] {
				have[l] = true
			}
			n := 0
			for _, l := range lines {
				if have[l] {
					n++
				}
			}
			if n != len(got[day]) {
				t.Fatalf("%s: %d entries of %s that were never stored", where, len(got[day])-n, day)
			}
			if n != len(lines) && !lost[day] {
				t.Fatalf("%s: %d of %d entries of %s are lost and nothing says so: %+v", where, len(lines)-n, len(lines), day, r)
			}
		}
		if !r.Whole() {
			losses++
		}
		stray += r.Stray
	})
	t.Logf("something was lost by %d flips; %d entries found on stray pages", losses, stray)
}

// TestRecoverGoesOn imports and tags on in a store that was recovered.
func TestRecoverGoesOn(t *testing.T) {
	content := tiny(t)
	to, _ := recovered(t, write(t, content))
	db, err := kv.Open(t.Context(), to, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	last, err := db.LastSeq(t.Context())
	if err != nil || last != 700 {
		t.Fatal(last, err)
	}
	g := newGenerator(99)
	events := g.events(50)
	r, err := db.Import(t.Context(), ttpcron.Batch{Events: events})
	if err != nil || r.New != 50 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Cursors: []ttpcron.Cursor{{Kind: ttpcron.Command, Seq: 750}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	checked(t, to)
}
