package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Pruned says what was removed from the history of a kind. Events of days before the
// horizon do not come back: imports skip them, and events of all other kinds that are as
// old. Ids that a source gave stay taken, because tags that are kept longer than their
// events refer to them; named is their checksum.
type Pruned struct {
	Kind   ttpcron.SourceKind
	Before ttpcron.Day // the horizon; 0 once it is forgotten
	Events int         // how many were removed, in all
	Named  Fingerprint // those of them whose source gave an id
	At     time.Time   // of the last pruning
	// Forgotten says that horizons of other kinds that are not later do not hold for this
	// one, because its own was forgotten.
	Forgotten ttpcron.Day
	// Awaited is the day before which events may come in again, if none has since.
	Awaited ttpcron.Day
}

// AppendPruned appends the record of what was pruned of a kind. The kind is the key.
func AppendPruned(dst []byte, p *Pruned) []byte {
	dst = typePruned.Begin(dst)
	for _, v := range [...]uint64{uint64(p.Before), uint64(p.Events), uint64(p.Named.N), p.Named.Sum} {
		dst = binary.AppendUvarint(dst, v)
	}
	dst = binary.AppendUvarint(AppendTime(dst, p.At), uint64(p.Forgotten))
	dst = binary.AppendUvarint(dst, uint64(p.Awaited))
	return End(dst, []byte(p.Kind))
}

// ReadPruned reads the record of what was pruned of a kind.
func ReadPruned(key, rec []byte) (p Pruned, err error) {
	r, err := typePruned.Open(rec, key)
	if err == nil {
		p = Pruned{Kind: ttpcron.SourceKind(key), Before: ttpcron.Day(r.Count(1<<31 - 1)), Events: int(r.Uvarint())}
		p.Named = Fingerprint{int(r.Uvarint()), r.Uvarint()}
		p.At = r.Time()
		switch {
		case r.Version >= 2:
			p.Forgotten = ttpcron.Day(r.Count(1<<31 - 1))
		case p.Before == 0:
			p.Forgotten = 1<<31 - 1 // what others lost did not matter then
		}
		if r.Version >= 3 {
			p.Awaited = ttpcron.Day(r.Count(1<<31 - 1))
		}
		err = r.Finish()
	}
	if err != nil {
		return Pruned{}, fmt.Errorf("what was pruned of %s: %w", key, err)
	}
	return p, nil
}
