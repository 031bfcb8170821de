package kv

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// lookupKeys is how many keys are looked up in one transaction.
const lookupKeys = 1 << 18

// TagByUUID finds a tag, hidden or not, and reports whether there is one. Tags are in order
// of event time, so it looks at the keys of all tags, newest first, and decodes only the
// one it finds: about a second for ten million tags.
func (db *DB) TagByUUID(ctx context.Context, u ttpcron.UUID) (t ttpcron.Tag, ok bool, err error) {
	before, until := ttpcron.Day(1<<31-1), []byte(nil)
	for done := false; err == nil && !ok && !done; {
		err = db.view(ctx, func(tx *txn) error {
			days := tx.top(layout.Tags)
			for budget := lookupKeys; budget > 0; {
				if until == nil {
					k, _ := keyBefore(days.Cursor(), record.DayKey(before))
					day, isDay := record.ParseDay(k)
					if !isDay {
						done = true
						return nil
					}
					before, until = day, bytes.Repeat([]byte{0xff}, len(record.TagKey{}))
				}
				b := days.Bucket(record.DayKey(before))
				if b == nil { // removed from the store since the last transaction
					until = nil
					continue
				}
				k, rec, rest := findUUID(b, until, u, &budget)
				if k != nil {
					t, ok, err = db.tagAt(tx, before, k, rec)
					return err
				}
				until = rest
			}
			return nil
		})
	}
	if err != nil {
		return ttpcron.Tag{}, false, fmt.Errorf("look for tag %s: %w", u, err)
	}
	return t, ok, nil
}

// findUUID looks backwards through a day's keys before one, and returns the key
// and record found, or where to go on, nil at the end of the day.
func findUUID(b *bucket, until []byte, u ttpcron.UUID, budget *int) (key, rec, rest []byte) {
	c := b.Cursor()
	for k, v := keyBefore(c, until); k != nil; k, v = c.Prev() {
		if len(k) == len(record.TagKey{}) && ttpcron.UUID(k[6:]) == u {
			return k, v, nil
		}
		if *budget--; *budget <= 0 {
			return nil, nil, bytes.Clone(k)
		}
	}
	return nil, nil, nil
}

func (db *DB) tagAt(tx *txn, day ttpcron.Day, key, rec []byte) (ttpcron.Tag, bool, error) {
	r := db.tagReader()
	defer r.done()
	t, err := r.shown(tx, day, key, rec)
	if err != nil {
		return t, false, err
	}
	d, err := db.decisions(tx)
	t.Claim, _ = d.shown(t.Claim)
	return t, err == nil, err
}

// EventByID finds an event of a kind by its ID on the day it happened, and
// reports whether the history holds it. It reads that day's events.
func (db *DB) EventByID(ctx context.Context, kind ttpcron.SourceKind, day ttpcron.Day, id string) (ttpcron.Event, bool, error) {
	for page, err := range db.Events(ctx, kind, day, 0, 1<<64-1) {
		if err != nil {
			return ttpcron.Event{}, false, err
		}
		for i := range page {
			if page[i].SourceID() == id {
				return page[i], true, nil
			}
		}
	}
	return ttpcron.Event{}, false, nil
}
