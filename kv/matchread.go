package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// MatchDays lists some hundred days with base matches that are stored, or were removed and
// not judged since, ascending from the given one. It returns none if there are no more.
func (db *DB) MatchDays(ctx context.Context, from ttpcron.Day) (days []ttpcron.MatchDay, err error) {
	err = db.view(ctx, func(tx *txn) error {
		top := tx.top(layout.Matches)
		if top == nil {
			return nil
		}
		sets := map[string]ttpcron.RuleSet{}
		c := top.Cursor()
		for k, _ := c.Seek(record.DayKey(max(from, 0))); k != nil && len(days) < pageDays; k, _ = c.Next() {
			day, ok := record.ParseDay(k)
			if !ok {
				return record.Damagef("%x is no day", k)
			}
			m, err := record.ReadMatchDay(day, top.Bucket(k).Get(record.KeyMatchDay))
			if err != nil {
				return fmt.Errorf("base matches of %s: %w", day, err)
			}
			d := ttpcron.MatchDay{Day: day, Matches: m.Matches, Last: m.Last}
			for i := range m.Runs {
				if m.Runs[i].Last > m.Settled {
					d.Touched += m.Runs[i].Entries()
				}
			}
			if d.Judged, err = judgedBy(tx, m.Judged, sets); err != nil {
				return err
			}
			days = append(days, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list days of base matches: %w", err)
	}
	return days, nil
}

// judgedBy returns the rule set with a fingerprint, from those given if it is there. One
// that is missing has judged nothing.
func judgedBy(tx *txn, fingerprint string, sets map[string]ttpcron.RuleSet) (set ttpcron.RuleSet, err error) {
	set, ok := sets[fingerprint]
	if rec := tx.top(layout.RuleSets).Get([]byte(fingerprint)); !ok && fingerprint != "" && rec != nil {
		if set, err = record.ReadRuleSet([]byte(fingerprint), rec); err != nil {
			return set, err
		}
		sets[fingerprint] = set
	}
	return set, nil
}

// EventHorizon returns the first day whose events are all kept, 0 if none were pruned.
// Earlier days may lack events of some kind.
func (db *DB) EventHorizon(ctx context.Context) (day ttpcron.Day, err error) {
	err = db.view(ctx, func(tx *txn) error {
		h, err := readHorizons(tx)
		day = h.latest
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read the horizon of events: %w", err)
	}
	return day, nil
}

// BaseMatches yields matches, all of a group one after another, in order of time and
// arrival. A match and its text are valid until the next one is requested. Its Stream is
// the same pointer for the same stream while the store is open. An error ends the sequence.
func (db *DB) BaseMatches(ctx context.Context, q ttpcron.MatchQuery) iter.Seq2[*ttpcron.BaseMatch, error] {
	return func(yield func(*ttpcron.BaseMatch, error) bool) {
		err := db.eachMatch(ctx, q, MatchPosition{}, func(m *ttpcron.BaseMatch, _ *matchScan) bool { return yield(m, nil) })
		if err != nil {
			yield(nil, fmt.Errorf("read base matches: %w", err))
		}
	}
}

// Touched yields the groups of a day whose matches came or went and were not judged since,
// as far as possible only changes up to a number from MatchDays. An error ends the
// sequence.
func (db *DB) Touched(ctx context.Context, day ttpcron.Day, upTo uint64) iter.Seq2[ttpcron.TouchedGroup, error] {
	return func(yield func(ttpcron.TouchedGroup, error) bool) {
		err := db.eachTouched(ctx, day, upTo, MatchPosition{}, func(g ttpcron.TouchedGroup, _ record.MatchKey) bool { return yield(g, nil) })
		if err != nil {
			yield(ttpcron.TouchedGroup{}, fmt.Errorf("read groups of %s: %w", day, err))
		}
	}
}

// eachTouched calls do with the groups that were touched and the keys of their last
// entries, from a position on, until it is false.
func (db *DB) eachTouched(ctx context.Context, day ttpcron.Day, upTo uint64, from MatchPosition, do func(ttpcron.TouchedGroup, record.MatchKey) bool) error {
	s := db.matchScan(ctx)
	defer s.done()
	s.since, s.until, s.touched, s.upTo = day.Start(), (day + 1).Start(), true, upTo
	if from.Begun {
		s.at.Grouping, s.at.Hash = from.Key.Grouping, from.Key.Hash.Next()
		if s.at.Hash == (record.GroupHash{}) {
			s.at.Grouping++
		}
	}
	var g ttpcron.TouchedGroup
	var of record.MatchKey
	begins := 0
	for {
		c, err := s.entry()
		if err != nil {
			return err
		}
		if begins != s.begins { // of the group at hand all is given again
			begins, of = s.begins, record.MatchKey{}
		}
		var k record.MatchKey
		if c != nil {
			k = c.Key()
		}
		if of.Grouping > 0 && (k.Grouping != of.Grouping || k.Hash != of.Hash) && !do(g, of) {
			return nil
		}
		if c == nil {
			return nil
		}
		at := record.TimeOf(day, k.Nanos)
		if k.Grouping != of.Grouping || k.Hash != of.Hash {
			g = ttpcron.TouchedGroup{Grouping: s.streams[k.Grouping-1].Stream.Grouping(), Group: ttpcron.Group(strings.Clone(c.Group().Text)), Earliest: at}
		}
		of, g.Latest, g.Went = k, at, g.Went || c.Row().Form != match.Came
	}
}

// How many bytes of blocks a scan holds at most, in all and of a run.
const (
	scanBuffer = 4 << 20
	mostAhead  = 32 << 10
)

// matchScan walks through the matches of some days. It holds no transaction between two
// matches: it reads some blocks of each run ahead, and begins again at its position if
// matches of these days have changed since.
type matchScan struct {
	db           *DB
	ctx          context.Context
	since, until time.Time
	grouping     string
	only         []string // ids of streams; nil: all
	touched      bool     // of all groupings what came and went, and was not judged
	upTo         uint64

	one     *record.GroupHash // nil: all groups
	text    string            // of that group
	streams []*storedStream
	number  uint32 // of the grouping
	wanted  []bool // by number of the stream; nil: all
	days    []scanDay
	opened  uint64 // the transaction in which they were opened

	begun  bool
	begins int // how often it has begun
	txid   uint64
	merge  match.Merge
	runs   []*runAhead
	spare  []*runAhead     // whose memory is used again
	at     record.MatchKey // where it stands; what is there was given
	day    ttpcron.Day
	some   bool
}

// runAhead reads the blocks of a run ahead.
type runAhead struct {
	scan   *matchScan
	stored *storedMatches
	age    int
	from   record.MatchKey
	cursor match.Cursor
	// Only rows within these nanoseconds of the day are read, both included.
	since, until int64

	queue   [][2][]byte // keys and records
	head    int         // the next of them
	buf     []byte
	parts   [][2]int // lengths of these in buf
	lastKey []byte   // of the block that was read last; empty: of none
	ended   bool
	ahead   int // bytes to read
}

// matchScan returns a scan, reusing the memory of a finished one.
func (db *DB) matchScan(ctx context.Context) *matchScan {
	s, _ := db.scans.Get().(*matchScan)
	if s == nil {
		s = &matchScan{}
	}
	*s = matchScan{db: db, ctx: ctx, merge: s.merge, runs: s.runs[:0], spare: append(s.spare, s.runs...)}
	return s
}

// maxSpare is for how many runs a finished scan keeps the memory.
const maxSpare = 64

// done says that the scan is used no more.
func (s *matchScan) done() {
	if len(s.runs)+len(s.spare) <= maxSpare {
		s.merge.Reset()
		s.db.scans.Put(s)
	}
}

// run returns what reads a run ahead.
func (s *matchScan) run() *runAhead {
	n := len(s.spare)
	if n == 0 {
		return &runAhead{scan: s}
	}
	r := s.spare[n-1]
	s.spare = s.spare[:n-1]
	*r = runAhead{scan: s, cursor: r.cursor, queue: r.queue[:0], buf: r.buf[:0], parts: r.parts[:0], lastKey: r.lastKey[:0]}
	return r
}

// errMoved says that matches have changed since blocks were read ahead.
var errMoved = errors.New("base matches have changed")

// group goes to a group. The scan gives no other from now on.
func (s *matchScan) group(g hashedGroup) {
	s.one, s.text, s.begun, s.some = &g.GroupHash, g.text, false, false
}

// live returns the cursor at the next match, or nil.
func (s *matchScan) live() (*match.Cursor, error) { return s.next((*match.Merge).Live) }

// entry returns the cursor at the next entry of any form.
func (s *matchScan) entry() (*match.Cursor, error) {
	return s.next(func(m *match.Merge) (*match.Cursor, error) {
		if s.some && m.Top() != nil {
			if err := m.Move(); err != nil {
				return nil, err
			}
		}
		return m.Top(), nil
	})
}

func (s *matchScan) next(step func(*match.Merge) (*match.Cursor, error)) (c *match.Cursor, err error) {
	for {
		if !s.begun {
			if err := s.begin(); errors.Is(err, errMoved) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		c, err = step(&s.merge)
		if errors.Is(err, errMoved) {
			s.begun = false
			continue
		}
		if c != nil && err == nil {
			s.at, s.day, s.some = c.Key(), c.Day, true
		}
		return c, err
	}
}

// begin begins behind the match that was given last.
func (s *matchScan) begin() error {
	s.merge.Reset()
	s.spare, s.runs = append(s.spare, s.runs...), s.runs[:0]
	err := s.db.view(s.ctx, func(tx *txn) (err error) {
		s.txid = tx.snap.TxID
		if s.streams, err = s.db.streams.all(tx); err != nil {
			return err
		}
		if !s.touched {
			if s.number, err = s.db.streams.groupingOf(tx, s.grouping); err != nil || s.number == 0 {
				return err
			}
		}
		s.want()
		return s.open(tx)
	})
	if err != nil {
		return err
	}
	for _, r := range s.runs {
		if err := s.merge.Add(&r.cursor); err != nil {
			return err
		}
	}
	s.begun = true
	s.begins++
	s.some = s.some && !s.touched
	return nil
}

// open opens the runs that may hold matches, of the days that the scan goes through.
func (s *matchScan) open(tx *txn) error {
	if s.opened != s.txid || s.days == nil {
		if s.days = s.days[:0]; s.days == nil {
			s.days = []scanDay{}
		}
		if err := s.openDays(tx); err != nil {
			return err
		}
		s.opened = s.txid
	}
	top := tx.top(layout.Matches)
	for i := range s.days {
		d := &s.days[i]
		d.stored.bucket = top.Bucket(record.DayKey(d.stored.day))
		s.openRuns(d)
	}
	for _, r := range s.runs {
		r.ahead = 1
		if s.one == nil {
			r.ahead = max(1, min(mostAhead, scanBuffer/len(s.runs)))
		}
		if err := r.read(tx); err != nil {
			return err
		}
	}
	return nil
}

// scanDay is a day that a scan goes through.
type scanDay struct {
	stored *storedMatches
	within record.Box
	said   string // the record that describes its matches
}

// moved reports whether the days' matches have changed since they were opened: any change
// of a run, or a new one, changes the day's description.
func (s *matchScan) moved(tx *txn) bool {
	top := tx.top(layout.Matches)
	return slices.ContainsFunc(s.days, func(d scanDay) bool {
		b := top.Bucket(record.DayKey(d.stored.day))
		return b == nil || string(b.Get(record.KeyMatchDay)) != d.said
	})
}

// openDays finds the days that the scan goes through.
func (s *matchScan) openDays(tx *txn) error {
	top := tx.top(layout.Matches)
	if top == nil {
		return nil
	}
	first, last := ttpcron.DayOf(s.since), ttpcron.DayOf(s.until.Add(-1))
	if s.since.IsZero() {
		first = 0
	}
	if s.until.IsZero() {
		last = 1<<31 - 1
	}
	c := top.Cursor()
	for k, _ := c.Seek(record.DayKey(max(0, first))); k != nil; k, _ = c.Next() {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		if day > last {
			break
		}
		if err := s.openDay(tx, top.Bucket(k), day); err != nil {
			return fmt.Errorf("base matches of %s: %w", day, err)
		}
	}
	return nil
}

func (s *matchScan) openDay(tx *txn, b *bucket, day ttpcron.Day) error {
	said := b.Get(record.KeyMatchDay)
	d, err := record.ReadMatchDay(day, said)
	if err != nil {
		return err
	}
	within := record.Box{LastSeq: 1<<64 - 1, LastNanos: record.DayNanos - 1}
	if !s.since.IsZero() && s.since.After(day.Start()) {
		within.FirstNanos = record.NanosOf(s.since, day)
	}
	if !s.until.IsZero() && s.until.Before((day + 1).Start()) {
		within.LastNanos = record.NanosOf(s.until, day) - 1
	}
	stored := &storedMatches{day: day, bucket: b, MatchDay: d}
	if s.wanted != nil {
		streams, err := record.ReadStreamDays(day, b.Get(record.KeyMatchStreams))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(streams, func(t record.StreamDay) bool {
			return t.Matches > 0 && int(t.Stream) < len(s.wanted) && s.wanted[t.Stream] && t.Box.Meets(&within)
		}) {
			return nil
		}
	}
	s.days = append(s.days, scanDay{stored, within, string(said)})
	return nil
}

// openRuns opens the runs of a day that may hold matches.
func (s *matchScan) openRuns(of *scanDay) {
	stored, within, day := of.stored, of.within, of.stored.day
	d := &stored.MatchDay
	for i := range d.Runs {
		run := &d.Runs[i]
		if !run.Meets(&within) || s.touched && (run.Last <= d.Settled || run.First > s.upTo) {
			continue
		}
		r := s.run()
		r.stored, r.age, r.from = stored, i, s.from(day, within.FirstNanos)
		r.cursor.Day, r.cursor.Age, r.cursor.Next, r.cursor.Want = day, i, r.next, nil
		r.since, r.until = within.FirstNanos, within.LastNanos
		s.runs = append(s.runs, r)
	}
}

// want finds the numbers of the streams that are asked for.
func (s *matchScan) want() {
	if s.only == nil || len(s.wanted) == len(s.streams)+1 {
		return
	}
	s.wanted = make([]bool, len(s.streams)+1)
	for i, stored := range s.streams {
		s.wanted[i+1] = slices.Contains(s.only, stored.ID)
	}
}

// from returns the key at which the remaining matches of a day begin.
func (s *matchScan) from(day ttpcron.Day, nanos int64) record.MatchKey {
	k := record.MatchKey{Grouping: s.number}
	if s.one != nil {
		k.Hash, k.Nanos = *s.one, nanos
	}
	switch {
	case s.touched && s.at.Grouping > 0:
		return record.MatchKey{Grouping: s.at.Grouping, Hash: s.at.Hash}
	case !s.some:
		return k
	case day < s.day: // of the group all was given
		return record.MatchKey{Grouping: s.number, Hash: s.at.Hash, Nanos: record.DayNanos - 1, Seq: 1<<64 - 1, Stream: 1<<32 - 1}
	case day > s.day:
		return record.MatchKey{Grouping: s.number, Hash: s.at.Hash, Nanos: nanos}
	}
	after := s.at
	after.Stream++
	return after
}

// next gives the cursor its next block.
func (r *runAhead) next(b *match.Block) (bool, error) {
	if r.head == len(r.queue) {
		if r.ended {
			return false, nil
		}
		if err := r.scan.readAhead(); err != nil {
			return false, err
		}
		if r.head == len(r.queue) {
			return false, nil
		}
	}
	k, rec := r.queue[r.head][0], r.queue[r.head][1]
	r.head++
	b.Only, b.Since, b.Until = match.Only{Streams: r.scan.wanted}, r.since, r.until
	if r.scan.one != nil {
		b.Only.Group = r.scan.text
	}
	if err := b.Read(&r.scan.db.secret, r.stored.day, k, rec); err != nil {
		return false, fmt.Errorf("base matches of %s: %w", r.stored.day, err)
	}
	b.Begin(&r.from)
	return true, nil
}

// readAhead reads more blocks of the runs that have none left.
func (s *matchScan) readAhead() error {
	return s.db.view(s.ctx, func(tx *txn) error {
		if tx.snap.TxID != s.txid {
			if s.moved(tx) {
				return errMoved
			}
			s.txid, s.opened = tx.snap.TxID, tx.snap.TxID
		}
		top := tx.top(layout.Matches)
		for _, r := range s.runs {
			if r.ended || r.head < len(r.queue) {
				continue
			}
			r.stored.bucket = top.Bucket(record.DayKey(r.stored.day))
			r.ahead = max(1, min(2*max(r.ahead, 4096), mostAhead, scanBuffer/len(s.runs)))
			if err := r.read(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// read reads blocks ahead, at least one if there is any.
func (r *runAhead) read(tx *txn) error {
	c := r.stored.bucket.Cursor()
	run := r.stored.Runs[r.age].ID
	var k, rec []byte
	if len(r.lastKey) == 0 {
		k, rec = seekMatches(c, run, &r.from)
	} else if k, rec = c.Seek(r.lastKey); string(k) == string(r.lastKey) {
		k, rec = c.Next()
	}
	r.queue, r.buf, r.parts = r.queue[:0], r.buf[:0], r.parts[:0]
	if r.ahead >= mostAhead {
		r.buf = slices.Grow(r.buf, r.ahead+4096)
	}
	for ; ; k, rec = c.Next() {
		if !r.wants(k, run) {
			r.ended = true
			break
		}
		if len(r.buf) >= r.ahead {
			break
		}
		r.buf = append(append(r.buf, k...), rec...)
		r.parts = append(r.parts, [2]int{len(k), len(rec)})
		r.lastKey = append(r.lastKey[:0], k...)
	}
	at := 0
	for _, p := range r.parts {
		r.queue = append(r.queue, [2][]byte{r.buf[at : at+p[0]], r.buf[at+p[0] : at+p[0]+p[1]]})
		at += p[0] + p[1]
	}
	r.head = 0
	return r.scan.ctx.Err()
}

// wants reports whether a block belongs to the run, and may have what the scan looks for.
func (r *runAhead) wants(k []byte, run uint32) bool {
	id, first, ok := record.ParseMatchBlockKey(k)
	s := r.scan
	if !ok || id != run || s.number > 0 && first.Grouping > s.number {
		return false
	}
	if s.one != nil && first.Grouping == s.number {
		switch c := first.Hash.Compare(*s.one); {
		case c > 0:
			return false
		case c == 0 && !s.until.IsZero() && !record.TimeOf(r.stored.day, first.Nanos).Before(s.until):
			return false
		}
	}
	return true
}
