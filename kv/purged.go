package kv

import (
	"regexp"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// purgedIndex is the index of the events that were purged, nil when none ever were.
func purgedIndex(tx *txn) *runIndex {
	b := tx.top(layout.Purged)
	if b == nil {
		return nil
	}
	return &runIndex{b, record.PurgedIndex()}
}

// addPurged adds hashes to the index of the events that were purged.
func addPurged(tx *txn, hashes []uint64) error {
	if len(hashes) == 0 {
		return nil
	}
	if _, err := tx.CreateBucketIfNotExists([]byte(layout.Purged)); err != nil {
		return err
	}
	x := purgedIndex(tx)
	slices.Sort(hashes)
	met, err := x.met(hashes)
	if err != nil {
		return err
	}
	var entries []byte
	for i, h := range hashes {
		if !met[i] {
			entries = x.AppendEntry(entries, h, record.IndexValue{})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	return x.add(entries)
}

// purgedAs appends the hashes under which an event is known once it is purged: its
// id, and the one that its source gave it before another event was found to have it.
// Of one with a given id a copy may say less of attacker, session and sensor.
func (db *DB) purgedAs(hashes []uint64, e *ttpcron.Event, d *record.Identity) []uint64 {
	if d.Content {
		return append(hashes, db.secret.Purged(e.Kind, d.ID, nil))
	}
	ids := []string{d.ID}
	if given := givenName.FindStringSubmatch(d.ID); given != nil {
		ids = append(ids, given[1])
	}
	for _, id := range ids {
		for i, less := range sayLess(e) {
			rec := less.AppendRecord(nil)
			if i == 0 {
				hashes = append(hashes, db.secret.Purged(e.Kind, id, wholeRecord(rec)))
			}
			hashes = append(hashes, db.secret.Purged(e.Kind, id, rec))
		}
	}
	return hashes
}

// givenName is a name that an event got since another had its id: that id, and digits
// of a digest.
var givenName = regexp.MustCompile(`^(?s)(.+)~(?:[0-9a-f]{12}|[0-9a-f]{24}|[0-9a-f]{64})$`)

// wholeRecord tells all that an event said from a part of it.
func wholeRecord(rec []byte) []byte { return append(rec[:len(rec):len(rec)], "whole"...) }

// findPurged marks the events that were purged as known. One with a given id is
// that event, too, when it says more of attacker, session and sensor, or less: a
// source learns some of it late.
func (db *DB) findPurged(tx *txn, events []*ttpcron.Event, ids []identity) error {
	x := purgedIndex(tx)
	if x == nil || len(events) == 0 {
		return nil
	}
	var hashes []uint64
	var of []int
	for i, e := range events {
		d := &ids[i]
		before := len(hashes)
		if d.Content {
			hashes = append(hashes, db.secret.Purged(e.Kind, d.ID, nil))
		} else {
			for j, less := range sayLess(e) {
				rec := less.AppendRecord(nil)
				if j == 0 {
					hashes = append(hashes, db.secret.Purged(e.Kind, d.ID, rec))
				}
				hashes = append(hashes, db.secret.Purged(e.Kind, d.ID, wholeRecord(rec)))
			}
		}
		for range len(hashes) - before {
			of = append(of, i)
		}
	}
	found, _, err := x.find(hashes)
	for j, ok := range found {
		ids[of[j]].known = ids[of[j]].known || ok
	}
	return err
}

// sayLess returns an event, and all that it may be when some of attacker, address,
// session and sensor is not said.
func sayLess(e *ttpcron.Event) []ttpcron.Event {
	all := []ttpcron.Event{*e}
	for _, field := range [...]struct {
		said   bool
		forget func(e *ttpcron.Event)
	}{
		{e.AttackerUUID != "" && e.AttackerOrigin == ttpcron.OriginRecorded, func(e *ttpcron.Event) { e.AttackerUUID = "" }},
		{e.AttackerIP != "" && e.AddressOrigin == ttpcron.OriginRecorded, func(e *ttpcron.Event) { e.AttackerIP = "" }},
		{e.SessionID != "", func(e *ttpcron.Event) { e.SessionID = "" }},
		{e.DeckyID != "", func(e *ttpcron.Event) { e.DeckyID = "" }},
	} {
		if !field.said {
			continue
		}
		for _, o := range all {
			field.forget(&o)
			all = append(all, o)
		}
	}
	return all
}
