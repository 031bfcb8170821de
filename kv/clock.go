package kv

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Held is what maintenance would remove because of its age, and why it does not. The zero
// Held means nothing.
type Held = record.Held

// HeldReason says why a pruning waits.
type HeldReason = record.HeldReason

// The reasons to hold a pruning back.
const (
	HeldYoung = record.HeldYoung // the clock was seen on fewer than MinSeenDays days
	HeldClock = record.HeldClock // today is not borne out by other days
	HeldShare = record.HeldShare // it is much at once
	HeldAll   = record.HeldAll   // nothing would be left
)

// MinSeenDays is the number of days on which a clock must have been seen before anything is
// removed because of its age.
const MinSeenDays = 3

const (
	// seenWithin is the number of days, including today, within which a clock must have
	// been seen that often for today to count.
	seenWithin = 7
	// keptDays is how many days are kept up to the present one, and how many after it.
	keptDays = 8
	// setBack is the step back from which a clock counts as set; smaller ones are usual.
	setBack = time.Minute
	// firstDay is 2020-01-01: an earlier time comes from a machine that starts in 1970
	// until its clock is set.
	firstDay ttpcron.Day = 18262
	// lookEvery is how often the last look is written down at most.
	lookEvery = time.Hour
)

// Clock is what a store has seen of its machine's clock: at imports that brought something
// new, and where [DB.SeeClock] was called. One look cannot show whether a clock is wrong,
// but a clock that was consistent on several days is right.
type Clock struct {
	Days []ttpcron.Day // on which it was seen, ascending; the latest few
	Last time.Time     // the last look, an hour old at most when others followed
	Held record.Held   // what maintenance holds back
}

// Present returns the day from which age is counted, and whether it is known. That is today
// if the clock was seen on [MinSeenDays] of the last seven days, today included, and
// otherwise the third newest day on which it was seen. If it was seen on fewer days, the
// day is not known, and the first of them is returned.
//
// So a clock that is wrong for a day, or for one run, moves nothing, and one that
// is years ahead of what was seen counts from the third day on. Days later than
// now were not seen.
func (c *Clock) Present(now time.Time) (ttpcron.Day, bool) {
	today := ttpcron.DayOf(now)
	seen := c.Days[:c.upTo(today)]
	switch n := len(seen); {
	case n == 0:
		return today, false
	case n < MinSeenDays:
		return seen[0], false
	case seen[n-1] == today && seen[n-MinSeenDays] > today-seenWithin:
		return today, true
	default:
		return seen[n-MinSeenDays], true
	}
}

// Seen counts the days, up to now, on which the clock was seen; a few at most.
func (c *Clock) Seen(now time.Time) int { return c.upTo(ttpcron.DayOf(now)) }

// upTo counts the days that are not later than a day.
func (c *Clock) upTo(day ttpcron.Day) int {
	n, _ := slices.BinarySearch(c.Days, day+1)
	return n
}

// see adds a look at the clock, and reports whether that is news.
//
// A clock that went back was wrong before, or is wrong now. When it was seen
// ahead on fewer than MinSeenDays days it was wrong before, and these are
// forgotten. Otherwise they stay, and do not count until it is there again.
func (c *Clock) see(now time.Time) bool {
	today := ttpcron.DayOf(now)
	if today < firstDay {
		return false
	}
	news := now.Sub(c.Last) >= lookEvery
	if now.Before(c.Last.Add(-setBack)) {
		if n := c.upTo(today); len(c.Days)-n < MinSeenDays {
			c.Days = c.Days[:n]
		}
		c.Held, news = record.Held{}, true
	}
	at, found := slices.BinarySearch(c.Days, today)
	if !found {
		c.Days = slices.Insert(c.Days, at, today)
		first, end := max(0, at+1-keptDays), min(len(c.Days), at+1+keptDays)
		c.Days = slices.Clone(c.Days[first:end])
	}
	if news = news || !found; news {
		c.Last = now.UTC()
	}
	return news
}

// Clock returns what was seen of the clock.
func (db *DB) Clock(ctx context.Context) (c Clock, err error) {
	err = db.view(ctx, func(tx *txn) (err error) {
		c, err = storedClock(tx)
		return err
	})
	if err != nil {
		return Clock{}, fmt.Errorf("what was seen of the clock: %w", err)
	}
	return c, nil
}

// SeeClock looks at the clock, and returns what was seen of it so far.
func (db *DB) SeeClock(ctx context.Context) (c Clock, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	now := db.now()
	if c, err = db.Clock(ctx); err != nil || !c.see(now) {
		return c, err
	}
	if err := db.update(ctx, func(tx *txn) error { return putClock(tx, &c) }); err != nil {
		return Clock{}, fmt.Errorf("look at the clock: %w", err)
	}
	return c, nil
}

// SetHeld replaces what is held back.
func (db *DB) SetHeld(ctx context.Context, h record.Held) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	c, err := db.Clock(ctx)
	if err != nil || c.Held == h {
		return err
	}
	c.Held = h
	if err := db.update(ctx, func(tx *txn) error { return putClock(tx, &c) }); err != nil {
		return fmt.Errorf("note what is held back: %w", err)
	}
	return nil
}

// releaseHeld forgets what was held back once a pruning has removed it.
func (db *DB) releaseHeld(ctx context.Context, p Prune) error {
	c, err := db.Clock(ctx)
	if err != nil || c.Held.Why == "" || p.EventsBefore < c.Held.EventsBefore || p.TagsBefore < c.Held.TagsBefore {
		return err
	}
	c.Held = record.Held{}
	return db.update(ctx, func(tx *txn) error { return putClock(tx, &c) })
}

// seeClock looks at the clock in a transaction that writes anyway.
func seeClock(tx *txn, now time.Time) error {
	c, err := storedClock(tx)
	if err == nil && c.see(now) {
		err = putClock(tx, &c)
	}
	return err
}

func putClock(tx *txn, c *Clock) error {
	return tx.top(layout.Meta).Put(record.KeyClock, record.AppendClock(nil, (*record.Clock)(c)))
}

func storedClock(tx *txn) (Clock, error) {
	rec := tx.top(layout.Meta).Get(record.KeyClock)
	if rec == nil {
		return Clock{}, nil
	}
	c, err := record.ReadClock(rec)
	return Clock(c), err
}
