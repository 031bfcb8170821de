package doctor

import (
	"math"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Up to schema 4, a tag named its event by an id that events without one had then. If the
// event is stored, the tag is left out, as in an upgrade: the next run makes it again
// under the event's present id.

// oldNames are the names that the events of a day had in an earlier schema, as
// hashes.
type oldNames struct {
	day   ttpcron.Day
	named map[uint64]struct{}
}

// remade reports whether the next run makes a tag of an earlier schema again. All
// events have been taken over.
func (r *recovery) remade(day ttpcron.Day, t *ttpcron.Tag, cl *record.Claim) bool {
	if t.Seq != 0 || r.err != nil {
		return false
	}
	if r.names.named == nil || r.names.day != day {
		r.names = oldNames{day, map[uint64]struct{}{}}
		if r.err = r.readNames(); r.err != nil {
			r.w.Err = r.err // ends the walk
			return false
		}
	}
	_, ok := r.names.named[r.meta.Secret.Named(cl.Kind, t.SourceID)]
	return ok
}

// readNames reads the names of the events of a day.
func (r *recovery) readNames() error {
	kinds, err := r.dst.Kinds(r.ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		for page, err := range r.dst.Events(r.ctx, kind, r.names.day, 0, math.MaxUint64) {
			if err != nil {
				return err
			}
			for i := range page {
				id := page[i].ID
				if id == "" {
					id = record.ContentID4(&page[i])
				}
				r.names.named[r.meta.Secret.Named(kind, id)] = struct{}{}
			}
		}
	}
	return nil
}
