package kv

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// tagRow is where a tag goes.
type tagRow struct {
	day   ttpcron.Day
	key   record.TagKey
	tag   int // its index
	known bool
	same  bool // it is stored just so
}

// storedTags are the stored tags that a commit replaces, by the index of the new ones.
type storedTags map[int]storedTag

type storedTag struct {
	claim uint32
	made  time.Time
}

// sortTags gives the rows of distinct tags in the order of their keys: bbolt
// takes keys in order several times faster than at random.
func sortTags(tags []ttpcron.Tag) ([]tagRow, error) {
	rows, err := makeRows(tags)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b tagRow) int {
		if a.day != b.day {
			return int(a.day) - int(b.day)
		}
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), a.tag-b.tag)
	})
	return slices.CompactFunc(rows, func(a, b tagRow) bool { return a.day == b.day && a.key == b.key }), nil
}

// makeRows computes the keys of tags. Large batches are shared out: a UUID is a SHA-1, and
// little else may be going on during a commit.
func makeRows(tags []ttpcron.Tag) ([]tagRow, error) {
	const share = 2048
	rows := make([]tagRow, len(tags))
	errs := make([]error, (len(tags)+share-1)/share)
	var next atomic.Int32
	var wg sync.WaitGroup
	for range min(len(errs), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(errs); n = int(next.Add(1)) - 1 {
				from, to := n*share, min((n+1)*share, len(tags))
				errs[n] = fillRows(rows[from:to], tags[from:to], from)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// fillRows computes the keys of tags, starting at the given index.
func fillRows(rows []tagRow, tags []ttpcron.Tag, first int) error {
	for i := range tags {
		t := &tags[i]
		if err := record.CheckTag(t); err != nil {
			return fmt.Errorf("tag of %.80q by rule %.80q: %w", t.SourceID, t.RuleID, err)
		}
		day := ttpcron.DayOf(t.EventTime)
		rows[i] = tagRow{day: day, key: record.MakeTagKey(t.SourceKind, record.NanosOf(t.EventTime, day), t.UUID()), tag: first + i}
	}
	return nil
}

// tagFinder compares tags with the stored ones.
type tagFinder struct {
	tx      *txn
	tags    []ttpcron.Tag
	claims  []*record.Claim // of the store
	old     storedTags      // so far
	deriver record.Deriver
	day     []byte
	with    ttpcron.Tag // as it is stored if it is the same
	buf     []byte
}

// find marks the rows that the store has. It walks rows and keys in parallel, since a
// replay finds tags in the order in which they are stored.
func (f *tagFinder) find(rows []tagRow) error {
	for len(rows) > 0 {
		n := sameDay(rows)
		f.day = record.DayKey(rows[0].day)
		if b := f.tx.top(layout.Tags).Bucket(f.day); b != nil {
			if err := f.inDay(b.Cursor(), rows[:n]); err != nil {
				return err
			}
		}
		rows = rows[n:]
	}
	return nil
}

// sameDay returns how many of the first rows are of one day.
func sameDay(rows []tagRow) int {
	n := 0
	for n < len(rows) && rows[n].day == rows[0].day {
		n++
	}
	return n
}

func (f *tagFinder) inDay(c *cursor, rows []tagRow) error {
	k, rec := c.Seek(rows[0].key[:])
	for i := range rows {
		want := rows[i].key[:]
		order := bytes.Compare(k, want)
		if k != nil && order < 0 {
			// The next key is most often the one; if not, look from the top.
			if k, rec = c.Next(); k != nil && bytes.Compare(k, want) < 0 {
				k, rec = c.Seek(want)
			}
			order = bytes.Compare(k, want)
		}
		if k == nil {
			return nil // the rest lies after the day's last tag
		}
		if rows[i].known = order == 0; rows[i].known {
			if err := f.compare(&rows[i], k, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare decides whether a tag is stored in its present form.
func (f *tagFinder) compare(r *tagRow, k, rec []byte) error {
	old, id, err := record.ReadTag(r.day, k, rec, &f.deriver)
	if err != nil {
		return err
	}
	if id == 0 || uint64(id) > uint64(len(f.claims)) {
		return record.Damagef("claim %d is missing", id)
	}
	t := &f.tags[r.tag]
	switch {
	case t.Seq == 0 && old.Seq != 0:
		r.same = true // who commits it does not know the event that the store has
	case t.Seq == old.Seq && record.ClaimOf(t) == *f.claims[id-1]:
		f.with = *t
		f.with.CreatedAt = old.CreatedAt
		f.buf = record.AppendTag(f.buf[:0], f.day, &r.key, id, &f.with, &f.deriver)
		r.same = bytes.Equal(f.buf, rec)
	}
	if !r.same {
		f.old[r.tag] = storedTag{id, old.CreatedAt}
	}
	return nil
}

// tagWriter stores tags.
type tagWriter struct {
	claims  *newClaims
	old     storedTags
	memory  arena
	deriver record.Deriver
	with    ttpcron.Tag // one that is known, as old as it was
}

// put stores a tag and returns the number of its claim. A known tag keeps its age.
func (w *tagWriter) put(b *bucket, day []byte, r *tagRow, t *ttpcron.Tag) (claim uint32, err error) {
	if r.known {
		w.with = *t
		w.with.CreatedAt = w.old[r.tag].made
		t = &w.with
	}
	claim = w.claims.id(record.ClaimOf(t))
	w.memory.begin()
	w.memory.buf = record.AppendTag(w.memory.buf, day, &r.key, claim, t, &w.deriver)
	return claim, b.Put(r.key[:], w.memory.end())
}

// changeTags stores tags that the store does not have or has otherwise, takes
// others out, and counts them.
func (db *DB) changeTags(tx *txn, tags []ttpcron.Tag, rows []tagRow, old storedTags, gone []goneTag, claims *newClaims) error {
	w := tagWriter{claims: claims, old: old}
	total, changed := map[uint32]record.TagTotal{}, claimChanges{}
	days := 0
	for len(rows)+len(gone) > 0 {
		day := ttpcron.Day(math.MaxInt32)
		if len(rows) > 0 {
			day = rows[0].day
		}
		if len(gone) > 0 {
			day = min(day, gone[0].day)
		}
		n, m, others := 0, 0, false
		for ; n < len(rows) && rows[n].day == day; n++ {
			others = others || rows[n].known && claims.id(record.ClaimOf(&tags[rows[n].tag])) != old[rows[n].tag].claim
		}
		for m < len(gone) && gone[m].day == day {
			m++
		}
		add := func() (int, error) { return db.addTags(tx, tags, rows[:n], &w, total) }
		if m > 0 || others {
			add = func() (int, error) { return db.changeDay(tx, day, tags, rows[:n], gone[:m], &w, changed) }
		}
		more, err := add()
		if err != nil {
			return err
		}
		days += more
		rows, gone = rows[n:], gone[m:]
	}
	if err := addClaimTotals(tx, total, days); err != nil {
		return err
	}
	return changeTotals(tx, changed)
}

// addTags stores tags of one day and counts the new ones; those that the store has keep
// their claims. It returns 1 if they are the day's first.
func (db *DB) addTags(tx *txn, tags []ttpcron.Tag, rows []tagRow, w *tagWriter, total map[uint32]record.TagTotal) (days int, err error) {
	day := rows[0].day
	name := record.DayKey(day)
	b, err := tx.top(layout.Tags).CreateBucketIfNotExists(name)
	if err != nil {
		return 0, err
	}
	rollups, err := tx.top(layout.Rollups).CreateBucketIfNotExists(name)
	if err != nil {
		return 0, err
	}
	if k, _ := rollups.Cursor().First(); k == nil {
		days = 1
	}
	if err := w.fillDay(b, rollups, name, rows); err != nil {
		return 0, err
	}
	rollup := rollup.NewDay()
	for i := range rows {
		r := &rows[i]
		t := &tags[r.tag]
		id, err := w.put(b, name, r, t)
		if err != nil {
			return 0, err
		}
		if !r.known {
			rollup.Add(&db.secret, record.NanosOf(t.EventTime, day), id, t)
		}
	}
	if err := storeRollup(rollup, rollups, name); err != nil {
		return 0, fmt.Errorf("counts of %s: %w", day, err)
	}
	for id, t := range rollup.Claims {
		c := total[id]
		c.Add(record.TagTotal{Tags: t.Tags, First: record.TimeOf(day, t.First), Last: record.TimeOf(day, t.Last)})
		total[id] = c
	}
	return days, nil
}

// fillDay sets how full to leave the pages of the day of the first rows.
func (w *tagWriter) fillDay(b, rollups *bucket, name []byte, rows []tagRow) error {
	n := sameDay(rows)
	events := sort.Search(n, func(i int) bool { return record.OfFinding(rows[i].key[:]) })
	ofEvents, ofFindings := addedTags{rows: rows[:events]}, addedTags{rows: rows[events:n]}
	err := eachClaim(rollups, name, func(id uint32, t record.Tally) {
		if c := w.claims.claim(id); c != nil && c.Kind == ttpcron.Correlation {
			ofFindings.before += t.Tags
		} else {
			ofEvents.before += t.Tags
		}
	})
	if err != nil {
		return err
	}
	last, _ := keyBefore(b.Cursor(), record.TagsFrom(true, 0))
	ofEvents.after(last)
	if last, _ = b.Cursor().Last(); record.OfFinding(last) {
		ofFindings.after(last)
	}
	b.fill(ascendingFill)
	if 2*(ofEvents.between+ofFindings.between) > n {
		most := ofEvents
		if ofFindings.between > most.between {
			most = ofFindings
		}
		b.fill(scatteredFill(most.before, most.between))
	}
	rollups.fill(scatteredFill(ofEvents.before+ofFindings.before, n))
	return nil
}

// addedTags are the rows that are added to the tags of events of a day, or of findings.
type addedTags struct {
	rows    []tagRow
	before  int // tags that there are
	between int // rows that come before the last of these
}

// after counts the rows that come before the last tag, or nil for none.
func (a *addedTags) after(last []byte) {
	if last != nil {
		a.between = sort.Search(len(a.rows), func(i int) bool { return bytes.Compare(a.rows[i].key[:], last) > 0 })
	}
}

// scatteredFill is how full bbolt leaves the pages of a bucket that gets entries
// everywhere: it splits a page that is too large into such parts. If these were full, the
// last would be nearly empty.
func scatteredFill(before, added int) float64 {
	if before == 0 {
		return ascendingFill
	}
	size := ascendingFill * (1 + float64(added)/float64(before)) // of a page that was full
	return size / math.Ceil(size/ascendingFill)
}

// arena hands out memory for values, which bbolt needs until the transaction
// ends.
type arena struct {
	buf   []byte
	start int
}

const arenaChunk = 256 << 10

// begin starts a value at the end of buf.
func (a *arena) begin() {
	if cap(a.buf)-len(a.buf) < 4096 {
		a.buf = make([]byte, 0, arenaChunk)
	}
	a.start = len(a.buf)
}

// end returns the value appended to buf since begin.
func (a *arena) end() []byte { return a.buf[a.start:len(a.buf):len(a.buf)] }
