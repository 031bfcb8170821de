package kv

import (
	"encoding/binary"
	"fmt"
	"sync"
	"unsafe"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// streamTable keeps the streams of a store in memory. Streams are never changed or
// deleted, and a stream has one pointer for as long as the store is open.
type streamTable struct {
	mu        sync.RWMutex
	byID      []*storedStream // number 1 first
	number    map[string]uint32
	groupings map[string]uint32 // the number of the first stream of each
}

type storedStream struct {
	*ttpcron.Stream
	grouping uint32
}

// load reads the streams that were added to the store since the last load.
func (t *streamTable) load(tx *txn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := tx.top(layout.Streams)
	if b == nil {
		return nil
	}
	c := b.Cursor()
	id := uint32(len(t.byID))
	for k, rec := c.Seek(record.ClaimNumber(id + 1)); k != nil; k, rec = c.Next() {
		id++
		if len(k) != 4 || binary.BigEndian.Uint32(k) != id {
			return record.Damagef("stream %d is missing", id)
		}
		s, err := record.ReadStream(k, rec)
		if err != nil {
			return fmt.Errorf("stream %d: %w", id, err)
		}
		t.add(s)
	}
	return nil
}

func (t *streamTable) add(s *ttpcron.Stream) {
	if t.number == nil {
		t.number, t.groupings = map[string]uint32{}, map[string]uint32{}
	}
	id := uint32(len(t.byID)) + 1
	grouping, ok := t.groupings[s.Grouping()]
	if !ok {
		grouping = id
		t.groupings[s.Grouping()] = id
	}
	t.byID = append(t.byID, &storedStream{s, grouping})
	t.number[s.ID] = id
}

// all returns every stream of the store, number 1 first.
func (t *streamTable) all(tx *txn) ([]*storedStream, error) {
	if err := t.load(tx); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID, nil
}

// groupingOf returns the number of a grouping, 0 when no stream has it.
func (t *streamTable) groupingOf(tx *txn, grouping string) (uint32, error) {
	if err := t.load(tx); err != nil {
		return 0, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.groupings[grouping], nil
}

// numberOf returns the number of a stream of a known kind, 0 if there is none.
func (t *streamTable) numberOf(id string, kind ttpcron.SourceKind) uint32 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := t.number[id]; n > 0 && t.byID[n-1].Kind == kind {
		return n
	}
	return 0
}

// newStreams numbers streams within one commit. The table learns of new ones when the
// transaction has been committed.
type newStreams struct {
	table     *streamTable
	base      int // streams that the store has
	added     []*ttpcron.Stream
	numbers   map[string]uint32 // of those
	groupings map[string]uint32
	known     map[*ttpcron.Stream]streamNumber
	recent    [256]recentStream // of known, by the last bits of the pointer
}

type streamNumber struct{ stream, grouping uint32 }

type recentStream struct {
	*ttpcron.Stream
	streamNumber
}

// begin is called after all streams of the store have been read.
func (t *streamTable) begin() *newStreams {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return &newStreams{table: t, base: len(t.byID), numbers: map[string]uint32{}, groupings: map[string]uint32{}, known: map[*ttpcron.Stream]streamNumber{}}
}

func (n *newStreams) of(s *ttpcron.Stream) streamNumber {
	recent := &n.recent[uintptr(unsafe.Pointer(s))/unsafe.Sizeof(*s)%uintptr(len(n.recent))]
	if recent.Stream == s {
		return recent.streamNumber
	}
	at, ok := n.known[s]
	if !ok {
		at = n.find(s)
		n.known[s] = at
	}
	*recent = recentStream{s, at}
	return at
}

func (n *newStreams) find(s *ttpcron.Stream) (at streamNumber) {
	n.table.mu.RLock()
	defer n.table.mu.RUnlock()
	var ok bool
	if at.stream, ok = n.table.number[s.ID]; ok {
		at.grouping = n.table.byID[at.stream-1].grouping
		return at
	}
	if at.stream, ok = n.numbers[s.ID]; !ok {
		n.added = append(n.added, s)
		at.stream = uint32(n.base + len(n.added))
		n.numbers[s.ID] = at.stream
	}
	grouping := s.Grouping()
	if at.grouping, ok = n.table.groupings[grouping]; ok {
		return at
	}
	if at.grouping, ok = n.groupings[grouping]; !ok {
		at.grouping = at.stream
		n.groupings[grouping] = at.grouping
	}
	return at
}

func (n *newStreams) store(tx *txn) error {
	if len(n.added) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(layout.Streams))
	if err != nil {
		return err
	}
	for i, s := range n.added {
		k := record.ClaimNumber(uint32(n.base + i + 1))
		if err := b.Put(k, record.AppendStream(nil, k, s)); err != nil {
			return err
		}
	}
	return nil
}

// committed adds the new streams, with copies of their content.
func (n *newStreams) committed() {
	n.table.mu.Lock()
	defer n.table.mu.Unlock()
	for i, s := range n.added {
		if n.base+i == len(n.table.byID) { // a reader may have loaded it meanwhile
			n.table.add(ttpcron.NewStream(s.Rule, s.Kind, s.Group, s.Values, [16]byte{}))
		}
	}
}
