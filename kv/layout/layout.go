// Package layout is the list of a store's buckets: what each is for, how its keys are made,
// how one of its records is checked, and how it is recovered from a damaged store. Code
// that treats buckets alike ranges over the list: making a store, opening, checking,
// measuring, pruning, compacting and recovering it.
//
// Start with [Buckets]. A new bucket is an entry there and the encoding of its
// records in package record. Existing stores lack it, so it has to be Late.
package layout

import (
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// A Bucket is a bucket of the file.
type Bucket struct {
	Name    string
	Holds   string  // what it is for
	Key     string  // what its keys are made of, with the number of bytes where that is fixed
	Nested  Nesting // whether it holds buckets, which hold the records
	ByKind  bool    // keys are kinds
	IsIndex bool    // the checksums of its records cover its name
	Number  Number  // what its sequence number means
	Late    bool    // it is made when it is first needed

	// Check checks one record. name is the bucket that the record is in: this one, or one
	// nested in it. Check is nil if records are compared with other records instead.
	Check  func(s *Store, name string, k, v []byte) error
	Noun   string // what a report calls its records
	Remedy string // what to do about damage in it

	Recovery  Recovery
	GrowsWith string // WithEvents or WithTags, if its size grows with their number
}

// What the size of a bucket grows with.
const (
	WithEvents = "events"
	WithTags   = "tags"
)

// Store is what records are compared with.
type Store struct {
	Secret  record.Secret
	Arrival uint64 // the arrival number that was given last
}

// Nesting says what buckets a bucket holds.
type Nesting int

// The ways to nest.
const (
	Flat  Nesting = iota // none
	Kinds                // one for each kind; keys in it begin with the day
	Days                 // one for each day
)

// Number says what the sequence number that bbolt keeps for a bucket means.
type Number int

// The meanings of a bucket's sequence number.
const (
	Unused  Number = iota
	Entries        // how many records there are
	Last           // the number that was given last; keys are numbers
)

// Recovery says how a bucket is recovered from a damaged store.
type Recovery int

// What becomes of a bucket.
const (
	Adapted Recovery = iota // it is taken over in a way of its own
	Copied                  // every record that passes Check is taken over as it is
	Rebuilt                 // it is made anew from what is taken over
	LeftOut                 // a recovered store begins without it
)

// What to do about damage.
const (
	Recover       = "restore a backup (ttpcron db restore), or save the rest into a new file (ttpcron db recover)"
	Rebuild       = "no event or tag is lost by it: ttpcron db recover makes a new file with it set right"
	LookAgain     = "ttpcron db recover makes a new file without it; the next run looks at the day again"
	SetCheckpoint = "set it with ttpcron checkpoint set, or checkpoint reset"
	SetState      = "restore a backup (ttpcron db restore), or recover into a new file (ttpcron db recover) and set the rule's state again"
)

// Find returns the bucket with a name, nil when there is none.
func Find(name string) *Bucket {
	for i := range Buckets {
		if Buckets[i].Name == name {
			return &Buckets[i]
		}
	}
	return nil
}

// Nests reports whether the entries of a bucket are buckets.
func Nests(p *page.Place) bool {
	if p.In != "" {
		return false
	}
	b := Find(p.Name)
	return b != nil && b.Nested != Flat
}

// A Sum checks the checksums of the records of one bucket, whatever their type.
type Sum struct {
	prefix  []byte
	aliases bool // there may be aliases without a checksum
}

// SumOf returns the Sum of a bucket. Checksums cover the key and, in a nested
// bucket and in an index, the bucket's name.
func SumOf(p *page.Place) Sum {
	s := Sum{aliases: p.In == Rollups}
	if p.In != "" {
		s.prefix = []byte(p.Name)
	} else if b := Find(p.Name); b != nil && b.IsIndex {
		s.prefix = []byte(p.Name)
	}
	return s
}

// Check checks the checksum of a record.
func (s *Sum) Check(k, rec []byte) error {
	if s.aliases && k[0] == record.RollupAlias && record.IsOldAlias(rec) {
		return nil
	}
	return record.CheckSum(rec, s.prefix, k)
}
