package kv_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// matchModel is the base matches that a store should hold, kept the simplest way.
type matchModel struct {
	matches map[matchID]ttpcron.BaseMatch
	touched map[ttpcron.Day]map[matchID]touching // since they were judged, by what changed
	judged  map[ttpcron.Day]string
}

type matchID struct {
	day    ttpcron.Day
	stream string
	group  string
	seq    uint64
}

type touching struct {
	at   time.Time
	went bool
}

func idOf(m *ttpcron.BaseMatch) matchID {
	return matchID{ttpcron.DayOf(m.Time), m.Stream.ID, m.Group, m.Seq}
}

// commit applies a commit to the model.
func (m *matchModel) commit(c *ttpcron.Commit) {
	again := map[matchID]bool{}
	for i := range c.Matches {
		again[idOf(&c.Matches[i])] = true
	}
	days := map[ttpcron.Day]bool{}
	note := func(id matchID, at time.Time, went bool) {
		if m.touched[id.day] == nil {
			m.touched[id.day] = map[matchID]touching{}
		}
		m.touched[id.day][id] = touching{at, went || m.touched[id.day][id].went}
		if _, ok := m.judged[id.day]; !ok {
			m.judged[id.day] = ""
		}
		days[id.day] = true
	}
	for _, v := range c.Reviews {
		for id, old := range m.matches {
			if id.day == v.Day && old.Stream.Kind == v.Kind && slices.Contains(v.Rules, id.stream) && !again[id] &&
				slices.ContainsFunc(v.Events, func(r ttpcron.SeqRange) bool { return r.First <= id.seq && id.seq <= r.Last }) {
				delete(m.matches, id)
				note(id, old.Time, true)
			}
		}
	}
	last := map[matchID]ttpcron.BaseMatch{}
	for _, b := range c.Matches {
		last[idOf(&b)] = b
	}
	for id, b := range last {
		old, ok := m.matches[id]
		if ok && old.Values == b.Values {
			continue
		}
		m.matches[id] = b
		note(id, b.Time, ok)
	}
	for _, s := range c.Settled {
		delete(m.touched, s.Day)
	}
	for _, j := range c.Judged {
		if _, ok := m.judged[j.Day]; ok { // of a day without matches nothing is to be remembered
			m.judged[j.Day] = ttpcron.NewRuleSet(j.Rules).Fingerprint
		}
	}
}

// list returns the matches that a query selects, in order within each group.
func (m *matchModel) list(q ttpcron.MatchQuery) map[string][]string {
	var of []ttpcron.BaseMatch
	for _, b := range m.matches {
		if b.Stream.Grouping() == q.Grouping && !b.Time.Before(q.Since) && (q.Until.IsZero() || b.Time.Before(q.Until)) &&
			(q.Groups == nil || slices.Contains(q.Groups, ttpcron.Group(b.Group))) && (q.Streams == nil || slices.Contains(q.Streams, b.Stream.ID)) {
			of = append(of, b)
		}
	}
	slices.SortFunc(of, func(a, b ttpcron.BaseMatch) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq))
	})
	out := map[string][]string{}
	for i := range of {
		out[of[i].Group] = append(out[of[i].Group], textOf(&of[i]))
	}
	for _, l := range out { // streams of one event come in any order
		sortTies(l)
	}
	return out
}

func textOf(b *ttpcron.BaseMatch) string {
	return fmt.Sprintf("%s %08d %s %s", b.Time.Format(time.RFC3339Nano), b.Seq, b.Stream.ID, b.Values)
}

func sortTies(l []string) {
	for i := 0; i < len(l); {
		n := i + 1
		for n < len(l) && l[n][:len(time.RFC3339)+9] == l[i][:len(time.RFC3339)+9] {
			n++
		}
		slices.Sort(l[i:n])
		i = n
	}
}

var matchStreams = []*ttpcron.Stream{
	ttpcron.NewStream("R1", ttpcron.AuthAttempt, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, []string{"username"}, [16]byte{1}),
	ttpcron.NewStream("R2", ttpcron.AuthAttempt, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, nil, [16]byte{1}),
	ttpcron.NewStream("R2", ttpcron.Command, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, nil, [16]byte{1}),
	ttpcron.NewStream("R3", ttpcron.Command, []ttpcron.GroupField{{Name: "session_id", From: "session_id"}, {Name: "user", From: "username", Optional: true}}, nil, [16]byte{1}),
	ttpcron.NewStream("R4", ttpcron.Command, nil, []string{"a", "b"}, [16]byte{1}),
}

// After random commits, reviews, copies, judgements and restarts, the store equals a plain
// map.
func TestBaseMatchesAreThoseOfAModel(t *testing.T) {
	for seed := range rounds(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { baseMatchesAreThoseOfAModel(t, uint64(seed)) })
	}
}

func baseMatchesAreThoseOfAModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	path := filepath.Join(t.TempDir(), "t.db")
	open := func() *kv.DB {
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		kv.LimitRuns(db, 1+r.IntN(6), 30+r.IntN(300), 1+r.IntN(9), 1+r.IntN(12))
		return db
	}
	db := open()
	m := &matchModel{matches: map[matchID]ttpcron.BaseMatch{}, touched: map[ttpcron.Day]map[matchID]touching{}, judged: map[ttpcron.Day]string{}}
	first := ttpcron.Day(20000)
	// An event does not change, except for the values of its matches.
	event := func(seq uint64) (time.Time, *rand.Rand) {
		er := rand.New(rand.NewPCG(seq, 99))
		day := first + ttpcron.Day(er.IntN(4))
		return day.Start().Add(time.Duration(er.IntN(200)) * 7 * time.Minute), er
	}
	matchesOf := func(seq uint64) (all []ttpcron.BaseMatch) {
		at, er := event(seq)
		kind := matchStreams[er.IntN(2)*3].Kind
		for _, s := range matchStreams {
			group := fmt.Sprintf("\x00t\x03g%02d", er.IntN(7))
			if s.Kind != kind || r.IntN(3) == 0 {
				continue
			}
			own := *s // another pointer for the same stream
			all = append(all, ttpcron.BaseMatch{Stream: &own, Group: group, Values: fmt.Sprint("v", r.IntN(3)), Time: at, Seq: seq})
		}
		return all
	}
	pointers := map[string]*ttpcron.Stream{}
	for step := range 60 {
		var c ttpcron.Commit
		for range r.IntN(40) {
			c.Matches = append(c.Matches, matchesOf(1+uint64(r.IntN(150)))...)
		}
		if r.IntN(3) == 0 {
			kind := []ttpcron.SourceKind{ttpcron.AuthAttempt, ttpcron.Command}[r.IntN(2)]
			day := first + ttpcron.Day(r.IntN(4))
			v := ttpcron.Review{Kind: kind, Day: day, Earliest: day.Start(), Latest: (day + 1).Start().Add(-1)}
			for _, s := range matchStreams {
				if r.IntN(2) == 0 {
					v.Rules = append(v.Rules, s.ID)
				}
			}
			from := uint64(1 + r.IntN(100))
			v.Events = []ttpcron.SeqRange{{First: from, Last: from + uint64(r.IntN(20))}, {First: from + 30, Last: from + 30 + uint64(r.IntN(40))}}
			c.Reviews = append(c.Reviews, v)
		}
		if r.IntN(4) == 0 {
			page, err := db.MatchDays(t.Context(), first+ttpcron.Day(r.IntN(4)))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page {
				c.Settled = append(c.Settled, ttpcron.SettledMatches{Day: d.Day, UpTo: d.Last})
				c.Judged = append(c.Judged, ttpcron.JudgedDay{Day: d.Day, Rules: []ttpcron.RuleDef{{ID: fmt.Sprint("C", r.IntN(3)), Version: 1}}})
			}
			if len(page) > 0 { // what comes with the same commit is not judged
				if _, err := db.Commit(t.Context(), ttpcron.Commit{Settled: c.Settled, Judged: c.Judged}); err != nil {
					t.Fatal(err)
				}
				m.commit(&ttpcron.Commit{Settled: c.Settled, Judged: c.Judged})
				c.Settled, c.Judged = nil, nil
			}
		}
		if _, err := db.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		m.commit(&c)
		if r.IntN(6) == 0 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = open()
			pointers = map[string]*ttpcron.Stream{}
		}
		m.compare(t, db, r, pointers, step)
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kvtest.Check(t, path)
	report, err := doctor.Check(t.Context(), path, doctor.Options{})
	for _, f := range report.Findings {
		if !strings.Contains(f.What, "which is not there") { // there are no events here
			t.Errorf("%+v, %v", f, err)
		}
	}
}

// compare compares a store with the model.
func (m *matchModel) compare(t *testing.T, db *kv.DB, r *rand.Rand, pointers map[string]*ttpcron.Stream, step int) {
	t.Helper()
	first := ttpcron.Day(20000)
	q := ttpcron.MatchQuery{Grouping: matchStreams[r.IntN(len(matchStreams))].Grouping()}
	if r.IntN(3) > 0 {
		q.Since = first.Start().Add(time.Duration(r.IntN(5000)) * time.Minute)
		q.Until = q.Since.Add(time.Duration(1+r.IntN(3000)) * time.Minute)
	}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(4) {
			q.Groups = append(q.Groups, ttpcron.Group(fmt.Sprintf("\x00t\x03g%02d", r.IntN(8))))
		}
	}
	if r.IntN(2) == 0 {
		q.Streams = []string{"match|of a rule that is not there"}
		for range 1 + r.IntN(2) {
			q.Streams = append(q.Streams, matchStreams[r.IntN(len(matchStreams))].ID)
		}
	}
	got, last := map[string][]string{}, ""
	n := 0
	stop := r.IntN(60)
	for b, err := range db.BaseMatches(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		group := strings.Clone(b.Group)
		if group != last && got[group] != nil {
			t.Errorf("group %q is not in one piece", group)
		}
		if p := pointers[b.Stream.ID]; p != nil && p != b.Stream {
			t.Errorf("stream %s has two pointers", b.Stream.ID)
		}
		pointers[b.Stream.ID] = b.Stream
		got[group] = append(got[group], textOf(b))
		last = group
		if n++; n == stop { // what is written meanwhile does not disturb a reader
			if _, err := db.Commit(t.Context(), ttpcron.Commit{Cursors: []ttpcron.Cursor{{Kind: "x", RunID: fmt.Sprint(step, n)}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, l := range got {
		sortTies(l)
	}
	if want := m.list(q); !reflect.DeepEqual(got, want) {
		t.Errorf("query %+v gives %v\nwant %v", q, got, want)
	}
	comparePages(t, db, q, 1+r.IntN(9))
	byDay := map[ttpcron.Day]int{}
	for id := range m.matches {
		byDay[id.day]++
	}
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		if d.Matches != byDay[d.Day] {
			t.Errorf("%s has %d matches, want %d", d.Day, d.Matches, byDay[d.Day])
		}
		if d.Touched != len(m.touched[d.Day]) && (d.Touched == 0 || len(m.touched[d.Day]) == 0) {
			t.Errorf("%s has %d touched, want %d", d.Day, d.Touched, len(m.touched[d.Day]))
		}
		if d.Judged.Fingerprint != m.judged[d.Day] {
			t.Errorf("%s is judged by %q, want %q", d.Day, d.Judged.Fingerprint, m.judged[d.Day])
		}
		delete(byDay, d.Day)
		m.compareTouched(t, db, d)
		compareTouchedPages(t, db, d, 1+r.IntN(5))
	}
	for day, by := range m.judged {
		switch there := slices.ContainsFunc(days, func(d ttpcron.MatchDay) bool { return d.Day == day }); {
		case there:
		case by != "":
			t.Errorf("%s was judged and is forgotten", day)
		case len(m.touched[day]) == 0:
			delete(m.judged, day)
		}
	}
	if len(byDay) > 0 {
		t.Errorf("days %v are missing", byDay)
	}
}

func (m *matchModel) compareTouched(t *testing.T, db *kv.DB, d ttpcron.MatchDay) {
	t.Helper()
	want := map[string]ttpcron.TouchedGroup{}
	for id, c := range m.touched[d.Day] {
		grouping := ""
		for _, s := range matchStreams {
			if s.ID == id.stream {
				grouping = s.Grouping()
			}
		}
		k := grouping + "/" + id.group
		g, ok := want[k]
		if !ok {
			g = ttpcron.TouchedGroup{Grouping: grouping, Group: ttpcron.Group(id.group), Earliest: c.at, Latest: c.at}
		}
		if c.at.Before(g.Earliest) {
			g.Earliest = c.at
		}
		if c.at.After(g.Latest) {
			g.Latest = c.at
		}
		g.Went = g.Went || c.went
		want[k] = g
	}
	got := map[string]ttpcron.TouchedGroup{}
	for g, err := range db.Touched(t.Context(), d.Day, d.Last) {
		if err != nil {
			t.Fatal(err)
		}
		k := g.Grouping + "/" + string(g.Group)
		if _, twice := got[k]; twice {
			t.Errorf("group %q comes twice", k)
		}
		got[k] = g
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("touched on %s: %v\nwant %v", d.Day, got, want)
	}
}

// If a day has lost all its matches, the store remembers what judged it: a correlation
// that was not loaded then may have tags there.
func TestJudgedDayWithoutMatches(t *testing.T) {
	db := kvtest.Open(t)
	kv.LimitRuns(db, 1, 1000, 1, 100)
	s, day := matchStreams[0], ttpcron.Day(20000)
	commit := func(c ttpcron.Commit) {
		t.Helper()
		if _, err := db.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	days := func() ttpcron.MatchDay {
		t.Helper()
		list, err := db.MatchDays(t.Context(), 0)
		if err != nil || len(list) > 1 {
			t.Fatal(list, err)
		}
		return append(list, ttpcron.MatchDay{})[0]
	}
	var c ttpcron.Commit
	for seq := range uint64(4) {
		c.Matches = append(c.Matches, ttpcron.BaseMatch{Stream: s, Group: "\x00t\x01g", Time: day.Start().Add(time.Hour), Seq: seq + 1})
	}
	gone := ttpcron.Commit{Reviews: []ttpcron.Review{{
		Kind: s.Kind, Day: day, Events: []ttpcron.SeqRange{{First: 1, Last: 4}}, Earliest: day.Start(), Latest: (day + 1).Start().Add(-1), Rules: []string{s.ID},
	}}}
	commit(c)
	judged := []ttpcron.JudgedDay{{Day: day, Rules: []ttpcron.RuleDef{{ID: "C1", Version: 1}}}}
	commit(ttpcron.Commit{Judged: judged, Settled: []ttpcron.SettledMatches{{Day: day, UpTo: days().Last}}})
	commit(gone)
	judged[0].Rules[0].ID = "C2"
	commit(ttpcron.Commit{Judged: judged, Settled: []ttpcron.SettledMatches{{Day: day, UpTo: days().Last}}})
	if d := days(); d.Day != day || d.Matches != 0 || d.Touched != 0 || len(d.Judged.Rules) != 1 || d.Judged.Rules[0].ID != "C2" {
		t.Errorf("the day is now %+v", d)
	}
}
