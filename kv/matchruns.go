package kv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// storedMatches is what describes the matches of a day.
type storedMatches struct {
	day     ttpcron.Day
	bucket  *bucket
	streams []record.StreamDay
	limits  *runLimits
	memory  arena
	record.MatchDay
}

// readMatches reads what describes the matches of a day, nil when there are none.
func readMatches(tx *txn, day ttpcron.Day) (*storedMatches, error) {
	top := tx.top(layout.Matches)
	if top == nil {
		return nil, nil
	}
	s := &storedMatches{day: day, bucket: top.Bucket(record.DayKey(day))}
	if s.bucket == nil {
		return nil, nil
	}
	var err error
	if s.MatchDay, err = record.ReadMatchDay(day, s.bucket.Get(record.KeyMatchDay)); err != nil {
		return nil, fmt.Errorf("base matches of %s: %w", day, err)
	}
	if s.streams, err = record.ReadStreamDays(day, s.bucket.Get(record.KeyMatchStreams)); err != nil {
		return nil, fmt.Errorf("streams of %s: %w", day, err)
	}
	return s, nil
}

// eachMatchDay calls do for what describes the matches of each day.
func eachMatchDay(tx *txn, do func(day ttpcron.Day, m *record.MatchDay)) error {
	top := tx.top(layout.Matches)
	if top == nil {
		return nil
	}
	return top.ForEachBucket(func(k []byte) error {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		m, err := record.ReadMatchDay(day, top.Bucket(k).Get(record.KeyMatchDay))
		if err != nil {
			return fmt.Errorf("base matches of %s: %w", day, err)
		}
		do(day, &m)
		return nil
	})
}

// stream returns the counts of a stream, nil when it has no match.
func (s *storedMatches) stream(id uint32) *record.StreamDay {
	i, ok := slices.BinarySearchFunc(s.streams, id, func(t record.StreamDay, id uint32) int { return cmp.Compare(t.Stream, id) })
	if !ok {
		return nil
	}
	return &s.streams[i]
}

// seekMatches goes to the block of a run in which a key is if it is in the run, or to the
// first of the run; nil when the run has no block. It is for transactions that read:
// bbolt's cursors do not step back over pages that were emptied.
func seekMatches(c *cursor, run uint32, key *record.MatchKey) (k, rec []byte) {
	want := record.MatchBlockKey(run, key)
	k, rec = c.Seek(want)
	if string(k) == string(want) {
		return k, rec
	}
	after, then := k, rec
	if k == nil {
		k, rec = c.Last()
	} else {
		k, rec = c.Prev()
	}
	if isMatchBlock(k, run) {
		return k, rec
	}
	if isMatchBlock(after, run) {
		c.Seek(after)
		return after, then
	}
	return nil, nil
}

func isMatchBlock(k []byte, run uint32) bool {
	r, _, ok := record.ParseMatchBlockKey(k)
	return ok && r == run
}

// runCursor returns a cursor that stands before the first entry of a run whose key is
// not below one; nil is the first of all. Each block is shown to look, unless it is nil.
func (s *storedMatches) runCursor(age int, from *record.MatchKey, b *bucket, look func(k []byte)) *match.Cursor {
	run, c := s.Runs[age].ID, b.Cursor()
	begun := false
	next := func(b *match.Block) (bool, error) {
		var k, rec []byte
		switch {
		case begun:
			k, rec = c.Next()
		case from == nil:
			k, rec = c.Seek(record.ClaimNumber(run))
		default:
			k, rec = seekMatches(c, run, from)
		}
		if !isMatchBlock(k, run) {
			return false, nil
		}
		if look != nil {
			look(k)
		}
		if err := b.Read(s.day, k, rec, false); err != nil {
			return false, err
		}
		if !begun && from != nil {
			i, _ := slices.BinarySearchFunc(b.Entries, from, func(e match.Entry, k *record.MatchKey) int { return e.Compare(k) })
			b.Entries = b.Entries[i:]
		}
		begun = true
		return true, nil
	}
	return &match.Cursor{Day: s.day, Age: age, Next: next}
}

// newMatches makes the bucket of a day.
func newMatches(tx *txn, day ttpcron.Day) (*storedMatches, error) {
	top, err := tx.CreateBucketIfNotExists([]byte(layout.Matches))
	if err != nil {
		return nil, err
	}
	b, err := top.CreateBucket(record.DayKey(day))
	return &storedMatches{day: day, bucket: b}, err
}

// nextRun returns the number of the next run.
func (s *storedMatches) nextRun() uint32 {
	id := uint32(0)
	for i := range s.Runs {
		id = max(id, s.Runs[i].ID)
	}
	return id + 1
}

// add adds entries, which are in order and change something, as a run, and merges runs
// of which there are many of about one size. Those that are judged stay apart from others.
func (s *storedMatches) add(entries []match.Entry) error {
	judged := 0
	for judged < len(s.Runs) && s.Runs[judged].Last <= s.Settled {
		judged++
	}
	most := min(cmp.Or(s.limits.merged, maxMerged), max(32*len(entries), 1<<16))
	first := s.mergeFrom(0, judged, 0, most)
	left := first
	if first < judged {
		n, err := s.makeRun(first, judged, nil, true)
		if err != nil {
			return err
		}
		left += n
	}
	if len(entries) > 0 {
		s.Last++
	}
	first = s.mergeFrom(left, len(s.Runs), len(entries), most)
	if len(entries) > 0 || first < len(s.Runs) {
		for i := range entries {
			s.count(&entries[i])
		}
		_, err := s.makeRun(first, len(s.Runs), entries, false)
		return err
	}
	return nil
}

// count counts a match that came or went.
func (s *storedMatches) count(e *match.Entry) {
	t := s.stream(e.Stream)
	if t == nil {
		i, _ := slices.BinarySearchFunc(s.streams, e.Stream, func(t record.StreamDay, id uint32) int { return cmp.Compare(t.Stream, id) })
		s.streams = slices.Insert(s.streams, i, record.StreamDay{Stream: e.Stream})
		t = &s.streams[i]
		t.Box.Add(0, e.Nanos, e.Seq)
	}
	switch e.Form {
	case match.Came:
		t.Box.Add(1, e.Nanos, e.Seq)
		t.Matches++
		s.Matches++
	case match.Went:
		t.Matches--
		s.Matches--
	}
}

// store stores what describes the matches of a day. A day of which there are no runs
// leaves nothing, unless correlations have judged it: one that is not loaded now, and has
// tags there, must find that it has to judge the day again.
func (s *storedMatches) store(tx *txn) error {
	if len(s.Runs) == 0 && s.Judged == "" {
		return tx.top(layout.Matches).DeleteBucket(record.DayKey(s.day))
	}
	if s.Matches < 0 || slices.ContainsFunc(s.streams, func(t record.StreamDay) bool { return t.Matches < 0 }) {
		return record.Damage("more matches went than there were")
	}
	if err := s.putChanged(record.KeyMatchDay, record.AppendMatchDay(nil, s.day, &s.MatchDay)); err != nil {
		return err
	}
	return s.putChanged(record.KeyMatchStreams, record.AppendStreamDays(nil, s.day, s.streams))
}

func (s *storedMatches) putChanged(k, rec []byte) error {
	if bytes.Equal(s.bucket.Get(k), rec) {
		return nil
	}
	return s.bucket.Put(k, rec)
}

// runLimits say how runs are made and merged. Those of a tier have about the same size.
type runLimits struct {
	lowest int // entries of the lowest tier, 0: lowestTier
	merged int // most entries of a run that was merged, 0: maxMerged
	block  int // most entries of a block, 0: match.MaxEntries
}

const (
	lowestTier = 1 << 10
	tierRatio  = 8
	maxMerged  = 1 << 18 // they are written in one transaction
)

func (l *runLimits) tierOf(entries int) (tier int) {
	for n := cmp.Or(l.lowest, lowestTier); n < entries; n *= tierRatio {
		tier++
	}
	return tier
}

// mergeFrom returns from which on the runs of a part are to be merged, with entries that
// are no run yet: where so many of one tier, or below, follow one another. At most so many
// entries are merged.
func (s *storedMatches) mergeFrom(from, to, added, most int) int {
	merged, sum := to, added // the runs from merged on are one, of so many entries
	for tier := 0; tier <= s.limits.tierOf(most); tier++ {
		first, runs, all := merged, 0, sum
		if sum > 0 {
			if s.limits.tierOf(sum) > tier {
				continue
			}
			runs++
		}
		for first > from && s.limits.tierOf(s.Runs[first-1].Entries()) <= tier {
			first--
			runs++
			all += s.Runs[first].Entries()
		}
		if runs >= tierRatio && all <= most {
			merged, sum = first, all
		}
	}
	return merged
}

// makeRun makes one run of some that follow one another and of entries that come after
// them, or none if nothing is left of them. What went is remembered as long as it is not
// judged, or there are older runs. It reads the runs as they were when the transaction
// began.
func (s *storedMatches) makeRun(first, to int, entries []match.Entry, settled bool) (runs int, err error) {
	var all match.Merge
	run := record.MatchRun{ID: s.nextRun(), First: s.Last, Last: s.Last}
	var old [][]byte
	for i := first; i < to; i++ {
		c := s.runCursor(i, nil, &bucket{tree: s.bucket.tree}, func(k []byte) { old = append(old, bytes.Clone(k)) })
		if err := all.Add(c); err != nil {
			return 0, err
		}
	}
	s.bucket.fill(ascendingFill)
	w := match.Writer{Day: s.day, Run: run.ID, Most: s.limits.block, Put: s.put}
	keep := func(e *match.Entry) error {
		run.Box.Add(run.Entries(), e.Nanos, e.Seq)
		if e.Form == match.Went {
			run.Went++
		} else {
			run.Came++
		}
		return w.Add(e)
	}
	switch {
	case first == to:
		for i := range entries {
			if err := keep(&entries[i]); err != nil {
				return 0, err
			}
		}
	case len(entries) == 0:
		run.First, run.Last = s.Runs[first].First, s.Runs[to-1].Last
	default:
		run.First = s.Runs[first].First
		if err := all.Add(match.CursorOf(s.day, to, entries)); err != nil {
			return 0, err
		}
	}
	for all.Top() != nil {
		e := *all.Top().Entry()
		for {
			if err := all.Move(); err != nil {
				return 0, err
			}
			c := all.Top()
			if c == nil || c.Entry().MatchKey != e.MatchKey {
				break
			}
			if e.Form == match.Came && c.Entry().Form != match.Came {
				e.Form = match.Replaced
			}
		}
		switch {
		case e.Form == match.Went && settled && first == 0:
			continue
		case e.Form == match.Replaced && settled:
			e.Form = match.Came
		}
		if err := keep(&e); err != nil {
			return 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	for _, k := range old {
		if err := s.bucket.Delete(k); err != nil {
			return 0, err
		}
	}
	if run.Entries() == 0 {
		s.Runs = slices.Delete(s.Runs, first, to)
		return 0, nil
	}
	s.Runs = slices.Replace(s.Runs, first, to, run)
	return 1, nil
}

// put stores a block.
func (s *storedMatches) put(k, rec []byte) error {
	s.memory.begin()
	s.memory.buf = append(s.memory.buf, rec...)
	return s.bucket.Put(k, s.memory.end())
}
