package kv

import (
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/block"
)

// Import stores new events, in the given order, with ascending arrival numbers, and reports
// New, NewKinds, Known, Changed, BeforeHorizon, Rejected and RejectedKnown: a reject that
// was stored once, see [ttpcron.Reject.Identity], is not stored again.
//
// An event without ID gets its [ttpcron.Event.ContentID]. An event whose ID another event
// of its kind has, one that is not its [ttpcron.Event.SameRecord], is stored as
// "<id>~<first 12 hexadecimal digits of its RecordDigest>" and counts as Changed as well as
// New, or as Known when that one is stored too. One that was purged (see [DB.Purge]) is
// Known. The one that arrives first keeps the plain ID. For a pruned event only the digest
// is left to compare with. An event that fails [ttpcron.Event.Validate], or has more than
// 16,384 payload fields, is kept as a reject, after im.Rejects; Rejected counts both. An
// event that happened before what was pruned, of whatever kind (see [DB.Prune]), is skipped
// and counts as BeforeHorizon.
//
// A known event fills in what the stored one lacks, see [ttpcron.Event.Learn], and counts
// as Learned. The stored one keeps its arrival number and is no longer covered. A known
// event that contradicts it counts as Disputed. Filling in more than some MiB of blocks
// happens first, in separate transactions: a call that fails may have done a part of it,
// which need not be done again.
//
// The given events are not changed; read them back for ID and Seq. A call without anything
// new writes nothing; a position that differs only in SeenAt is not new.
func (db *DB) Import(ctx context.Context, im ttpcron.Batch) (ttpcron.ImportReport, error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	events, rejects := db.usable(im)
	report := ttpcron.ImportReport{Rejected: len(rejects)}
	var ids []identity
	var again cameAgain
	var fresh []ttpcron.Reject
	var lessons []lesson
	positionKnown := false
	err := db.view(ctx, func(tx *txn) (err error) {
		if events, err = withoutPruned(tx, events, &report); err != nil {
			return err
		}
		if again, err = arrivedAgain(tx, events); err != nil {
			return err
		}
		if ids, err = db.identify(tx, events); err != nil {
			return err
		}
		if lessons, err = db.learn(tx, events, ids, &report); err != nil {
			return err
		}
		if fresh, err = db.newRejects(tx, rejects); err != nil {
			return err
		}
		positionKnown = im.Position == nil || db.hasPosition(tx, im.Position)
		return nil
	})
	if err != nil {
		return ttpcron.ImportReport{}, fmt.Errorf("import %d events: %w", len(im.Events), err)
	}
	report.RejectedKnown = len(rejects) - len(fresh)
	kinds := ttpcron.NameCounts{}
	for i := range ids {
		switch {
		case ids[i].known:
			report.Known++
		case ids[i].changed:
			report.Changed++
			report.New++
			kinds[string(events[i].Kind)]++
		default:
			report.New++
			kinds[string(events[i].Kind)]++
		}
	}
	report.NewKinds.Add(kinds)
	if report.New == 0 && len(lessons) == 0 && len(fresh) == 0 && positionKnown {
		return report, nil
	}
	for n := lessonsAtOnce(lessons); err == nil && n < len(lessons); n = lessonsAtOnce(lessons) {
		part := lessons[:n]
		lessons = lessons[n:]
		err = db.update(ctx, func(tx *txn) error { return db.fillIn(tx, part) })
	}
	if err != nil {
		return ttpcron.ImportReport{}, fmt.Errorf("import %d events: %w", len(im.Events), err)
	}
	err = db.update(ctx, func(tx *txn) error {
		if err := db.fillIn(tx, lessons); err != nil {
			return err
		}
		if report.New > 0 {
			if err := db.addEvents(tx, events, ids, report.New); err != nil {
				return err
			}
			if err := again.store(tx); err != nil {
				return err
			}
		}
		if err := db.addRejects(tx, fresh); err != nil {
			return err
		}
		if positionKnown {
			return nil
		}
		return db.putPosition(tx, im.Position)
	})
	if err != nil {
		return ttpcron.ImportReport{}, fmt.Errorf("import %d events: %w", len(im.Events), err)
	}
	return report, nil
}

// usable splits off the events that cannot be stored.
func (db *DB) usable(im ttpcron.Batch) (events []*ttpcron.Event, rejects []ttpcron.Reject) {
	events, rejects = make([]*ttpcron.Event, 0, len(im.Events)), im.Rejects
	for i := range im.Events {
		e := &im.Events[i]
		err := e.Validate()
		if err == nil && len(e.Payload) > block.MaxFields {
			err = fmt.Errorf("payload has more than %d fields", block.MaxFields)
		}
		if err == nil {
			events = append(events, e)
			continue
		}
		r := ttpcron.Reject{Reason: err.Error(), Excerpt: excerpt(e), At: db.now(), ID: ttpcron.NewRejectID("", e.AppendJSON(nil))}
		if im.Position != nil {
			r.File, r.Format, r.Line = im.Position.Path, im.Position.Format, im.Position.Line
		}
		rejects = append(rejects[:len(rejects):len(rejects)], r)
	}
	return events, rejects
}

// excerpt is the beginning of the native form of an event that is not stored.
func excerpt(e *ttpcron.Event) []byte {
	short := ttpcron.Event{Kind: e.Kind, ID: e.ID, Time: e.Time, AttackerIP: e.AttackerIP}
	for _, f := range e.Payload[:min(len(e.Payload), 16)] {
		f.Text = f.Text[:min(len(f.Text), ttpcron.MaxExcerpt)]
		if f.Raw != nil {
			f.Raw, f.Text = nil, string(f.Raw[:min(len(f.Raw), ttpcron.MaxExcerpt)])
		}
		short.Payload = append(short.Payload, f)
	}
	return short.AppendJSON(nil)
}

// Known says for each event whether Import would count it as Known. Of several equal new
// events, all but the first are known. An event that Import would reject is not known; one
// that it would skip as pruned is.
func (db *DB) Known(ctx context.Context, events []ttpcron.Event) ([]bool, error) {
	known := make([]bool, len(events))
	err := db.view(ctx, func(tx *txn) error {
		horizons, err := readHorizons(tx)
		if err != nil {
			return err
		}
		var left []*ttpcron.Event
		var at []int
		for i := range events {
			e := &events[i]
			switch {
			case e.Validate() != nil:
			case ttpcron.DayOf(e.Time) < horizons.of(e.Kind):
				known[i] = true
			default:
				left, at = append(left, e), append(at, i)
			}
		}
		ids, err := db.identify(tx, left)
		for j := range ids {
			known[at[j]] = ids[j].known
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d events: %w", len(events), err)
	}
	return known, nil
}
