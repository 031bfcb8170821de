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

// Prune says which days are taken out of a store.
type Prune struct {
	// EventsBefore takes out the events of every earlier day; 0 takes out none.
	EventsBefore ttpcron.Day
	// TagsBefore takes out the tags of every earlier day. It is not after
	// EventsBefore: the next run would make them again of the events.
	TagsBefore ttpcron.Day

	DryRun   bool
	Progress func(Progress) // in days; nil for none
}

// PruneReport counts what was taken out, or would be.
type PruneReport struct {
	Kinds   []PrunedKind // that had events to take out
	Tags    int
	TagDays int
	// The earliest days with events, and with tags, to take out, if there are any.
	FirstDay, FirstTagDay ttpcron.Day
}

// PrunedKind counts the events of one kind that were taken out.
type PrunedKind struct {
	Kind   ttpcron.SourceKind
	Days   int
	Events int
	// Waiting is how many of the events no run has looked at: they arrived after
	// the checkpoint and nothing covers them. It may be fewer, never more.
	Waiting int
}

// The most that one transaction of a pruning takes out.
const (
	pruneEvents = 200_000
	pruneTags   = 100_000
	pruneDays   = 8192
)

// Prune takes old days out of the store, the earliest first, in transactions of
// some days each: stopped or killed it has done a part, and can be repeated. The
// room becomes free within the file; Compact gives it back.
//
// An event that has tags stays as long as they do, since they lack their text
// without it: of days from TagsBefore on just the other events are taken out.
// Events that were taken out do not come back: from then on Import passes over
// every event of the kind that happened before the last day taken out ended, and
// counts it as BeforeHorizon, until ForgetHorizon. Ids that a source gave stay
// taken. The checkpoints stay.
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

// planPrune lists what is to be done, and counts it.
func (db *DB) planPrune(ctx context.Context, p Prune, report *PruneReport) (plan []prunePart, total int64, err error) {
	// Tags go first: what is left of a day if the pruning ends on its way are
	// events without tags, never tags without events.
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
	before := map[ttpcron.SourceKind]ttpcron.Day{}
	if err = db.view(ctx, func(tx *txn) error { before, err = horizons(tx); return err }); err != nil {
		return nil, 0, err
	}
	for _, kind := range kinds {
		cursor := uint64(0)
		for _, c := range cursors {
			if c.Kind == kind {
				cursor = c.Seq
			}
		}
		days, err := db.planPruneKind(ctx, p, kind, before[kind], cursor, report)
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

// planPruneKind lists what is to be done to the events of a kind.
func (db *DB) planPruneKind(ctx context.Context, p Prune, kind ttpcron.SourceKind, before ttpcron.Day, cursor uint64, report *PruneReport) (plan []prunePart, err error) {
	sum := PrunedKind{Kind: kind}
	var group []ttpcron.Day
	n := 0
	flush := func() {
		if days := group; len(days) > 0 {
			plan = append(plan, prunePart{string(kind), len(days), func(tx *txn) error { return db.pruneEvents(tx, kind, days, p.TagsBefore) }})
		}
		group, n = nil, 0
	}
	eerr := db.eachDay(ctx, kind, func(d ttpcron.DayHistory) bool {
		if d.Day >= p.EventsBefore {
			return false
		}
		kept := 0
		if d.Day >= p.TagsBefore {
			if d.Day < before {
				return true // it was done before, and nothing has come since
			}
			if kept, err = db.countTagged(ctx, record.KindDay{Kind: kind, Day: d.Day}); err != nil {
				return false
			}
		}
		if group = append(group, d.Day); kept < d.Events {
			if report.Kinds == nil && sum.Days == 0 || d.Day < report.FirstDay {
				report.FirstDay = d.Day
			}
			sum.Days++
			sum.Events += d.Events - kept
			sum.Waiting += min(waiting(d, cursor), d.Events-kept)
		}
		if n += d.Events; n >= pruneEvents || len(group) == pruneDays {
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

// countTagged counts the events of a kind and day that have tags.
func (db *DB) countTagged(ctx context.Context, at record.KindDay) (n int, err error) {
	err = db.view(ctx, func(tx *txn) error {
		set, err := db.taggedEvents(tx, at)
		if err == nil {
			n = set.Len()
		}
		return err
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
		id, seq, ok := record.PeekTag(rec)
		if !ok || id == 0 || uint64(id) > uint64(len(claims)) {
			return record.Damagef("tag %x cannot be read", k)
		}
		if seq != 0 && claims[id-1].Kind == at.Kind {
			set.Add(seq)
		}
		return nil
	})
	return set, err
}

// waiting returns how many of a day's events, at most, no run has looked at.
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

// pruneEvents takes out the events of some days of a kind, and moves the kind's
// horizon behind the last of them.
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
		if err := db.pruneDay(tx, at, tagged, &p); err != nil {
			return fmt.Errorf("%s events of %s: %w", kind, day, err)
		}
		p.Before = max(p.Before, day+1)
	}
	p.At = db.now()
	if err := tx.top(layout.Pruned).Put([]byte(kind), record.AppendPruned(nil, &p)); err != nil {
		return err
	}
	if err := recountKind(tx, kind); err != nil {
		return err
	}
	return dropArrivals(tx)
}

// pruneDay takes out the events of a kind and day but for those that have tags,
// with what is kept of them elsewhere.
func (db *DB) pruneDay(tx *txn, at record.KindDay, tagged *record.SeqSet, p *record.Pruned) error {
	name, day := []byte(at.Kind), record.DayKey(at.Day)
	history := tx.top(layout.History).Bucket(name)
	if history == nil {
		return record.Damage("the events are missing")
	}
	rest := newDayRewrite(db, at)
	err := deletePrefix(history, day, func(k, rec []byte) error {
		_, first, _ := record.ParseBlockKey(k)
		events, err := db.blocks.Read(at.Kind, at.Day, first, rec)
		if err != nil {
			return fmt.Errorf("block %d: %w", first, err)
		}
		for i := range events {
			if tagged.Has(events[i].Seq) {
				rest.keep(&events[i])
				continue
			}
			p.Events++
			if d := record.IdentityOf(&db.secret, &events[i]); !d.Content {
				p.Named.Add(d.Hash, d.Value())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	coverage := tx.top(layout.Coverage).Bucket(name)
	var covered []ttpcron.Coverage
	if rest.count.Events > 0 && coverage != nil {
		if covered, err = record.ReadCoverage(at, coverage.Get(day)); err != nil {
			return err
		}
	}
	err = eachOfKinds(tx, func(b *bucket) error {
		if b = b.Bucket(name); b == nil {
			return nil
		}
		return deletePrefix(b, day, nil) // the blocks are gone already
	})
	if err != nil || rest.count.Events == 0 {
		return err
	}
	if len(covered) > 0 {
		for i := range covered {
			c := &covered[i]
			*c = ttpcron.Coverage{Kind: c.Kind, Day: c.Day, RuleSet: c.RuleSet, After: c.After, UpTo: c.UpTo, Since: c.Since, Uncounted: true}
		}
		if err := coverage.Put(day, record.AppendCoverage(nil, at, covered)); err != nil {
			return err
		}
	}
	return rest.store(tx)
}

// deletePrefix deletes the keys that begin with a prefix, each after a look.
func deletePrefix(b *bucket, prefix []byte, look func(k, v []byte) error) error {
	var keys [][]byte
	c := b.Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if look != nil {
			if err := look(k, v); err != nil {
				return err
			}
		}
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// recountKind sets the total of a kind to what its days add up to. A kind of
// which nothing is left leaves no buckets.
func recountKind(tx *txn, kind ttpcron.SourceKind) error {
	if err := tx.top(layout.Totals).Delete(record.KindTotalKey(kind)); err != nil {
		return err
	}
	var sum record.KindTotal
	days := tx.top(layout.DayCounts).Bucket([]byte(kind))
	if days != nil {
		err := days.ForEach(func(k, rec []byte) error {
			day, _ := record.ParseDay(k)
			h, err := record.ReadDay(record.KindDay{Kind: kind, Day: day}, rec)
			if err != nil {
				return err
			}
			sum.Add(record.KindTotal{Events: h.Events, Days: 1, Earliest: h.Earliest, Latest: h.Latest})
			return nil
		})
		if err != nil {
			return err
		}
	}
	if sum.Days > 0 {
		return addKindTotal(tx, kind, sum)
	}
	return eachOfKinds(tx, func(b *bucket) error {
		if b.Bucket([]byte(kind)) == nil {
			return nil
		}
		return b.DeleteBucket([]byte(kind))
	})
}

// eachOfKinds calls do for the buckets that hold one for each kind.
func eachOfKinds(tx *txn, do func(b *bucket) error) error {
	for i := range layout.Buckets {
		if layout.Buckets[i].Nested != layout.Kinds {
			continue
		}
		if b := tx.top(layout.Buckets[i].Name); b != nil {
			if err := do(b); err != nil {
				return err
			}
		}
	}
	return nil
}
