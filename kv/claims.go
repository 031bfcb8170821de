package kv

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// claimTable keeps the claims of a store in memory. Claims are never changed or deleted,
// so its content stays true.
type claimTable struct {
	mu     sync.RWMutex
	byID   []*record.Claim // number 1 first
	number map[record.Claim]uint32
}

// load reads the claims that were added to the store since the last load.
func (t *claimTable) load(tx *txn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.number == nil {
		t.number = map[record.Claim]uint32{}
	}
	c := tx.top(layout.Claims).Cursor()
	id := uint32(len(t.byID))
	for k, rec := c.Seek(record.ClaimNumber(id + 1)); k != nil; k, rec = c.Next() {
		id++
		if len(k) != 4 || binary.BigEndian.Uint32(k) != id {
			return record.Damagef("claim %d is missing", id)
		}
		cl, err := record.ReadClaim(k, rec)
		if err != nil {
			return fmt.Errorf("claim %d: %w", id, err)
		}
		t.add(cl)
	}
	return nil
}

func (t *claimTable) add(c record.Claim) {
	t.byID = append(t.byID, &c)
	t.number[c] = uint32(len(t.byID))
}

// get returns a claim by number.
func (t *claimTable) get(tx *txn, id uint32) (*record.Claim, error) {
	for range 2 {
		t.mu.RLock()
		known := t.byID
		t.mu.RUnlock()
		if id > 0 && uint64(id) <= uint64(len(known)) {
			return known[id-1], nil
		}
		if err := t.load(tx); err != nil {
			return nil, err
		}
	}
	return nil, record.Damagef("claim %d is missing", id)
}

// all returns every claim of the store, number 1 first.
func (t *claimTable) all(tx *txn) ([]*record.Claim, error) {
	if err := t.load(tx); err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID, nil
}

// newClaims numbers claims within one write transaction. The table learns of
// new ones when the transaction has been committed.
type newClaims struct {
	table   *claimTable
	base    int // claims that the store has
	added   []record.Claim
	numbers map[record.Claim]uint32
	last    record.Claim // of the previous tag
	lastID  uint32
}

func (t *claimTable) begin() *newClaims {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return &newClaims{table: t, base: len(t.byID), numbers: map[record.Claim]uint32{}}
}

// with is begin in a write transaction that has not stored claims yet.
func (t *claimTable) with(tx *txn) (*newClaims, error) {
	if err := t.load(tx); err != nil {
		return nil, err
	}
	return t.begin(), nil
}

func (n *newClaims) id(c record.Claim) uint32 {
	if n.lastID != 0 && n.last == c {
		return n.lastID
	}
	n.table.mu.RLock()
	id, ok := n.table.number[c]
	n.table.mu.RUnlock()
	if !ok {
		if id, ok = n.numbers[c]; !ok {
			n.added = append(n.added, c)
			id = uint32(n.base + len(n.added))
			n.numbers[c] = id
		}
	}
	n.last, n.lastID = c, id
	return id
}

// claim returns the claim with a number, or nil.
func (n *newClaims) claim(id uint32) *record.Claim {
	switch {
	case id == 0 || uint64(id) > uint64(n.base+len(n.added)):
		return nil
	case uint64(id) > uint64(n.base):
		return &n.added[int(id)-n.base-1]
	}
	n.table.mu.RLock()
	defer n.table.mu.RUnlock()
	return n.table.byID[id-1]
}

func (n *newClaims) store(tx *txn) error {
	b := tx.top(layout.Claims)
	for _, c := range n.added {
		k := record.ClaimNumber(n.numbers[c])
		if err := b.Put(k, record.AppendClaim(nil, k, c)); err != nil {
			return err
		}
	}
	return nil
}

func (n *newClaims) committed() {
	n.table.mu.Lock()
	defer n.table.mu.Unlock()
	for _, c := range n.added {
		if uint32(len(n.table.byID)) < n.numbers[c] { // a reader may have loaded it meanwhile
			n.table.add(c)
		}
	}
}
