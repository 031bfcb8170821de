package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// Commit adds the tags that the store does not have, and the records that go with
// them; inserted counts the former. A tag that exists stays as it was first
// written. A tag that has no kind, source or time of the years 1970 to 9999, or a
// confidence outside 0 to 1, fails the call.
//
// A commit that brings nothing new writes nothing: no tag, coverage or cursor
// that differs from what is stored, and a Run whose ID is stored already and that
// is not finished. So the record of a run that was killed may lack the counts of
// its last commits.
func (db *DB) Commit(ctx context.Context, c ttpcron.Commit) (inserted int, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	inserted, err = db.commit(ctx, c)
	if err != nil {
		return 0, err
	}
	return inserted, nil
}

func (db *DB) commit(ctx context.Context, c ttpcron.Commit) (inserted int, err error) {
	rows, err := sortTags(c.Tags)
	if err != nil {
		return 0, err
	}
	var companions []companion
	err = db.view(ctx, func(tx *txn) error {
		if err := findTags(tx, rows); err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r tagRow) bool { return r.known })
		if companions, err = newCompanions(tx, c); err != nil {
			return err
		}
		return db.claims.load(tx)
	})
	if err != nil || len(rows) == 0 && len(companions) == 0 {
		return 0, err
	}
	if c.Run != nil && (len(companions) == 0 || !companions[len(companions)-1].isRun) {
		companions = append(companions, runCompanion(c.Run)) // something is written: the counts come along
	}
	claims := db.claims.begin()
	err = db.update(ctx, func(tx *txn) error {
		if err := db.addTags(tx, c.Tags, rows, claims); err != nil {
			return err
		}
		for _, m := range companions {
			if err := m.put(tx); err != nil {
				return err
			}
		}
		return claims.store(tx)
	})
	if err != nil {
		return 0, err
	}
	claims.committed()
	return len(rows), nil
}

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
		b.fill(ascendingFill)
		rollups, err := tx.top(layout.Rollups).CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		if k, _ := rollups.Cursor().First(); k == nil {
			newDays++
		}
		rollup := rollup.NewDay()
		for ; len(rows) > 0 && rows[0].day == day; rows = rows[1:] {
			r := &rows[0]
			t := &tags[r.tag]
			id := claims.id(record.Claim{Kind: t.SourceKind, Claim: t.Claim})
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

// companion is a small record that a commit writes beside its tags.
type companion struct {
	isRun bool
	put   func(tx *txn) error
}

func runCompanion(r *ttpcron.Run) companion {
	return companion{true, func(tx *txn) error { return putRun(tx, r) }}
}

// newCompanions returns what differs from the records that are stored; the run, if it
// is among them, comes last.
func newCompanions(tx *txn, c ttpcron.Commit) (companions []companion, err error) {
	if companions, err = newCoverage(tx, c); err != nil {
		return nil, err
	}
	for i := range c.Cursors {
		v := &c.Cursors[i]
		if v.Kind == "" {
			return nil, errors.New("cursor without kind")
		}
		if !bytes.Equal(tx.top(layout.Cursors).Get([]byte(v.Kind)), record.AppendCursor(nil, v)) {
			companions = append(companions, companion{put: func(tx *txn) error { return putCursor(tx, v) }})
		}
	}
	if c.Run == nil {
		return companions, nil
	}
	if c.Run.ID == "" {
		return nil, errors.New("run without id")
	}
	if old := tx.top(layout.Runs).Get([]byte(c.Run.ID)); old == nil || !c.Run.Finished.IsZero() && !bytes.Equal(old, record.AppendRun(nil, c.Run)) {
		companions = append(companions, runCompanion(c.Run))
	}
	return companions, nil
}

func addClaimTotals(tx *txn, total map[uint32]record.TagTotal, newDays int) error {
	b := tx.top(layout.Totals)
	for id, t := range total {
		k := record.ClaimKey(record.RollupClaim, id)
		if err := addTotal(b, k, t); err != nil {
			return err
		}
	}
	if newDays == 0 {
		return nil
	}
	days, err := tagDays(tx)
	if err != nil {
		return err
	}
	return putTagDays(tx, days+newDays)
}
