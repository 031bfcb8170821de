package kv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unsafe"

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
	secret  *record.Secret
	memory  arena
	record.MatchDay
}

// readMatches reads the description of a day's matches, nil if there are none.
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

// seekMatches moves to the block of a run that would have a key, or to the first of the
// run; nil if the run has no block. It is for read transactions: bbolt's cursors do not
// step back over emptied pages.
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

// runCursor returns a cursor before the first entry of a run with at least the given key;
// nil means the very first. look, unless it is nil, gets each block.
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
		if err := b.Read(s.secret, s.day, k, rec); err != nil {
			return false, err
		}
		if !begun && from != nil {
			b.Begin(from)
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

// add adds changes as a run, after merging runs if there are many of about the same size.
// Judged runs are kept apart from others.
func (s *storedMatches) add(entries *match.List) error {
	judged, added := 0, 0
	for judged < len(s.Runs) && s.Runs[judged].Last <= s.Settled {
		judged++
	}
	if entries != nil {
		added = len(entries.Rows)
	}
	most := min(cmp.Or(s.limits.merged, maxMerged), max(32*added, 1<<16))
	if first, to := s.toMerge(judged, len(s.Runs), added, most); first < to {
		if err := s.mergeRuns(first, to, false); err != nil {
			return err
		}
	}
	if first, to := s.toMerge(0, judged, 0, most); first < to {
		if err := s.mergeRuns(first, to, true); err != nil {
			return err
		}
	}
	if added == 0 {
		return nil
	}
	s.Last++
	s.count(entries)
	return s.addRun(entries)
}

// streamCounts finds the counts of streams by their numbers. They move when a stream is
// added.
type streamCounts struct {
	*storedMatches
	low []*record.StreamDay
}

// counts returns what finds the counts of streams.
func (s *storedMatches) counts() streamCounts {
	c := streamCounts{storedMatches: s}
	for i := range s.streams {
		t := &s.streams[i]
		if t.Stream >= 1<<12 {
			break
		}
		for int(t.Stream) >= len(c.low) {
			c.low = append(c.low, nil)
		}
		c.low[t.Stream] = t
	}
	return c
}

// of returns the counts of a stream, nil when it has none.
func (c *streamCounts) of(stream uint32) *record.StreamDay {
	if uint64(stream) < uint64(len(c.low)) {
		return c.low[stream]
	}
	return c.stream(stream)
}

// count counts the matches that came or went.
func (s *storedMatches) count(entries *match.List) {
	counts := s.counts()
	for i := range entries.Rows {
		r := &entries.Rows[i]
		t := counts.of(r.Stream)
		if t == nil {
			at, _ := slices.BinarySearchFunc(s.streams, r.Stream, func(t record.StreamDay, id uint32) int { return cmp.Compare(t.Stream, id) })
			one := record.StreamDay{Stream: r.Stream}
			one.Box.Add(0, r.Nanos, r.Seq)
			s.streams = slices.Insert(s.streams, at, one)
			counts = s.counts()
			t = counts.of(r.Stream)
		}
		switch r.Form {
		case match.Came:
			t.Box.Add(1, r.Nanos, r.Seq)
			t.Matches++
			s.Matches++
		case match.Went:
			t.Matches--
			s.Matches--
		}
	}
}

// store stores the description of a day's matches. A day without runs leaves nothing,
// unless correlations have judged it: a correlation with tags there that is not loaded now
// must learn later that it has to judge the day again.
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
	bytes  int // most bytes of runs that are merged, 0: maxMergedBytes
	block  int // most entries of a block, 0: match.MaxEntries
}

const (
	lowestTier = 1 << 10
	tierRatio  = 8
	maxMerged  = 1 << 18 // they are written in one transaction

	// The most bytes to merge: a group has up to some kilobytes, and what is written is in
	// memory twice until the transaction ends.
	maxMergedBytes = 12 << 20

	// The number of runs in a tier that are left alone. A search for a group looks into
	// most runs. But large runs, which a first run over a history makes, span a short time
	// each, and are read as a whole anyway.
	smallRuns = 8
	largeRuns = 24
	largeTier = 2
	fewMerged = 3 // so many runs are merged, or none
)

func (l *runLimits) tierOf(entries int) (tier int) {
	for n := cmp.Or(l.lowest, lowestTier); n < entries; n *= tierRatio {
		tier++
	}
	return tier
}

// toMerge returns which runs of a part to merge before a run with that many entries is
// added: some of a tier, or below it, if many follow one another. The number of entries is
// limited.
func (s *storedMatches) toMerge(from, to, added, most int) (first, last int) {
	for tier := 0; tier <= s.limits.tierOf(most); tier++ {
		if added > 0 && s.limits.tierOf(added) > tier {
			continue
		}
		begin := to
		for begin > from && s.limits.tierOf(s.Runs[begin-1].Entries()) <= tier {
			begin--
		}
		many := smallRuns
		if tier >= largeTier {
			many = largeRuns
		}
		if to-begin < many {
			continue
		}
		if a, b := mostRuns(begin, to, most, func(i int) int { return s.Runs[i].Entries() }); b-a > last-first && b-a >= fewMerged {
			first, last = a, b
		}
	}
	if first == last {
		return first, last
	}
	if first, last = mostRuns(first, last, cmp.Or(s.limits.bytes, maxMergedBytes), s.runBytes); last-first < fewMerged {
		return 0, 0
	}
	return first, last
}

// runBytes is how many bytes the blocks of a run take.
func (s *storedMatches) runBytes(i int) (n int) {
	run, c := s.Runs[i].ID, s.bucket.Cursor()
	for k, rec := c.Seek(record.ClaimNumber(run)); isMatchBlock(k, run); k, rec = c.Next() {
		n += len(k) + len(rec)
	}
	return n
}

// mostRuns returns the longest, oldest series of adjacent runs in a part that is not
// larger in total.
func mostRuns(from, to, most int, size func(int) int) (first, last int) {
	sizes := make([]int, 0, to-from)
	sum, a := 0, from
	for b := from; b < to; b++ {
		sizes = append(sizes, size(b))
		for sum += sizes[b-from]; sum > most; a++ {
			sum -= sizes[a-from]
		}
		if b+1-a > last-first {
			first, last = a, b+1
		}
	}
	return first, last
}

// runWriter writes a run.
type runWriter struct {
	run record.MatchRun
	match.Writer
}

func (s *storedMatches) runWriter() *runWriter {
	s.bucket.fill(ascendingFill)
	w := &runWriter{run: record.MatchRun{ID: s.nextRun(), First: s.Last, Last: s.Last}}
	w.Writer = match.Writer{Day: s.day, Run: w.run.ID, Most: s.limits.block, Put: s.put}
	return w
}

func (w *runWriter) add(g *match.Group, r *match.Row, values string) error {
	w.run.Box.Add(w.run.Entries(), r.Nanos, r.Seq)
	if r.Form == match.Went {
		w.run.Went++
	} else {
		w.run.Came++
	}
	return w.Add(g, r, values)
}

// addRun adds a run.
func (s *storedMatches) addRun(entries *match.List) error {
	w := s.runWriter()
	for i := range entries.Groups {
		g := &entries.Groups[i]
		for row := g.From; row < g.To; row++ {
			r := &entries.Rows[row]
			if err := w.add(g, r, entries.Value(r)); err != nil {
				return err
			}
		}
	}
	s.Runs = append(s.Runs, w.run)
	return w.Flush()
}

// mergeRuns merges some adjacent runs into one, or none if nothing is left of them.
// Removed matches are kept until they are judged and there are no older runs. It reads the
// runs as they were when the transaction began.
func (s *storedMatches) mergeRuns(first, to int, settled bool) error {
	var all match.Merge
	var old [][]byte
	for i := first; i < to; i++ {
		c := s.runCursor(i, nil, &bucket{tree: s.bucket.tree}, func(k []byte) { old = append(old, bytes.Clone(k)) })
		if err := all.Add(c); err != nil {
			return err
		}
	}
	w := s.runWriter()
	w.run.First, w.run.Last = s.Runs[first].First, s.Runs[to-1].Last
	var g match.Group
	var group, values []byte // text that stays when the merge moves
	for c := all.Top(); c != nil; c = all.Top() {
		if at := c.Group(); len(group) == 0 || g.Compare(at) != 0 {
			g, group = *at, append(group[:0], at.Text...)
			g.Text = unsafe.String(unsafe.SliceData(group), len(group))
		}
		r := *c.Row()
		k := g.Key(&r)
		values = append(values[:0], c.Values()...)
		for {
			if err := all.Move(); err != nil {
				return err
			}
			if !all.Again(&k) {
				break
			}
			if r.Form == match.Came && all.Top().Row().Form != match.Came {
				r.Form = match.Replaced
			}
		}
		switch {
		case r.Form == match.Went && settled && first == 0:
			continue
		case r.Form == match.Replaced && settled:
			r.Form = match.Came
		}
		if err := w.add(&g, &r, unsafe.String(unsafe.SliceData(values), len(values))); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, k := range old {
		if err := s.bucket.Delete(k); err != nil {
			return err
		}
	}
	if w.run.Entries() == 0 {
		s.Runs = slices.Delete(s.Runs, first, to)
	} else {
		s.Runs = slices.Replace(s.Runs, first, to, w.run)
	}
	return nil
}

// put stores a block.
func (s *storedMatches) put(k, rec []byte) error {
	s.memory.begin()
	s.memory.buf = append(s.memory.buf, rec...)
	return s.bucket.Put(k, s.memory.end())
}
