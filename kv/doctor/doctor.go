// Package doctor treats a store's file as a whole: it checks, measures, recovers,
// compacts, backs up and restores it.
//
// [Check], [Recover] and [MeasureSpace] read the file page by page and trust
// nothing in it; no damage makes them panic. Whatever writes a file makes it in a
// scratch folder beside, checks it, syncs it and renames it, so that at any moment
// there is one whole file under the name.
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

// Options says how to treat a store's file as a whole.
type Options struct {
	kv.Options
	Progress func(kv.Progress) // nil for none; called often

	// AtOnce is how many attackers, addresses and sessions of a day Check counts at
	// once: 0 for as many as take some 20 MiB.
	AtOnce int
}
