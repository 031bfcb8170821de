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

// purgedAs appends the hashes that identify an event after its purge: its id, and the one
// from its source if another event had that. A copy of an event with a given id may say
// less about attacker, session and sensor.
func (db *DB) purgedAs(hashes []uint64, e *ttpcron.Event, d *record.Identity) []uint64 {
	if d.Content {
		return append(hashes, db.secret.Purged(e.Kind, d.ID, nil))
	}
	ids := []string{d.ID}
	if given := givenName.FindStringSubmatch(d.ID); given != nil {
		ids = append(ids, given[1])
	}
	whole, parts := purgedForms(e)
	for _, id := range ids {
		for _, form := range append([][]byte{whole}, parts...) {
			hashes = append(hashes, db.secret.Purged(e.Kind, id, form))
		}
	}
	return hashes
}

// givenName is a name that an event got since another had its id: that id, and digits
// of a digest.
var givenName = regexp.MustCompile(`^(?s)(.+)~(?:[0-9a-f]{12}|[0-9a-f]{24}|[0-9a-f]{64})$`)

// findPurged marks purged events as known. An event with a given id is also purged if it
// says more or less about attacker, session and sensor: a source learns some of it late.
func (db *DB) findPurged(tx *txn, events []*ttpcron.Event, ids []identity) error {
	x := purgedIndex(tx)
	if x == nil || len(events) == 0 {
		return nil
	}
	var hashes []uint64
	var of []int
	add := func(i int, form []byte) {
		hashes, of = append(hashes, db.secret.Purged(events[i].Kind, ids[i].ID, form)), append(of, i)
	}
	for i, e := range events {
		if ids[i].Content {
			add(i, nil)
			continue
		}
		// If the event says as much or less, its form was stored as a part; if it says
		// more, the purged event's whole form is one of its parts.
		whole, parts := purgedForms(e)
		add(i, parts[0])
		add(i, whole)
		for _, part := range parts[1:] {
			part[0] = formWhole
			add(i, part)
		}
	}
	found, _, err := x.find(hashes)
	for j, ok := range found {
		ids[of[j]].known = ids[of[j]].known || ok
	}
	return err
}

// The first bytes of the forms of an event that was purged.
const (
	formWhole = 'w' // all that it said
	formPart  = 'p' // what a copy may say
)

// purgedForms returns what an event with a given id says, with every subset of what it
// says about attacker, address, session and sensor, the whole first. A form is a byte,
// these four with their lengths (the address as the attacker derived from it, which is the
// same for every spelling), and the SHA-256 of the record without them.
func purgedForms(e *ttpcron.Event) (whole []byte, parts [][]byte) {
	bare := *e
	bare.AttackerUUID, bare.AttackerIP, bare.SessionID, bare.DeckyID = "", "", "", ""
	rest := bare.RecordDigest()
	said := [4]string{3: e.DeckyID}
	if e.AttackerOrigin == ttpcron.OriginRecorded {
		said[0] = e.AttackerUUID
	}
	if e.AttackerIP != "" && e.AddressOrigin == ttpcron.OriginRecorded {
		said[1] = ttpcron.DeriveAttacker(e.AttackerIP)
	}
	if e.SessionOrigin == ttpcron.OriginRecorded {
		said[2] = e.SessionID
	}
	form := func(first byte, without int) []byte {
		f := []byte{first}
		for i, s := range said {
			if without&(1<<i) != 0 {
				s = ""
			}
			f = record.AppendText(f, s)
		}
		return append(f, rest[:]...)
	}
	for without := range 1 << len(said) {
		redundant := false
		for i, s := range said {
			redundant = redundant || s == "" && without&(1<<i) != 0
		}
		if !redundant {
			parts = append(parts, form(formPart, without))
		}
	}
	return form(formWhole, 0), parts
}
