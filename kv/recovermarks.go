package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
)

// compareCounts compares the events and tags that were taken over with what the
// store counts, as far as the counts can be read.
func (r *recovery) compareCounts() {
	bad := r.w.Bad
	r.w.Bad = func(what string) {
		r.report.Uncounted = true
		r.find(what)
	}
	defer func() { r.w.Bad = bad }()
	for _, b := range []string{layout.DayCounts, layout.Rollups} {
		if _, ok := r.top[b]; !ok {
			r.report.Uncounted = true
		}
	}
	r.compareEvents()
	if r.err == nil {
		r.compareTags()
	}
}

// compareTags finds the days of which tags are missing.
func (r *recovery) compareTags() {
	count := func(add func(n int)) func(uint32, record.Tally) {
		return func(_ uint32, t record.Tally) { add(t.Tags) }
	}
	got := map[ttpcron.Day]int{}
	r.err = r.dst.view(r.ctx, func(tx *txn) error {
		b := tx.top(layout.Rollups)
		return b.ForEachBucket(func(name []byte) error {
			day, _ := record.ParseDay(name)
			return eachClaim(b.Bucket(name), name, count(func(n int) { got[day] += n }))
		})
	})
	r.place = "rollups"
	r.directory(r.top[layout.Rollups], func(name string, b page.Bucket) {
		day, ok := record.ParseDay([]byte(name))
		want := 0
		r.values(b, func(k, v []byte) {
			if len(k) == 5 && k[0] == record.RollupClaim {
				t, err := record.ReadTally(v, []byte(name), k)
				if err == nil {
					want += t.Tags
				}
			}
		})
		if n := want - got[day]; ok && n > 0 {
			r.report.MissingTags += n
			r.day = day
			r.lose(fmt.Sprintf("%d of %d tags are lost", n, want))
			r.day = 0
		}
	})
}

// compareEvents finds the days of which events are missing.
func (r *recovery) compareEvents() {
	r.place = "days"
	got := map[record.KindDay]int{}
	kinds, err := r.dst.Kinds(r.ctx)
	for _, kind := range kinds {
		derr := r.dst.eachDay(r.ctx, kind, func(d ttpcron.DayHistory) bool {
			got[record.KindDay{Kind: kind, Day: d.Day}] = d.Events
			return true
		})
		if derr != nil {
			err = derr
		}
	}
	if err != nil && r.err == nil {
		r.err = err
		return
	}
	r.directory(r.top[layout.DayCounts], func(name string, b page.Bucket) {
		r.values(b, func(k, v []byte) {
			day, ok := record.ParseDay(k)
			at := record.KindDay{Kind: ttpcron.SourceKind(name), Day: day}
			h, err := record.ReadDay(at, v)
			if !ok || err != nil {
				return // nothing but a count is lost
			}
			if n := h.Events - got[at]; n > 0 {
				r.kind, r.day = at.Kind, day
				r.report.MissingEvents += n
				r.lose(fmt.Sprintf("%d of %d events are lost", n, h.Events))
				r.kind, r.day = "", 0
			}
		})
	})
}

// marks takes over the small records.
func (r *recovery) marks() {
	if r.err != nil {
		return
	}
	r.day = 0
	bad := r.w.Bad
	defer func() { r.w.Bad = bad }()
	r.w.Bad = func(what string) {
		r.report.LostMarks++ // nobody can know how many lay there
		r.find(what)
	}
	for i := range layout.Buckets {
		b := &layout.Buckets[i]
		if _, ok := r.top[b.Name]; !ok && !b.Late && r.schema == schema {
			r.w.Bad(fmt.Sprintf("bucket %q is missing", b.Name))
		}
	}
	for name := range r.top {
		if layout.Find(name) == nil {
			r.w.Bad(fmt.Sprintf("bucket %q belongs to no part of the store", name))
		}
	}
	err := r.write(func(tx *txn) error {
		if err := r.coverage(tx); err != nil {
			return err
		}
		if err := r.cursors(tx); err != nil {
			return err
		}
		for i := range layout.Buckets {
			if in := &layout.Buckets[i]; in.Recovery == layout.Copied {
				if err := r.copyRecords(tx, in); err != nil {
					return err
				}
			}
		}
		if r.report.LostBlocks+r.report.MissingEvents == 0 {
			if err := r.each(tx, layout.Marks, r.putMark); err != nil {
				return err
			}
		}
		return r.rejects(tx)
	})
	if r.err == nil {
		r.err = err
	}
}

// each takes over the records of a bucket. A damaged record is lost.
func (r *recovery) each(tx *txn, bucket string, put func(tx *txn, k, v []byte) error) (err error) {
	r.place = bucket
	r.values(r.top[bucket], func(k, v []byte) {
		switch perr := put(tx, k, v); {
		case perr == nil:
			r.report.Marks++
		case isDamage(perr):
			r.report.LostMarks++
			r.find(perr.Error())
		case err == nil:
			err = perr
		}
	})
	return err
}

func (r *recovery) putMark(tx *txn, k, v []byte) error {
	m, err := record.ReadMark(k, v)
	if err != nil {
		return err
	}
	return r.dst.putMark(tx, &m)
}

// copyRecords takes over the records of a bucket as they are.
func (r *recovery) copyRecords(tx *txn, in *layout.Bucket) error {
	to, err := tx.CreateBucketIfNotExists([]byte(in.Name))
	if err != nil {
		return err
	}
	n := uint64(0)
	err = r.each(tx, in.Name, func(_ *txn, k, v []byte) error {
		if err := in.Check(&layout.Store{}, in.Name, k, v); err != nil {
			return err
		}
		if n++; in.Number == layout.Last {
			n = binary.BigEndian.Uint64(k)
		}
		return to.Put(slices.Clone(k), slices.Clone(v))
	})
	if err != nil || n == 0 || in.Number == layout.Unused {
		return err
	}
	return to.SetSequence(n)
}

// coverage takes over the coverage of the days on which nothing was lost.
func (r *recovery) coverage(tx *txn) (err error) {
	if r.schema < 2 {
		return nil // see toSchema2
	}
	r.place = layout.Coverage
	r.directory(r.top[layout.Coverage], func(name string, b page.Bucket) {
		kind := ttpcron.SourceKind(name)
		r.values(b, func(k, v []byte) {
			day, ok := record.ParseDay(k)
			if !ok || r.lost[day] {
				return
			}
			if _, cerr := record.ReadCoverage(record.KindDay{Kind: kind, Day: day}, v); cerr != nil {
				r.report.LostMarks++
				r.find(cerr.Error())
				return
			}
			to, cerr := tx.top(layout.Coverage).CreateBucketIfNotExists([]byte(kind))
			if cerr == nil {
				cerr = to.Put(slices.Clone(k), slices.Clone(v))
			}
			r.report.Marks++
			if err == nil {
				err = cerr
			}
		})
	})
	return err
}

// cursors takes over the checkpoints, none of them behind the last arrival.
func (r *recovery) cursors(tx *txn) error {
	last, err := arrival(tx)
	if err != nil {
		return err
	}
	return r.each(tx, layout.Cursors, func(tx *txn, k, v []byte) error {
		c, err := record.ReadCursor(k, v)
		if err != nil {
			return err
		}
		c.Seq = min(c.Seq, max(last, r.arrival))
		return putCursor(tx, &c)
	})
}

// rejects takes over the rejects, numbered anew after those that were dropped.
// Which were dropped cannot be taken over: they come back when they are met again.
func (r *recovery) rejects(tx *txn) error {
	var all []ttpcron.Reject
	err := r.each(tx, layout.Rejects, func(_ *txn, k, v []byte) error {
		reject, err := record.ReadReject(k, v)
		if err == nil {
			if r.schema < 3 && len(all) == 0 {
				r.dropped = binary.BigEndian.Uint64(k) - 1
			}
			all = append(all, reject)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := tx.top(layout.Rejects).SetSequence(r.dropped); err != nil {
		return err
	}
	if err := putDropped(tx, int(r.dropped)); err != nil {
		return err
	}
	return r.dst.addRejects(tx, all)
}

// finish sets the last arrival number, so that none is given twice.
func (r *recovery) finish() error {
	return r.write(func(tx *txn) error {
		last, err := arrival(tx)
		if err != nil {
			return err
		}
		return putArrival(tx, max(last, r.arrival))
	})
}

// isDamage reports whether an error says that a record is damaged.
func isDamage(err error) bool {
	d := record.Damage("")
	var e *DamagedError
	return errors.As(err, &d) || errors.As(err, &e)
}
