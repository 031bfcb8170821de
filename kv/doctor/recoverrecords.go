package doctor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// records takes over the small records.
func (r *recovery) records() {
	if r.err != nil {
		return
	}
	r.day = 0
	bad := r.w.Bad
	defer func() { r.w.Bad = bad }()
	r.w.Bad = func(what string) {
		r.report.LostRecords++ // nobody can know how many lay there
		r.find(what)
	}
	for i := range layout.Buckets {
		b := &layout.Buckets[i]
		if _, ok := r.top[b.Name]; !ok && !b.Late && r.meta.Schema == kv.Schema {
			r.w.Bad(fmt.Sprintf("bucket %q is missing", b.Name))
		}
	}
	for name := range r.top {
		if layout.Find(name) == nil {
			r.w.Bad(fmt.Sprintf("bucket %q belongs to no part of the store", name))
		}
	}
	err := r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error {
		if err := r.ruleSets(t); err != nil {
			return err
		}
		if err := r.covered(t); err != nil {
			return err
		}
		for i := range layout.Buckets {
			if in := &layout.Buckets[i]; in.Recovery == layout.Copied {
				if err := r.copyRecords(t, in); err != nil {
					return err
				}
			}
		}
		if r.report.Reread = r.eventsLost(); !r.report.Reread {
			if err := r.each(layout.Positions, func(k, v []byte) error {
				m, err := record.ReadPosition(k, v)
				if err != nil {
					return err
				}
				return t.Position(&m)
			}); err != nil {
				return err
			}
		}
		if err := r.purged(t); err != nil {
			return err
		}
		return r.rejects(t)
	})
	if r.err == nil {
		r.err = err
	}
}

// eventsLost reports whether events are missing, or may be.
func (r *recovery) eventsLost() bool {
	return r.report.LostBlocks+r.report.MissingEvents+r.report.WithEvents > 0 || r.report.Uncounted && (r.harmed[layout.History] || r.harmed["file"])
}

// somethingLost reports whether events or tags may be missing whose day is unknown.
func (r *recovery) somethingLost() bool {
	return r.report.Uncounted && (r.eventsLost() || r.report.LostTags+r.report.MissingTags > 0 || r.harmed[layout.Tags])
}

// each takes over the records of a bucket. A damaged record is lost.
func (r *recovery) each(bucket string, put func(k, v []byte) error) error {
	r.place = bucket
	return r.eachOf(r.top[bucket], put)
}

func (r *recovery) eachOf(b page.Bucket, put func(k, v []byte) error) (err error) {
	r.values(b, func(k, v []byte) {
		switch perr := put(k, v); {
		case perr == nil:
			r.report.Records++
		case isDamage(perr):
			r.report.LostRecords++
			r.find(perr.Error())
		case err == nil:
			err = perr
		}
	})
	return err
}

// comparedWith is what records are compared with. Where the last arrival number was
// lost, a record that names one vouches for it.
func (r *recovery) comparedWith() *layout.Store {
	s := &layout.Store{Arrival: r.meta.Arrival}
	if !r.arrivalKnown {
		s.Arrival = math.MaxUint64
	}
	return s
}

// copyRecords copies the records of a bucket, and of the buckets in it, unchanged.
func (r *recovery) copyRecords(t *kv.Takeover, in *layout.Bucket) (err error) {
	n := uint64(0)
	with := r.comparedWith()
	put := func(name, sub string) func(k, v []byte) error {
		return func(k, v []byte) error {
			if err := in.Check(with, name, k, v); err != nil {
				return err
			}
			if n++; in.Number == layout.Last {
				n = binary.BigEndian.Uint64(k)
			}
			return t.Put(in.Name, sub, k, v)
		}
	}
	if in.Nested == layout.Flat {
		err = r.each(in.Name, put(in.Name, ""))
	} else {
		r.place = in.Name
		r.directory(r.top[in.Name], func(name string, b page.Bucket) {
			if err == nil {
				err = r.eachOf(b, put(name, name))
			}
		})
	}
	if err != nil || n == 0 || in.Number == layout.Unused {
		return err
	}
	return t.SetNumber(in.Name, n)
}

// purged takes over the index of the events that were purged. Without the secret
// that it was made with it says nothing.
func (r *recovery) purged(t *kv.Takeover) error {
	x := record.PurgedIndex()
	var hashes []uint64
	lost := r.report.LostRecords
	err := r.each(layout.Purged, func(k, v []byte) error {
		if bytes.Equal(k, x.ListKey()) {
			_, err := x.ReadRuns(v)
			return err
		}
		entries, err := x.ReadChunk(k, v)
		for ; len(entries) > 0; entries = entries[x.EntrySize():] {
			hashes = append(hashes, binary.BigEndian.Uint64(entries))
		}
		return err
	})
	if r.report.LostRecords > lost {
		r.find("some events that were purged cannot be told any more: they come in when their logs are read again")
	}
	if err != nil || len(hashes) == 0 {
		return err
	}
	if r.meta.Secret == (record.Secret{}) {
		r.report.LostRecords++
		r.find("without the secret of the store its events that were purged cannot be told: they come in when their logs are read again")
		return nil
	}
	return t.Purged(hashes)
}

// rejects copies the rejects, numbered after those that were dropped. Which ones were
// dropped is lost: they are stored again when they occur again.
func (r *recovery) rejects(t *kv.Takeover) error {
	var all []ttpcron.Reject
	err := r.each(layout.Rejects, func(k, v []byte) error {
		reject, err := record.ReadReject(k, v)
		if err == nil {
			if r.meta.Schema < 3 && len(all) == 0 {
				r.meta.Dropped = binary.BigEndian.Uint64(k) - 1
			}
			all = append(all, reject)
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.Rejects(int(r.meta.Dropped), all)
}

// finish sets the last arrival number, so that none is used twice.
func (r *recovery) finish() error {
	return r.dst.TakeOver(r.ctx, func(t *kv.Takeover) error {
		last, err := t.Arrival()
		if err != nil {
			return err
		}
		noted, err := t.LastNoted()
		if err != nil {
			return err
		}
		return t.SetArrival(max(last, noted, r.meta.Arrival))
	})
}

// isDamage reports whether an error says that a record is damaged.
func isDamage(err error) bool {
	d := record.Damage("")
	var e *kv.DamagedError
	return errors.As(err, &d) || errors.As(err, &e)
}
