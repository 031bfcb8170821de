package kv

import (
	"encoding/binary"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// An event is known by its ID. Where the ID is derived from the content, the ID
// says all: equal means known, and since the content holds the time, an index
// for each kind and day is enough. A given ID says little about the content: a
// source whose ids are positions in a list uses one twice. So one index of all
// given ids keeps a digest of the record beside each, and where the event lies, so
// that one whose digest differs can be compared with it.

// identity is what the store makes of an event before storing it.
type identity struct {
	id      string // the ID it is or would be stored under
	known   bool
	changed bool // id is not the one given
	content bool
	hash    uint64

	// Of a given ID:
	digest uint64 // of the record
	place  uint64 // of the event once it is stored
}

// value is what the index of given ids keeps beside the hash.
func (d *identity) value() entryValue { return entryValue{d.digest, d.place} }

// placeOf says where an event of a given kind lies, 0 for an event that is not
// stored.
func placeOf(day ttpcron.Day, seq uint64) uint64 {
	if seq >= 1<<placeBits {
		return 0
	}
	return uint64(day)<<placeBits | seq
}

func parsePlace(p uint64) (day ttpcron.Day, seq uint64) {
	return ttpcron.Day(p >> placeBits), p & (1<<placeBits - 1)
}

// placeBits are those of the arrival number; the day of the year 9999 has 22.
const placeBits = 40

// contentIndex is the index of content-derived ids of one kind and day, nil when
// no event of the kind is stored.
func contentIndex(tx *txn, kind ttpcron.SourceKind, day ttpcron.Day) *runIndex {
	b := tx.Bucket(bucketIdentity).Bucket([]byte(kind))
	if b == nil {
		return nil
	}
	return &runIndex{bucket: b, name: []byte(kind), prefix: dayKey(day)}
}

// namedIndex is the index of given ids.
func namedIndex(tx *txn) *runIndex {
	return &runIndex{bucket: tx.Bucket(bucketNamed), name: bucketNamed, width: namedWidth}
}

const namedWidth = 16

// kindDay is the unit in which events are stored.
type kindDay struct {
	kind ttpcron.SourceKind
	day  ttpcron.Day
}

func kindDayOf(e *ttpcron.Event) kindDay { return kindDay{e.Kind, ttpcron.DayOf(e.Time)} }

// identify finds out which events are known. Of equal events in the batch all
// but the first are.
func (db *DB) identify(tx *txn, events []*ttpcron.Event) ([]identity, error) {
	out := make([]identity, len(events))
	content := map[kindDay][]int{}
	var named []int
	for i, e := range events {
		out[i] = identityOf(&db.secret, e)
		if out[i].content {
			k := kindDayOf(e)
			content[k] = append(content[k], i)
		} else {
			named = append(named, i)
		}
	}
	for k, members := range content {
		if err := findContent(tx, k, members, out); err != nil {
			return nil, err
		}
	}
	n := naming{db: db, tx: tx, events: events, ids: out, have: make(map[uint64]holder, len(named))}
	return out, n.resolve(named)
}

func identityOf(s *secret, e *ttpcron.Event) identity {
	id := e.ID
	if id == "" || strings.HasPrefix(id, contentPrefix) {
		own := e.ContentID()
		if id == "" || id == own {
			return identity{id: own, content: true, hash: s.hash(hashContent, string(e.Kind), own)}
		}
	}
	return identity{
		id:     id,
		hash:   s.hash(hashNamed, string(e.Kind), id),
		digest: s.recordHash(e),
		place:  placeOf(ttpcron.DayOf(e.Time), e.Seq),
	}
}

func (s *secret) recordHash(e *ttpcron.Event) uint64 {
	var stack [512]byte
	return s.sip(e.AppendRecord(append(stack[:0], hashRecord)))
}

func findContent(tx *txn, k kindDay, members []int, out []identity) error {
	hashes := make([]uint64, len(members))
	for j, i := range members {
		hashes[j] = out[i].hash
	}
	met, err := contentIndex(tx, k.kind, k.day).met(hashes)
	if err != nil {
		return err
	}
	for j, i := range members {
		out[i].known = met[j]
	}
	return nil
}

// remember adds the identities of new events to the indexes.
func remember(tx *txn, events []*ttpcron.Event, ids []identity) error {
	named := namedIndex(tx)
	var namedEntries []byte
	content := map[kindDay][]byte{}
	for i, e := range events {
		d := &ids[i]
		switch {
		case d.known:
		case d.content:
			k := kindDayOf(e)
			content[k] = binary.BigEndian.AppendUint64(content[k], d.hash)
		default:
			namedEntries = named.appendEntry(namedEntries, d.hash, d.value())
		}
	}
	if len(namedEntries) > 0 {
		if err := named.add(named.sortEntries(namedEntries)); err != nil {
			return err
		}
	}
	for k, entries := range content {
		if _, err := tx.Bucket(bucketIdentity).CreateBucketIfNotExists([]byte(k.kind)); err != nil {
			return err
		}
		x := contentIndex(tx, k.kind, k.day)
		if err := x.add(x.sortEntries(entries)); err != nil {
			return err
		}
	}
	return nil
}
