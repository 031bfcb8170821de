package kv_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// mixedEvents are events of some days, every third from a host.
func mixedEvents(n int) []ttpcron.Event {
	g := newGenerator(11)
	g.pace = 10 * time.Minute
	events := g.events(n)
	for i := range events {
		if i%3 == 0 {
			events[i].Vantage = ttpcron.VantageHost
		}
	}
	return events
}

// twoTagsOf makes two tags of each event, of different levels.
func twoTagsOf(events []ttpcron.Event) (tags []ttpcron.Tag) {
	for i := range events {
		tags = append(tags, tagOf(&events[i], i%5), tagOf(&events[i], i%5+5))
	}
	return tags
}

// comparesWithTags compares what a store counts with the tags that it should hold.
func comparesWithTags(t *testing.T, db *kv.DB, tags []ttpcron.Tag) {
	t.Helper()
	st, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	levels := map[kv.LevelCount]int{}
	for _, c := range st.Levels {
		n := c.Tags
		c.Tags = 0
		levels[c] = n
	}
	for _, min := range []ttpcron.MinLevels{{}, ttpcron.DefaultMinLevels(), ttpcron.FromLevel(ttpcron.LevelHigh)} {
		want, left := 0, 0
		attackers := map[string]int{}
		for i := range tags {
			c := kv.LevelCount{Vantage: tags[i].Vantage, Level: tags[i].Level}
			if c.Level == 0 {
				c.Level = ttpcron.LevelMedium
			}
			if levels[c]--; min != (ttpcron.MinLevels{}) {
				levels[c]++ // they are compared once
			}
			if !min.Show(c.Level, c.Vantage) {
				left++
				continue
			}
			want++
			attackers[tags[i].AttackerUUID]++
		}
		s, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, min, nil)
		if err != nil || s.Tags != want || s.LeftOut != left || s.AttackersTotal != len(attackers) {
			t.Errorf("%v: %d tags of %d attackers, %d left out, want %d of %d, %d; %v", min, s.Tags, s.AttackersTotal, s.LeftOut, want, len(attackers), left, err)
		}
		for _, a := range s.Attackers {
			if attackers[a.AttackerUUID] != a.Tags {
				t.Errorf("%v: %d tags of %s, want %d", min, a.Tags, a.AttackerIP, attackers[a.AttackerUUID])
			}
		}
		n := 0
		for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{MinLevels: min}) {
			if err != nil || !min.Show(tag.Level, tag.Vantage) {
				t.Fatalf("%v: tag of level %s of a %s, %v", min, tag.Level, tag.Vantage, err)
			}
			n++
		}
		if got, err := db.Under(nil).LeftOut(t.Context(), ttpcron.TagQuery{MinLevels: min}); n != want || got != left || err != nil {
			t.Errorf("%v: %d tags without %d, want %d without %d; %v", min, n, got, want, left, err)
		}
	}
	for c, n := range levels {
		if n != 0 {
			t.Errorf("%d tags too many of %+v", n, c)
		}
	}
}

// TestHostsTakeTheirTagsAlong: events learn that they were seen from a host. From then on
// their tags are hosts' tags, even after a failed first try, which stored no claims.
func TestHostsTakeTheirTagsAlong(t *testing.T) {
	db := kvtest.Open(t)
	hosts := mixedEvents(600)
	events := slices.Clone(hosts)
	for i := range events {
		events[i].Vantage = ttpcron.VantageHoneypot
	}
	imports(t, db, events, ttpcron.ImportReport{New: 600})
	stored := storedIn(t, db)
	tags := twoTagsOf(stored)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	comparesWithTags(t, db, tags)

	disk := kv.TakeDisk(t, db)
	broken := errors.New("no such luck")
	write := disk.Write
	disk.Write = func([]byte, int64) (int, error) { return 0, broken }
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: hosts}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	disk.Write = write
	comparesWithTags(t, db, tags)
	other := tagOf(&stored[1], 13) // a claim takes the first number that would have been given
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{other}}); err != nil {
		t.Fatal(err)
	}
	tags = append(tags, other)
	comparesWithTags(t, db, tags)

	imports(t, db, hosts, ttpcron.ImportReport{Known: 600, Learned: 200})
	for i := range tags {
		if (tags[i].Seq-1)%3 == 0 {
			tags[i].Vantage = ttpcron.VantageHost
		}
	}
	comparesWithTags(t, db, tags)
	unchanged(t, db.Path(), func() { imports(t, db, hosts, ttpcron.ImportReport{Known: 600}) })
	unchanged(t, db.Path(), func() { // and that is what rules say when they look again
		if done, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil || done.Inserted+done.Replaced > 0 {
			t.Errorf("%+v, %v", done, err)
		}
	})
	closed(t, db)
}

// TestDefaultSummaryReadsNoTag: each day's counts say what is left out of hosts' tags.
func TestDefaultSummaryReadsNoTag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	events := storedAs(mixedEvents(300))
	importAll(t, db, events)
	tags := twoTagsOf(events)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	comparesWithTags(t, db, tags)
	want, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.DefaultMinLevels(), nil)
	if err != nil || want.Tags == 0 || want.LeftOut == 0 {
		t.Fatalf("%+v, %v", want, err)
	}
	closed(t, db)
	kv.ForgetTags(t, path)
	if db, err = kv.Open(t.Context(), path, kv.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.DefaultMinLevels(), nil)
	if err != nil || got.Tags != want.Tags || got.LeftOut != want.LeftOut || !slices.Equal(got.Attackers, want.Attackers) {
		t.Errorf("without tags %+v, want %+v; %v", got, want, err)
	}
	if n, err := db.Under(nil).LeftOut(t.Context(), ttpcron.TagQuery{MinLevels: ttpcron.DefaultMinLevels()}); n > want.LeftOut || err != nil {
		t.Errorf("%d left out, %v", n, err)
	}
}

// TestCheckFindsWrongVantage makes claims contradict their events' vantage. A check names
// the tags, and recovery believes the events.
func TestCheckFindsWrongVantage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	events := storedAs(mixedEvents(30))
	importAll(t, db, events)
	tags := twoTagsOf(events)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	checked(t, path)
	kv.ForgetVantages(t, path)
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range r.Findings {
		if strings.Contains(f.What, "it counts as that of a honeypot, and its event, command ") && strings.HasSuffix(f.What, "is that of a host") {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d tags, want 20: %+v", n, r.Findings)
	}
	to, saved := recovered(t, path)
	if saved.Tags != len(tags) {
		t.Fatalf("recovered %+v", saved)
	}
	if db, err = kv.Open(t.Context(), to, kv.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	comparesWithTags(t, db, tags)
	closed(t, db)
}

// TestStoreOfBeforeVantages has claims from before vantages were stored. Such a store is
// intact, and tags that are made again have their events' vantages.
func TestStoreOfBeforeVantages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	open := func() *kv.DB {
		db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	events := storedAs(mixedEvents(30))
	importAll(t, db, events)
	tags := twoTagsOf(events)
	for i := range tags {
		tags[i].Level = ttpcron.LevelHigh // which views show of hosts too, so that no count depends on the vantage
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	kv.ForgetThatVantagesAreKnown(t, path)
	checked(t, path)
	db = open()
	if s, err := db.Under(nil).Summary(t.Context(), ttpcron.Window{}, ttpcron.DefaultMinLevels(), nil); err != nil || s.LeftOut != 0 || s.Tags != len(tags) {
		t.Errorf("%d tags and %d left out, %v", s.Tags, s.LeftOut, err)
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	comparesWithTags(t, db, tags)
	closed(t, db)
	checked(t, path)
}
