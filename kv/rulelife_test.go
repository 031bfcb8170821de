package kv_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

func TestAuditTrail(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	until := noon.Add(4 * time.Hour)
	steps := []struct {
		do   func() error
		want string
	}{
		{func() error {
			return db.SetRuleState(ctx, ttpcron.RuleState{RuleID: "R1", Status: ttpcron.StatusDisabled, ExpiresAt: until, Reason: "noisy", SetBy: "ann", SetAt: noon})
		}, "ann state set R1@-1: enabled → disabled until 2026-05-04T16:00:00Z (noisy)"},
		{func() error {
			return db.SetRuleState(ctx, ttpcron.RuleState{RuleID: "R1", Status: ttpcron.StatusClipped, ConfidenceMax: 0.5, SetBy: "bob", SetAt: noon})
		}, "bob state set R1@-1: disabled until 2026-05-04T16:00:00Z → clipped to 0.5 ()"},
		{func() error { return db.ClearRuleState(ctx, "R1", "ann") }, "ann state clear R1@-1: clipped to 0.5 → enabled ()"},
		{func() error { return db.ClearRuleState(ctx, "R1", "ann") }, ""}, // nothing changes
		{func() error {
			return db.Retire(ctx, ttpcron.Retirement{RuleID: "R1", Version: 2, Reason: "wrong", SetBy: "ann", SetAt: noon})
		}, "ann retire R1@2: shown → hidden (wrong)"},
		{func() error { _, err := db.Unretire(ctx, "R1", 2, "bob", "right"); return err }, "bob unretire R1@2: hidden → shown (right)"},
		{func() error { _, err := db.Unretire(ctx, "R1", 2, "bob", "right"); return err }, ""},
	}
	var want []string
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		if s.want != "" {
			want = append(want, s.want)
		}
		entries, err := db.Audit(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(entries)
		var got []string
		for i, e := range entries {
			got = append(got, fmt.Sprintf("%s %s %s@%d: %s → %s (%s)", e.By, e.Action, e.RuleID, e.Version, e.Before, e.After, e.Reason))
			if e.Number != uint64(i+1) || e.At.IsZero() {
				t.Errorf("entry %d: %+v", i, e)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("trail\n%q\nwant\n%q", got, want)
		}
	}
	if list, err := db.Audit(ctx, 2); err != nil || len(list) != 2 || list[0].Action != ttpcron.AuditUnretire {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAuditIsBounded(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	const extra = 5
	for i := range kv.MaxAudit + extra {
		if err := db.SetRuleState(ctx, ttpcron.RuleState{RuleID: "R1", Status: ttpcron.StatusDisabled, Reason: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.Audit(ctx, 0)
	if err != nil || len(list) != kv.MaxAudit || list[0].Number != kv.MaxAudit+extra || list[len(list)-1].Number != extra+1 {
		t.Errorf("%d entries, %v", len(list), err)
	}
}

func TestRuleSetsAreKeptWhileCoverageNamesThem(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	set := func(name string) ttpcron.RuleSet {
		return ttpcron.RuleSet{Fingerprint: name, Rules: []ttpcron.RuleDef{{ID: "R" + name, Version: 1}}}
	}
	commit := func(day ttpcron.Day, sets ...string) {
		t.Helper()
		c := ttpcron.Commit{RuleSets: []ttpcron.RuleSet{set(sets[len(sets)-1])}}
		for i, s := range sets {
			c.Coverage = append(c.Coverage, ttpcron.Coverage{Kind: ttpcron.Command, Day: day, RuleSet: s, After: uint64(i), UpTo: uint64(i + 1)})
		}
		if _, err := db.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	known := func() (names string) {
		for _, n := range []string{"a", "b", "c", "d", ""} {
			got, ok, err := db.RuleSet(ctx, n)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				if !reflect.DeepEqual(got, set(n)) {
					t.Errorf("set %s is %+v", n, got)
				}
				names += n
			}
		}
		return names
	}
	commit(1, "a")
	commit(2, "a", "b")
	if got := known(); got != "ab" {
		t.Errorf("known %q", got)
	}
	commit(1, "c") // a is still named by day 2
	if got := known(); got != "abc" {
		t.Errorf("known %q", got)
	}
	commit(2, "c")
	commit(3, "d")
	if got := known(); got != "cd" {
		t.Errorf("known %q", got)
	}
}

// TestRetiredTagsStay shows that a re-run inserts nothing where tags are hidden.
func TestRetiredTagsStay(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	importAll(t, db, newGenerator(3).events(300))
	var tags []ttpcron.Tag
	tagAll(t, db, 3, func(some []ttpcron.Tag) {
		tags = append(tags, some...)
		if _, err := db.Commit(ctx, ttpcron.Commit{Tags: some}); err != nil {
			t.Fatal(err)
		}
	})
	rule := tags[0].RuleID
	if err := db.Retire(ctx, ttpcron.Retirement{RuleID: rule, Version: ttpcron.AllVersions}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for tag, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		if err != nil || tag.RuleID == rule {
			t.Fatalf("%s, %v", tag.RuleID, err)
		}
		n++
	}
	if n == 0 || n >= len(tags) {
		t.Errorf("%d of %d tags are shown", n, len(tags))
	}
	if got, err := known(db, tags); err != nil || got != len(tags) {
		t.Errorf("%d of %d tags are known, %v", got, len(tags), err)
	}
	if got, err := db.Commit(ctx, ttpcron.Commit{Tags: tags}); err != nil || got.Inserted != 0 {
		t.Errorf("%d inserted, %v", got.Inserted, err)
	}
	if _, err := db.Unretire(ctx, rule, 1, "", ""); err != nil {
		t.Fatal(err)
	}
	if s, err := db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil); err != nil || s.Tags != n {
		t.Errorf("showing one version shows all: %d tags, want %d; %v", s.Tags, n, err)
	}
	if was, err := db.Unretire(ctx, rule, ttpcron.AllVersions, "", ""); err != nil || !was {
		t.Fatal(was, err)
	}
	if s, err := db.Under(nil).Summary(ctx, ttpcron.Window{}, ttpcron.MinLevels{}, nil); err != nil || s.Tags != len(tags) {
		t.Errorf("%d tags, want %d; %v", s.Tags, len(tags), err)
	}
}

// TestPrunedRulesHaveNotLooked: coverage forgets rules whose tags are removed. When they
// come back, they look again.
func TestPrunedRulesHaveNotLooked(t *testing.T) {
	db, ctx := kvtest.Open(t), t.Context()
	events := newGenerator(3).events(30)
	importAll(t, db, events)
	var tags []ttpcron.Tag
	tagAll(t, db, 3, func(some []ttpcron.Tag) { tags = append(tags, some...) })
	rule := tags[0].RuleID
	both := ttpcron.NewRuleSet([]ttpcron.RuleDef{{ID: rule, Version: 1, Digest: [16]byte{1}}, {ID: "kept", Version: 1, Digest: [16]byte{2}}})
	alone, other := ttpcron.NewRuleSet(both.Rules[:1]), ttpcron.NewRuleSet(both.Rules[1:])
	if both.Rules[0].ID != rule {
		alone, other = other, alone
	}
	day := ttpcron.DayOf(events[0].Time)
	c := ttpcron.Commit{Tags: tags, RuleSets: []ttpcron.RuleSet{both, alone, other}}
	for i, s := range []string{both.Fingerprint, alone.Fingerprint, other.Fingerprint, ""} {
		c.Coverage = append(c.Coverage, ttpcron.Coverage{Kind: ttpcron.Command, Day: day, RuleSet: s, After: uint64(i), UpTo: uint64(i + 1), Tags: 1})
	}
	if _, err := db.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	if _, err := db.PruneRules(ctx, kv.PruneRules{Rules: []string{rule}}); err != nil {
		t.Fatal(err)
	}
	days, err := db.DayPage(ctx, ttpcron.Command, day)
	if err != nil || len(days) == 0 {
		t.Fatal(days, err)
	}
	want := []ttpcron.Coverage{
		{RuleSet: other.Fingerprint, After: 0, UpTo: 1, Uncounted: true}, {After: 1, UpTo: 2, Uncounted: true},
		{RuleSet: other.Fingerprint, After: 2, UpTo: 3, Tags: 1}, {After: 3, UpTo: 4, Tags: 1},
	}
	for i := range want {
		want[i].Kind, want[i].Day = ttpcron.Command, day
	}
	if !reflect.DeepEqual(days[0].Coverage, want) {
		t.Errorf("coverage %+v, want %+v", days[0].Coverage, want)
	}
	for set, known := range map[string]bool{both.Fingerprint: false, alone.Fingerprint: false, other.Fingerprint: true} {
		if _, ok, err := db.RuleSet(ctx, set); ok != known || err != nil {
			t.Errorf("set %s is known: %v, %v", set, ok, err)
		}
	}
	for tag, err := range db.Tags(ctx, ttpcron.TagQuery{}) {
		if err != nil || tag.RuleID == rule {
			t.Errorf("tag of %s, %v", tag.RuleID, err)
		}
	}
}
