package kv_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// regions returns the regions of a store's file by sort.
func regions(t *testing.T, content []byte) map[string][]kvtest.Region {
	by := map[string][]kvtest.Region{}
	for _, r := range kvtest.Regions(t, content) {
		by[r.Sort] = append(by[r.Sort], r)
	}
	for _, want := range []string{
		"header", "free list", "root", "branch", "meta", "history", "days", "coverage", "identity", "named", "claims", "tags",
		"rollups", "totals", "cursors", "runs", "rejects", "rejected", "marks", "states", "pruned", "rulesets", "retired", "audit",
	} {
		if len(by[want]) == 0 {
			t.Fatalf("the store has no %s", want)
		}
	}
	return by
}

func dumpAllFile(t *testing.T, path string) []byte {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return dumpAll(t, db)
}

// unhidden dumps a store after the decisions of operators are undone, since these may be
// lost.
func unhidden(t *testing.T, path string) []byte {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Unretire(t.Context(), "R0002", 1, "me", ""); err != nil {
		t.Fatal(err)
	}
	states, err := db.RuleStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		if err := db.ClearRuleState(t.Context(), s.RuleID, "me"); err != nil {
			t.Fatal(err)
		}
	}
	return dumpAll(t, db)
}

// TestCheckFindsDamageEverywhere flips bits in each region of a store's file, and
// overwrites stretches of it. A check finds each, unless the place is unused: then
// everything reads as before.
func TestCheckFindsDamageEverywhere(t *testing.T) {
	content := rich(t)
	path := write(t, content)
	want := dumpAllFile(t, path)
	rnd := rand.New(rand.NewPCG(8, 8))
	for sort, list := range regions(t, content) {
		found, silent := 0, 0
		for n := range rounds(16) {
			r := list[rnd.IntN(len(list))]
			size := r.To - r.From
			if sort == "header" || sort == "free list" {
				size = 96 // the rest of the page is empty
			}
			bad := bytes.Clone(content)
			at := r.From + rnd.IntN(size)
			if n == 0 {
				at = r.From + rnd.IntN(12) // in what a page says of itself
			}
			switch n % 4 {
			case 3: // what a disk does: a sector of something else
				from := at &^ 511
				for i := range 512 {
					bad[from+i] = byte(rnd.Uint32())
				}
			default:
				bad[at] ^= 1 << rnd.IntN(8)
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			report, err := doctor.Check(t.Context(), path, doctor.Options{})
			switch {
			case err != nil, report.Damaged():
				found++
			case !bytes.Equal(dumpAllFile(t, path), want):
				t.Fatalf("%s: byte %d of page %d: nothing found, and the store reads otherwise", sort, at%4096, at/4096)
			default:
				silent++
			}
			for _, f := range report.Findings {
				if f.What == "" || f.Place == "" || f.Do == "" {
					t.Fatalf("%s: a finding that says too little: %+v", sort, f)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no damage found", sort)
		}
		if testing.Verbose() {
			t.Logf("%s: %d found, %d in places that belong to nothing", sort, found, silent)
		}
	}
}

// TestRecoverAnyPage loses each page of a store in turn. Recovery saves every event and
// tag that was not on it, and names the days that lost something. If the page had neither,
// nothing is lost.
func TestRecoverAnyPage(t *testing.T) {
	content := rich(t)
	want := byDay(unhidden(t, write(t, content)))
	stray := 0
	for sort, list := range regions(t, content) {
		if testing.Short() && len(list) > 2 {
			list = list[:2]
		}
		for _, r := range list {
			bad := bytes.Clone(content)
			from := r.From &^ 4095
			clear(bad[from : from+4096])
			path := write(t, bad)
			to := filepath.Join(t.TempDir(), "recovered.db")
			report, err := doctor.Recover(t.Context(), path, to, doctor.Options{})
			where := fmt.Sprintf("%s, page %d", sort, from/4096)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			checked(t, to)
			got := byDay(unhidden(t, to))
			lost := 0
			for day, lines := range want {
				kept := 0
				for _, l := range lines {
					if slices.Contains(got[day], l) {
						kept++
					}
				}
				if kept < len(got[day]) {
					t.Fatalf("%s: %d entries of %s that were never stored", where, len(got[day])-kept, day)
				}
				if lost += len(lines) - kept; kept < len(lines) && !slices.Contains(report.LostDays, day) {
					t.Fatalf("%s: %d of %d entries of %s are lost and nothing says so", where, len(lines)-kept, len(lines), day)
				}
			}
			stray += report.Stray
			if report.Whole() && lost > 0 {
				t.Errorf("%s: %d entries are lost, and nothing is said to be", where, lost)
			}
			holding := sort == "history" || sort == "tags" || sort == "claims"
			if older := sort == "header"; lost > 0 && !holding && !older {
				t.Errorf("%s: %d entries are lost that did not lie there: %+v", where, lost, report)
			}
			os.Remove(path)
			os.Remove(to)
		}
	}
	if stray == 0 {
		t.Error("nothing was found on pages that nothing leads to")
	}
}

// TestRecoverWithoutHeader recovers a file whose beginning was overwritten: every event
// and tag is there.
func TestRecoverWithoutHeader(t *testing.T) {
	for name, content := range map[string][]byte{"small": small(t), "tiny": tiny(t)} {
		want := byDay(dumpAllFile(t, write(t, content)))
		clear(content[:2*4096])
		to, report := recovered(t, write(t, content))
		if report.Whole() || !report.NoHeader {
			t.Errorf("%s: %+v", name, report)
		}
		got := byDay(dumpAllFile(t, to))
		for day, lines := range want {
			slices.Sort(lines)
			slices.Sort(got[day])
			if !slices.Equal(lines, got[day]) {
				t.Errorf("%s: %d entries of %s, want %d", name, len(got[day]), day, len(lines))
			}
		}
	}
}

// TestRecoverOld recovers a store that the first version wrote.
func TestRecoverOld(t *testing.T) {
	to, r := recovered(t, write(t, unpack(t, "v1.db.gz")))
	if !r.Whole() {
		t.Errorf("%+v", r)
	}
	if got, want := byDay(upgraded(dumpFile(t, to))), byDay(upgraded(unpack(t, "v1.golden.gz"))); !reflect.DeepEqual(got, want) {
		t.Errorf("events and tags of %d days, want %d, or others", len(got), len(want))
	}
}

// FuzzCheck overwrites parts of a store's file: a check does not panic, and damage that it
// does not find changes nothing.
func FuzzCheck(f *testing.F) {
	var content, want []byte
	f.Add(uint32(4096+16), []byte{1})
	f.Add(uint32(3*4096+10), []byte{0xff, 0xff})
	f.Add(uint32(5*4096), bytes.Repeat([]byte{0}, 4096))
	f.Add(uint32(9*4096+20), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		if content == nil {
			content = rich(t)
			want = dumpAllFile(t, write(t, content))
		}
		bad := bytes.Clone(content)
		copy(bad[int(at)%len(bad):], patch)
		report, err := doctor.CheckReader(t.Context(), bytes.NewReader(bad), int64(len(bad)), doctor.Options{})
		if err != nil || report.Damaged() || bytes.Equal(bad, content) {
			return
		}
		if got := dumpAllFile(t, write(t, bad)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes at %d: nothing found, and %s", len(patch), int(at)%len(bad), firstDifference(got, want))
		}
	})
}
