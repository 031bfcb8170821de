package kv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Commit adds new tags, replaces those that differ, removes those that the reviews no
// longer find, and writes the records that go with them. A tag that is replaced keeps its
// CreatedAt. A tag that has no kind, source or time of the years 1970 to 9999, or a
// confidence outside 0 to 1, fails the call, as does a review that makes no sense.
//
// This is one transaction, unless more than some ten thousand tags have to be removed:
// these are removed before it, and counted in the result even with an error.
//
// A commit without anything new writes nothing: no tag, coverage or cursor differs from
// what is stored, and its Run is unfinished and already stored. So the record of a run that
// was killed may lack the counts of its last commits.
func (db *DB) Commit(ctx context.Context, c ttpcron.Commit) (ttpcron.Committed, error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	rows, r, err := db.sortCommit(&c)
	if err != nil {
		return ttpcron.Committed{}, err
	}
	done, err := db.commit(ctx, c, rows, r)
	if err != nil {
		return r.taken, err
	}
	return done, nil
}

// Preview counts what Commit would do with tags. It writes nothing.
func (db *DB) Preview(ctx context.Context, c ttpcron.Commit) (done ttpcron.Committed, err error) {
	rows, r, err := db.sortCommit(&c)
	if err == nil {
		err = db.view(ctx, func(tx *txn) error {
			claims, _, err := db.findTags(tx, c.Tags, rows)
			if err != nil {
				return err
			}
			countRows(&done, c.Tags, rows)
			gone := map[uint32]int{}
			_, err = r.next(tx, math.MaxInt, func(g goneTag) { gone[g.claim]++ })
			countGone(&done, gone, claims)
			return err
		})
	}
	if err != nil {
		return ttpcron.Committed{}, fmt.Errorf("compare %d tags: %w", len(c.Tags), err)
	}
	return done, nil
}

// sortCommit gives the rows of a commit's tags, and what finds the tags that go.
func (db *DB) sortCommit(c *ttpcron.Commit) (rows []tagRow, r *reviewer, err error) {
	if rows, err = sortTags(c.Tags); err == nil {
		r, err = newReviewer(db, c, rows)
	}
	return rows, r, err
}

// findTags marks the rows of tags that the store has, and returns their claims and the
// tags that are stored otherwise.
func (db *DB) findTags(tx *txn, tags []ttpcron.Tag, rows []tagRow) ([]*record.Claim, storedTags, error) {
	claims, err := db.claims.all(tx)
	if err != nil {
		return nil, nil, err
	}
	f := tagFinder{tx: tx, tags: tags, claims: claims, old: storedTags{}}
	return claims, f.old, f.find(rows)
}

// countRows counts what becomes of tags.
func countRows(done *ttpcron.Committed, tags []ttpcron.Tag, rows []tagRow) {
	for i := range rows {
		r := &rows[i]
		n := ttpcron.TagChanges{Inserted: 1}
		switch {
		case r.same:
			continue
		case r.known:
			n = ttpcron.TagChanges{Replaced: 1}
		}
		c := &tags[r.tag].Claim
		done.TagChanges.Add(n)
		done.Count(ttpcron.RuleTechnique{RuleID: c.RuleID, Technique: c.Technique()}, n)
	}
}

// countGone counts tags that go, which are given by claim.
func countGone(done *ttpcron.Committed, gone map[uint32]int, claims []*record.Claim) {
	for id, n := range gone {
		c := claims[id-1]
		done.TagChanges.Add(ttpcron.TagChanges{Removed: n})
		done.Count(ttpcron.RuleTechnique{RuleID: c.RuleID, Technique: c.Technique()}, ttpcron.TagChanges{Removed: n})
	}
}

func (db *DB) commit(ctx context.Context, c ttpcron.Commit, rows []tagRow, r *reviewer) (done ttpcron.Committed, err error) {
	var companions []companion
	var claims []*record.Claim
	var old storedTags
	var matches *matchCommit
	err = db.view(ctx, func(tx *txn) error {
		if claims, old, err = db.findTags(tx, c.Tags, rows); err != nil {
			return err
		}
		if companions, err = newCompanions(tx, c); err != nil {
			return err
		}
		if r.doubts, err = newCoverage(tx, ttpcron.Commit{Coverage: doubtful(&c)}); err != nil {
			return err
		}
		matches, err = db.newMatchCommit(tx, &c)
		return err
	})
	if err != nil {
		return done, err
	}
	defer matches.done()
	countRows(&done, c.Tags, rows)
	gone, err := db.review(ctx, r, claims, &done)
	if err != nil {
		return done, err
	}
	changed, err := db.reviewMatches(ctx, matches, r)
	if err != nil {
		return done, err
	}
	if r.doubted {
		err = db.view(ctx, func(tx *txn) error {
			companions, err = newCompanions(tx, c)
			return err
		})
		if err != nil {
			return done, err
		}
	}
	rows = slices.DeleteFunc(rows, func(r tagRow) bool { return r.same })
	if len(rows)+len(gone)+len(companions) == 0 && !changed {
		return done, nil
	}
	if c.Run != nil && (len(companions) == 0 || !companions[len(companions)-1].isRun) {
		companions = append(companions, runCompanion(c.Run)) // something is written: the counts come along
	}
	return done, db.write(ctx, c.Tags, rows, old, gone, companions, matches)
}

// write writes what a commit changes, in one transaction.
func (db *DB) write(ctx context.Context, tags []ttpcron.Tag, rows []tagRow, old storedTags, gone []goneTag, companions []companion, matches *matchCommit) error {
	claims := db.claims.begin()
	err := db.update(ctx, func(tx *txn) error {
		if err := db.changeTags(tx, tags, rows, old, gone, claims); err != nil {
			return err
		}
		for _, m := range companions {
			if err := m.put(tx); err != nil {
				return err
			}
		}
		if matches != nil {
			if err := matches.put(tx); err != nil {
				return err
			}
		}
		return claims.store(tx)
	})
	if err == nil {
		claims.committed()
		if matches != nil {
			matches.committed()
		}
	}
	return err
}

// reviewMatches finds the base matches that reviews remove. If they are too many for one
// transaction, it removes some first. It reports whether the commit changes base matches.
func (db *DB) reviewMatches(ctx context.Context, m *matchCommit, r *reviewer) (changed bool, err error) {
	for more := true; more; {
		if m.goes() {
			if err := db.doubt(ctx, r); err != nil {
				return false, err
			}
			if err := db.update(ctx, m.putWent); err != nil {
				return false, err
			}
			m.forget()
		}
		err := db.view(ctx, func(tx *txn) (err error) {
			if more, err = m.next(tx, cmp.Or(db.taken, wentMatches)); err == nil && !more {
				changed, err = m.changes(tx)
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return changed, nil
}

// review counts the tags that reviews remove and returns them. If they are too many for
// one transaction, it removes some first.
func (db *DB) review(ctx context.Context, r *reviewer, claims []*record.Claim, done *ttpcron.Committed) (gone []goneTag, err error) {
	most := cmp.Or(db.taken, reviewTags)
	if db.taken == 0 && len(r.commit.Judgements) > 0 {
		most = judgedTagsOnce
	}
	var counted ttpcron.Committed
	for more := true; more; {
		if len(gone) > 0 {
			if err := db.doubt(ctx, r); err != nil {
				return nil, err
			}
			if err := db.write(ctx, nil, nil, nil, gone, nil, nil); err != nil {
				return nil, err
			}
			r.taken.Add(counted)
		}
		gone, counted = gone[:0], ttpcron.Committed{}
		err := db.view(ctx, func(tx *txn) (err error) {
			more, err = r.next(tx, most, func(g goneTag) { gone = append(gone, g) })
			return err
		})
		if err != nil {
			return nil, err
		}
		byClaim := map[uint32]int{}
		for i := range gone {
			byClaim[gone[i].claim]++
		}
		countGone(&counted, byClaim, claims)
		done.Add(counted)
	}
	return gone, nil
}

// doubtful is the coverage of days from which a commit removes something: until the commit
// is done, it is unknown which rules have looked at their events. Otherwise the rules of
// the removed tags would not look again if they were in force next.
func doubtful(c *ttpcron.Commit) (list []ttpcron.Coverage) {
	for i := range c.Coverage {
		v := &c.Coverage[i]
		if slices.ContainsFunc(c.Reviews, func(r ttpcron.Review) bool { return r.Kind == v.Kind && r.Day == v.Day }) {
			list = append(list, v.By(""))
		}
	}
	return list
}

// doubt stores this coverage before the first of the transactions that precede the
// commit's.
func (db *DB) doubt(ctx context.Context, r *reviewer) error {
	if r.doubted || len(r.doubts) == 0 {
		return nil
	}
	r.doubted = true
	return db.write(ctx, nil, nil, nil, nil, r.doubts, nil)
}

// companion is a small record that a commit writes with its tags.
type companion struct {
	isRun bool
	put   func(tx *txn) error
}

func runCompanion(r *ttpcron.Run) companion {
	return companion{true, func(tx *txn) error { return putRun(tx, r) }}
}

// newCompanions returns what differs from the records that are stored; the run, if it
// is among them, comes last.
func newCompanions(tx *txn, c ttpcron.Commit) (companions []companion, err error) {
	if companions, err = newCoverage(tx, c); err != nil {
		return nil, err
	}
	for i := range c.Cursors {
		v := &c.Cursors[i]
		if v.Kind == "" {
			return nil, errors.New("cursor without kind")
		}
		if !bytes.Equal(tx.top(layout.Cursors).Get([]byte(v.Kind)), record.AppendCursor(nil, v)) {
			companions = append(companions, companion{put: func(tx *txn) error { return putCursor(tx, v) }})
		}
	}
	for _, e := range c.Audit {
		companions = append(companions, companion{put: func(tx *txn) error { return audit(tx, e) }})
	}
	if c.Run == nil {
		return companions, nil
	}
	if c.Run.ID == "" {
		return nil, errors.New("run without id")
	}
	if old := tx.top(layout.Runs).Get([]byte(c.Run.ID)); old == nil || !c.Run.Finished.IsZero() && !bytes.Equal(old, record.AppendRun(nil, c.Run)) {
		companions = append(companions, runCompanion(c.Run))
	}
	return companions, nil
}
