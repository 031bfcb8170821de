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

// Base matches are stored by the day of their event, in runs: see package match. What a
// commit adds to and removes from a day has a number. Runs with a number are not merged
// with older ones until everything up to it is judged: so they show which groups changed.

// wentMatches is how many matches are removed in one transaction.
const wentMatches = 1 << 16

// longGroup is how many bytes of a group count as one more match.
const longGroup = 128

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
	add     match.List // none twice
	known   int        // rows of add that the store has
	reviews []matchReview
	from    *record.MatchKey // what goes was looked for before it; nil: not yet
	looked  bool             // all that goes was found
	went    match.List       // that go with the next transaction

	judged  *string // fingerprint
	settled *uint64
}

// matchReview is what a review says about streams with matches.
type matchReview struct {
	of     map[uint32]bool // streams
	events []ttpcron.SeqRange
	record.Box
}

func (v *matchReview) takes(r *match.Row) bool {
	return v.of[r.Stream] && v.Holds(r.Nanos, r.Seq) && within(v.events, r.Seq)
}

// takes reports whether a review takes a match out, unless it is found again.
func (d *matchChange) takes(r *match.Row) bool {
	for i := range d.reviews {
		if d.reviews[i].takes(r) {
			return true
		}
	}
	return false
}

// newMatchCommit sorts a commit's changes to base matches, and compares them with what is
// stored. next finds what is removed.
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
const maxRoom = 1 << 16

// review records what a review says about streams with matches on its day.
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

// read reads the description of a day's matches, nil if there are none.
func (m *matchCommit) read(tx *txn, day ttpcron.Day) (*storedMatches, error) {
	s, err := readMatches(tx, day)
	if s != nil {
		s.secret = &m.db.secret
	}
	return s, err
}

// compare finds the stored matches of a day, except for those of reviewed streams, which
// next finds.
func (m *matchCommit) compare(tx *txn, d *matchChange) error {
	if len(d.add.Rows) == 0 {
		return nil
	}
	s, err := m.read(tx, d.day)
	if err != nil || s == nil {
		return err
	}
	counts := s.counts()
	var look []addedRow
	for i := range d.add.Groups {
		g := &d.add.Groups[i]
		for row := g.From; row < g.To; row++ {
			r := &d.add.Rows[row]
			if t := counts.of(r.Stream); t != nil && t.Matches > 0 && t.Holds(r.Nanos, r.Seq) && !d.takes(r) {
				look = append(look, addedRow{g, r})
			}
		}
	}
	for i := len(s.Runs) - 1; i >= 0 && len(look) > 0; i-- {
		if look, err = m.find(s, &s.Runs[i], d, look); err != nil {
			return err
		}
	}
	return nil
}

// addedRow is a row that a commit adds.
type addedRow struct {
	*match.Group
	*match.Row
}

// find looks for some of a day's new matches in a run, and returns those that are not in
// it.
func (m *matchCommit) find(s *storedMatches, run *record.MatchRun, d *matchChange, look []addedRow) (left []addedRow, err error) {
	left = look[:0]
	c := s.bucket.Cursor()
	var b match.Block
	var key []byte
	for _, a := range look {
		if !run.Holds(a.Nanos, a.Seq) {
			left = append(left, a)
			continue
		}
		want := a.Key(a.Row)
		if len(b.Groups) == 0 || compareKeys(b.Last(), want) < 0 {
			k, rec := seekMatches(c, run.ID, &want)
			if k == nil {
				left = append(left, a)
				continue
			}
			if string(k) != string(key) {
				if err := b.Read(s.secret, d.day, k, rec); err != nil {
					return nil, err
				}
				key = append(key[:0], k...)
			}
		}
		g, r := b.Find(&want)
		if r == nil {
			left = append(left, a)
			continue
		}
		d.meet(a, r.Form, b.Value(r) == d.add.Value(a.Row) && g.Text == a.Text)
	}
	return left, nil
}

func compareKeys(a, b record.MatchKey) int { return a.Compare(&b) }

// meet records what is stored in place of a new match: its form, and whether it is the
// same.
func (d *matchChange) meet(a addedRow, old match.Form, same bool) {
	switch {
	case old == match.Went:
	case same:
		a.Known = true
		d.known++
	default:
		a.Form = match.Replaced
	}
}

// next finds the matches to remove, up to a number, and reports whether there may be more.
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

// lookFor finds the matches of a day that its reviews remove.
func (m *matchCommit) lookFor(tx *txn, d *matchChange, most int) (left int, err error) {
	s, err := m.read(tx, d.day)
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
		c.Want = d.takes
		if err := all.Add(c); err != nil {
			return 0, err
		}
	}
	group, row := 0, 0 // of add
	if d.from != nil {
		group, row = d.add.Seek(d.from)
	}
	for {
		c, err := all.Live()
		if err != nil {
			return 0, err
		}
		if c == nil {
			d.looked = true
			return max(0, most), nil
		}
		k := c.Key()
		for group < len(d.add.Groups) && compareKeys(d.add.Groups[group].Key(&d.add.Rows[row]), k) < 0 {
			if row++; row == int(d.add.Groups[group].To) {
				group++
			}
		}
		if group < len(d.add.Groups) {
			if a := (addedRow{&d.add.Groups[group], &d.add.Rows[row]}); a.Key(a.Row) == k {
				d.meet(a, c.Row().Form, c.Values() == d.add.Value(a.Row) && c.Group().Text == a.Text)
				continue
			}
		}
		if most <= 0 {
			d.from = &k
			return 0, nil
		}
		g := *c.Group()
		most -= 1 + len(g.Text)/longGroup
		if n := len(d.went.Groups); n == 0 || d.went.Groups[n-1].Compare(&g) != 0 {
			g.Text = strings.Clone(g.Text)
		}
		gone := *c.Row()
		gone.Form = match.Went
		d.went.Add(&g, &gone, "")
	}
}

// goes reports whether matches are found that go.
func (m *matchCommit) goes() bool {
	return slices.ContainsFunc(m.days, func(d *matchChange) bool { return len(d.went.Rows) > 0 })
}

// putWent removes the matches that were found, in its own transaction.
func (m *matchCommit) putWent(tx *txn) error {
	for _, d := range m.days {
		if len(d.went.Rows) == 0 {
			continue
		}
		if err := m.change(tx, d, &d.went, nil, nil); err != nil {
			return fmt.Errorf("base matches of %s: %w", d.day, err)
		}
	}
	return nil
}

// forget forgets what putWent took out.
func (m *matchCommit) forget() {
	for _, d := range m.days {
		d.went = match.List{}
	}
}

// changes reports whether there is anything to store.
func (m *matchCommit) changes(tx *txn) (bool, error) {
	for _, d := range m.days {
		if len(d.went.Rows) > 0 || d.known < len(d.add.Rows) {
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
		entries, err := d.entries()
		if err != nil {
			return err
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

// entries returns the day's matches that are new to the store, and those to remove.
func (d *matchChange) entries() (*match.List, error) {
	fresh := &d.add
	if d.known > 0 {
		fresh = &match.List{}
		for i := range d.add.Groups {
			g := &d.add.Groups[i]
			for row := g.From; row < g.To; row++ {
				if r := &d.add.Rows[row]; !r.Known {
					fresh.Add(g, r, d.add.Value(r))
				}
			}
		}
	}
	switch {
	case len(d.went.Rows) == 0:
		return fresh, nil
	case len(fresh.Rows) == 0:
		return &d.went, nil
	}
	var all match.Merge
	for i, l := range [...]*match.List{fresh, &d.went} {
		if err := all.Add(match.CursorOf(d.day, i, l)); err != nil {
			return nil, err
		}
	}
	both := &match.List{}
	for c := all.Top(); c != nil; c = all.Top() {
		both.Add(c.Group(), c.Row(), c.Values())
		if err := all.Move(); err != nil {
			return nil, err
		}
	}
	return both, nil
}

// done gives memory back, once nothing is to be done any more.
func (m *matchCommit) done() {
	room := &m.db.room
	if cap(room.rows) > maxRoom {
		*room = matchRoom{}
	}
	clear(room.values)
	clear(room.lists)
}

// committed says that what put stored is there.
func (m *matchCommit) committed() {
	if m.streams != nil {
		m.streams.committed()
	}
}

// change adds a run to the matches of a day and changes what is judged.
func (m *matchCommit) change(tx *txn, d *matchChange, entries *match.List, judged *string, settled *uint64) error {
	s, err := readMatches(tx, d.day)
	if err != nil {
		return err
	}
	if s == nil {
		if len(entries.Rows) == 0 && (judged == nil || *judged == "") {
			return nil // there is nothing to remember of it
		}
		if s, err = newMatches(tx, d.day); err != nil {
			return err
		}
	}
	s.limits, s.secret = &m.db.runs, &m.db.secret
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
