package census

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// sum is what is added up under one key; the order of additions does not matter.
type sum struct {
	n           uint64 // how often
	seq         uint64 // the lowest arrival number
	most        uint64 // the highest of a value
	first, last instant
}

// instant is a time in fewer bytes than [time.Time].
type instant struct {
	sec  int64
	nsec int32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond())} }

func (i instant) before(o instant) bool {
	return i.sec < o.sec || i.sec == o.sec && i.nsec < o.nsec
}

func (i instant) time() time.Time { return time.Unix(i.sec, int64(i.nsec)).UTC() }

// add adds another sum.
func (s *sum) add(o sum) {
	if s.n == 0 {
		*s = o
		return
	}
	s.n += o.n
	s.seq, s.most = min(s.seq, o.seq), max(s.most, o.most)
	if o.first.before(s.first) {
		s.first = o.first
	}
	if s.last.before(o.last) {
		s.last = o.last
	}
}

func (s *sum) append(dst []byte) []byte {
	for _, v := range [...]uint64{s.n, s.seq, s.most, uint64(s.first.sec), uint64(s.first.nsec), uint64(s.last.sec), uint64(s.last.nsec)} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

func readSum(b []byte) (s sum) {
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		return v
	}
	s.n, s.seq, s.most = next(), next(), next()
	s.first = instant{int64(next()), int32(next())}
	s.last = instant{int64(next()), int32(next())}
	return s
}

func joinSums(a, b []byte) []byte {
	s := readSum(a)
	s.add(readSum(b))
	return s.append(a[:0])
}

// table adds up sums by key. What does not fit into its bound goes to disk.
type table struct {
	sums  map[string]*sum
	slab  []sum // those of the map are in it
	bytes int   // about what is in memory
	bound int
	runs  runs
}

func newTable(d *disk, bound int) *table {
	return &table{sums: map[string]*sum{}, bound: bound, runs: runs{disk: d, join: joinSums}}
}

// entryBytes is about what an entry takes besides its key.
const entryBytes = 150

// add adds to the sum of a key.
func (t *table) add(key []byte, s sum) error {
	if old := t.sums[string(key)]; old != nil {
		old.add(s)
		return nil
	}
	if t.bytes+len(key)+entryBytes > t.bound && len(t.sums) > 0 {
		if err := t.spill(); err != nil {
			return err
		}
	}
	if len(t.slab) == cap(t.slab) {
		t.slab = make([]sum, 0, 1024)
	}
	t.slab = append(t.slab, s)
	t.sums[string(key)] = &t.slab[len(t.slab)-1]
	t.bytes += len(key) + entryBytes
	return nil
}

// sorted yields the pairs in memory.
func (t *table) sorted() iter.Seq2[pair, error] {
	keys := make([]string, 0, len(t.sums))
	for k := range t.sums {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return func(yield func(pair, error) bool) {
		var p pair
		for _, k := range keys {
			p.key, p.value = append(p.key[:0], k...), t.sums[k].append(p.value[:0])
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (t *table) spill() error {
	err := t.runs.add(t.sorted())
	clear(t.sums)
	t.slab, t.bytes = nil, 0
	return err
}

// entry is a sum under its key, which is good until the next.
type entry struct {
	key []byte
	sum
}

// all yields the sums in the order of their keys.
func (t *table) all() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		pairs := t.sorted()
		if len(t.runs.levels) > 0 {
			if err := t.spill(); err != nil {
				yield(entry{}, err)
				return
			}
			pairs = t.runs.all()
		}
		for p, err := range pairs {
			if err != nil {
				yield(entry{}, err)
				return
			}
			if !yield(entry{p.key, readSum(p.value)}, nil) {
				return
			}
		}
	}
}

// close forgets everything.
func (t *table) close() {
	t.runs.close()
	t.sums, t.slab = nil, nil
}
