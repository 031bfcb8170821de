package kv

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

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
}

// sortTags gives the rows of distinct tags in the order of their keys: bbolt
// takes keys in order several times faster than at random.
func sortTags(tags []ttpcron.Tag) ([]tagRow, error) {
	rows, err := makeRows(tags)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b tagRow) int {
		if a.day != b.day {
			return int(a.day) - int(b.day)
		}
		return bytes.Compare(a.key[:], b.key[:])
	})
	return slices.CompactFunc(rows, func(a, b tagRow) bool { return a.day == b.day && a.key == b.key }), nil
}

// makeRows computes the keys of tags. Large batches are shared out: a UUID is a
// SHA-1, and while one is committed little else may be going on.
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

// fillRows computes the keys of tags, the first of which has the index given.
func fillRows(rows []tagRow, tags []ttpcron.Tag, first int) error {
	for i := range tags {
		t := &tags[i]
		if err := record.CheckTag(t); err != nil {
			return fmt.Errorf("tag of %.80q by rule %.80q: %w", t.SourceID, t.RuleID, err)
		}
		day := ttpcron.DayOf(t.EventTime)
		rows[i] = tagRow{day: day, key: record.MakeTagKey(record.NanosOf(t.EventTime, day), t.UUID()), tag: first + i}
	}
	return nil
}

// findTags marks the rows that the store has. It walks rows and keys side by
// side, since a replay meets the tags in the order in which they lie.
func findTags(tx *txn, rows []tagRow) error {
	for len(rows) > 0 {
		day := rows[0].day
		n := 1
		for n < len(rows) && rows[n].day == day {
			n++
		}
		if b := tx.top(layout.Tags).Bucket(record.DayKey(day)); b != nil {
			findInDay(b.Cursor(), rows[:n])
		}
		rows = rows[n:]
	}
	return nil
}

func findInDay(c *cursor, rows []tagRow) {
	k, _ := c.Seek(rows[0].key[:])
	for i := range rows {
		want := rows[i].key[:]
		order := bytes.Compare(k, want)
		if k != nil && order < 0 {
			// The next key is most often the one; if not, look from the top.
			if k, _ = c.Next(); k != nil && bytes.Compare(k, want) < 0 {
				k, _ = c.Seek(want)
			}
			order = bytes.Compare(k, want)
		}
		if k == nil {
			return // the rest lies after the day's last tag
		}
		rows[i].known = order == 0
	}
}

// addTags stores tags that the store does not have, and counts them.
func (db *DB) addTags(tx *txn, tags []ttpcron.Tag, rows []tagRow, claims *newClaims) error {
	var memory arena
	var d record.Deriver
	total := map[uint32]record.TagTotal{}
	newDays := 0
	for len(rows) > 0 {
		day := rows[0].day
		name := record.DayKey(day)
		b, err := tx.top(layout.Tags).CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		rollups, err := tx.top(layout.Rollups).CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		if k, _ := rollups.Cursor().First(); k == nil {
			newDays++
		}
		if err := fillDay(b, rollups, name, rows); err != nil {
			return err
		}
		rollup := rollup.NewDay()
		for ; len(rows) > 0 && rows[0].day == day; rows = rows[1:] {
			r := &rows[0]
			t := &tags[r.tag]
			id := claims.id(record.ClaimOf(t))
			memory.begin()
			memory.buf = record.AppendTag(memory.buf, name, &r.key, id, t, &d)
			if err := b.Put(r.key[:], memory.end()); err != nil {
				return err
			}
			rollup.Add(&db.secret, record.NanosOf(t.EventTime, day), id, t)
		}
		if err := storeRollup(rollup, rollups, name); err != nil {
			return fmt.Errorf("counts of %s: %w", day, err)
		}
		for id, t := range rollup.Claims {
			c := total[id]
			c.Add(record.TagTotal{Tags: t.Tags, First: record.TimeOf(day, t.First), Last: record.TimeOf(day, t.Last)})
			total[id] = c
		}
	}
	return addClaimTotals(tx, total, newDays)
}

// fillDay says how full the pages of a day are left to which the first of the rows
// are added.
func fillDay(b, rollups *bucket, name []byte, rows []tagRow) error {
	n := 1
	for n < len(rows) && rows[n].day == rows[0].day {
		n++
	}
	before := 0
	if err := eachClaim(rollups, name, func(_ uint32, t record.Tally) { before += t.Tags }); err != nil {
		return err
	}
	between := n // of the rows: those that do not come at the end
	if last, _ := b.Cursor().Last(); last != nil {
		between = sort.Search(n, func(i int) bool { return bytes.Compare(rows[i].key[:], last) > 0 })
	}
	b.fill(ascendingFill)
	if 2*between > n {
		b.fill(scatteredFill(before, between))
	}
	rollups.fill(scatteredFill(before, n))
	return nil
}

// scatteredFill is how full bbolt shall leave the pages of a bucket to which entries
// are added all over: it splits a page that has become too large into such parts, and
// if these were full the last would be nearly empty.
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

// HasTags counts the distinct tags among those given that the store has.
func (db *DB) HasTags(ctx context.Context, tags []ttpcron.Tag) (known int, err error) {
	rows, err := sortTags(tags)
	if err == nil {
		err = db.view(ctx, func(tx *txn) error { return findTags(tx, rows) })
	}
	if err != nil {
		return 0, fmt.Errorf("look up %d tags: %w", len(tags), err)
	}
	for i := range rows {
		if rows[i].known {
			known++
		}
	}
	return known, nil
}
