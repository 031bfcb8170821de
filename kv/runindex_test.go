package kv

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron/kv/record"
)

// TestRunIndex adds batches of all sizes and looks up what is there and what is
// not.
func TestRunIndex(t *testing.T) {
	bolt, err := bbolt.Open(filepath.Join(t.TempDir(), "index.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	for _, width := range []int{0, 8, 16} {
		rnd := rand.New(rand.NewPCG(1, uint64(width)))
		want := map[uint64]record.IndexValue{}
		name := []byte{'i', byte(width)}
		index := func(tx *bbolt.Tx, prefix string) *runIndex {
			b, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				t.Fatal(err)
			}
			return &runIndex{&bucket{w: b}, record.Index{Name: name, Prefix: []byte(prefix), Width: width}}
		}
		for range 120 {
			err := bolt.Update(func(tx *bbolt.Tx) error {
				// A neighbour on either side, whose chunks must not be touched.
				for _, prefix := range []string{"a", "c"} {
					x := index(tx, prefix)
					if err := x.add(x.AppendEntry(nil, rnd.Uint64(), record.IndexValue{1})); err != nil {
						return err
					}
				}
				x := index(tx, "b")
				var entries []byte
				for range 1 + rnd.IntN(1+rnd.IntN(3000)) {
					h, v := rnd.Uint64(), record.IndexValue{rnd.Uint64(), rnd.Uint64()}
					clear(v[width/8:])
					want[h] = v
					entries = x.AppendEntry(entries, h, v)
				}
				return x.add(x.SortEntries(entries))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := bolt.Update(func(tx *bbolt.Tx) error {
			x := index(tx, "b")
			hashes := []uint64{0, 1<<64 - 1}
			for h := range want {
				hashes = append(hashes, h, h+1)
			}
			found, values, err := x.find(hashes)
			if err != nil {
				return err
			}
			for i, h := range hashes {
				if v, ok := want[h]; ok != found[i] || v != values[i] {
					t.Fatalf("%x is found %v with %x, want %v with %x", h, found[i], values[i], ok, v)
				}
			}
			runs, err := x.runs()
			if err != nil || len(runs) > 18 {
				t.Errorf("%d runs, %v", len(runs), err)
			}
			if !slices.IsSortedFunc(runs, func(a, b record.IndexRun) int { return b.Count - a.Count }) {
				t.Errorf("runs %v do not get shorter", runs)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunIndexRemove removes hashes from an index, few and many, until none are left: the
// others keep their values, and more can be added.
func TestRunIndexRemove(t *testing.T) {
	bolt, err := bbolt.Open(filepath.Join(t.TempDir(), "index.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	for _, width := range []int{0, 16} {
		rnd := rand.New(rand.NewPCG(2, uint64(width)))
		name := []byte{'i', byte(width)}
		want := map[uint64]record.IndexValue{}
		step := func(do func(x *runIndex) error) {
			t.Helper()
			err := bolt.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists(name)
				if err != nil {
					return err
				}
				return do(&runIndex{&bucket{w: b}, record.Index{Name: name, Prefix: []byte("b"), Width: width}})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		add := func(n int) {
			step(func(x *runIndex) error {
				var entries []byte
				for range n {
					h, v := rnd.Uint64()>>uint(rnd.IntN(2)*40), record.IndexValue{rnd.Uint64(), rnd.Uint64()} // some lie close together
					if _, ok := want[h]; ok {
						continue
					}
					clear(v[width/8:])
					want[h] = v
					entries = x.AppendEntry(entries, h, v)
				}
				return x.add(x.SortEntries(entries))
			})
		}
		for _, n := range []int{20000, 3000, 900, 1} {
			add(n)
		}
		for n := 1; len(want) > 0; n *= 3 {
			gone := []uint64{rnd.Uint64(), 0, 1<<64 - 1} // not in it
			for h := range want {
				if len(gone) == n+3 {
					break
				}
				gone = append(gone, h)
				delete(want, h)
			}
			rnd.Shuffle(len(gone), func(i, j int) { gone[i], gone[j] = gone[j], gone[i] })
			step(func(x *runIndex) error { return x.remove(gone) })
			if n == 81 {
				add(500)
			}
			step(func(x *runIndex) error {
				all := gone
				for h := range want {
					all = append(all, h)
				}
				found, values, err := x.find(all)
				for i, h := range all {
					if v, ok := want[h]; found[i] != ok || values[i] != v {
						t.Fatalf("%d removed at once, %d left: %x is found %v with %v, want %v with %v", n, len(want), h, found[i], values[i], ok, v)
					}
				}
				runs, rerr := x.runs()
				count := 0
				for _, r := range runs {
					count += r.Count
				}
				if rerr != nil || count != len(want) {
					t.Fatalf("%d entries in %v, want %d: %v", count, runs, len(want), rerr)
				}
				return err
			})
		}
		step(func(x *runIndex) error {
			if k, _ := x.bucket.w.Cursor().First(); k != nil {
				t.Errorf("%x is left of an empty index", k)
			}
			return nil
		})
	}
}

// FuzzRunIndex reads a list of runs and chunks that are hostile behind their
// checksums.
func FuzzRunIndex(f *testing.F) {
	bolt, err := bbolt.Open(filepath.Join(f.TempDir(), "index.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		f.Fatal(err)
	}
	defer bolt.Close()
	f.Add([]byte{1, 1, 2}, make([]byte, 32), uint64(0))
	f.Fuzz(func(t *testing.T, list, chunk []byte, hash uint64) {
		tx, err := bolt.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		b, err := tx.CreateBucket([]byte("i"))
		if err != nil {
			t.Fatal(err)
		}
		x := &runIndex{&bucket{w: b}, record.Index{Name: []byte("i"), Width: 8}}
		last := hash
		if len(chunk) >= 16 {
			last = binary.BigEndian.Uint64(chunk[len(chunk)-16:])
		}
		for _, kv := range [][2][]byte{{x.ListKey(), list}, {x.ChunkKey(1, last), chunk}} {
			if err := b.Put(kv[0], record.End(append([]byte{1, 0, 0, 0, 0}, kv[1]...), x.Name, kv[0])); err != nil {
				t.Fatal(err)
			}
		}
		x.find([]uint64{hash, last, 0})
		if x.add(x.AppendEntry(nil, hash, record.IndexValue{1})) == nil {
			if found, _, err := x.find([]uint64{hash}); err == nil && !found[0] && hash == last {
				t.Error("an entry that was added is not found")
			}
		}
	})
}
