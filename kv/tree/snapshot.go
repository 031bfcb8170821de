// Package tree reads the pages that bbolt maps, for transactions.
//
// bbolt maps the file and trusts what it finds there: a page whose count was
// changed hides entries, one that leads to itself ends the process. So the pages
// that a transaction reads are looked at before anything is taken from them. What
// a page can say of itself is looked at once for each [State] of the store; what
// must agree between a page and the one above it, whenever a reader goes down.
// Nothing is read for it that would not be read anyway.
//
// What is wrong ends the transaction: it panics with a [record.Damage], which
// whoever began the transaction makes an error.
package tree

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Snapshot is the file as one transaction sees it.
type Snapshot struct {
	*State
	Data []byte // the mapped pages in use; dies with the transaction
}

// State is what has been found out about a state of the store. It outlives the
// transactions that see that state, and so holds nothing of the mapping: a write
// may map the file anew.
type State struct {
	TxID    uint64 // of the transaction that made it
	pages   uint64
	root    uint64
	free    page.Bitmap // pages that are in the list of free pages, nil when it is not known
	BadFree string      // what is wrong with that list
	good    []atomic.Uint32
}

// Fail ends a transaction over what is damaged.
func Fail(format string, args ...any) { panic(record.Damage(fmt.Sprintf(format, args...))) }

// New makes a snapshot of a state of which nothing is known yet: what the
// transaction of that number committed, with the list of buckets at a page.
func New(txid, root uint64, data []byte) *Snapshot {
	pages := uint64(len(data)) / page.Size
	s := &Snapshot{&State{TxID: txid, pages: pages, root: root, good: make([]atomic.Uint32, pages/32+1)}, data}
	s.readFree()
	return s
}

// readFree reads the list of free pages. It stays unknown when two commits have
// passed since the transaction began and the header is not there any more.
func (s *Snapshot) readFree() {
	for i := range 2 {
		m := page.ParseHeader(s.Data[i*page.Size:(i+1)*page.Size], uint64(i), int64(len(s.Data)))
		if m.Bad != "" || m.TxID != s.TxID || m.Freelist == page.NoFreelist {
			continue
		}
		f := page.File{R: bytes.NewReader(s.Data), Bytes: int64(len(s.Data)), Header: &m}
		free := page.NewBitmap(s.pages)
		_, bad, err := f.Freelist(func(id uint64) {
			if id < 2 || id >= s.pages {
				s.BadFree = "the list of free pages holds some outside of the file"
				return
			}
			free.Add(id)
		})
		if err != nil {
			bad = err.Error()
		}
		if bad != "" {
			s.BadFree = bad
		}
		if s.BadFree == "" {
			s.free = free
		}
		return
	}
}

// Tree returns the list of the file's buckets.
func (s *Snapshot) Tree() *Tree {
	t := &Tree{s: s, root: s.root}
	t.Open()
	return t
}
