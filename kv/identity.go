package kv

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// An event is known by its ID. Where the ID is derived from the content, the ID
// says all: equal means known, and since the content holds the time, an index
// for each kind and day is enough. A given ID says little about the content: a
// source whose ids are positions in a list uses one twice. So one index of all
// given ids keeps a digest of the payload beside each.

// identity is what the store makes of an event before storing it.
type identity struct {
	id      string // the ID it is or would be stored under
	known   bool
	changed bool // id is not the one given
	content bool
	hash    uint64
	digest  uint64 // of a given ID
}

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
	return &runIndex{bucket: tx.Bucket(bucketNamed), name: bucketNamed, width: 8}
}

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
	if err := db.findNamed(tx, events, named, out); err != nil {
		return nil, err
	}
	return out, nil
}

func identityOf(s *secret, e *ttpcron.Event) identity {
	id := e.ID
	if id == "" || strings.HasPrefix(id, contentPrefix) {
		own := e.ContentID()
		if id == "" || id == own {
			return identity{id: own, content: true, hash: s.hash(hashContent, string(e.Kind), own)}
		}
	}
	digest := e.PayloadDigest()
	return identity{
		id:     id,
		hash:   s.hash(hashNamed, string(e.Kind), id),
		digest: s.hash(hashDigest, "", string(digest[:])),
	}
}

// renameTo gives an event whose ID another has the name under which it is
// stored, with so many bytes of its digest.
func (db *DB) renameTo(e *ttpcron.Event, d *identity, n int) {
	digest := e.PayloadDigest()
	d.id = e.ID + "~" + hex.EncodeToString(digest[:n])
	d.hash = db.secret.hash(hashNamed, string(e.Kind), d.id)
	d.changed = true
}

func findContent(tx *txn, k kindDay, members []int, out []identity) error {
	hashes := make([]uint64, len(members))
	for j, i := range members {
		hashes[j] = out[i].hash
	}
	found := make([]bool, len(members))
	if x := contentIndex(tx, k.kind, k.day); x != nil {
		var err error
		if found, _, err = x.find(hashes); err != nil {
			return err
		}
	}
	batch := make(map[uint64]bool, len(members))
	for j, i := range members {
		out[i].known = found[j] || batch[hashes[j]]
		batch[hashes[j]] = true
	}
	return nil
}

// renames are the bytes of the digest in the name of an event whose ID is taken:
// none, then six, and more only where somebody made two payloads agree in six.
var renames = [...]int{0, 6, 12, 32}

// findNamed resolves given ids. An event may find its ID taken by one before it
// in the batch.
func (db *DB) findNamed(tx *txn, events []*ttpcron.Event, members []int, out []identity) error {
	x := namedIndex(tx)
	have := make(map[uint64]uint64, len(members))
	for _, n := range renames {
		if len(members) == 0 {
			return nil
		}
		hashes := make([]uint64, len(members))
		for j, i := range members {
			if n > 0 {
				db.renameTo(events[i], &out[i], n)
			}
			hashes[j] = out[i].hash
		}
		found, digests, err := x.find(hashes)
		if err != nil {
			return err
		}
		for j, h := range hashes {
			if found[j] {
				have[h] = digests[j]
			}
		}
		var taken []int
		for _, i := range members {
			d := &out[i]
			switch digest, ok := have[d.hash]; {
			case !ok:
				have[d.hash] = d.digest
			case digest == d.digest:
				d.known = true
			default:
				taken = append(taken, i)
			}
		}
		members = taken
	}
	for _, i := range members {
		out[i].known = true // 256 bits agree: the same event
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
			namedEntries = named.appendEntry(namedEntries, d.hash, d.digest)
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
