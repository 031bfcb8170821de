package kv

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Tags does what View.Tags does, under the names of the rules.
func (db *DB) Tags(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[ttpcron.Tag, error] {
	return db.Under(nil).Tags(ctx, q)
}

// Tags yields the tags that a query selects: newest event time first, tags of one instant
// by descending UUID. Days on which nothing can match are not visited, and tags whose claim
// does not match are not decoded. Tags that operators have hidden are left out: those of
// rules that are retired, disabled, or clipped below ttpcron.MinConfidence. An error ends
// the sequence.
func (v View) Tags(ctx context.Context, q ttpcron.TagQuery) iter.Seq2[ttpcron.Tag, error] {
	return func(yield func(ttpcron.Tag, error) bool) {
		s := newTagScan(v, q)
		defer s.tags.done()
		for n := 0; !s.done; {
			page, err := s.page(ctx)
			if err != nil {
				yield(ttpcron.Tag{}, fmt.Errorf("read tags: %w", err))
				return
			}
			for _, t := range page {
				if !yield(t, nil) {
					return
				}
				if n++; n == q.Limit {
					return
				}
			}
		}
	}
}

// LeftOut counts the tags that a query would select at every level but leaves out at its
// own. Unless the query selects an attacker, a session or late arrivals, it uses the counts
// that are kept for every day.
func (v View) LeftOut(ctx context.Context, q ttpcron.TagQuery) (n int, err error) {
	s := newTagScan(v, q)
	s.leftOut, s.q.MinLevels = true, ttpcron.MinLevels{}
	defer s.tags.done()
	for !s.done && err == nil {
		var page []ttpcron.Tag
		page, err = s.page(ctx)
		n += s.counted + len(page)
		s.counted = 0
	}
	if err != nil {
		return 0, fmt.Errorf("count the tags that are left out: %w", err)
	}
	return n, nil
}

// TagPosition is a place in the sequence of tags that a query selects. The zero value is
// its beginning. It stays valid while tags are added and removed.
type TagPosition struct {
	Day   ttpcron.Day // days after it have been seen
	Until []byte      // places in Day from here on have been seen; nil: all of it
	Begun bool        // Day and Until mean something
	End   bool        // nothing follows
}

// maxPageScans is how many transactions a page of tags may take.
const maxPageScans = 64

// TagPage reads tags that a query selects, in the order of Tags, from a position on, and
// returns the position after them. It returns about as many as requested, fewer if they are
// large or rare, perhaps none, and ignores q.Limit. When the position's End is set,
// everything has been read.
func (v View) TagPage(ctx context.Context, q ttpcron.TagQuery, from TagPosition, about int) ([]ttpcron.Tag, TagPosition, error) {
	s := newTagScan(v, q)
	defer s.tags.done()
	if from.Begun && from.Day <= s.before {
		s.before, s.until = from.Day, bytes.Clone(from.Until)
	}
	s.done = from.End
	var page []ttpcron.Tag
	size := 0
	for n := 0; n < maxPageScans && len(page) < about && size < scanBytes && !s.done; n++ {
		tags, err := s.page(ctx)
		if err != nil {
			return nil, from, fmt.Errorf("read tags: %w", err)
		}
		for i := range tags {
			size += len(tags[i].Evidence) + tagOverhead
		}
		page = append(page, tags...)
	}
	return page, TagPosition{Day: s.before, Until: s.until, Begun: true, End: s.done}, nil
}

// tagOverhead is about what a tag takes in addition to its evidence, in bytes.
const tagOverhead = 256

// The limits of one transaction of a scan.
const (
	scanTags  = 256      // tags returned
	scanKeys  = 1 << 14  // keys looked at
	scanBytes = 1 << 20  // bytes of evidence
	scanRead  = 64 << 20 // bytes of events that were read for it
)

// tagScan walks backwards through days and the tags in them.
type tagScan struct {
	db       *DB
	names    ttpcron.Naming
	q        ttpcron.TagQuery
	levels   ttpcron.MinLevels // of the query
	filter   *filter
	claims   []*record.Claim // number 1 first
	matching []bool          // by claim
	decided  decisions
	standIn  *standIn
	tags     *tagReader

	upTo    uint64 // of the query; 0 while no event has arrived later
	leftOut bool   // what the levels of the query leave out is looked for
	counted int    // such tags that are counted and not read

	before ttpcron.Day // days from here on have been seen
	until  []byte      // and of the day before it places from here on; nil when that day is finished
	done   bool
}

func newTagScan(v View, q ttpcron.TagQuery) *tagScan {
	s := &tagScan{db: v.db, names: v.names, q: q, levels: q.MinLevels, before: math.MaxInt32, tags: v.db.tagReader()}
	if u := q.Window.Until; !u.IsZero() && u.Year() <= 9999 {
		s.before = ttpcron.DayOf(u) + 1
	}
	return s
}

// page reads the next tags, perhaps none even if more follow.
func (s *tagScan) page(ctx context.Context) (page []ttpcron.Tag, err error) {
	err = s.db.view(ctx, func(tx *txn) error {
		if err := s.prepare(tx); err != nil || s.done {
			return err
		}
		if s.upTo = s.q.UpTo; s.upTo > 0 {
			if last, err := arrival(tx); err != nil {
				return err
			} else if last <= s.upTo {
				s.upTo = 0
			}
		}
		days := tx.top(layout.Tags)
		for budget := scanKeys; budget > 0 && len(page) < scanTags; {
			if s.until == nil {
				if more, err := s.nextDay(tx, days.Cursor()); err != nil || !more {
					s.done = err == nil
					return err
				}
			}
			if ok, err := s.count(tx); err != nil {
				return err
			} else if ok {
				budget--
				continue
			}
			day := days.Bucket(record.DayKey(s.before))
			if day == nil { // removed from the store since the last page
				s.until = nil
				continue
			}
			if page, err = s.inDay(tx, day, page, &budget); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

// count counts what is left out of the current day if its tags need not be read, and
// finishes the day.
func (s *tagScan) count(tx *txn) (ok bool, err error) {
	if !s.leftOut || s.narrow() || s.q.ArrivedAfter > 0 || s.upTo > 0 || !s.q.MadeSince.IsZero() || !s.q.Window.Covers(s.before) {
		return false, nil
	}
	name := record.DayKey(s.before)
	b := tx.top(layout.Rollups).Bucket(name)
	if b == nil {
		return false, nil
	}
	s.until = nil
	err = eachClaim(b, name, func(id uint32, t record.Tally) {
		if id > 0 && uint64(id) <= uint64(len(s.matching)) && s.matching[id-1] {
			s.counted += t.Tags
		}
	})
	if err != nil || s.standIn == nil {
		return true, err
	}
	return true, s.standIn.eachOf(tx, s.tags, s.before, func(uint32, *ttpcron.Tag) { s.counted-- })
}

// narrow reports whether the query asks for attackers, a session or a sensor.
func (s *tagScan) narrow() bool {
	return s.q.Attacker != "" || s.q.Session != "" || s.q.Sensor != "" || s.q.Networks != nil
}

// prepare works out which claims can match; their number may have grown since
// the last page.
func (s *tagScan) prepare(tx *txn) error {
	claims, err := s.db.claims.all(tx)
	if err != nil || s.filter != nil && len(claims) == len(s.matching) {
		return err
	}
	if s.decided, err = s.db.decisions(tx); err != nil {
		return err
	}
	any := false
	named := s.db.shown.of(s.names, claims)
	s.claims, s.matching = claims, make([]bool, len(claims))
	for i, c := range claims {
		if shown, ok := s.decided.shown(c.Claim); ok {
			shown = named.shown(uint32(i+1), shown)
			s.matching[i] = s.q.MatchClaim(&shown) && s.levels.Show(c.Level, c.Vantage) != s.leftOut
		}
		any = any || s.matching[i]
	}
	s.done = !any
	s.standIn = named.standIn(tx, claims, fatesOf(s.matching), &s.decided)
	s.filter = newFilter(&s.db.secret, &s.q, s.matching)
	return nil
}

// nextDay moves to the end of the latest day before the one at hand that may
// hold a match.
func (s *tagScan) nextDay(tx *txn, days *cursor) (bool, error) {
	rollups := tx.top(layout.Rollups)
	for k, _ := keyBefore(days, record.DayKey(s.before)); k != nil; k, _ = days.Prev() {
		day, ok := record.ParseDay(k)
		if !ok || !s.q.Window.Since.IsZero() && !s.q.Window.Since.Before((day+1).Start()) {
			return false, nil
		}
		s.before = day
		span, some, err := s.span(rollups.Bucket(k), k)
		if err != nil {
			return false, err
		}
		if !some {
			continue
		}
		if arrived, err := s.arrived(tx, k); err != nil {
			return false, err
		} else if !arrived {
			continue
		}
		until := (span.Last + 1) * 1e9
		if u := s.q.Window.Until; !u.IsZero() && u.Before((day + 1).Start()) {
			until = min(until, max(0, record.NanosOf(u, day)))
		}
		s.until = make([]byte, 6)
		record.PutNanos(s.until, until)
		return true, nil
	}
	return false, nil
}

// arrived reports whether events of a day may have arrived late enough, or there may be
// tags of several events that were found since.
func (s *tagScan) arrived(tx *txn, day []byte) (may bool, err error) {
	if s.q.ArrivedAfter == 0 {
		return true, nil
	}
	if b := tx.top(layout.Rollups).Bucket(day); b != nil && !s.q.FoundSince.IsZero() {
		err := eachClaim(b, day, func(id uint32, _ record.Tally) {
			may = may || id > 0 && uint64(id) <= uint64(len(s.claims)) && s.matching[id-1] && s.claims[id-1].Kind == ttpcron.Correlation
		})
		if may || err != nil {
			return may, err
		}
	}
	counts := tx.top(layout.DayCounts)
	err = counts.ForEachBucket(func(kind []byte) error {
		rec := counts.Bucket(kind).Get(day)
		if may || rec == nil {
			return nil
		}
		h, err := record.ReadDay(record.KindDay{Kind: ttpcron.SourceKind(kind), Day: s.before}, rec)
		may = h.LastSeq > s.q.ArrivedAfter
		return err
	})
	return may, err
}

// span returns the part of a day with possible matches, or false. A day without a rollup
// may have anything.
func (s *tagScan) span(rollup *bucket, day []byte) (record.Span, bool, error) {
	if rollup == nil {
		return record.WholeDay(), true, nil
	}
	return s.filter.within(day, rollup)
}

// keyBefore moves to the last key before the given one, or returns nil.
func keyBefore(c *cursor, key []byte) (k, v []byte) {
	if k, _ = c.Seek(key); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// inDay appends the matches of the day at hand until the page is full, the
// budget is spent or the day is finished.
func (s *tagScan) inDay(tx *txn, b *bucket, page []ttpcron.Tag, budget *int) ([]ttpcron.Tag, error) {
	day := s.before
	name := record.DayKey(day)
	span, some, err := s.span(tx.top(layout.Rollups).Bucket(name), name)
	if err != nil || !some {
		s.until = nil
		return page, err
	}
	since := span.First * 1e9
	if w := s.q.Window.Since; w.After(day.Start()) {
		since = max(since, record.NanosOf(w, day))
	}
	size, read := 0, s.tags.events.cache.Bytes()
	walk := walkBack(b, s.until)
	for k, rec := walk.prev(); k != nil; k, rec = walk.prev() {
		if len(page) == scanTags || *budget <= 0 || size > scanBytes || s.tags.events.cache.Bytes()-read > scanRead {
			return page, nil
		}
		*budget--
		nanos, _, ok := record.ParseTagKey(k)
		if !ok {
			return nil, record.Damagef("%x is no key of a tag", k)
		}
		if nanos < since {
			break
		}
		s.until = record.AppendTagPosition(s.until[:0], k)
		t, ok, err := s.match(tx, b, day, k, rec)
		if err != nil {
			return nil, err
		}
		if ok {
			if page == nil {
				page = make([]ttpcron.Tag, 0, scanTags)
			}
			page = append(page, t)
			size += len(t.Evidence)
		}
	}
	s.until = nil
	return page, nil
}

// match decodes a tag in a day's bucket if its claim and its event's arrival match. It
// reports whether everything matches, and no other tag stands for it.
func (s *tagScan) match(tx *txn, b *bucket, day ttpcron.Day, key, rec []byte) (t ttpcron.Tag, ok bool, err error) {
	if id, seq, ok := record.PeekTag(rec); ok && id > 0 && uint64(id) <= uint64(len(s.matching)) {
		if !s.matching[id-1] || s.upTo > 0 && seq > s.upTo || seq <= s.q.ArrivedAfter && s.q.ArrivedAfter > 0 && s.claims[id-1].Kind != ttpcron.Correlation {
			return t, false, nil
		}
		if seq > 0 && s.narrow() {
			if ok, err := s.tags.selects(tx, &s.q, record.KindDay{Kind: s.claims[id-1].Kind, Day: day}, seq); err != nil || !ok {
				return t, false, err
			}
		}
		if s.leftOut && s.q.MadeSince.IsZero() && (seq > 0 || !s.narrow() && s.q.ArrivedAfter == 0) && s.standIn.of(id) == nil {
			s.counted++
			return t, false, nil
		}
	}
	t, claim, e, err := s.tags.read(tx, day, key, rec)
	if err != nil || uint64(claim) > uint64(len(s.matching)) || !s.matching[claim-1] || !s.q.MatchEvent(&t) {
		return t, false, err
	}
	if other, err := s.standIn.stands(b, key, &t, claim); err != nil || other {
		return t, false, err
	}
	t.Claim, _ = s.decided.shown(t.Claim)
	if !s.q.Bare {
		s.tags.show(&t, e)
	}
	return t, true, nil
}
