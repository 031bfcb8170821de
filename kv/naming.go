package kv

import (
	"cmp"
	"encoding/hex"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// naming finds the known events among those with given ids, and names those whose ID
// another event has.
type naming struct {
	db     *DB
	tx     *txn
	events []*ttpcron.Event
	ids    []identity        // of the events
	have   map[uint64]holder // by hash of the ID
}

// holder is the event that has an ID, in the batch or in the store.
type holder struct {
	event *ttpcron.Event // nil: stored
	batch int            // its index there and 1
	value record.IndexValue
}

// renames are the numbers of digest bytes in the name of an event whose ID is taken: more
// than six only if somebody made two records that agree in six.
var renames = [...]int{6, 12, 32}

// resolve resolves the given ids of some events, in order. An event before it may have
// taken an event's ID. Then the event is known if it is stored under the name that it
// would get, or if the holder of the ID says the same.
func (n *naming) resolve(members []int) error {
	if err := n.look(members); err != nil {
		return err
	}
	if err := n.recall(members); err != nil {
		return err
	}
	members = n.claim(members)
	if len(members) == 0 {
		return nil
	}
	holders := make(map[int]holder, len(members))
	for _, i := range members {
		holders[i] = n.have[n.ids[i].Hash]
	}
	for _, rename := range []func(i int){n.formerly(0), n.formerly(1), n.newly(renames[0])} {
		for _, i := range members {
			rename(i)
		}
		if err := n.look(members); err != nil {
			return err
		}
		members = slices.DeleteFunc(members, n.held)
	}
	if err := n.compare(members, holders); err != nil {
		return err
	}
	if members = n.claim(members); len(members) > 0 {
		if err := n.learned(members); err != nil {
			return err
		}
		members = slices.DeleteFunc(members, func(i int) bool { return n.ids[i].known })
	}
	for _, size := range renames[1:] {
		rename := n.newly(size)
		for _, i := range members {
			rename(i)
		}
		if err := n.look(members); err != nil {
			return err
		}
		members = n.claim(members)
	}
	for _, i := range members {
		n.ids[i].known = true // 256 bits agree: the same event
	}
	return nil
}

// recall finds the events that are stored under the name that they got when another
// had their ID, although that one is gone and its ID is free: it was purged, or the
// horizon was forgotten.
func (n *naming) recall(members []int) error {
	if !hasFreed(n.tx) {
		return nil
	}
	var free []int
	for _, i := range members {
		if _, has := n.have[n.ids[i].Hash]; !has {
			free = append(free, i)
		}
	}
	given := make([]identity, len(n.ids))
	copy(given, n.ids)
	for _, rename := range []func(i int){n.formerly(0), n.formerly(1), n.newly(renames[0])} {
		for _, i := range free {
			rename(i)
		}
		if err := n.look(free); err != nil {
			return err
		}
		free = slices.DeleteFunc(free, n.held)
		if err := n.learned(free); err != nil {
			return err
		}
		free = slices.DeleteFunc(free, func(i int) bool { return n.ids[i].known })
		for _, i := range free {
			n.ids[i] = given[i]
		}
	}
	return nil
}

// learned finds the events whose derived name another event has: that one had the same
// record, and has learned more.
func (n *naming) learned(members []int) error {
	holders := map[int]holder{}
	var met []int
	for _, i := range members {
		if h, has := n.have[n.ids[i].Hash]; has {
			holders[i], met = h, append(met, i)
		}
	}
	return n.compare(met, holders)
}

// hasFreed reports whether ids of events that are gone may be free.
func hasFreed(tx *txn) bool {
	if purgedIndex(tx) != nil {
		return true
	}
	k, _ := tx.top(layout.Pruned).Cursor().First()
	return k != nil
}

// look finds in the index who has the ids that the events have now.
func (n *naming) look(members []int) error {
	if len(members) == 0 {
		return nil
	}
	hashes := make([]uint64, len(members))
	for j, i := range members {
		hashes[j] = n.ids[i].Hash
	}
	found, values, err := namedIndex(n.tx).find(hashes)
	for j, ok := range found {
		if ok {
			n.have[hashes[j]] = holder{value: values[j]}
		}
	}
	return err
}

// claim gives events the ids that are free, and returns those whose ID an event with
// another record has.
func (n *naming) claim(members []int) (taken []int) {
	for _, i := range members {
		d := &n.ids[i]
		_, has := n.have[d.Hash]
		switch {
		case d.known:
		case !has:
			n.have[d.Hash] = holder{n.events[i], i + 1, d.Value()}
		case !n.held(i):
			taken = append(taken, i)
		}
	}
	return taken
}

// held reports whether the holder of the ID has the same record; if so, the event is
// known.
func (n *naming) held(i int) bool {
	d := &n.ids[i]
	h, ok := n.have[d.Hash]
	same := ok && record.SameRecord(h.value[0], d.Digest)
	if same && !d.known {
		d.known = true
		if d.HasOtherFacts(h.value[0]) {
			d.of = original{h.batch, h.value[1]}
		}
	}
	return same
}

// newly names an event whose ID another has, with that many bytes of its digest.
func (n *naming) newly(size int) func(i int) {
	return func(i int) {
		digest := n.events[i].RecordDigest()
		n.rename(i, "~"+hex.EncodeToString(digest[:size]))
	}
}

// formerly returns what gives it the name that a store of an earlier schema gave it.
func (n *naming) formerly(which int) func(i int) {
	return func(i int) { n.rename(i, record.FormerNames(n.events[i])[which]) }
}

func (n *naming) rename(i int, suffix string) {
	e, d := n.events[i], &n.ids[i]
	d.Rename(&n.db.secret, e.Kind, e.SourceID()+suffix)
	d.changed = true
}

// compare finds the events that say the same as the holder of the ID that their source
// gave them. Stored holders are read, each block once.
func (n *naming) compare(members []int, holders map[int]holder) error {
	order := slices.Clone(members)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(n.events[a].Kind, n.events[b].Kind), cmp.Compare(holders[a].value[1], holders[b].value[1]))
	})
	stored := n.db.storedEvents()
	for _, i := range order {
		e, h := n.events[i], holders[i]
		if h.event == nil && h.value[1] == 0 {
			// Pruned in a store of schema 2, which kept only that digest.
			n.ids[i].known = h.value[0] == n.db.secret.FormerPayload(e)
			continue
		}
		if h.event == nil {
			var err error
			day, seq := record.ParsePlace(h.value[1])
			if h.event, err = stored.at(n.tx, record.KindDay{Kind: e.Kind, Day: day}, seq); err != nil {
				return err
			}
		}
		// Without an event it was pruned, and the digests are all there is.
		n.ids[i].known = h.event != nil && h.event.SameRecord(e) || h.event == nil && h.value[0] == n.db.secret.FormerRecord(e)
		if n.ids[i].known && h.event != nil {
			n.ids[i].of = original{h.batch, h.value[1]}
		}
	}
	return nil
}
