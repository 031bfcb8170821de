package kv

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// pruned says what was taken out of the history of a kind. Events of days before
// the horizon do not come back: an import passes over them, wherever it meets
// them. Ids that a source gave stay taken, because tags that are kept longer
// than their events are named by them; named sums them up for a check.
type pruned struct {
	kind   ttpcron.SourceKind
	before ttpcron.Day // the horizon; 0 once it is forgotten
	events int         // how many were taken out, in all
	named  fingerprint // those of them whose source gave an id
	at     time.Time   // of the last pruning
}

func appendPruned(dst []byte, p *pruned) []byte {
	dst = beginRecord(dst)
	for _, v := range [...]uint64{uint64(p.before), uint64(p.events), uint64(p.named.n), p.named.sum} {
		dst = binary.AppendUvarint(dst, v)
	}
	return endRecord(appendTime(dst, p.at), []byte(p.kind))
}

func readPruned(key, rec []byte) (p pruned, err error) {
	r, err := openRecord(rec, key)
	if err == nil {
		p = pruned{kind: ttpcron.SourceKind(key), before: ttpcron.Day(r.count(1<<31 - 1)), events: int(r.uvarint())}
		p.named = fingerprint{int(r.uvarint()), r.uvarint()}
		p.at = r.time()
		err = r.finish()
	}
	if err != nil {
		return pruned{}, fmt.Errorf("what was pruned of %s: %w", key, err)
	}
	return p, nil
}

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
