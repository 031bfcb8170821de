// Package match keeps the base matches of a day as sorted runs of blocks, and merges
// runs. It knows no transaction.
//
// Matches come in the order of arrival and are read by group, in random order; so they
// are kept as in a log-structured merge tree (O'Neil et al., 1996). What a commit brings
// becomes a run, and so does what it takes away: an entry of a younger run takes the
// place of one of an older run with the same key.
//
// Start with [Writer], which makes blocks, [Cursor], which reads them, and [Merge].
package match

import (
	"github.com/ttpcron/ttpcron/kv/record"
)

// Entry is a match of a run, or says that one went.
type Entry struct {
	record.MatchKey
	Form   Form
	Group  string // a [ttpcron.Group]
	Values string // packed; nothing of a match that went
}

// Form says what an entry does.
type Form byte

// The forms of entries. They are stored.
const (
	Came     Form = iota
	Went          // the match is no more
	Replaced      // the match had other values before
)

// MaxEntries is how many entries a block has at most.
const MaxEntries = 256
