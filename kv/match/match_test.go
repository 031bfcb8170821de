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

var secret record.Secret

// entry is an entry of a run.
type entry struct {
	record.MatchKey
	match.Form
	Group, Values string
}

func (e *entry) split() (*match.Group, *match.Row) {
	return &match.Group{Hash: e.Hash, Grouping: e.Grouping, Text: e.Group}, &match.Row{Nanos: e.Nanos, Seq: e.Seq, Stream: e.Stream, Form: e.Form}
}

// entriesOf returns the entries of a list, which keep no memory of it.
func entriesOf(l *match.List) (entries []entry) {
	for i := range l.Groups {
		g := &l.Groups[i]
		for row := g.From; row < g.To; row++ {
			r := &l.Rows[row]
			entries = append(entries, entry{g.Key(r), r.Form, strings.Clone(g.Text), strings.Clone(l.Value(r))})
		}
	}
	return entries
}

// entryAt returns a cursor's entry.
func entryAt(c *match.Cursor) entry {
	return entry{c.Key(), c.Row().Form, strings.Clone(c.Group().Text), strings.Clone(c.Values())}
}

// blocks returns the blocks of a run.
func blocks(t testing.TB, most int, entries []entry) (keys, recs [][]byte) {
	t.Helper()
	w := match.Writer{Day: day, Run: 7, Most: most, Put: func(k, rec []byte) error {
		keys, recs = append(keys, bytes.Clone(k)), append(recs, bytes.Clone(rec))
		return nil
	}}
	for i := range entries {
		g, r := entries[i].split()
		if err := w.Add(g, r, entries[i].Values); err != nil {
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
		return true, b.Read(&secret, day, k, rec)
	}}
}

// randomEntries returns entries in order, with texts that are short, empty and long.
func randomEntries(r *rand.Rand, n int) (entries []entry) {
	unit := []int64{1, 1e3, 1e6, 1e9}[r.IntN(4)]
	for range n {
		group := strings.Repeat("g", 1+r.IntN(20)*[]int{1, 100}[r.IntN(2)])
		e := entry{
			MatchKey: record.MatchKey{
				Grouping: uint32(1 + r.IntN(3)), Hash: secret.Group(group),
				Nanos: r.Int64N(record.DayNanos/unit) * unit, Seq: r.Uint64()>>uint(r.IntN(64)) | 1, Stream: uint32(1 + r.IntN(300)),
			},
			Form: match.Form(r.IntN(3)), Group: group,
		}
		if n := len(entries); n > 0 && r.IntN(3) == 0 { // of the same event
			e.MatchKey, e.Group = entries[n-1].MatchKey, entries[n-1].Group
			e.Stream = uint32(1 + r.IntN(300))
		}
		if e.Form != match.Went && r.IntN(3) > 0 {
			e.Values = strings.Repeat("v", []int{0, 1, 5, 3000}[r.IntN(4)]) + fmt.Sprint(r.IntN(3))
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.Compare(&b.MatchKey) })
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.MatchKey == b.MatchKey })
}

// What was written is read back unchanged, and no block has too many entries or bytes.
func TestBlocksComeBack(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		entries := randomEntries(r, 1+r.IntN(2000))
		most := r.IntN(match.MaxEntries + 1)
		keys, recs := blocks(t, most, entries)
		var got []entry
		var b match.Block
		for i := range keys {
			if i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0 {
				t.Fatal("keys are not in order")
			}
			if err := b.Read(&secret, day, keys[i], recs[i]); err != nil {
				t.Fatal(err)
			}
			const head = 16 // of a page of bbolt, and of an element of it
			if n := len(b.Rows); most > 0 && n > most || n > match.MaxEntries || n > 1 && head+2*(head+len(keys[i])+len(recs[i])) > 4096 {
				t.Errorf("a block of %d entries in %d bytes", n, len(recs[i]))
			}
			got = append(got, entriesOf(&b.List)...)
		}
		if !reflect.DeepEqual(got, entries) {
			t.Fatalf("seed %d: %d entries come back as %d, or otherwise", seed, len(entries), len(got))
		}
	}
}

// Only the requested part of a block is read, and a list begins where it should.
func TestBlocksAreReadInPart(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		entries := randomEntries(r, 1+r.IntN(200))
		any := entries[r.IntN(len(entries))]
		only := match.Only{Streams: make([]bool, any.Stream+1)}
		only.Streams[any.Stream] = true
		for i := range only.Streams {
			only.Streams[i] = only.Streams[i] || r.IntN(2) == 0
		}
		b := match.Block{Since: any.Nanos - any.Nanos/2, Until: any.Nanos + 1}
		if r.IntN(2) == 0 {
			only.Group = any.Group
		}
		if r.IntN(4) == 0 {
			only.Streams = nil
		}
		b.Only = only
		var got, want []entry
		keys, recs := blocks(t, 0, entries)
		from := entries[r.IntN(len(entries))].MatchKey
		from.Seq += uint64(r.IntN(3))
		for i := range keys {
			if err := b.Read(&secret, day, keys[i], recs[i]); err != nil {
				t.Fatal(err)
			}
			all := entriesOf(&b.List)
			for k := range all {
				g, row := b.Find(&all[k].MatchKey)
				if row == nil || g.Key(row) != all[k].MatchKey {
					t.Fatalf("seed %d: entry %d of %d is not found", seed, k, len(all))
				}
			}
			if len(all) > 0 && b.Last() != all[len(all)-1].MatchKey {
				t.Fatalf("seed %d: the last entry is another", seed)
			}
			b.Begin(&from)
			got = append(got, entriesOf(&b.List)...)
		}
		for _, e := range entries {
			if (only.Streams == nil || int(e.Stream) < len(only.Streams) && only.Streams[e.Stream]) && (only.Group == "" || e.Group == only.Group) &&
				e.Nanos >= b.Since && e.Nanos <= b.Until && e.Compare(&from) >= 0 {
				want = append(want, e)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d entries of %d are read, not %d", seed, len(got), len(entries), len(want))
		}
	}
}

// A merge yields the sorted list of all entries, the youngest first if keys are equal.
func TestMerge(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		type aged struct {
			entry
			age int
		}
		var want []aged
		var m, live match.Merge
		for age := range 1 + r.IntN(9) {
			entries := randomEntries(r, r.IntN(300))
			if age > 0 && r.IntN(2) == 0 { // keys that an older run has
				for i := 0; i < len(want) && i < 50; i++ {
					if !slices.ContainsFunc(entries, func(e entry) bool { return e.MatchKey == want[i].MatchKey }) {
						e := want[i].entry
						e.Form = match.Form(r.IntN(3))
						entries = append(entries, e)
					}
				}
				slices.SortFunc(entries, func(a, b entry) int { return a.Compare(&b.MatchKey) })
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
			if m.Top() == nil || m.Top().Age != w.age || entryAt(m.Top()) != w.entry {
				t.Fatalf("seed %d: entry %d of %d is another", seed, i, len(want))
			}
			if err := m.Move(); err != nil {
				t.Fatal(err)
			}
			if w.MatchKey != last && w.Form != match.Went {
				c, err := live.Live()
				if err != nil || c == nil || c.Key() != w.MatchKey || c.Age != w.age {
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

// FuzzBlock: any bytes of a block give either entries in order that encode to the same
// entries, or an error.
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
		if b.Read(&secret, day, key, rec) != nil {
			return
		}
		entries := entriesOf(&b.List)
		for i := range entries {
			if e := &entries[i]; i > 0 && entries[i-1].Compare(&e.MatchKey) >= 0 || e.Nanos < 0 || e.Nanos >= record.DayNanos {
				t.Fatalf("entry %d is not in order", i)
			}
		}
		var again []entry
		keys, recs := blocks(t, 0, entries)
		var other match.Block
		for i := range keys {
			if err := other.Read(&secret, day, keys[i], recs[i]); err != nil {
				t.Fatal(err)
			}
			again = append(again, entriesOf(&other.List)...)
		}
		if !reflect.DeepEqual(again, entries) {
			t.Errorf("%+v comes back as %+v", entries, again)
		}
	})
}
