package kv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Prune selects the days that are removed from a store.
type Prune struct {
	// EventsBefore removes the events of every earlier day; 0 removes none.
	EventsBefore ttpcron.Day
	// TagsBefore removes the tags of every earlier day. It must not be after EventsBefore,
	// because the next run would make the tags again from the events.
	TagsBefore ttpcron.Day

	DryRun   bool
	Progress func(Progress) // in days; nil for none
}

// PruneReport counts what was removed, or would be.
type PruneReport struct {
	Kinds   []PrunedKind // that had events to remove
	Tags    int
	TagDays int
	// Days counts, over all kinds, the days that lose all events, LooseDays the days that
	// lose only events without tags.
	Days, LooseDays int
	// The earliest days of each sort, if there are any.
	FirstDay, FirstLooseDay, FirstTagDay ttpcron.Day
}

// PrunedKind counts the removed events of one kind.
type PrunedKind struct {
	Kind   ttpcron.SourceKind
	Days   int
	Events int
	// Waiting is how many of the events no run has looked at: they arrived after the
	// checkpoint and are not covered. The true number may be lower, never higher.
	Waiting int
}

// The most that one transaction of a pruning removes.
const (
	pruneEvents = 200_000
	pruneTags   = 100_000
	pruneDays   = 8192
)

// Prune removes old days from the store, the earliest first, in transactions of some days
// each. If it is stopped or killed, it has done a part and can be repeated. The space
// becomes free within the file; Compact returns it to the disk.
//
// An event stays as long as its tags, since they would lack their text without it. On days
// from TagsBefore on only events without tags are removed.
//
// Removed events do not come back: from then on, until ForgetHorizon, Import skips every
// event of any kind that happened before the end of the last day that lost events, and
// counts it as BeforeHorizon. Ids that a source gave stay taken, and checkpoints stay. Base
// matches are removed with their events, but what correlations made of them stays.
func (db *DB) Prune(ctx context.Context, p Prune) (PruneReport, error) {
	if p.TagsBefore > p.EventsBefore {
		return PruneReport{}, errors.New("tags cannot be kept for less time than their events: the next run would make them again")
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	var report PruneReport
	plan, total, err := db.planPrune(ctx, p, &report)
	if err == nil && !p.DryRun {
		done := int64(0)
		for _, part := range plan {
			if err = db.update(ctx, part.do); err != nil {
				break
			}
			done += int64(part.days)
			if p.Progress != nil {
				p.Progress(Progress{Place: part.place, Done: done, Total: total})
			}
		}
		if err == nil {
			err = db.releaseHeld(ctx, p)
		}
	}
	if err != nil {
		return report, fmt.Errorf("prune: %w", err)
	}
	return report, nil
}

// prunePart is one transaction of a pruning.
type prunePart struct {
	place string
	days  int
	do    func(tx *txn) error
}

// planPrune lists and counts the work.
func (db *DB) planPrune(ctx context.Context, p Prune, report *PruneReport) (plan []prunePart, total int64, err error) {
	// Tags go first: if the pruning is interrupted, a day may have events without tags,
	// never tags without events.
	plan, err = db.planPruneTags(ctx, p.TagsBefore, report)
	if err != nil {
		return nil, 0, err
	}
	total = int64(report.TagDays)
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return nil, 0, err
	}
	cursors, err := db.Cursors(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, kind := range kinds {
		cursor := uint64(0)
		for _, c := range cursors {
			if c.Kind == kind {
				cursor = c.Seq
			}
		}
		days, err := db.planPruneKind(ctx, p, kind, cursor, report)
		if err != nil {
			return nil, 0, err
		}
		for _, part := range days {
			total += int64(part.days)
		}
		plan = append(plan, days...)
	}
	return plan, total, nil
}

// planPruneKind lists the work on the events of a kind.
func (db *DB) planPruneKind(ctx context.Context, p Prune, kind ttpcron.SourceKind, cursor uint64, report *PruneReport) (plan []prunePart, err error) {
	sum := PrunedKind{Kind: kind}
	var group dayGroup
	flush := func() {
		if days := group.days; len(days) > 0 {
			plan = append(plan, prunePart{string(kind), len(days), func(tx *txn) error { return db.pruneEvents(tx, kind, days, p.TagsBefore) }})
		}
		group = dayGroup{}
	}
	eerr := db.eachDay(ctx, kind, func(d ttpcron.DayHistory) bool {
		if d.Day >= p.EventsBefore {
			return false
		}
		goes, first, days := d.Events, &report.FirstDay, &report.Days
		if d.Day >= p.TagsBefore {
			first, days = &report.FirstLooseDay, &report.LooseDays
			if goes, err = db.countLoose(ctx, &d); err != nil {
				return false
			}
		}
		if goes == 0 {
			return true
		}
		if *days == 0 || d.Day < *first {
			*first = d.Day
		}
		*days++
		sum.Days++
		sum.Events += goes
		sum.Waiting += min(waiting(d, cursor), goes)
		size := 0
		if size, err = db.blockBytes(ctx, record.KindDay{Kind: kind, Day: d.Day}); err != nil {
			return false
		}
		if group.add(d, size) {
			flush()
		}
		return true
	})
	flush()
	if sum.Days > 0 {
		report.Kinds = append(report.Kinds, sum)
	}
	return plan, cmp.Or(err, eerr)
}

// dayGroup is some days whose events are removed in one transaction.
type dayGroup struct {
	days          []ttpcron.Day
	events, bytes int
}

// add adds a day, with the size of its blocks, and reports whether the transaction is
// full.
func (g *dayGroup) add(d ttpcron.DayHistory, bytes int) (full bool) {
	g.days, g.events, g.bytes = append(g.days, d.Day), g.events+d.Events, g.bytes+bytes
	return g.events >= pruneEvents || g.bytes >= rewriteBytes || len(g.days) == pruneDays
}

// blockBytes returns the size of the blocks of a kind and day.
func (db *DB) blockBytes(ctx context.Context, at record.KindDay) (n int, err error) {
	err = db.view(ctx, func(tx *txn) error {
		b := tx.top(layout.History).Bucket([]byte(at.Kind))
		if b == nil {
			return nil
		}
		day := record.DayKey(at.Day)
		c := b.Cursor()
		for k, rec := c.Seek(day); bytes.HasPrefix(k, day); k, rec = c.Next() {
			n += len(rec)
		}
		return ctx.Err()
	})
	return n, err
}

// countLoose counts the events of a kind and day that have no tags. Days that were
// pruned before are no exception: events lose tags when rules change.
func (db *DB) countLoose(ctx context.Context, d *ttpcron.DayHistory) (n int, err error) {
	at := record.KindDay{Kind: d.Kind, Day: d.Day}
	err = db.view(ctx, func(tx *txn) error {
		tags, err := db.countTags(tx, at)
		if n = d.Events; err != nil || tags == 0 {
			return err
		}
		tagged, err := db.taggedEvents(tx, at)
		n = max(0, d.Events-tagged.Len())
		return err
	})
	return n, err
}

// countTags counts the tags of the events of a kind and day.
func (db *DB) countTags(tx *txn, at record.KindDay) (n int, err error) {
	day := record.DayKey(at.Day)
	b := tx.top(layout.Rollups).Bucket(day)
	if b == nil {
		return 0, nil
	}
	claims, err := db.claims.all(tx)
	if err != nil {
		return 0, err
	}
	err = eachClaim(b, day, func(id uint32, t record.Tally) {
		if id > 0 && uint64(id) <= uint64(len(claims)) && claims[id-1].Kind == at.Kind {
			n += t.Tags
		}
	})
	return n, err
}

// taggedEvents returns the arrival numbers of the events of a kind and day that
// have tags.
func (db *DB) taggedEvents(tx *txn, at record.KindDay) (*record.SeqSet, error) {
	set := &record.SeqSet{}
	b := tx.top(layout.Tags).Bucket(record.DayKey(at.Day))
	if b == nil {
		return set, nil
	}
	claims, err := db.claims.all(tx)
	if err != nil {
		return nil, err
	}
	err = b.ForEach(func(k, rec []byte) error {
		id, seq, err := tagOf(claims, k, rec)
		if err == nil && seq != 0 && claims[id-1].Kind == at.Kind {
			set.Add(seq)
		}
		return err
	})
	return set, err
}

// waiting returns an upper bound of the day's events that no run has looked at.
func waiting(d ttpcron.DayHistory, cursor uint64) int {
	seen := cursor
	slices.SortFunc(d.Coverage, func(a, b ttpcron.Coverage) int { return cmp.Compare(a.After, b.After) })
	for _, c := range d.Coverage {
		if c.After <= max(seen, d.FirstSeq-1) && !c.Since.After(d.Earliest) {
			seen = max(seen, c.UpTo)
		}
	}
	if seen >= d.LastSeq {
		return 0
	}
	return int(min(uint64(d.Events), d.LastSeq-seen))
}

// pruneEvents removes the events of some days of a kind, and moves the kind's horizon past
// the last of them.
func (db *DB) pruneEvents(tx *txn, kind ttpcron.SourceKind, days []ttpcron.Day, tagsBefore ttpcron.Day) error {
	p := record.Pruned{Kind: kind}
	if rec := tx.top(layout.Pruned).Get([]byte(kind)); rec != nil {
		var err error
		if p, err = record.ReadPruned([]byte(kind), rec); err != nil {
			return err
		}
	}
	for _, day := range days {
		at, tagged := record.KindDay{Kind: kind, Day: day}, &record.SeqSet{}
		if day >= tagsBefore {
			var err error
			if tagged, err = db.taggedEvents(tx, at); err != nil {
				return err
			}
		}
		n, err := db.takeOut(tx, at, func(e *ttpcron.Event) bool { return !tagged.Has(e.Seq) }, func(_ *ttpcron.Event, d *record.Identity) {
			if !d.Content { // the id stays taken
				p.Named.Add(d.Hash, d.Value())
			}
		}, nil)
		if err != nil {
			return fmt.Errorf("%s events of %s: %w", kind, day, err)
		}
		p.Events += n
		p.Before = max(p.Before, day+1)
	}
	p.At, p.Awaited = db.now(), 0
	if err := tx.top(layout.Pruned).Put([]byte(kind), record.AppendPruned(nil, &p)); err != nil {
		return err
	}
	if err := recountKind(tx, kind); err != nil {
		return err
	}
	if err := dropMatchDays(tx); err != nil {
		return err
	}
	return dropArrivals(tx)
}
