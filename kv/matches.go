package kv

import (
	"bytes"
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

// place is where a match goes.
type place struct {
	record.GroupHash
	at     uint32 // its index
	stream uint32
	part   uint32 // index of the dayGrouping
}

// dayGrouping is a day and the number of a grouping.
type dayGrouping struct {
	day      ttpcron.Day
	grouping uint32
}

// matchRoom is memory for the matches of a commit, which is used again.
type matchRoom struct {
	places, spare []place
	entries       []match.Entry
}

// maxRoom bounds the number of matches for which memory is kept.
const maxRoom = 1 << 15

// sort gives each day its matches in order. Of those of one key the last counts.
func (m *matchCommit) sort(matches []ttpcron.BaseMatch, of func(ttpcron.Day) *matchChange) error {
	if len(matches) == 0 {
		return nil
	}
	room := &m.db.room
	places := slices.Grow(room.places[:0], len(matches))
	parts, index := []dayGrouping(nil), map[dayGrouping]uint32{}
	hashes := lastHashes{secret: &m.db.secret}
	for i := range matches {
		b := &matches[i]
		day := ttpcron.DayOf(b.Time)
		if b.Stream == nil || b.Seq == 0 || day < 0 || b.Time.Year() > 9999 {
			return fmt.Errorf("base match without stream, event or time: event %d of %v", b.Seq, b.Time)
		}
		n := m.streams.of(b.Stream)
		at := dayGrouping{day, n.grouping}
		part, ok := index[at]
		if !ok {
			part = uint32(len(parts))
			index[at], parts = part, append(parts, at)
		}
		places = append(places, place{hashes.of(b.Group), uint32(i), n.stream, part})
	}
	places, spare := sortPlaces(places, room.spare, parts, matches)
	room.places, room.spare = places, spare
	entries := slices.Grow(room.entries[:0], len(places))
	for len(places) > 0 {
		day, n := parts[places[0].part].day, 1
		for n < len(places) && parts[places[n].part].day == day {
			n++
		}
		first := len(entries)
		entries = appendEntries(entries, places[:n], parts, matches)
		d := of(day)
		d.add = entries[first:len(entries):len(entries)]
		d.stored = make([]bool, len(d.add))
		places = places[n:]
	}
	room.entries = entries
	return nil
}

// sortPlaces sorts places by part, hash, time, arrival and stream: first by the part and
// 16 bits of the hash, a digit after the other, which leaves little to compare. It
// returns memory that is free, too.
func sortPlaces(places, spare []place, parts []dayGrouping, matches []ttpcron.BaseMatch) (sorted, free []place) {
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(parts[a].day, parts[b].day), cmp.Compare(parts[a].grouping, parts[b].grouping))
	})
	rank := make([]int, len(parts))
	for i, part := range order {
		rank[part] = i
	}
	spare = slices.Grow(spare[:0], len(places))[:len(places)]
	counts := make([]int, max(256, len(parts)))
	for _, digit := range [...]func(p *place) int{
		func(p *place) int { return int(p.Hi >> 48 & 0xff) }, func(p *place) int { return int(p.Hi >> 56) }, func(p *place) int { return rank[p.part] },
	} {
		clear(counts)
		for i := range places {
			counts[digit(&places[i])]++
		}
		sum := 0
		for i, n := range counts {
			counts[i], sum = sum, sum+n
		}
		for i := range places {
			d := digit(&places[i])
			spare[counts[d]] = places[i]
			counts[d]++
		}
		places, spare = spare, places
	}
	compare := func(a, b place) int {
		switch {
		case a.Hi != b.Hi:
			return cmp.Compare(a.Hi, b.Hi)
		case a.Lo != b.Lo:
			return cmp.Compare(a.Lo, b.Lo)
		}
		x, y := &matches[a.at], &matches[b.at]
		if c := x.Time.Compare(y.Time); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(x.Seq, y.Seq), cmp.Compare(a.stream, b.stream), cmp.Compare(a.at, b.at))
	}
	for i := 0; i < len(places); {
		n := i + 1
		for n < len(places) && places[n].part == places[i].part && places[n].Hi>>48 == places[i].Hi>>48 {
			n++
		}
		if n > i+1 {
			slices.SortFunc(places[i:n], compare)
		}
		i = n
	}
	return places, spare
}

// appendEntries appends the entries of matches of a day, which are in order.
func appendEntries(entries []match.Entry, places []place, parts []dayGrouping, matches []ttpcron.BaseMatch) []match.Entry {
	first := len(entries)
	for i := range places {
		p := &places[i]
		b, at := &matches[p.at], &parts[p.part]
		k := record.MatchKey{Grouping: at.grouping, Hash: p.GroupHash, Nanos: record.NanosOf(b.Time, at.day), Seq: b.Seq, Stream: p.stream}
		if n := len(entries); n > first && entries[n-1].MatchKey == k {
			entries = entries[:n-1]
		}
		entries = append(entries, match.Entry{MatchKey: k, Group: b.Group, Values: b.Values})
	}
	return entries
}

// lastHashes remembers the hashes of the groups of some matches: those of an event have
// few groups between them.
type lastHashes struct {
	secret *record.Secret
	groups [4]string
	hashes [4]record.GroupHash
	next   int
}

func (l *lastHashes) of(group string) record.GroupHash {
	for i, g := range &l.groups {
		if g == group && g != "" {
			return l.hashes[i]
		}
	}
	h := l.secret.Group(group)
	l.groups[l.next], l.hashes[l.next] = group, h
	l.next = (l.next + 1) % len(l.groups)
	return h
}

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

// storedMatches is what describes the matches of a day.
type storedMatches struct {
	day     ttpcron.Day
	bucket  *bucket
	streams []record.StreamDay
	limits  *runLimits
	memory  arena
	record.MatchDay
}

// readMatches reads what describes the matches of a day, nil when there are none.
func readMatches(tx *txn, day ttpcron.Day) (*storedMatches, error) {
	top := tx.top(layout.Matches)
	if top == nil {
		return nil, nil
	}
	s := &storedMatches{day: day, bucket: top.Bucket(record.DayKey(day))}
	if s.bucket == nil {
		return nil, nil
	}
	var err error
	if s.MatchDay, err = record.ReadMatchDay(day, s.bucket.Get(record.KeyMatchDay)); err != nil {
		return nil, fmt.Errorf("base matches of %s: %w", day, err)
	}
	if s.streams, err = record.ReadStreamDays(day, s.bucket.Get(record.KeyMatchStreams)); err != nil {
		return nil, fmt.Errorf("streams of %s: %w", day, err)
	}
	return s, nil
}

// eachMatchDay calls do for what describes the matches of each day.
func eachMatchDay(tx *txn, do func(day ttpcron.Day, m *record.MatchDay)) error {
	top := tx.top(layout.Matches)
	if top == nil {
		return nil
	}
	return top.ForEachBucket(func(k []byte) error {
		day, ok := record.ParseDay(k)
		if !ok {
			return record.Damagef("%x is no day", k)
		}
		m, err := record.ReadMatchDay(day, top.Bucket(k).Get(record.KeyMatchDay))
		if err != nil {
			return fmt.Errorf("base matches of %s: %w", day, err)
		}
		do(day, &m)
		return nil
	})
}

// stream returns the counts of a stream, nil when it has no match.
func (s *storedMatches) stream(id uint32) *record.StreamDay {
	i, ok := slices.BinarySearchFunc(s.streams, id, func(t record.StreamDay, id uint32) int { return cmp.Compare(t.Stream, id) })
	if !ok {
		return nil
	}
	return &s.streams[i]
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

// seekMatches goes to the block of a run in which a key is if it is in the run, or to the
// first of the run; nil when the run has no block. It is for transactions that read:
// bbolt's cursors do not step back over pages that were emptied.
func seekMatches(c *cursor, run uint32, key *record.MatchKey) (k, rec []byte) {
	want := record.MatchBlockKey(run, key)
	k, rec = c.Seek(want)
	if string(k) == string(want) {
		return k, rec
	}
	after, then := k, rec
	if k == nil {
		k, rec = c.Last()
	} else {
		k, rec = c.Prev()
	}
	if isMatchBlock(k, run) {
		return k, rec
	}
	if isMatchBlock(after, run) {
		c.Seek(after)
		return after, then
	}
	return nil, nil
}

func isMatchBlock(k []byte, run uint32) bool {
	r, _, ok := record.ParseMatchBlockKey(k)
	return ok && r == run
}

// runCursor returns a cursor that stands before the first entry of a run whose key is
// not below one; nil is the first of all. Each block is shown to look, unless it is nil.
func (s *storedMatches) runCursor(age int, from *record.MatchKey, b *bucket, look func(k []byte)) *match.Cursor {
	run, c := s.Runs[age].ID, b.Cursor()
	begun := false
	next := func(b *match.Block) (bool, error) {
		var k, rec []byte
		switch {
		case begun:
			k, rec = c.Next()
		case from == nil:
			k, rec = c.Seek(record.ClaimNumber(run))
		default:
			k, rec = seekMatches(c, run, from)
		}
		if !isMatchBlock(k, run) {
			return false, nil
		}
		if look != nil {
			look(k)
		}
		if err := b.Read(s.day, k, rec, false); err != nil {
			return false, err
		}
		if !begun && from != nil {
			i, _ := slices.BinarySearchFunc(b.Entries, from, func(e match.Entry, k *record.MatchKey) int { return e.Compare(k) })
			b.Entries = b.Entries[i:]
		}
		begun = true
		return true, nil
	}
	return &match.Cursor{Day: s.day, Age: age, Next: next}
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

// newMatches makes the bucket of a day.
func newMatches(tx *txn, day ttpcron.Day) (*storedMatches, error) {
	top, err := tx.CreateBucketIfNotExists([]byte(layout.Matches))
	if err != nil {
		return nil, err
	}
	b, err := top.CreateBucket(record.DayKey(day))
	return &storedMatches{day: day, bucket: b}, err
}

// nextRun returns the number of the next run.
func (s *storedMatches) nextRun() uint32 {
	id := uint32(0)
	for i := range s.Runs {
		id = max(id, s.Runs[i].ID)
	}
	return id + 1
}

// add adds entries, which are in order and change something, as a run, and merges runs
// of which there are many of about one size. Those that are judged stay apart from others.
func (s *storedMatches) add(entries []match.Entry) error {
	judged := 0
	for judged < len(s.Runs) && s.Runs[judged].Last <= s.Settled {
		judged++
	}
	most := min(cmp.Or(s.limits.merged, maxMerged), max(32*len(entries), 1<<16))
	first := s.mergeFrom(0, judged, 0, most)
	left := first
	if first < judged {
		n, err := s.makeRun(first, judged, nil, true)
		if err != nil {
			return err
		}
		left += n
	}
	if len(entries) > 0 {
		s.Last++
	}
	first = s.mergeFrom(left, len(s.Runs), len(entries), most)
	if len(entries) > 0 || first < len(s.Runs) {
		for i := range entries {
			s.count(&entries[i])
		}
		_, err := s.makeRun(first, len(s.Runs), entries, false)
		return err
	}
	return nil
}

// count counts a match that came or went.
func (s *storedMatches) count(e *match.Entry) {
	t := s.stream(e.Stream)
	if t == nil {
		i, _ := slices.BinarySearchFunc(s.streams, e.Stream, func(t record.StreamDay, id uint32) int { return cmp.Compare(t.Stream, id) })
		s.streams = slices.Insert(s.streams, i, record.StreamDay{Stream: e.Stream})
		t = &s.streams[i]
		t.Box.Add(0, e.Nanos, e.Seq)
	}
	switch e.Form {
	case match.Came:
		t.Box.Add(1, e.Nanos, e.Seq)
		t.Matches++
		s.Matches++
	case match.Went:
		t.Matches--
		s.Matches--
	}
}

// store stores what describes the matches of a day. A day of which there are no runs
// leaves nothing, unless correlations have judged it: one that is not loaded now, and has
// tags there, must find that it has to judge the day again.
func (s *storedMatches) store(tx *txn) error {
	if len(s.Runs) == 0 && s.Judged == "" {
		return tx.top(layout.Matches).DeleteBucket(record.DayKey(s.day))
	}
	if s.Matches < 0 || slices.ContainsFunc(s.streams, func(t record.StreamDay) bool { return t.Matches < 0 }) {
		return record.Damage("more matches went than there were")
	}
	if err := s.putChanged(record.KeyMatchDay, record.AppendMatchDay(nil, s.day, &s.MatchDay)); err != nil {
		return err
	}
	return s.putChanged(record.KeyMatchStreams, record.AppendStreamDays(nil, s.day, s.streams))
}

func (s *storedMatches) putChanged(k, rec []byte) error {
	if bytes.Equal(s.bucket.Get(k), rec) {
		return nil
	}
	return s.bucket.Put(k, rec)
}

// runLimits say how runs are made and merged. Those of a tier have about the same size.
type runLimits struct {
	lowest int // entries of the lowest tier, 0: lowestTier
	merged int // most entries of a run that was merged, 0: maxMerged
	block  int // most entries of a block, 0: match.MaxEntries
}

const (
	lowestTier = 1 << 10
	tierRatio  = 8
	maxMerged  = 1 << 18 // they are written in one transaction
)

func (l *runLimits) tierOf(entries int) (tier int) {
	for n := cmp.Or(l.lowest, lowestTier); n < entries; n *= tierRatio {
		tier++
	}
	return tier
}

// mergeFrom returns from which on the runs of a part are to be merged, with entries that
// are no run yet: where so many of one tier, or below, follow one another. At most so many
// entries are merged.
func (s *storedMatches) mergeFrom(from, to, added, most int) int {
	merged, sum := to, added // the runs from merged on are one, of so many entries
	for tier := 0; tier <= s.limits.tierOf(most); tier++ {
		first, runs, all := merged, 0, sum
		if sum > 0 {
			if s.limits.tierOf(sum) > tier {
				continue
			}
			runs++
		}
		for first > from && s.limits.tierOf(s.Runs[first-1].Entries()) <= tier {
			first--
			runs++
			all += s.Runs[first].Entries()
		}
		if runs >= tierRatio && all <= most {
			merged, sum = first, all
		}
	}
	return merged
}

// makeRun makes one run of some that follow one another and of entries that come after
// them, or none if nothing is left of them. What went is remembered as long as it is not
// judged, or there are older runs. It reads the runs as they were when the transaction
// began.
func (s *storedMatches) makeRun(first, to int, entries []match.Entry, settled bool) (runs int, err error) {
	var all match.Merge
	run := record.MatchRun{ID: s.nextRun(), First: s.Last, Last: s.Last}
	var old [][]byte
	for i := first; i < to; i++ {
		c := s.runCursor(i, nil, &bucket{tree: s.bucket.tree}, func(k []byte) { old = append(old, bytes.Clone(k)) })
		if err := all.Add(c); err != nil {
			return 0, err
		}
	}
	s.bucket.fill(ascendingFill)
	w := match.Writer{Day: s.day, Run: run.ID, Most: s.limits.block, Put: s.put}
	keep := func(e *match.Entry) error {
		run.Box.Add(run.Entries(), e.Nanos, e.Seq)
		if e.Form == match.Went {
			run.Went++
		} else {
			run.Came++
		}
		return w.Add(e)
	}
	switch {
	case first == to:
		for i := range entries {
			if err := keep(&entries[i]); err != nil {
				return 0, err
			}
		}
	case len(entries) == 0:
		run.First, run.Last = s.Runs[first].First, s.Runs[to-1].Last
	default:
		run.First = s.Runs[first].First
		if err := all.Add(match.CursorOf(s.day, to, entries)); err != nil {
			return 0, err
		}
	}
	for all.Top() != nil {
		e := *all.Top().Entry()
		for {
			if err := all.Move(); err != nil {
				return 0, err
			}
			c := all.Top()
			if c == nil || c.Entry().MatchKey != e.MatchKey {
				break
			}
			if e.Form == match.Came && c.Entry().Form != match.Came {
				e.Form = match.Replaced
			}
		}
		switch {
		case e.Form == match.Went && settled && first == 0:
			continue
		case e.Form == match.Replaced && settled:
			e.Form = match.Came
		}
		if err := keep(&e); err != nil {
			return 0, err
		}
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	for _, k := range old {
		if err := s.bucket.Delete(k); err != nil {
			return 0, err
		}
	}
	if run.Entries() == 0 {
		s.Runs = slices.Delete(s.Runs, first, to)
		return 0, nil
	}
	s.Runs = slices.Replace(s.Runs, first, to, run)
	return 1, nil
}

// put stores a block.
func (s *storedMatches) put(k, rec []byte) error {
	s.memory.begin()
	s.memory.buf = append(s.memory.buf, rec...)
	return s.bucket.Put(k, s.memory.end())
}
