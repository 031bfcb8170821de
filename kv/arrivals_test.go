package kv_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// arriving imports events one at a time under a clock that the test sets.
type arriving struct {
	t   *testing.T
	db  *kv.DB
	now time.Time
	n   int

	happened time.Time // when the events happened, noon if it is zero
}

func (a *arriving) at(now time.Time, events int) {
	a.t.Helper()
	a.now = now
	var im ttpcron.Batch
	for range events {
		a.n++
		e := command("", "192.0.2.1", fmt.Sprint("echo ", a.n))
		if !a.happened.IsZero() {
			e.Time = a.happened
		}
		im.Events = append(im.Events, e)
	}
	if r, err := a.db.Import(a.t.Context(), im); err != nil || r.New != events {
		a.t.Fatalf("%+v, %v", r, err)
	}
}

func (a *arriving) since(now, t time.Time) uint64 {
	a.t.Helper()
	a.now = now
	seq, err := a.db.ArrivedSince(a.t.Context(), t)
	if err != nil {
		a.t.Fatal(err)
	}
	return seq
}

func newArriving(t *testing.T) *arriving {
	a := &arriving{t: t}
	a.db = kvtest.OpenWith(t, filepath.Join(t.TempDir(), "t.db"), kv.Options{NoSync: true, Now: func() time.Time { return a.now }})
	return a
}

// TestArrivedSince: each import is one of a few clocks that were wrong for a while.
func TestArrivedSince(t *testing.T) {
	const min = time.Minute
	boot := time.Unix(17, 0) // a machine that has not heard of the time
	for name, c := range map[string]struct {
		clock []time.Time // each import brings 10 events
		now   time.Time
		since time.Time
		want  uint64
	}{
		"nothing arrived":           {nil, noon, noon.Add(-min), 1},
		"everything":                {[]time.Time{noon, noon.Add(min)}, noon.Add(2 * min), noon, 1},
		"the zero time":             {[]time.Time{noon, noon.Add(min)}, noon.Add(2 * min), time.Time{}, 1},
		"some":                      {[]time.Time{noon, noon.Add(min), noon.Add(2 * min)}, noon.Add(3 * min), noon.Add(1), 1},
		"some, to the second":       {[]time.Time{noon, noon.Add(min), noon.Add(2 * min)}, noon.Add(3 * min), noon.Add(time.Second), 11},
		"none":                      {[]time.Time{noon, noon.Add(min)}, noon.Add(3 * min), noon.Add(2 * min), 21},
		"two imports in a second":   {[]time.Time{noon, noon.Add(min), noon.Add(min + 1), noon.Add(2 * min)}, noon.Add(3 * min), noon.Add(min), 11},
		"set back a little":         {[]time.Time{noon, noon.Add(20 * min), noon.Add(10 * min), noon.Add(30 * min)}, noon.Add(40 * min), noon.Add(15 * min), 11},
		"ahead, and right again":    {[]time.Time{noon, noon.AddDate(4, 0, 0), noon.Add(10 * min), noon.Add(20 * min)}, noon.Add(30 * min), noon.Add(15 * min), 31},
		"ahead, nothing came then":  {[]time.Time{noon, noon.AddDate(4, 0, 0)}, noon.Add(30 * min), noon.Add(15 * min), 11},
		"1970 for a while":          {[]time.Time{noon, boot, noon.Add(10 * min)}, noon.Add(30 * min), noon.Add(-min), 1},
		"1970, then since":          {[]time.Time{noon, boot, noon.Add(10 * min)}, noon.Add(30 * min), noon.Add(min), 21},
		"1970 now":                  {[]time.Time{noon, noon.Add(min)}, boot, noon.Add(min), 11},
		"1970, and nothing is":      {[]time.Time{noon, noon.Add(min)}, boot, boot.Add(-time.Hour), 1},
		"a clock of the year 17776": {[]time.Time{noon, noon.AddDate(15750, 0, 0), noon.Add(10 * min)}, noon.Add(30 * min), noon.Add(min), 21},
		"set back for good":         {[]time.Time{noon.AddDate(0, 0, 1), noon, noon.Add(min)}, noon.Add(2 * min), noon.Add(min), 21},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArriving(t)
			for _, now := range c.clock {
				a.at(now, 10)
			}
			if got := a.since(c.now, c.since); got != c.want {
				t.Errorf("arrived since %v, now %v: %d, want %d", c.since, c.now, got, c.want)
			}
		})
	}
}

// An arrivalModel is what a store should record, in the simplest form.
type arrivalModel struct {
	stamps []int64 // by arrival number, from 1: what the clock said, in seconds
	days   []ttpcron.Day
	before ttpcron.Day
	noted  int // how many at the beginning have no entry any more
}

// since is the definition of ArrivedSince.
func (m *arrivalModel) since(t, now time.Time) uint64 {
	if t.Year() < 2020 {
		return 1
	}
	known := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for i, at := range m.stamps {
		if i < m.noted {
			continue
		}
		wrong := at < known
		for _, later := range m.stamps[i+1:] {
			wrong = wrong || at > now.Unix() && later <= now.Unix() && later >= known
		}
		if at >= t.Unix() && !wrong {
			return uint64(i + 1)
		}
	}
	return uint64(len(m.stamps) + 1)
}

// TestArrivalModel runs random imports and prunings under a clock that jumps.
func TestArrivalModel(t *testing.T) {
	for seed := range uint64(rounds(12)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			now := noon
			clock := func() time.Time { return now }
			path := filepath.Join(t.TempDir(), "t.db")
			open := func() *kv.DB {
				db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: clock})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			db, m, real := open(), arrivalModel{}, noon
			for range 40 {
				real = real.Add(time.Duration(rnd.Int64N(int64(time.Hour))))
				if rnd.IntN(3) == 0 {
					real = real.Add(time.Duration(rnd.Int64N(1e9))) // perhaps the same second
				}
				switch now = real; rnd.IntN(12) {
				case 0:
					now = real.Add(time.Duration(rnd.Int64N(int64(72 * time.Hour))))
				case 1:
					now = real.Add(-time.Duration(rnd.Int64N(int64(72 * time.Hour))))
				case 2:
					now = time.Unix(rnd.Int64N(1000), 0)
				}
				switch rnd.IntN(8) {
				case 0:
					m.before += ttpcron.Day(rnd.IntN(3))
					if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: m.before}); err != nil {
						t.Fatal(err)
					}
				case 1:
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					checked(t, path)
					db = open()
				default:
					var im ttpcron.Batch
					for range 1 + rnd.IntN(30) {
						e := command("", "192.0.2.1", fmt.Sprint("echo ", len(m.stamps)))
						e.Time = e.Time.AddDate(0, 0, rnd.IntN(9))
						if m.before == 0 {
							m.before = ttpcron.DayOf(noon)
						}
						if ttpcron.DayOf(e.Time) < m.before {
							continue
						}
						im.Events = append(im.Events, e)
						m.stamps, m.days = append(m.stamps, now.Unix()), append(m.days, ttpcron.DayOf(e.Time))
					}
					if r, err := db.Import(t.Context(), im); err != nil || r.New != len(im.Events) {
						t.Fatalf("%+v, %v", r, err)
					}
				}
				m.compare(t, db, rnd, now)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (m *arrivalModel) compare(t *testing.T, db *kv.DB, rnd *rand.Rand, now time.Time) {
	t.Helper()
	kept := uint64(0) // the first that is stored
	for i, day := range m.days {
		if day < m.before {
			continue
		}
		if kept == 0 {
			kept = uint64(i + 1)
		}
		at, ok, err := db.ArrivedAt(t.Context(), uint64(i+1))
		if err != nil || !ok || at.Unix() != m.stamps[i] {
			t.Fatalf("event %d arrived at %v, %v, %v; want %v", i+1, at, ok, err, time.Unix(m.stamps[i], 0))
		}
	}
	m.noted = len(m.stamps)
	if kept > 0 {
		m.noted = int(kept) - 1
		for m.noted > 0 && m.stamps[m.noted-1] == m.stamps[m.noted] { // in one entry with it
			m.noted--
		}
	}
	for range 20 {
		since := noon.Add(time.Duration(rnd.Int64N(int64(48 * time.Hour))))
		if len(m.stamps) > 0 && rnd.IntN(2) == 0 {
			since = time.Unix(m.stamps[rnd.IntN(len(m.stamps))]+rnd.Int64N(2), rnd.Int64N(1e9))
		}
		got, err := db.ArrivedSince(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		// Of events that are gone no more is known than that they came before.
		if want := m.since(since, now); kept > 0 && got != want && max(got, want) > kept {
			t.Fatalf("arrived since %v, now %v: %d, want %d; %d is the first that is stored", since, now, got, want, kept)
		}
	}
}

// TestArrivalsPruned: nothing is left of events that are gone but the last entry.
func TestArrivalsPruned(t *testing.T) {
	a := newArriving(t)
	for i := range 1000 {
		a.at(noon.Add(time.Duration(i)*time.Minute), 1)
	}
	if n := arrivalsOf(t, a.db); n != 1000 {
		t.Errorf("%d entries, want 1000", n)
	}
	if _, err := a.db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
		t.Fatal(err)
	}
	if n := arrivalsOf(t, a.db); n != 1 {
		t.Errorf("%d entries when all events are gone, want 1", n)
	}
	st, err := a.db.Stats(t.Context())
	if want := noon.Add(999 * time.Minute).UTC().Truncate(time.Second); err != nil || !st.Arrived.Equal(want) {
		t.Errorf("the last events arrived at %v, %v; want %v", st.Arrived, err, want)
	}
}

// arrivalsOf counts the entries of an open store.
func arrivalsOf(t *testing.T, db *kv.DB) int {
	t.Helper()
	space, err := doctor.MeasureOpen(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range space.Buckets {
		if b.Name == layout.Arrivals {
			return b.Entries
		}
	}
	return 0
}

// TestArrivalsOfEarlierStore: events from before a store recorded arrivals count as
// earlier than all that it records.
func TestArrivalsOfEarlierStore(t *testing.T) {
	recent := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	a := &arriving{t: t, happened: recent}
	a.db = kvtest.OpenWith(t, write(t, unpack(t, "v4.db.gz")), kv.Options{NoSync: true, Now: func() time.Time { return a.now }})
	last, err := a.db.LastSeq(t.Context())
	if err != nil || last == 0 {
		t.Fatalf("%d events, %v", last, err)
	}
	if got := a.since(recent, recent.AddDate(-6, 0, 0)); got != last+1 {
		t.Errorf("before anything arrives: %d, want %d", got, last+1)
	}
	a.at(recent, 5)
	for since, want := range map[time.Time]uint64{recent: last + 1, recent.AddDate(-6, 0, 0): last + 1, recent.Add(time.Second): last + 6, {}: 1} {
		if got := a.since(recent, since); got != want {
			t.Errorf("arrived since %v: %d, want %d", since, got, want)
		}
	}
	for seq, want := range map[uint64]bool{1: false, last: false, last + 1: true, last + 5: true, last + 6: false} {
		if at, ok, err := a.db.ArrivedAt(t.Context(), seq); err != nil || ok != want || ok && !at.Equal(recent) {
			t.Errorf("event %d of %d arrived at %v, %v, %v", seq, last, at, ok, err)
		}
	}
}

// TestArrivalsDamaged: a check finds an entry for events that never arrived, and a
// recovery leaves it out and keeps all others. If the last arrival number is lost, the
// entries supply it.
func TestArrivalsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	a := &arriving{t: t}
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true, Now: func() time.Time { return a.now }})
	if err != nil {
		t.Fatal(err)
	}
	a.db = db
	for i := range 300 {
		a.at(noon.Add(time.Duration(i)*time.Minute), 2)
	}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(noon) + 1}); err != nil {
		t.Fatal(err)
	}
	later := command("", "192.0.2.1", "id")
	later.Time = noon.AddDate(0, 0, 2)
	a.now = noon.AddDate(0, 0, 2)
	importAll(t, db, []ttpcron.Event{later})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	beyond := record.Arrived{Last: 602, At: noon}
	change(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(layout.Arrivals)).Put(record.NumberKey(beyond.Last), record.AppendArrived(nil, beyond))
	})
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || len(r.Findings) != 2 || r.Findings[0].What != "events up to 602 arrived, and the last one is 601" || r.Findings[0].Place != layout.Arrivals || r.Findings[0].Do != layout.Rebuild {
		t.Errorf("an entry of events that never arrived: %+v, %v", r.Findings, err)
	}
	to, rec := recovered(t, path)
	if rec.LostRecords != 2 { // the last entry is not the one that the bucket ends with
		t.Errorf("%+v", rec)
	}
	saved := kvtest.OpenAt(t, to)
	for _, c := range []struct {
		seq uint64
		at  time.Time
	}{{600, noon.Add(299 * time.Minute)}, {601, noon.AddDate(0, 0, 2)}} {
		if at, ok, err := saved.ArrivedAt(t.Context(), c.seq); err != nil || !ok || !at.Equal(c.at.Truncate(time.Second)) {
			t.Errorf("event %d of the recovered store arrived at %v, %v, %v", c.seq, at, ok, err)
		}
	}
	change(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte(layout.Meta)).Delete(record.KeyArrival) })
	to, _ = recovered(t, path)
	if last, err := kvtest.OpenAt(t, to).LastSeq(t.Context()); err != nil || last != 602 {
		t.Errorf("the last arrival number is %d, %v; an entry names 602", last, err)
	}
}

// TestRecoverArrivalOfCoverage: coverage vouches for the last arrival number too,
// where that is lost and the events are gone.
func TestRecoverArrivalOfCoverage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	first, second := command("", "192.0.2.1", "id"), command("", "192.0.2.1", "w")
	first.Time = noon.AddDate(0, 0, 1) // stays
	importAll(t, db, []ttpcron.Event{first, second})
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: ttpcron.DayOf(first.Time), RuleSet: "r", UpTo: 2}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: ttpcron.DayOf(first.Time)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, path, func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket([]byte(layout.Arrivals)); err != nil {
			return err
		}
		return tx.Bucket([]byte(layout.Meta)).Delete(record.KeyArrival)
	})
	to, _ := recovered(t, path)
	if last, err := kvtest.OpenAt(t, to).LastSeq(t.Context()); err != nil || last != 2 {
		t.Errorf("the last arrival number is %d, %v; coverage names 2", last, err)
	}
}
