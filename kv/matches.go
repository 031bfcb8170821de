package kv

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/layout"
	"github.com/ttpcron/ttpcron/kv/match"
	"github.com/ttpcron/ttpcron/kv/record"
)

// Base matches lie by the day of their event, in runs: see package match. What a commit
// brings and takes away of a day has a number. Until all up to it is judged the runs
// that have it are not merged with older ones: so they tell which groups were touched.

// wentMatches is how many matches are taken out in one transaction.
const wentMatches = 1 << 16

// matchCommit is what a commit does to base matches.
type matchCommit struct {
	db      *DB
	streams *newStreams
	days    []*matchChange // ascending
	sets    []*ttpcron.RuleSet
}

// matchChange is what a commit does to the matches of a day.
type matchChange struct {
	day     ttpcron.Day
	add     []match.Entry // in order, none twice
	stored  []bool        // of add: the store has it just so
	reviews []matchReview
	from    *record.MatchKey // what goes was looked for before it; nil: not yet
	looked  bool             // all that goes was found
	went    []match.Entry    // that go with the next transaction

	judged  *string // fingerprint
	settled *uint64
}

// matchReview is what a review says of the streams of which there are matches.
type matchReview struct {
	of     map[uint32]bool // streams
	events []ttpcron.SeqRange
	record.Box
}

func (v *matchReview) takes(e *match.Entry) bool {
	return v.of[e.Stream] && v.Holds(e.Nanos, e.Seq) && within(v.events, e.Seq)
}

// newMatchCommit sorts what a commit says of base matches, and compares it with what is
// stored. What goes is found by next.
func (db *DB) newMatchCommit(tx *txn, c *ttpcron.Commit) (*matchCommit, error) {
	m := &matchCommit{db: db}
	if len(c.Matches)+len(c.Reviews)+len(c.Judged)+len(c.Settled) == 0 {
		return m, nil
	}
	if err := db.streams.load(tx); err != nil {
		return nil, err
	}
	m.streams = db.streams.begin()
	days := map[ttpcron.Day]*matchChange{}
	of := func(day ttpcron.Day) *matchChange {
		d := days[day]
		if d == nil {
			d = &matchChange{day: day, looked: true}
			days[day] = d
		}
		return d
	}
	if err := m.sort(c.Matches, of); err != nil {
		return nil, err
	}
	for i := range c.Reviews {
		if err := m.review(tx, &c.Reviews[i], of); err != nil {
			return nil, err
		}
	}
	for i := range c.Judged {
		set := ttpcron.NewRuleSet(c.Judged[i].Rules)
		if len(set.Rules) == 0 {
			set.Fingerprint = ""
		} else if tx.top(layout.RuleSets).Get([]byte(set.Fingerprint)) == nil {
			m.sets = append(m.sets, &set)
		}
		of(c.Judged[i].Day).judged = &set.Fingerprint
	}
	for i := range c.Settled {
		of(c.Settled[i].Day).settled = &c.Settled[i].UpTo
	}
	for _, d := range days {
		m.days = append(m.days, d)
	}
	slices.SortFunc(m.days, func(a, b *matchChange) int { return cmp.Compare(a.day, b.day) })
	for _, d := range m.days {
		if err := m.compare(tx, d); err != nil {
			return nil, fmt.Errorf("base matches of %s: %w", d.day, err)
		}
	}
	return m, nil
}

// maxRoom bounds the number of matches for which memory is kept.
const maxRoom = 1 << 15

// review notes what a review says of streams of which there are matches on its day.
func (m *matchCommit) review(tx *txn, v *ttpcron.Review, of func(ttpcron.Day) *matchChange) error {
	some := false
	for _, id := range v.Rules {
		some = some || ttpcron.IsStream(id)
	}
	if !some || len(v.Events) == 0 {
		return nil
	}
	s, err := readMatches(tx, v.Day)
	if err != nil || s == nil {
		return err
	}
	r := matchReview{events: v.Events, Box: record.Box{FirstSeq: v.Events[0].First, LastSeq: v.Events[len(v.Events)-1].Last, LastNanos: record.DayNanos}}
	if v.Earliest.After(v.Day.Start()) {
		r.FirstNanos = record.NanosOf(v.Earliest, v.Day)
	}
	if v.Latest.Before((v.Day + 1).Start()) {
		r.LastNanos = record.NanosOf(v.Latest, v.Day)
	}
	r.of = map[uint32]bool{}
	for _, id := range v.Rules {
		n := m.db.streams.numberOf(id, v.Kind)
		if n == 0 {
			continue
		}
		if t := s.stream(n); t != nil && t.Matches > 0 && t.Meets(&r.Box) {
			r.of[n] = true
		}
	}
	if len(r.of) > 0 {
		d := of(v.Day)
		d.reviews = append(d.reviews, r)
		d.looked = false
	}
	return nil
}

// compare finds the matches of a day that are stored, but for such as
// reviews speak of: these are met with what goes.
func (m *matchCommit) compare(tx *txn, d *matchChange) error {
	if len(d.add) == 0 {
		return nil
	}
	s, err := readMatches(tx, d.day)
	if err != nil || s == nil {
		return err
	}
	var look []int
	for i := range d.add {
		e := &d.add[i]
		t := s.stream(e.Stream)
		if t != nil && t.Matches > 0 && t.Holds(e.Nanos, e.Seq) && !slices.ContainsFunc(d.reviews, func(v matchReview) bool { return v.takes(e) }) {
			look = append(look, i)
		}
	}
	for i := len(s.Runs) - 1; i >= 0 && len(look) > 0; i-- {
		if look, err = m.find(s, &s.Runs[i], d, look); err != nil {
			return err
		}
	}
	return nil
}

// find looks for some of a day's new matches in a run, and returns those of which it
// says nothing.
func (m *matchCommit) find(s *storedMatches, run *record.MatchRun, d *matchChange, look []int) (left []int, err error) {
	left = look[:0]
	c := s.bucket.Cursor()
	var b match.Block
	var key []byte
	for _, i := range look {
		e := &d.add[i]
		if !run.Holds(e.Nanos, e.Seq) {
			left = append(left, i)
			continue
		}
		if n := len(b.Entries); n == 0 || b.Entries[n-1].Compare(&e.MatchKey) < 0 {
			k, rec := seekMatches(c, run.ID, &e.MatchKey)
			if k == nil {
				left = append(left, i)
				continue
			}
			if string(k) != string(key) {
				if err := b.Read(d.day, k, rec, false); err != nil {
					return nil, err
				}
				key = append(key[:0], k...)
			}
		}
		at, ok := slices.BinarySearchFunc(b.Entries, &e.MatchKey, func(e match.Entry, k *record.MatchKey) int { return e.Compare(k) })
		if !ok {
			left = append(left, i)
			continue
		}
		d.meet(i, &b.Entries[at])
	}
	return left, nil
}

// meet notes what is stored in the place of a new match.
func (d *matchChange) meet(i int, old *match.Entry) {
	switch e := &d.add[i]; {
	case old.Form == match.Went:
	case old.Values == e.Values && old.Group == e.Group:
		d.stored[i] = true
	default:
		e.Form = match.Replaced
	}
}

// next finds what goes until there are so many, and reports whether there may be more.
func (m *matchCommit) next(tx *txn, most int) (more bool, err error) {
	for _, d := range m.days {
		if d.looked {
			continue
		}
		if most, err = m.lookFor(tx, d, most); err != nil {
			return false, fmt.Errorf("base matches of %s: %w", d.day, err)
		}
		if !d.looked {
			return true, nil
		}
	}
	return false, nil
}

// lookFor finds the matches of a day that its reviews take out.
func (m *matchCommit) lookFor(tx *txn, d *matchChange, most int) (left int, err error) {
	s, err := readMatches(tx, d.day)
	if err != nil || s == nil {
		d.looked = true
		return most, err
	}
	var all match.Merge
	for i := range s.Runs {
		if !slices.ContainsFunc(d.reviews, func(v matchReview) bool { return v.Meets(&s.Runs[i].Box) }) {
			continue
		}
		c := s.runCursor(i, d.from, s.bucket, nil)
		c.Want = func(e *match.Entry) bool {
			for i := range d.reviews {
				if d.reviews[i].takes(e) {
					return true
				}
			}
			return false
		}
		if err := all.Add(c); err != nil {
			return 0, err
		}
	}
	at := 0
	if d.from != nil {
		at, _ = slices.BinarySearchFunc(d.add, d.from, func(e match.Entry, k *record.MatchKey) int { return e.Compare(k) })
	}
	for {
		c, err := all.Live()
		if err != nil {
			return 0, err
		}
		if c == nil {
			d.looked = true
			return most, nil
		}
		e := c.Entry()
		for at < len(d.add) && d.add[at].Compare(&e.MatchKey) < 0 {
			at++
		}
		if at < len(d.add) && d.add[at].MatchKey == e.MatchKey {
			d.meet(at, e)
			continue
		}
		if most == 0 {
			from := e.MatchKey
			d.from = &from
			return 0, nil
		}
		most--
		d.went = append(d.went, match.Entry{MatchKey: e.MatchKey, Form: match.Went, Group: strings.Clone(e.Group)})
	}
}

// goes reports whether matches are found that go.
func (m *matchCommit) goes() bool {
	return slices.ContainsFunc(m.days, func(d *matchChange) bool { return len(d.went) > 0 })
}

// putWent takes out the matches that were found, in a transaction of its own.
func (m *matchCommit) putWent(tx *txn) error {
	for _, d := range m.days {
		if len(d.went) == 0 {
			continue
		}
		if err := m.change(tx, d, d.went, nil, nil); err != nil {
			return fmt.Errorf("base matches of %s: %w", d.day, err)
		}
	}
	return nil
}

// forget forgets what putWent took out.
func (m *matchCommit) forget() {
	for _, d := range m.days {
		d.went = nil
	}
}

// changes reports whether there is anything to store.
func (m *matchCommit) changes(tx *txn) (bool, error) {
	for _, d := range m.days {
		if len(d.went) > 0 || slices.Contains(d.stored, false) {
			return true, nil
		}
		if d.judged == nil && d.settled == nil {
			continue
		}
		s, err := readMatches(tx, d.day)
		if err != nil {
			return false, err
		}
		if s == nil {
			s = &storedMatches{}
		}
		if d.judged != nil && *d.judged != s.Judged || d.settled != nil && min(*d.settled, s.Last) > s.Settled {
			return true, nil
		}
	}
	return false, nil
}

// put stores what a commit changes.
func (m *matchCommit) put(tx *txn) error {
	if len(m.days) == 0 {
		return nil
	}
	if err := m.streams.store(tx); err != nil {
		return err
	}
	for _, d := range m.days {
		entries := d.fresh()
		if len(entries) == 0 {
			entries = d.went
		} else if len(d.went) > 0 {
			entries = append(entries, d.went...) // which is no memory of others
			slices.SortFunc(entries, func(a, b match.Entry) int { return a.Compare(&b.MatchKey) })
		}
		if err := m.change(tx, d, entries, d.judged, d.settled); err != nil {
			return fmt.Errorf("base matches of %s: %w", d.day, err)
		}
	}
	if len(m.sets) == 0 {
		return nil
	}
	return putRuleSets(tx, m.sets)
}

// fresh returns the matches of a day that the store has not.
func (d *matchChange) fresh() []match.Entry {
	i := slices.Index(d.stored, true)
	if i < 0 {
		return d.add
	}
	fresh := slices.Clone(d.add[:i])
	for ; i < len(d.add); i++ {
		if !d.stored[i] {
			fresh = append(fresh, d.add[i])
		}
	}
	return fresh
}

// done gives memory back, once nothing is to be done any more.
func (m *matchCommit) done() {
	room := &m.db.room
	if cap(room.entries) > maxRoom {
		*room = matchRoom{}
	}
	clear(room.entries)
}

// committed says that what put stored is there.
func (m *matchCommit) committed() {
	if m.streams != nil {
		m.streams.committed()
	}
}

// change adds a run to the matches of a day and changes what is judged.
func (m *matchCommit) change(tx *txn, d *matchChange, entries []match.Entry, judged *string, settled *uint64) error {
	s, err := readMatches(tx, d.day)
	if err != nil {
		return err
	}
	if s == nil {
		if len(entries) == 0 && (judged == nil || *judged == "") {
			return nil // there is nothing to remember of it
		}
		if s, err = newMatches(tx, d.day); err != nil {
			return err
		}
	}
	s.limits = &m.db.runs
	if settled != nil {
		s.Settled = max(s.Settled, min(*settled, s.Last))
	}
	if judged != nil {
		s.Judged = *judged
	}
	if err := s.add(entries); err != nil {
		return err
	}
	return s.store(tx)
}
