package kv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/page"
	"github.com/ttpcron/ttpcron/kv/record"
	"github.com/ttpcron/ttpcron/kv/rollup"
)

// A review removes the tags that rules no longer make after looking at events again. They
// are found among the tags of the day by claim and by the arrival number of the event,
// without reading either.

// reviewTags is how many tags are removed in one transaction. Others are removed before
// the commit, which is then the last of several transactions.
const reviewTags = 200_000

// judgedTagsOnce is the same for correlations' tags, each of which costs ten times as
// much.
const judgedTagsOnce = 50_000

// pageTags is how many tags the first removed tag of a page counts as: the page is
// rewritten even if all others on it stay.
const pageTags = 8

// goneTag is a tag that is removed.
type goneTag struct {
	day   ttpcron.Day
	key   record.TagKey
	claim uint32
}

// reviewer finds the tags that reviews and judgements remove, a part at a time.
type reviewer struct {
	db     *DB
	commit *ttpcron.Commit
	left   []dayReview // by day; the first is at hand
	begun  bool        // judgements are among them
	keep   []tagRow    // by day and key: tags that are made again
	kept   map[ttpcron.UUID]bool
	from   record.TagKey     // goes on here, unless it is zero
	taken  ttpcron.Committed // by transactions before that of the commit

	doubts  []companion // see doubtful
	doubted bool        // they are stored
}

// dayReview is what a commit says of tags of a day that go: a review or judgements.
type dayReview struct {
	day    ttpcron.Day
	review *ttpcron.Review
	judged *judgedTags
}

func newReviewer(db *DB, c *ttpcron.Commit, keep []tagRow) (*reviewer, error) {
	reviews := slices.Clone(c.Reviews)
	slices.SortFunc(reviews, func(a, b ttpcron.Review) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind))
	})
	r := &reviewer{db: db, commit: c, keep: keep}
	for i := range reviews {
		v := &reviews[i]
		if err := checkReview(v); err != nil {
			return nil, err
		}
		if i > 0 && v.Day == reviews[i-1].Day && v.Kind == reviews[i-1].Kind {
			return nil, fmt.Errorf("two reviews of kind %q and day %d", v.Kind, v.Day)
		}
		r.left = append(r.left, dayReview{day: v.Day, review: v})
	}
	if err := checkJudgements(c); err != nil {
		return nil, err
	}
	if len(c.Kept) > 0 {
		r.kept = make(map[ttpcron.UUID]bool, len(c.Kept))
		for _, u := range c.Kept {
			r.kept[u] = true
		}
	}
	return r, nil
}

// begin puts judgements among the reviews.
func (r *reviewer) begin(tx *txn, claims []*record.Claim) error {
	r.begun = true
	if len(r.commit.Judgements)+len(r.commit.Gone) == 0 {
		return nil
	}
	days, err := judge(tx, claims, r.commit)
	for day, j := range days {
		r.left = append(r.left, dayReview{day: day, judged: j})
	}
	slices.SortStableFunc(r.left, func(a, b dayReview) int { return cmp.Compare(a.day, b.day) })
	return err
}

// next gives the next tags to remove until there are so many, and reports whether there may
// be more.
func (r *reviewer) next(tx *txn, most int, give func(goneTag)) (more bool, err error) {
	claims, err := r.db.claims.all(tx)
	if err != nil {
		return false, err
	}
	if !r.begun {
		if err := r.begin(tx, claims); err != nil {
			return false, err
		}
	}
	days := tx.top(layout.Tags)
	for ; len(r.left) > 0; r.left, r.from = r.left[1:], (record.TagKey{}) {
		d := &r.left[0]
		b := days.Bucket(record.DayKey(d.day))
		if b == nil {
			continue
		}
		look := r.judgements
		if d.review != nil {
			look = r.reviews
		}
		if most, err = look(d, claims, b, most, give); err != nil || most < 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// reviews yields the tags that a review removes, and returns how many may follow, -1 if
// there may be more.
func (r *reviewer) reviews(d *dayReview, claims []*record.Claim, b *bucket, most int, give func(goneTag)) (left int, err error) {
	v := d.review
	of := claimsOf(v, claims)
	if of == nil {
		return most, nil
	}
	span := nanoSpan{0, record.DayNanos}
	if v.Earliest.After(v.Day.Start()) {
		span.first = record.NanosOf(v.Earliest, v.Day)
	}
	if v.Latest.Before((v.Day + 1).Start()) {
		span.last = record.NanosOf(v.Latest, v.Day)
	}
	return r.eachTag(d.day, v.Kind == ttpcron.Correlation, span, claims, b, most, give, func(k []byte, id uint32, seq uint64, nanos int64) bool {
		return of[id-1] && within(v.Events, seq)
	})
}

// judgements yields the tags that judgements remove, and those that are named.
func (r *reviewer) judgements(d *dayReview, claims []*record.Claim, b *bucket, most int, give func(goneTag)) (left int, err error) {
	j, keep := d.judged, r.rows(d.day)
	for _, k := range j.keys {
		rec := b.Get(k[:])
		if rec == nil {
			continue
		}
		id, _, err := tagOf(claims, k[:], rec)
		if err != nil {
			return 0, err
		}
		if claims[id-1].Kind == ttpcron.Correlation && !r.again(keep, k[:]) {
			most = max(0, most-1)
			give(goneTag{d.day, k, id})
		}
	}
	if j.spans == nil {
		return most, nil
	}
	return r.eachTag(d.day, true, j.nanoSpan, claims, b, most, give, func(k []byte, id uint32, _ uint64, nanos int64) bool {
		_, u, _ := record.ParseTagKey(k)
		return j.takes(id, nanos, u) && !j.names(k)
	})
}

// eachTag gives the tags of findings, or of events, in a part of a day that goes speaks
// for, and that the commit does not keep.
func (r *reviewer) eachTag(day ttpcron.Day, findings bool, span nanoSpan, claims []*record.Claim, b *bucket, most int, give func(goneTag), goes func(k []byte, id uint32, seq uint64, nanos int64) bool) (left int, err error) {
	from := r.from[:]
	if r.from == (record.TagKey{}) {
		from = record.TagsFrom(findings, span.first)
	}
	keep := r.rows(day)
	passed, last := 0, -1 // bytes of tags, and on which of their pages the one was that goes
	c := b.Cursor()
	for k, rec := c.Seek(from); k != nil && record.OfFinding(k) == findings; k, rec = c.Next() {
		nanos, _, ok := record.ParseTagKey(k)
		if !ok {
			return 0, record.Damagef("%x is no key of a tag", k)
		}
		if nanos > span.last {
			break
		}
		passed += page.ElementSize + len(k) + len(rec)
		id, seq, err := tagOf(claims, k, rec)
		if err != nil {
			return 0, err
		}
		if !goes(k, id, seq, nanos) || r.again(keep, k) {
			continue
		}
		g := goneTag{day, record.TagKey(k), id}
		if most <= 0 {
			r.from = g.key
			return -1, nil
		}
		most--
		if at := passed / page.Size; at != last {
			most, last = most-pageTags, at
		}
		give(g)
	}
	return max(0, most), nil
}

// again reports whether a tag is made again, as one of the rows of its day, or kept.
func (r *reviewer) again(keep []tagRow, k []byte) bool {
	_, again := slices.BinarySearchFunc(keep, k, func(row tagRow, k []byte) int { return bytes.Compare(row.key[:], k) })
	_, u, _ := record.ParseTagKey(k)
	return again || r.kept[u]
}

func checkReview(v *ttpcron.Review) error {
	if v.Kind == "" || v.Day < 0 || v.Latest.Before(v.Earliest) || !v.Earliest.Before((v.Day + 1).Start()) || v.Latest.Before(v.Day.Start()) {
		return fmt.Errorf("review of kind %q and day %d, from %v to %v", v.Kind, v.Day, v.Earliest, v.Latest)
	}
	last := uint64(0)
	for _, s := range v.Events {
		if s.First <= last || s.Last < s.First {
			return fmt.Errorf("review of events %d to %d after event %d", s.First, s.Last, last)
		}
		last = s.Last
	}
	return nil
}

// claimsOf says for each claim, number 1 first, whether it is from one of a review's
// rules; nil if none is.
func claimsOf(v *ttpcron.Review, claims []*record.Claim) (of []bool) {
	rules := make(map[string]bool, len(v.Rules))
	for _, id := range v.Rules {
		rules[id] = true
	}
	for i, c := range claims {
		if c.Kind == v.Kind && rules[c.RuleID] {
			if of == nil {
				of = make([]bool, len(claims))
			}
			of[i] = true
		}
	}
	return of
}

// within reports whether an arrival number is in one of some ranges.
func within(ranges []ttpcron.SeqRange, seq uint64) bool {
	_, ok := slices.BinarySearchFunc(ranges, seq, func(r ttpcron.SeqRange, seq uint64) int {
		switch {
		case r.Last < seq:
			return -1
		case r.First > seq:
			return 1
		}
		return 0
	})
	return ok
}

// rows returns the tags of a day that are made again.
func (r *reviewer) rows(day ttpcron.Day) []tagRow {
	find := func(day ttpcron.Day) int {
		i, _ := slices.BinarySearchFunc(r.keep, day, func(row tagRow, day ttpcron.Day) int { return cmp.Compare(row.day, day) })
		return i
	}
	return r.keep[find(day):find(day+1)]
}

// claimChanges is the change in the totals of claims whose tags were removed or replaced.
type claimChanges map[uint32]int

// changeDay removes tags from a day and stores others, new ones or replacements, and
// recounts the day. It returns the change in the number of days with tags: -1 if no tags
// are left.
func (db *DB) changeDay(tx *txn, day ttpcron.Day, tags []ttpcron.Tag, rows []tagRow, gone []goneTag, w *tagWriter, changed claimChanges) (days int, err error) {
	name := record.DayKey(day)
	b, rollups := tx.top(layout.Tags).Bucket(name), tx.top(layout.Rollups).Bucket(name)
	if b == nil || rollups == nil {
		return 0, record.Damagef("the tags of %s are not counted", day)
	}
	if err := eachClaim(rollups, name, func(id uint32, t record.Tally) { changed[id] -= t.Tags }); err != nil {
		return 0, err
	}
	for i := range gone {
		if err := b.Delete(gone[i].key[:]); err != nil {
			return 0, err
		}
	}
	for i := range rows {
		if _, err := w.put(b, name, &rows[i], &tags[rows[i].tag]); err != nil {
			return 0, err
		}
	}
	if k, _ := b.Cursor().First(); k == nil {
		if err := tx.top(layout.Tags).DeleteBucket(name); err != nil {
			return 0, err
		}
		return -1, tx.top(layout.Rollups).DeleteBucket(name)
	}
	if err := db.recountDay(tx, day, b, rollups, w.claims); err != nil {
		return 0, fmt.Errorf("counts of %s: %w", day, err)
	}
	return 0, eachClaim(rollups, name, func(id uint32, t record.Tally) { changed[id] += t.Tags })
}

// maxRecount is how many attackers and names are counted at once.
const maxRecount = 1 << 16

// recountDay makes the rollup of a day from its tags.
func (db *DB) recountDay(tx *txn, day ttpcron.Day, tags, rollups *bucket, claims *newClaims) error {
	d := rollup.NewDay()
	d.Most = cmp.Or(db.sums, maxRecount)
	for first := true; ; first = false {
		if err := db.countDay(tx, day, tags, d, claims); err != nil {
			return err
		}
		if !first {
			clear(d.Claims)
		}
		if err := rewriteRollup(d, rollups, record.DayKey(day), first); err != nil {
			return err
		}
		if !d.Next() {
			return nil
		}
	}
}

// recountTagsOf counts a day's tags, under the present names of attackers, and adds the
// difference for each claim to changed.
func (db *DB) recountTagsOf(tx *txn, day ttpcron.Day, claims *newClaims, changed claimChanges) error {
	name := record.DayKey(day)
	rollups := tx.top(layout.Rollups)
	tags := tx.top(layout.Tags).Bucket(name)
	if tags == nil {
		return nil
	}
	if b := rollups.Bucket(name); b == nil {
		return record.Damagef("the tags of %s are not counted", day)
	} else if err := eachClaim(b, name, func(id uint32, t record.Tally) { changed[id] -= t.Tags }); err != nil {
		return err
	}
	if err := rollups.DeleteBucket(name); err != nil {
		return err
	}
	counts, err := rollups.CreateBucket(name)
	if err != nil {
		return err
	}
	if err := db.recountDay(tx, day, tags, counts, claims); err != nil {
		return err
	}
	return eachClaim(counts, name, func(id uint32, t record.Tally) { changed[id] += t.Tags })
}

// countDay counts the tags of a day.
func (db *DB) countDay(tx *txn, day ttpcron.Day, tags *bucket, to *rollup.Day, claims *newClaims) error {
	var two [2]ttpcron.Tag // the rollup looks at the one before
	read := db.tagReader()
	defer read.done()
	n := 0
	return tags.ForEach(func(k, rec []byte) error {
		t := &two[n&1]
		n++
		var id uint32
		var err error
		if *t, id, err = record.ReadTag(day, k, rec, &read.deriver); err != nil {
			return err
		}
		c := claims.claim(id)
		if c == nil {
			return record.Damagef("claim %d is missing", id)
		}
		if _, err := read.complete(tx, day, k, t, c); err != nil {
			return err
		}
		to.Add(&db.secret, record.NanosOf(t.EventTime, day), id, t)
		return nil
	})
}

// rewriteRollup replaces the counts in a day's bucket within its range; those of claims
// with claims.
func rewriteRollup(d *rollup.Day, b *bucket, day []byte, claims bool) error {
	var drop [][]byte
	put := map[string][]byte{}
	note := func(k, old, rec []byte) {
		if !bytes.Equal(old, rec) {
			put[string(k)] = rec
		}
	}
	err := b.ForEach(func(k, rec []byte) error {
		switch {
		case len(k) == 5 && k[0] == record.RollupClaim:
			if !claims {
				return nil
			}
			id := binary.BigEndian.Uint32(k[1:])
			t, ok := d.Claims[id]
			if !ok {
				drop = append(drop, bytes.Clone(k))
				return nil
			}
			delete(d.Claims, id)
			note(k, rec, record.AppendTally(nil, t, day, k))
		case len(k) == 9 && k[0] == record.RollupAttacker && d.Has(binary.BigEndian.Uint64(k[1:])):
			a, ok := d.Attackers[binary.BigEndian.Uint64(k[1:])]
			if !ok {
				drop = append(drop, bytes.Clone(k))
				return nil
			}
			old, err := record.ReadAttacker(rec, day, k)
			if err != nil {
				return err
			}
			old.Tally, old.Shown = a.Tally, a.Shown // the names stay
			delete(d.Attackers, binary.BigEndian.Uint64(k[1:]))
			note(k, rec, record.AppendAttacker(nil, old, day, k))
		case len(k) == 9 && k[0] == record.RollupAlias && d.Has(binary.BigEndian.Uint64(k[1:])):
			span, ok := d.Aliases[binary.BigEndian.Uint64(k[1:])]
			if !ok {
				drop = append(drop, bytes.Clone(k))
				return nil
			}
			delete(d.Aliases, binary.BigEndian.Uint64(k[1:]))
			note(k, rec, record.AppendAlias(nil, *span, day, k))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, t := range d.Claims {
		k := record.ClaimKey(record.RollupClaim, id)
		note(k, nil, record.AppendTally(nil, t, day, k))
	}
	for hash, a := range d.Attackers {
		k := record.HashKey(record.RollupAttacker, hash)
		note(k, nil, record.AppendAttacker(nil, *a, day, k))
	}
	for hash, span := range d.Aliases {
		k := record.HashKey(record.RollupAlias, hash)
		note(k, nil, record.AppendAlias(nil, *span, day, k))
	}
	for _, k := range drop {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(put)) {
		if err := b.Put([]byte(k), put[k]); err != nil {
			return err
		}
	}
	return nil
}

// changeTotals adds changes to the totals of claims, and finds anew when the first
// and the last of their tags were.
func changeTotals(tx *txn, changed claimChanges) error {
	totals := tx.top(layout.Totals)
	left := map[uint32]*record.TagTotal{}
	for id, n := range changed {
		k := record.ClaimKey(record.RollupClaim, id)
		var t record.TagTotal
		if rec := totals.Get(k); rec != nil {
			var err error
			if t, err = record.ReadTotal(k, rec); err != nil {
				return err
			}
		}
		switch t.Tags += n; {
		case t.Tags < 0:
			return record.Damagef("total of claim %d is too small", id)
		case t.Tags > 0:
			left[id] = &record.TagTotal{Tags: t.Tags}
		default:
			if err := totals.Delete(k); err != nil {
				return err
			}
		}
	}
	for _, last := range []bool{false, true} {
		err := eachTally(tx, left, last, func(t *record.TagTotal, day ttpcron.Day, of record.Tally) {
			if last {
				t.Last = record.TimeOf(day, of.Last)
			} else {
				t.First = record.TimeOf(day, of.First)
			}
		})
		if err != nil {
			return err
		}
	}
	for id, t := range left {
		k := record.ClaimKey(record.RollupClaim, id)
		if err := totals.Put(k, record.AppendTotal(nil, k, *t)); err != nil {
			return err
		}
	}
	return nil
}

// eachTally yields each claim's counts on its first day, or on its last.
func eachTally(tx *txn, of map[uint32]*record.TagTotal, last bool, give func(t *record.TagTotal, day ttpcron.Day, of record.Tally)) error {
	rollups, left := tx.top(layout.Rollups), maps.Clone(of)
	c := rollups.Cursor()
	begin, step := c.First, c.Next
	if last {
		begin, step = c.Last, c.Prev
	}
	for name, _ := begin(); name != nil && len(left) > 0; name, _ = step() {
		day, _ := record.ParseDay(name)
		b := rollups.Bucket(name)
		for id, total := range left {
			k := record.ClaimKey(record.RollupClaim, id)
			rec := b.Get(k)
			if rec == nil {
				continue
			}
			t, err := record.ReadTally(rec, name, k)
			if err != nil {
				return err
			}
			delete(left, id)
			give(total, day, t)
		}
	}
	if len(left) > 0 {
		return record.Damage("totals of claims count tags that are not there")
	}
	return nil
}
