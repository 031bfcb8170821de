package kv

import (
	"github.com/ttpcron/ttpcron"
)

// horizons returns the first day of each kind that has not been pruned. Kinds
// that never were, or whose horizon is forgotten, are left out.
func horizons(tx *txn) (map[ttpcron.SourceKind]ttpcron.Day, error) {
	var out map[ttpcron.SourceKind]ttpcron.Day
	all, err := listHorizons(tx)
	for _, h := range all {
		if out == nil {
			out = map[ttpcron.SourceKind]ttpcron.Day{}
		}
		out[h.Kind] = h.Before
	}
	return out, err
}
