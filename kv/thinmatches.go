package kv

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// thinMatches removes the base matches of a day's removed events, and the records of
// removed matches, so that nothing of them is left in the file. Groups that lose something
// are judged again, except those for which forget returns true; if it is nil, none are.
func (db *DB) thinMatches(tx *txn, day ttpcron.Day, gone *record.SeqSet, forget func(*storedStream, ttpcron.Group) bool) error {
	if gone.Len() == 0 {
		return nil
	}
	s, err := readMatches(tx, day)
	if err != nil || s == nil {
		return err
	}
	s.limits, s.secret = &db.runs, &db.secret
	t := matchThinning{storedMatches: s, gone: gone, forget: forget}
	if t.streams, err = db.streams.all(tx); err != nil {
		return err
	}
	if err := t.thin(); err != nil {
		return fmt.Errorf("base matches of %s: %w", day, err)
	}
	return s.store(tx)
}

// matchThinning takes matches out of a day.
type matchThinning struct {
	*storedMatches
	streams []*storedStream
	gone    *record.SeqSet
	forget  func(*storedStream, ttpcron.Group) bool

	marks  match.Writer // of the run that says which groups are to be judged again
	run    record.MatchRun
	blocks [][2][]byte // of it: bbolt's cursors do not survive changes
}

func (t *matchThinning) thin() error {
	t.run = record.MatchRun{ID: t.nextRun(), First: t.Last + 1, Last: t.Last + 1}
	t.marks = match.Writer{Day: t.day, Run: t.run.ID, Most: t.limits.block, Put: func(k, rec []byte) error {
		t.blocks = append(t.blocks, [2][]byte{bytes.Clone(k), bytes.Clone(rec)})
		return nil
	}}
	if err := t.look(); err != nil {
		return err
	}
	for i := range t.Runs {
		if err := t.thinRun(&t.Runs[i]); err != nil {
			return err
		}
	}
	t.Runs = slices.DeleteFunc(t.Runs, func(r record.MatchRun) bool { return r.Entries() == 0 })
	if t.run.Went == 0 {
		return nil
	}
	for _, b := range t.blocks {
		if err := t.bucket.Put(b[0], b[1]); err != nil {
			return err
		}
	}
	t.Last++
	t.Runs = append(t.Runs, t.run)
	return nil // what is merged is read as it was when the transaction began
}

// look counts what goes, and marks the groups that lose something: the first and the last
// removed match give the time.
func (t *matchThinning) look() error {
	var all match.Merge
	for i := range t.Runs {
		c := t.runCursor(i, nil, t.bucket, nil)
		c.Want = func(r *match.Row) bool { return t.gone.Has(r.Seq) }
		if err := all.Add(c); err != nil {
			return err
		}
	}
	var g match.Group // at hand
	var last match.Row
	begun, marked := false, false
	for c := all.Top(); c != nil; c = all.Top() {
		same := begun && c.Group().Compare(&g) == 0
		if r := c.Row(); !same || !r.Same(&last) {
			if r.Form != match.Went {
				n := t.stream(r.Stream)
				if n == nil {
					return record.Damagef("stream %d is not counted", r.Stream)
				}
				n.Matches--
				t.Matches--
			}
			if !same {
				if begun && !marked {
					if err := t.mark(&g, &last); err != nil {
						return err
					}
				}
				g = *c.Group()
				g.Text = strings.Clone(g.Text)
				if err := t.mark(&g, r); err != nil {
					return err
				}
			}
			last, begun, marked = *r, true, !same
		}
		if err := all.Move(); err != nil {
			return err
		}
	}
	if begun && !marked {
		if err := t.mark(&g, &last); err != nil {
			return err
		}
	}
	return t.marks.Flush()
}

// mark writes that a match went, unless its group is to be forgotten.
func (t *matchThinning) mark(g *match.Group, r *match.Row) error {
	if t.forget == nil {
		return nil
	}
	if g.Grouping == 0 || uint64(g.Grouping) > uint64(len(t.streams)) {
		return record.Damagef("stream %d is missing", g.Grouping)
	}
	if t.forget(t.streams[g.Grouping-1], ttpcron.Group(g.Text)) {
		return nil
	}
	t.run.Box.Add(t.run.Went, r.Nanos, r.Seq)
	t.run.Went++
	gone := *r
	gone.Form = match.Went
	return t.marks.Add(g, &gone, "")
}

// thinRun thins a run. Blocks that lose nothing are unchanged.
func (t *matchThinning) thinRun(run *record.MatchRun) error {
	w := match.Writer{Day: t.day, Run: run.ID, Most: t.limits.block, Put: t.put}
	var b match.Block
	for _, k := range keysWith(t.bucket, record.ClaimNumber(run.ID)) {
		if err := b.Read(t.secret, t.day, k, t.bucket.Get(k)); err != nil {
			return err
		}
		left := 0
		for i := range b.Rows {
			switch r := &b.Rows[i]; {
			case !t.gone.Has(r.Seq):
				left++
			case r.Form == match.Went:
				run.Went--
			default:
				run.Came--
			}
		}
		if left == len(b.Rows) {
			continue
		}
		if err := t.bucket.Delete(k); err != nil {
			return err
		}
		for i := range b.Groups {
			g := &b.Groups[i]
			for row := g.From; row < g.To; row++ {
				if r := &b.Rows[row]; !t.gone.Has(r.Seq) {
					if err := w.Add(g, r, b.Value(r)); err != nil {
						return err
					}
				}
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
