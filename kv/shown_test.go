package kv_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// Techniques, several of which have the same name in one release or the other.
var renamed = []string{"T1562", "T1562.001", "T1562.006", "T1685", "T1562.004", "T1686", "T1070.002", "T1685.006", "T1574.006", "T1059.004", "T1687", "T9999"}

// renamedStore is a store with random tags of these techniques, by rules that claim
// several of them and of which some are retired or clipped.
func renamedStore(t *testing.T, rnd *rand.Rand) *kv.DB {
	db, ctx := kvtest.Open(t), t.Context()
	kv.AtOnce(db, 2+rnd.IntN(6)) // attackers, so that there are several passes
	g := newGenerator(rnd.Uint64())
	g.pace = time.Hour
	var events []ttpcron.Event
	for _, e := range g.events(60) {
		e.AttackerIP = fmt.Sprintf("203.0.113.%d", rnd.IntN(9))
		if n := len(events); n > 0 && rnd.IntN(2) == 0 {
			e.Time = events[n-1].Time // several in one instant
		}
		e.Time = e.Time.Truncate(time.Minute)
		if rnd.IntN(3) == 0 {
			e.Vantage = ttpcron.VantageHost
		}
		events = append(events, e)
	}
	importAll(t, db, events)
	stored := eventsOf(t, db)
	for range 2 { // what another commit says of the same stays or is replaced
		var tags []ttpcron.Tag
		for i := range stored {
			for rule := range 4 {
				for _, technique := range renamed {
					if rnd.IntN(4) > 0 || rule == 3 && technique != renamed[i%2] {
						continue
					}
					e := stored[i]
					if rnd.IntN(6) == 0 {
						e.Seq = 0 // as a tag whose event is gone
					}
					tag := tagOf(&e, rule)
					tag.RuleID, tag.RuleVersion, tag.AttackRelease = fmt.Sprintf("R%d", rule), 1+rnd.IntN(2), "enterprise-v18.1"
					tag.TechniqueID, tag.SubTechniqueID = technique[:5], ""
					if len(technique) > 5 {
						tag.SubTechniqueID = technique
					}
					tag.Tactic = [...]string{"TA0005", "TA0112", "TA0002"}[rnd.IntN(3)]
					tag.Confidence = 0.4 + float64(rnd.IntN(4))/10
					tags = append(tags, tag)
				}
			}
		}
		if _, err := db.Commit(ctx, ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	if rnd.IntN(2) == 0 { // days without hidden tags are counted in another way
		return db
	}
	for _, err := range []error{
		db.Retire(ctx, ttpcron.Retirement{RuleID: "R1", Version: 2}),
		db.SetRuleState(ctx, ttpcron.RuleState{RuleID: "R2", Status: ttpcron.StatusClipped, ConfidenceMax: 0.5}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// once keeps, of tags that say the same about an event, the shown one.
func once(names ttpcron.Naming, all []ttpcron.Tag, q ttpcron.TagQuery) []ttpcron.Tag {
	type key struct {
		kind     ttpcron.SourceKind
		id, rule string
		version  int
		shown    string
	}
	best := map[key]ttpcron.Tag{}
	shown := func(t *ttpcron.Tag) ttpcron.Tag {
		s := *t
		s.Claim = names.Shown(&t.Claim)
		return s
	}
	for _, t := range all {
		s := shown(&t)
		if !q.Match(&s) {
			continue
		}
		k := key{t.SourceKind, t.SourceID, t.RuleID, t.RuleVersion, s.Technique()}
		b, ok := best[k]
		if !ok || cmp.Or(cmp.Compare(t.Confidence, b.Confidence), cmp.Compare(b.Technique(), t.Technique())) > 0 {
			best[k] = t
		}
	}
	var out []ttpcron.Tag
	for _, t := range all {
		s := shown(&t)
		if b, ok := best[key{t.SourceKind, t.SourceID, t.RuleID, t.RuleVersion, s.Technique()}]; ok && b.UUID() == t.UUID() {
			out = append(out, t)
		}
	}
	return out
}

// TestTagsThatSayTheSame: views and counts under a release's names equal those computed
// slowly from all the tags.
func TestTagsThatSayTheSame(t *testing.T) {
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 19))
		db := renamedStore(t, rnd)
		var all []ttpcron.Tag
		for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, tag)
		}
		for _, number := range attack.Releases() {
			table, _ := attack.In(number)
			view := db.Under(table)
			one := once(table, all, ttpcron.TagQuery{})
			if len(one) == len(all) || len(one) < len(all)/2 {
				t.Fatalf("%d of %d tags under %s", len(one), len(all), number)
			}
			for range 20 {
				compareQuery(t, view, table, all, randomQuery(rnd, all), 1+rnd.IntN(40))
			}
			w := ttpcron.Window{}
			for range 8 {
				compareCounts(t, view, table, all, w, randomLevels(rnd))
				w = ttpcron.Window{Since: all[rnd.IntN(len(all))].EventTime, Until: all[rnd.IntN(len(all))].EventTime.Add(time.Duration(rnd.IntN(2)) * 24 * time.Hour)}
			}
			compareTotals(t, view, table, one)
		}
	}
}

func randomQuery(rnd *rand.Rand, all []ttpcron.Tag) (q ttpcron.TagQuery) {
	tag := &all[rnd.IntN(len(all))]
	switch rnd.IntN(3) {
	case 0:
		q.Technique = renamed[rnd.IntN(len(renamed))]
	case 1:
		q.Technique, q.Counterparts = "T1562", []string{"T1685", "T1686"}
	}
	if rnd.IntN(4) == 0 {
		q.Tactics = []string{[...]string{"TA0005", "TA0112", "TA0002"}[rnd.IntN(3)]}
	}
	if rnd.IntN(3) == 0 {
		q.MinConfidence = 0.4 + float64(rnd.IntN(4))/10
	}
	if rnd.IntN(4) == 0 {
		q.Attacker = tag.AttackerIP
	}
	if rnd.IntN(4) == 0 {
		q.Session = tag.SessionID
	}
	if rnd.IntN(4) == 0 {
		q.Rule = tag.RuleID
	}
	switch rnd.IntN(12) {
	case 0:
		q.SelectAttacker("::ffff:" + tag.AttackerIP)
	case 1:
		q.Networks, _ = ttpcron.ParseNetworks(tag.AttackerIP + "/30")
	case 2:
		q.Sensor = tag.DeckyID
	case 3:
		q.Levels = []ttpcron.Level{tag.Level}
	case 4:
		q.MadeSince = tag.CreatedAt
	}
	q.MinLevels = randomLevels(rnd)
	if rnd.IntN(3) == 0 {
		q.Window = ttpcron.Window{Since: tag.EventTime, Until: tag.EventTime.Add(30 * time.Hour)}
	}
	return q
}

func randomLevels(rnd *rand.Rand) ttpcron.MinLevels {
	switch rnd.IntN(3) {
	case 0:
		return ttpcron.DefaultMinLevels()
	case 1:
		return ttpcron.FromLevel(ttpcron.LevelLow)
	}
	return ttpcron.MinLevels{}
}

func compareQuery(t *testing.T, view kv.View, names ttpcron.Naming, all []ttpcron.Tag, q ttpcron.TagQuery, about int) {
	t.Helper()
	want := once(names, all, q)
	var got, paged []ttpcron.Tag
	q.Limit = about
	for tag, err := range view.Tags(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tag)
	}
	if !reflect.DeepEqual(got, want[:min(about, len(want)):min(about, len(want))]) && len(want) > 0 {
		t.Fatalf("%+v: %d tags, want %d", q, len(got), min(about, len(want)))
	}
	every := q
	every.MinLevels = ttpcron.MinLevels{}
	if n, err := view.LeftOut(t.Context(), q); err != nil || n != len(once(names, all, every))-len(want) {
		t.Fatalf("%+v leaves out %d tags, want %d", q, n, len(once(names, all, every))-len(want))
	}
	for at := (kv.TagPosition{}); !at.End; {
		page, next, err := view.TagPage(t.Context(), q, at, about)
		if err != nil {
			t.Fatal(err)
		}
		paged, at = append(paged, page...), next
	}
	if !slices.EqualFunc(paged, want, func(a, b ttpcron.Tag) bool { return reflect.DeepEqual(a, b) }) {
		t.Fatalf("%+v, in pages: %d tags, want %d", q, len(paged), len(want))
	}
}

func compareCounts(t *testing.T, view kv.View, names ttpcron.Naming, all []ttpcron.Tag, w ttpcron.Window, levels ttpcron.MinLevels) {
	t.Helper()
	got, err := view.Summary(t.Context(), w, levels, nil)
	if err != nil {
		t.Fatal(err)
	}
	techniques, rules, attackers := map[ttpcron.TechniqueCount]int{}, map[string]int{}, map[string]int{}
	want := once(names, all, ttpcron.TagQuery{Window: w, MinLevels: levels})
	if every := once(names, all, ttpcron.TagQuery{Window: w}); got.LeftOut != len(every)-len(want) {
		t.Fatalf("%v from %v: %d tags left out, want %d", w, levels, got.LeftOut, len(every)-len(want))
	}
	first, last := time.Time{}, time.Time{}
	for i := range want {
		s := names.Shown(&want[i].Claim)
		techniques[ttpcron.TechniqueCount{Tactic: s.Tactic, TechniqueID: s.TechniqueID, SubTechniqueID: s.SubTechniqueID}]++
		rules[s.RuleID]++
		attackers[want[i].AttackerUUID]++
		if at := want[i].EventTime; i == 0 || at.Before(first) {
			first = at
		}
		if at := want[i].EventTime; at.After(last) {
			last = at
		}
	}
	if got.Tags != len(want) || !got.First.Equal(first) || !got.Last.Equal(last) || got.AttackersTotal != len(attackers) || len(got.Techniques) != len(techniques) || len(got.Rules) != len(rules) {
		t.Fatalf("%v: %d tags of %d attackers, %d techniques and %d rules from %v to %v, want %d of %d, %d and %d from %v to %v", w,
			got.Tags, got.AttackersTotal, len(got.Techniques), len(got.Rules), got.First, got.Last, len(want), len(attackers), len(techniques), len(rules), first, last)
	}
	for _, c := range got.Techniques {
		k := ttpcron.TechniqueCount{Tactic: c.Tactic, TechniqueID: c.TechniqueID, SubTechniqueID: c.SubTechniqueID}
		if techniques[k] != c.Tags {
			t.Fatalf("%v: %d tags of %+v, want %d", w, c.Tags, k, techniques[k])
		}
	}
	for _, c := range got.Rules {
		if rules[c.RuleID] != c.Tags {
			t.Fatalf("%v: %d tags of %s, want %d", w, c.Tags, c.RuleID, rules[c.RuleID])
		}
	}
	for _, c := range got.Attackers {
		if attackers[c.AttackerUUID] != c.Tags {
			t.Fatalf("%v: %d tags of %s, want %d", w, c.Tags, c.AttackerIP, attackers[c.AttackerUUID])
		}
	}
}

func compareTotals(t *testing.T, view kv.View, names ttpcron.Naming, want []ttpcron.Tag) {
	t.Helper()
	techniques := map[string]int{}
	for i := range want {
		s := names.Shown(&want[i].Claim)
		techniques[s.Technique()]++
	}
	for range 2 { // the second time it is known
		stats, err := view.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(stats.Kinds) != 1 || stats.Kinds[0].Tags != len(want) {
			t.Fatalf("%+v, want %d tags", stats.Kinds, len(want))
		}
		totals, err := view.TechniqueTotals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range totals {
			if techniques[c.Technique] != c.Tags {
				t.Fatalf("%d tags of %s, want %d", c.Tags, c.Technique, techniques[c.Technique])
			}
		}
		if len(totals) != len(techniques) {
			t.Fatalf("%d techniques, want %d", len(totals), len(techniques))
		}
	}
}

// TestNoTechniqueWithoutTags: if other tags, in another tactic, stand for all of a
// technique's tags, it is in no summary.
func TestNoTechniqueWithoutTags(t *testing.T) {
	db := kvtest.Open(t)
	importAll(t, db, newGenerator(1).events(3))
	var tags []ttpcron.Tag
	for _, e := range eventsOf(t, db) {
		tag := tagOf(&e, 0)
		tag.Tactic, tag.TechniqueID, tag.SubTechniqueID, tag.Confidence = "TA0004", "T1546", "T1546.004", 0.9
		old := tag
		old.Tactic, old.TechniqueID, old.SubTechniqueID, old.Confidence = "TA0003", "T1156", "", 0.6
		tags = append(tags, tag, old)
	}
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
		t.Fatal(err)
	}
	s, err := db.Under(attack.Current()).Summary(t.Context(), ttpcron.Window{}, ttpcron.MinLevels{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Techniques) != 1 || s.Techniques[0].Tactic != "TA0004" || s.Techniques[0].Tags != len(tags)/2 {
		t.Errorf("%+v", s.Techniques)
	}
}

// pairOf are two tags of an event by a rule that are one technique in 19.1.
func pairOf(e *ttpcron.Event, rule string) [2]ttpcron.Tag {
	sub := tagOf(e, 0)
	sub.RuleID, sub.Tactic, sub.TechniqueID, sub.SubTechniqueID, sub.Confidence = rule, "TA0005", "T1562", "T1562.001", 0.9
	main := sub
	main.SubTechniqueID, main.Confidence = "", 0.6
	return [2]ttpcron.Tag{sub, main}
}

// TestCountsFollowWritesAndTime: the kept counts of tags that others stand for are
// recomputed when there are more tags or claims, and when an operator's decision expires.
func TestCountsFollowWritesAndTime(t *testing.T) {
	now := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	db := kvtest.OpenWith(t, filepath.Join(t.TempDir(), "store.db"), kv.Options{Now: func() time.Time { return now }})
	importAll(t, db, newGenerator(1).events(6))
	events := eventsOf(t, db)
	view := db.Under(attack.Current())
	counts := func(when string, want int) {
		t.Helper()
		s, err := view.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, k := range s.Kinds {
			got += k.Tags
		}
		if got != want {
			t.Errorf("%s: %d tags, want %d", when, got, want)
		}
	}
	commit := func(rule string, events []ttpcron.Event) {
		t.Helper()
		var tags []ttpcron.Tag
		for i := range events {
			pair := pairOf(&events[i], rule)
			tags = append(tags, pair[:]...)
		}
		if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	commit("R1", events[:3])
	commit("R2", events[:3])
	if err := db.SetRuleState(t.Context(), ttpcron.RuleState{RuleID: "R2", Status: ttpcron.StatusDisabled, ExpiresAt: now.Add(time.Hour), SetBy: "u", SetAt: now}); err != nil {
		t.Fatal(err)
	}
	counts("while a rule is disabled", 3)
	now = now.Add(2 * time.Hour)
	counts("when it is not any more", 6)
	commit("R1", events[3:])
	counts("with more tags of known claims", 9)
	commit("R3", events[:3])
	counts("with more claims", 12)
}

// TestStandsForTheSameFate: a tag left out by its level stands for no shown tag.
func TestStandsForTheSameFate(t *testing.T) {
	db := kvtest.Open(t)
	importAll(t, db, newGenerator(1).events(1))
	events := eventsOf(t, db)
	pair := pairOf(&events[0], "R1")
	pair[0].Level, pair[1].Level = ttpcron.LevelLow, ttpcron.LevelHigh
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: pair[:]}); err != nil {
		t.Fatal(err)
	}
	s, err := db.Under(attack.Current()).Summary(t.Context(), ttpcron.Window{}, ttpcron.FromLevel(ttpcron.LevelHigh), nil)
	if err != nil || s.Tags != 1 || s.LeftOut != 1 {
		t.Errorf("%d tags, %d left out, %v, want 1 and 1", s.Tags, s.LeftOut, err)
	}
}
