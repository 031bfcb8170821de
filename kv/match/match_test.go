package match_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

const day = ttpcron.Day(19000)

// blocks returns the blocks of a run.
func blocks(t testing.TB, most int, entries []match.Entry) (keys, recs [][]byte) {
	t.Helper()
	w := match.Writer{Day: day, Run: 7, Most: most, Put: func(k, rec []byte) error {
		keys, recs = append(keys, bytes.Clone(k)), append(recs, bytes.Clone(rec))
		return nil
	}}
	for i := range entries {
		if err := w.Add(&entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return keys, recs
}

// cursor reads the blocks of a run.
func cursor(age int, keys, recs [][]byte) *match.Cursor {
	return &match.Cursor{Day: day, Age: age, Next: func(b *match.Block) (bool, error) {
		if len(keys) == 0 {
			return false, nil
		}
		k, rec := keys[0], recs[0]
		keys, recs = keys[1:], recs[1:]
		return true, b.Read(day, k, rec, true)
	}}
}

// randomEntries returns entries in order, with texts that are short, empty and long.
func randomEntries(r *rand.Rand, n int) (entries []match.Entry) {
	unit := []int64{1, 1e3, 1e6, 1e9}[r.IntN(4)]
	for range n {
		hash := uint64(r.IntN(20)) << 60
		e := match.Entry{
			MatchKey: record.MatchKey{
				Grouping: uint32(1 + r.IntN(3)), Hash: record.GroupHash{Hi: hash, Lo: uint32(r.IntN(2))},
				Nanos: r.Int64N(record.DayNanos/unit) * unit, Seq: r.Uint64()>>uint(r.IntN(64)) | 1, Stream: uint32(1 + r.IntN(300)),
			},
			Form: match.Form(r.IntN(3)),
		}
		e.Group = strings.Repeat("g", 1+int(e.Hash.Hi>>60)*int(e.Hash.Lo*100))
		if e.Form != match.Went {
			e.Values = strings.Repeat("v", []int{0, 1, 5, 3000}[r.IntN(4)]) + fmt.Sprint(r.IntN(3))
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b match.Entry) int { return a.Compare(&b.MatchKey) })
	return slices.CompactFunc(entries, func(a, b match.Entry) bool { return a.MatchKey == b.MatchKey })
}

// What was written is read as it was, and no block has too many entries or too many bytes.
func TestBlocksComeBack(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		entries := randomEntries(r, 1+r.IntN(2000))
		most := r.IntN(match.MaxEntries + 1)
		keys, recs := blocks(t, most, entries)
		var got []match.Entry
		var b match.Block
		for i := range keys {
			if i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0 {
				t.Fatal("keys are not in order")
			}
			if err := b.Read(day, keys[i], recs[i], false); err != nil {
				t.Fatal(err)
			}
			if n := len(b.Entries); most > 0 && n > most || n > match.MaxEntries || n > 1 && len(recs[i]) > 2*1900+4000 {
				t.Errorf("a block of %d entries in %d bytes", n, len(recs[i]))
			}
			got = append(got, b.Entries...)
		}
		if !reflect.DeepEqual(got, entries) {
			t.Fatalf("seed %d: %d entries come back as %d, or otherwise", seed, len(entries), len(got))
		}
	}
}

// A merge gives what a sorted list of all entries is, and of one key the youngest first.
func TestMerge(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		type aged struct {
			match.Entry
			age int
		}
		var want []aged
		var m, live match.Merge
		for age := range 1 + r.IntN(9) {
			entries := randomEntries(r, r.IntN(300))
			if age > 0 && r.IntN(2) == 0 { // keys that an older run has
				for i := 0; i < len(want) && i < 50; i++ {
					if !slices.ContainsFunc(entries, func(e match.Entry) bool { return e.MatchKey == want[i].MatchKey }) {
						e := want[i].Entry
						e.Form = match.Form(r.IntN(3))
						entries = append(entries, e)
					}
				}
				slices.SortFunc(entries, func(a, b match.Entry) int { return a.Compare(&b.MatchKey) })
			}
			for _, e := range entries {
				want = append(want, aged{e, age})
			}
			keys, recs := blocks(t, 1+r.IntN(9), entries)
			for _, to := range []*match.Merge{&m, &live} {
				if err := to.Add(cursor(age, keys, recs)); err != nil {
					t.Fatal(err)
				}
			}
		}
		slices.SortFunc(want, func(a, b aged) int {
			if c := a.Compare(&b.MatchKey); c != 0 {
				return c
			}
			return b.age - a.age
		})
		last := record.MatchKey{}
		for i, w := range want {
			if m.Top() == nil || m.Top().Age != w.age || !reflect.DeepEqual(*m.Top().Entry(), w.Entry) {
				t.Fatalf("seed %d: entry %d of %d is another", seed, i, len(want))
			}
			if err := m.Move(); err != nil {
				t.Fatal(err)
			}
			if w.MatchKey != last && w.Form != match.Went {
				c, err := live.Live()
				if err != nil || c == nil || c.Entry().MatchKey != w.MatchKey || c.Age != w.age {
					t.Fatalf("seed %d: live entry %d of %d is another, %v", seed, i, len(want), err)
				}
			}
			last = w.MatchKey
		}
		if c, err := live.Live(); m.Top() != nil || c != nil || err != nil {
			t.Fatalf("seed %d: there is more, %v", seed, err)
		}
	}
}

// FuzzBlock: whatever bytes a block has, reading it gives entries in order that make the
// same entries again, or an error.
func FuzzBlock(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 5 {
		keys, recs := blocks(f, 9, randomEntries(r, 30))
		for i := range keys {
			f.Add(keys[i], recs[i])
		}
	}
	f.Fuzz(func(t *testing.T, key, rec []byte) {
		if len(rec) < record.HeaderSize {
			return
		}
		rec = bytes.Clone(rec)
		rec[0] = record.TypeMatches.Version
		record.End(rec, record.DayKey(day), key)
		var b match.Block
		if b.Read(day, key, rec, true) != nil {
			return
		}
		for i := range b.Entries {
			if e := &b.Entries[i]; i > 0 && b.Entries[i-1].Compare(&e.MatchKey) >= 0 || e.Nanos < 0 || e.Nanos >= record.DayNanos {
				t.Fatalf("entry %d is not in order", i)
			}
		}
		var again []match.Entry
		keys, recs := blocks(t, 0, b.Entries)
		var other match.Block
		for i := range keys {
			if err := other.Read(day, keys[i], recs[i], true); err != nil {
				t.Fatal(err)
			}
			for _, e := range other.Entries {
				e.Group, e.Values = strings.Clone(e.Group), strings.Clone(e.Values)
				again = append(again, e)
			}
		}
		if !reflect.DeepEqual(again, b.Entries) {
			t.Errorf("%+v comes back as %+v", b.Entries, again)
		}
	})
}
