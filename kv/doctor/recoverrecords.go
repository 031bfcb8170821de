package doctor

import (
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
		if err := r.coverage(t); err != nil {
			return err
		}
		if err := r.cursors(t); err != nil {
			return err
		}
		for i := range layout.Buckets {
			if in := &layout.Buckets[i]; in.Recovery == layout.Copied {
				if err := r.copyRecords(t, in); err != nil {
					return err
				}
			}
		}
		if r.report.LostBlocks+r.report.MissingEvents == 0 {
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
		return r.rejects(t)
	})
	if r.err == nil {
		r.err = err
	}
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

// copyRecords takes over the records of a bucket, and of those in it, as they are.
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

// coverage takes over the coverage of the days on which nothing was lost.
func (r *recovery) coverage(t *kv.Takeover) (err error) {
	if r.meta.Schema < 2 {
		return nil // coverage did not say which rules had looked
	}
	r.place = layout.Coverage
	in, with := layout.Find(layout.Coverage), r.comparedWith()
	r.directory(r.top[layout.Coverage], func(name string, b page.Bucket) {
		r.values(b, func(k, v []byte) {
			day, ok := record.ParseDay(k)
			if !ok || r.lost[day] {
				return
			}
			if cerr := in.Check(with, name, k, v); cerr != nil {
				if r.failed(cerr) {
					r.report.LostRecords++
				}
				return
			}
			parts, _ := record.ReadCoverage(record.KindDay{Kind: ttpcron.SourceKind(name), Day: day}, v)
			for _, p := range parts {
				r.meta.Arrival = max(r.meta.Arrival, p.UpTo)
			}
			r.report.Records++
			if r.names != nil {
				v = unknownRules(parts)
			}
			if err == nil {
				err = t.Put(layout.Coverage, name, k, v)
			}
		})
	})
	return err
}

// unknownRules is the record of a day's coverage by rules that are not known.
func unknownRules(list []ttpcron.Coverage) []byte {
	for i, c := range list {
		list[i] = ttpcron.Coverage{Kind: c.Kind, Day: c.Day, After: c.After, UpTo: c.UpTo, Since: c.Since, Uncounted: true}
	}
	return record.AppendCoverage(nil, record.KindDay{Kind: list[0].Kind, Day: list[0].Day}, list)
}

// cursors takes over the checkpoints, none of them behind the last arrival.
func (r *recovery) cursors(t *kv.Takeover) error {
	last, err := t.Arrival()
	if err != nil {
		return err
	}
	return r.each(layout.Cursors, func(k, v []byte) error {
		c, err := record.ReadCursor(k, v)
		if err != nil {
			return err
		}
		c.Seq = min(c.Seq, max(last, r.meta.Arrival))
		return t.Put(layout.Cursors, "", k, record.AppendCursor(nil, &c))
	})
}

// rejects takes over the rejects, numbered anew after those that were dropped.
// Which were dropped cannot be taken over: they come back when they are met again.
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

// finish sets the last arrival number, so that none is given twice.
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
