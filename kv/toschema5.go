package kv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/storefile"
)

// Schema 5 identifies events differently and stores tags that refer to their events. The
// upgrade rewrites one day after another, several days in a transaction, because all at
// once would need memory for the whole history. A record in the bucket meta says which
// days are done, and that only the upgrade may use the store.
//
// Tags of stored events are dropped, and the next run makes them again, since unknown
// rules now cover their days. Tags whose events are gone are unchanged.

// upgradeRows is how many events and tags one transaction of the upgrade handles, unless
// it is one day.
var upgradeRows = 100_000

// upgraded is called after each transaction of an upgrade except the last; for tests.
var upgraded = func() error { return nil }

// The free disk space that an upgrade needs to begin, in bytes and as a part of the file:
// its writes fit into the pages that it frees, except for its first transactions.
const (
	upgradeRoom  = 64 << 20
	upgradeShare = 8
)

// hasRoom reports whether there is room on the disk for an upgrade.
func (db *DB) hasRoom() error {
	info, err := os.Stat(db.path)
	if err != nil {
		return err
	}
	need := max(upgradeRoom, info.Size()/upgradeShare)
	if free, known := storefile.FreeSpace(filepath.Dir(db.path)); known && free < need {
		return fmt.Errorf("it needs %d MiB of room beside the store and %d MiB are free: %w", need>>20, free>>20, syscall.ENOSPC)
	}
	return nil
}

// toSchema5 upgrades a store of schema 4, or continues with that.
func (db *DB) toSchema5(ctx context.Context) error {
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := db.update(ctx, func(tx *txn) (err error) {
			done, err = db.upgradeDays(ctx, tx)
			return err
		})
		if err == nil && !done {
			err = upgraded()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// upgradeDays upgrades the next days, and finishes when there are no more.
func (db *DB) upgradeDays(ctx context.Context, tx *txn) (done bool, err error) {
	meta := tx.top(layout.Meta)
	next := ttpcron.Day(0)
	if rec := meta.Get(record.KeyUpgrade); rec != nil {
		if next, err = record.ReadUpgrade(rec); err != nil {
			return false, err
		}
	}
	for left := upgradeRows; left > 0; {
		day, ok, err := nextDay(tx, next)
		if err != nil {
			return false, err
		}
		if !ok {
			return true, db.finishUpgrade(ctx, tx)
		}
		rows, err := db.upgradeDay(tx, day)
		if err != nil {
			return false, fmt.Errorf("%s: %w", day, err)
		}
		left, next = left-rows, day+1
	}
	if err := meta.Put(record.KeySchema, record.AppendSchema(nil, Schema)); err != nil {
		return false, err
	}
	return false, meta.Put(record.KeyUpgrade, record.AppendUpgrade(nil, next))
}

// nextDay returns the first day from one on that has events or tags.
func nextDay(tx *txn, from ttpcron.Day) (first ttpcron.Day, ok bool, err error) {
	look := func(c *cursor) error {
		k, _ := c.Seek(record.DayKey(from))
		if k == nil {
			return nil
		}
		day, is := record.ParseDay(k)
		if !is {
			return record.Damagef("%x is no day", k)
		}
		if !ok || day < first {
			first, ok = day, true
		}
		return nil
	}
	if err := look(tx.top(layout.Tags).Cursor()); err != nil {
		return 0, false, err
	}
	days := tx.top(layout.DayCounts)
	err = days.ForEachBucket(func(kind []byte) error { return look(days.Bucket(kind).Cursor()) })
	return first, ok, err
}

// upgradeDay upgrades a day, and returns the number of its events and tags.
func (db *DB) upgradeDay(tx *txn, day ttpcron.Day) (rows int, err error) {
	stored := map[uint64]struct{}{} // by their names in schema 4
	var kinds []ttpcron.SourceKind
	days := tx.top(layout.DayCounts)
	err = days.ForEachBucket(func(kind []byte) error {
		if days.Bucket(kind).Get(record.DayKey(day)) != nil {
			kinds = append(kinds, ttpcron.SourceKind(kind))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, kind := range kinds {
		n, err := db.upgradeEvents(tx, record.KindDay{Kind: kind, Day: day}, stored)
		if err != nil {
			return rows, fmt.Errorf("%s events: %w", kind, err)
		}
		rows += n
	}
	n, dropped, err := db.upgradeTags(tx, day, stored)
	for _, kind := range kinds {
		if err == nil {
			err = uncover(tx, record.KindDay{Kind: kind, Day: day}, dropped[kind])
		}
	}
	return rows + n, err
}

// upgradeEvents rewrites the events of a kind and day, and records their former names.
// Events that have become one are merged into the first.
func (db *DB) upgradeEvents(tx *txn, at record.KindDay, stored map[uint64]struct{}) (n int, err error) {
	name, day := []byte(at.Kind), record.DayKey(at.Day)
	rest := newDayRewrite(db, at)
	joined, err := db.joined(tx, at)
	if err != nil {
		return 0, err
	}
	err = deletePrefix(tx.top(layout.History).Bucket(name), day, func(k, rec []byte) error {
		_, first, _ := record.ParseBlockKey(k)
		events, err := db.blocks.Read(at.Kind, at.Day, first, rec)
		if err != nil {
			return fmt.Errorf("block %d: %w", first, err)
		}
		for i := range events {
			e := &events[i]
			n++
			old := e.ID
			if old == "" {
				old = record.ContentID4(e)
			}
			stored[db.secret.Named(e.Kind, old)] = struct{}{}
			if d := record.IdentityOf(&db.secret, e); d.Content {
				if one := joined[d.Hash]; one != nil {
					if e.Seq != one.Seq {
						continue
					}
					e = one
				}
			} else if e.ID == "" {
				e.ID = old // without a time of its own, records that are alike were events of their own
			}
			rest.keep(e)
		}
		return nil
	})
	if err != nil {
		return n, err
	}
	if b := tx.top(layout.Identity).Bucket(name); b != nil {
		if err := deletePrefix(b, day, nil); err != nil {
			return n, err
		}
	}
	return n, rest.store(tx)
}

// joined returns the events of a kind and day that several have become, each with the data
// of all of them, by the hash of their id.
func (db *DB) joined(tx *txn, at record.KindDay) (map[uint64]*ttpcron.Event, error) {
	seen, several := map[uint64]struct{}{}, map[uint64]*ttpcron.Event{}
	look := func(do func(e *ttpcron.Event, hash uint64)) error {
		c := tx.top(layout.History).Bucket([]byte(at.Kind)).Cursor()
		day := record.DayKey(at.Day)
		for k, rec := c.Seek(day); bytes.HasPrefix(k, day); k, rec = c.Next() {
			_, first, _ := record.ParseBlockKey(k)
			events, err := db.blocks.Read(at.Kind, at.Day, first, rec)
			if err != nil {
				return fmt.Errorf("block %d: %w", first, err)
			}
			for i := range events {
				if d := record.IdentityOf(&db.secret, &events[i]); d.Content {
					do(&events[i], d.Hash)
				}
			}
		}
		return nil
	}
	err := look(func(e *ttpcron.Event, hash uint64) {
		if _, twice := seen[hash]; twice {
			several[hash] = nil
			return
		}
		seen[hash] = struct{}{}
	})
	if err != nil || len(several) == 0 {
		return nil, err
	}
	err = look(func(e *ttpcron.Event, hash uint64) {
		switch one, is := several[hash]; {
		case !is:
		case one == nil:
			first := *e
			several[hash] = &first
		default:
			one.Learn(e)
		}
	})
	return several, err
}

// uncover turns a day's coverage into that of unknown rules. Rules have looked at a day
// whose tags were dropped, even if nothing says so.
func uncover(tx *txn, at record.KindDay, dropped bool) error {
	b, err := tx.top(layout.Coverage).CreateBucketIfNotExists([]byte(at.Kind))
	if err != nil {
		return err
	}
	key := record.DayKey(at.Day)
	list, err := record.ReadCoverage(at, b.Get(key))
	if err != nil {
		return err
	}
	if dropped && len(list) == 0 {
		h, err := record.ReadDay(at, tx.top(layout.DayCounts).Bucket([]byte(at.Kind)).Get(key))
		if err != nil {
			return err
		}
		list = []ttpcron.Coverage{{Kind: at.Kind, Day: at.Day, UpTo: h.LastSeq}}
	}
	if len(list) == 0 {
		return nil
	}
	for i, c := range list {
		list[i] = c.By("")
	}
	return b.Put(key, record.AppendCoverage(nil, at, list))
}

// upgradeTags drops a day's tags whose events are stored, and recounts the others. It
// returns their number, and the kinds of which some are dropped.
func (db *DB) upgradeTags(tx *txn, day ttpcron.Day, stored map[uint64]struct{}) (n int, dropped map[ttpcron.SourceKind]bool, err error) {
	name := record.DayKey(day)
	tags, rollups := tx.top(layout.Tags), tx.top(layout.Rollups)
	b := tags.Bucket(name)
	if b == nil {
		return 0, nil, nil
	}
	dropped = map[ttpcron.SourceKind]bool{}
	var kept [][2][]byte
	read := db.tagReader()
	defer read.done()
	err = b.ForEach(func(k, rec []byte) error {
		n++
		t, _, _, err := read.read(tx, day, k, rec)
		if err != nil {
			return err
		}
		if _, ok := stored[db.secret.Named(t.SourceKind, t.SourceID)]; ok {
			dropped[t.SourceKind] = true
		} else {
			kept = append(kept, [2][]byte{bytes.Clone(k), bytes.Clone(rec)})
		}
		return nil
	})
	if err != nil || len(kept) == n {
		return n, dropped, err
	}
	if len(kept) == 0 {
		if err := rollups.DeleteBucket(name); err != nil {
			return n, dropped, err
		}
		return n, dropped, tags.DeleteBucket(name)
	}
	if err := tags.DeleteBucket(name); err != nil {
		return n, dropped, err
	}
	if b, err = tags.CreateBucket(name); err != nil {
		return n, dropped, err
	}
	for _, t := range kept {
		if err := b.Put(t[0], t[1]); err != nil {
			return n, dropped, err
		}
	}
	claims, err := db.claims.with(tx)
	if err != nil {
		return n, dropped, err
	}
	return n, dropped, db.recountTagsOf(tx, day, claims, claimChanges{}) // the totals come last
}

// finishUpgrade rebuilds the counts and indexes over all days.
func (db *DB) finishUpgrade(ctx context.Context, tx *txn) error {
	kinds := tx.top(layout.DayCounts)
	var names []ttpcron.SourceKind
	err := kinds.ForEachBucket(func(kind []byte) error { names = append(names, ttpcron.SourceKind(kind)); return nil })
	if err != nil {
		return err
	}
	for _, kind := range names {
		if err := recountKind(tx, kind); err != nil {
			return err
		}
	}
	if err := db.reindexNamed(ctx, tx, record.NamedIndex()); err != nil {
		return err
	}
	if err := recountTags(tx); err != nil {
		return err
	}
	meta := tx.top(layout.Meta)
	if err := meta.Delete(record.KeyUpgrade); err != nil {
		return err
	}
	return meta.Put(record.KeySchema, record.AppendSchema(nil, Schema))
}

// recountTags sets the totals of claims, and of days with tags, to the sums of the
// rollups.
func recountTags(tx *txn) error {
	totals, rollups := tx.top(layout.Totals), tx.top(layout.Rollups)
	if err := deletePrefix(totals, []byte{record.RollupClaim}, nil); err != nil {
		return err
	}
	sum, days := map[uint32]record.TagTotal{}, 0
	err := rollups.ForEachBucket(func(name []byte) error {
		day, ok := record.ParseDay(name)
		if !ok {
			return record.Damagef("%x is no day", name)
		}
		days++
		return eachClaim(rollups.Bucket(name), name, func(id uint32, t record.Tally) {
			total := sum[id]
			total.Add(record.TagTotal{Tags: t.Tags, First: record.TimeOf(day, t.First), Last: record.TimeOf(day, t.Last)})
			sum[id] = total
		})
	})
	if err != nil {
		return err
	}
	for id, t := range sum {
		if err := addTotal(totals, record.ClaimKey(record.RollupClaim, id), t); err != nil {
			return err
		}
	}
	return putTagDays(tx, days)
}
