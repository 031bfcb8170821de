// Package doctor treats a store's file as a whole: it checks, measures, recovers,
// compacts, backs up and restores it.
//
// Start with [Check] and [Recover]; check*.go and recover*.go are theirs, and source.go
// reads the pages for both. Together with [MeasureSpace] they trust nothing in the file,
// and no damage makes them panic. Files are written (newfile.go) in a scratch folder next
// to their place, checked, synced and renamed, so that the name always belongs to one whole
// file.
package doctor

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// Finding is one thing that is wrong with a store.
type Finding struct {
	Place string             // "file", or the bucket: "history", "tags", "rollups" …
	Kind  ttpcron.SourceKind // empty where it concerns no kind, or all
	Day   string             // YYYY-MM-DD, empty where it concerns no day, or many
	What  string
	Do    string // what to do about it
}

// Options are what all work on a store's file takes.
type Options struct {
	kv.Options
	Progress func(kv.Progress) // nil for none; called often

	// AtOnce is how many attackers, addresses and sessions of a day Check counts in one
	// pass; 0 means as many as fit into some 20 MiB.
	AtOnce int
}
