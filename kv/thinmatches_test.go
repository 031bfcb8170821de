package kv_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
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

var thinStreams = []*ttpcron.Stream{
	ttpcron.NewStream("R1", ttpcron.Command, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}}, []string{"secret"}, [16]byte{1}),
	ttpcron.NewStream("R1", ttpcron.Command, []ttpcron.GroupField{{Name: "who", From: "username"}}, []string{"secret"}, [16]byte{1}),
	ttpcron.NewStream("R2", ttpcron.Command, []ttpcron.GroupField{{Name: "who", From: "username"}}, nil, [16]byte{1}),
	ttpcron.NewStream("R3", ttpcron.SessionFact, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip", Optional: true}, {Name: "session_id", From: "session_id"}}, nil, [16]byte{1}),
}

// thinEvents returns events of many attackers on some days.
func thinEvents(r *rand.Rand, n int) (events []ttpcron.Event) {
	for i := range n {
		ip := fmt.Sprint("203.0.113.", 100+r.IntN(5))
		e := ttpcron.Event{
			Kind: []ttpcron.SourceKind{ttpcron.Command, ttpcron.SessionFact}[r.IntN(2)], ID: fmt.Sprint(i),
			Time: noon.AddDate(0, 0, r.IntN(3)).Add(time.Duration(r.IntN(600)) * time.Minute / 7), AttackerIP: ip, SessionID: fmt.Sprint("session", r.IntN(3), "of", ip),
		}
		e.Payload.Set("command_text", fmt.Sprint("id ", i))
		e.Payload.Set("username", fmt.Sprint("user", r.IntN(3)))
		e.Payload.Set("secret", "secret of "+ip+fmt.Sprint(r.IntN(9)))
		events = append(events, e)
	}
	return events
}

// matchesOf returns the base matches of events.
func matchesOf(events []ttpcron.Event) (all []ttpcron.BaseMatch) {
	for i := range events {
		for _, s := range thinStreams {
			if s.Kind != events[i].Kind {
				continue
			}
			if packed, group, ok := s.Append(nil, &events[i], ttpcron.Networks{}); ok {
				all = append(all, ttpcron.BaseMatch{Stream: s, Group: string(packed[:group]), Values: string(packed[group:]), Time: events[i].Time, Seq: events[i].Seq})
			}
		}
	}
	return all
}

func storedMatchesOf(t *testing.T, db *kv.DB) (all []string) {
	t.Helper()
	for _, grouping := range []string{"attacker_ip", "who", "attacker_ip,session_id"} {
		for m, err := range db.BaseMatches(t.Context(), ttpcron.MatchQuery{Grouping: grouping}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%s %q %q %s %d", m.Stream.ID, m.Group, m.Values, m.Time, m.Seq))
		}
	}
	slices.Sort(all)
	return all
}

func textsOfMatches(matches []ttpcron.BaseMatch) (all []string) {
	for i := range matches {
		m := &matches[i]
		all = append(all, fmt.Sprintf("%s %q %q %s %d", m.Stream.ID, m.Group, m.Values, m.Time, m.Seq))
	}
	slices.Sort(all)
	return all
}

// Purged and pruned events take their base matches with them, including removed ones: a
// purge leaves nothing about its target in the file, and shared groups are judged again.
func TestGoneEventsTakeTheirMatches(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			path := filepath.Join(t.TempDir(), "t.db")
			db := kvtest.OpenAt(t, path)
			kv.LimitRuns(db, 1+r.IntN(6), 30+r.IntN(300), 1+r.IntN(9), 1+r.IntN(12))
			events := thinEvents(r, 200)
			if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil {
				t.Fatal(err)
			}
			stored := eventsOf(t, db)
			left := slices.Clone(stored)
			for len(left) > 0 { // in some commits, a part again
				n := min(len(left), 1+r.IntN(70))
				again := stored[r.IntN(len(stored)):]
				list := append(matchesOf(left[:n]), matchesOf(again[:min(len(again), 5)])...)
				for i := range list { // had others before, or went since
					if old := list[i]; r.IntN(9) == 0 {
						old.Values = "t\x03old"
						commit(t, db, ttpcron.Commit{Matches: []ttpcron.BaseMatch{old}})
					}
				}
				commit(t, db, ttpcron.Commit{Matches: list})
				left = left[n:]
			}
			went := stored[r.IntN(len(stored))]
			commit(t, db, ttpcron.Commit{Reviews: []ttpcron.Review{{
				Kind: went.Kind, Day: ttpcron.DayOf(went.Time), Events: []ttpcron.SeqRange{{First: went.Seq, Last: went.Seq}},
				Earliest: went.Time, Latest: went.Time, Rules: []string{thinStreams[0].ID, thinStreams[1].ID, thinStreams[2].ID, thinStreams[3].ID},
			}}})
			judgeAll(t, db)

			purged := "203.0.113.102"
			if _, err := db.Purge(t.Context(), kv.Purge{Attacker: purged}); err != nil {
				t.Fatal(err)
			}
			want := slices.DeleteFunc(slices.Clone(stored), func(e ttpcron.Event) bool { return e.AttackerIP == purged || e.Seq == went.Seq })
			if got, want := storedMatchesOf(t, db), textsOfMatches(matchesOf(want)); !slices.Equal(got, want) {
				t.Errorf("after a purge there are %q\nwant %q", got, want)
			}
			touched := map[string]bool{}
			eachTouched(t, db, func(day ttpcron.Day, g ttpcron.TouchedGroup) {
				if strings.Contains(string(g.Group), purged) || !g.Went {
					t.Errorf("group %q by %s is to be judged", g.Group, g.Grouping)
				}
				touched[fmt.Sprintf("%s %q from %s to %s", day, g.Group, g.Earliest, g.Latest)] = true
			})
			lost := map[string][2]time.Time{}
			for _, m := range matchesOf(stored) {
				if e := stored[slices.IndexFunc(stored, func(e ttpcron.Event) bool { return e.Seq == m.Seq })]; e.AttackerIP == purged && m.Stream.Grouping() == "who" {
					k := fmt.Sprintf("%s %q", ttpcron.DayOf(m.Time), m.Group)
					span, ok := lost[k]
					if !ok || m.Time.Before(span[0]) {
						span[0] = m.Time
					}
					if m.Time.After(span[1]) {
						span[1] = m.Time
					}
					lost[k] = span
				}
			}
			wantTouched := map[string]bool{}
			for k, span := range lost {
				wantTouched[fmt.Sprintf("%s from %s to %s", k, span[0], span[1])] = true
			}
			if !maps.Equal(touched, wantTouched) {
				t.Errorf("touched are %v\nwant %v", touched, wantTouched)
			}

			horizon := ttpcron.DayOf(noon) + 1
			if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: horizon, TagsBefore: horizon}); err != nil {
				t.Fatal(err)
			}
			want = slices.DeleteFunc(want, func(e ttpcron.Event) bool { return ttpcron.DayOf(e.Time) < horizon })
			if got, want := storedMatchesOf(t, db), textsOfMatches(matchesOf(want)); !slices.Equal(got, want) {
				t.Errorf("after a pruning there are %q\nwant %q", got, want)
			}
			judgeAll(t, db)
			closed(t, db)
			checked(t, path)
			if _, err := doctor.Compact(t.Context(), path, purgeOptions()); err != nil {
				t.Fatal(err)
			}
			if n := holdsTexts(t, path, []string{purged}); n > 0 {
				t.Error("the attacker is still in the file")
			}
		})
	}
}

func commit(t *testing.T, db *kv.DB, c ttpcron.Commit) {
	t.Helper()
	if _, err := db.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// judgeAll says that all base matches are judged.
func judgeAll(t *testing.T, db *kv.DB) {
	t.Helper()
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var c ttpcron.Commit
	for _, d := range days {
		c.Settled = append(c.Settled, ttpcron.SettledMatches{Day: d.Day, UpTo: d.Last})
		c.Judged = append(c.Judged, ttpcron.JudgedDay{Day: d.Day, Rules: []ttpcron.RuleDef{{ID: "C", Version: 1}}})
	}
	commit(t, db, c)
}

func eachTouched(t *testing.T, db *kv.DB, do func(ttpcron.Day, ttpcron.TouchedGroup)) {
	t.Helper()
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		for g, err := range db.Touched(t.Context(), d.Day, d.Last) {
			if err != nil {
				t.Fatal(err)
			}
			do(d.Day, g)
		}
	}
}

// A correlation whose tags were removed judges everything again when it comes back.
func TestPruneRulesForgetsWhatIsJudged(t *testing.T) {
	db := kvtest.Open(t)
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: thinEvents(rand.New(rand.NewPCG(1, 1)), 20)}); err != nil {
		t.Fatal(err)
	}
	commit(t, db, ttpcron.Commit{Matches: matchesOf(eventsOf(t, db))})
	tag := ttpcron.NewSubject("\x00", nil).Tag(ttpcron.NewTerms("event_count", "gte 5", nil, nil, time.Hour), ttpcron.Slot(noon, time.Hour))
	tag.Claim = ttpcron.Claim{RuleID: "C1", RuleVersion: 1, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
	commit(t, db, ttpcron.Commit{Tags: []ttpcron.Tag{tag}})
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	rules := []ttpcron.RuleDef{{ID: "C1", Version: 1, Digest: [16]byte{1}}, {ID: "C2", Version: 1, Digest: [16]byte{2}}}
	var c ttpcron.Commit
	for i, d := range days {
		c.Judged = append(c.Judged, ttpcron.JudgedDay{Day: d.Day, Rules: rules[:1+i%2]})
	}
	commit(t, db, c)
	if done, err := db.PruneRules(t.Context(), kv.PruneRules{Rules: []string{"C1"}}); err != nil || done.Removed != 1 {
		t.Fatal(done, err)
	}
	if days, err = db.MatchDays(t.Context(), 0); err != nil || len(days) != 3 {
		t.Fatal(days, err)
	}
	for i, d := range days {
		if want := rules[1 : 1+i%2]; len(d.Judged.Rules) != len(want) || len(want) > 0 && d.Judged.Rules[0] != want[0] {
			t.Errorf("%s is judged by %v, want %v", d.Day, d.Judged.Rules, want)
		}
	}
}

// A recovered store does not know which matches were removed and not judged. So it marks
// the days of all tags to be judged again.
func TestRecoveredFindingsAreJudgedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: thinEvents(rand.New(rand.NewPCG(1, 1)), 20)}); err != nil {
		t.Fatal(err)
	}
	commit(t, db, ttpcron.Commit{Matches: matchesOf(eventsOf(t, db))})
	judgeAll(t, db)
	var c ttpcron.Commit
	for slot := range int64(2) {
		tag := ttpcron.NewSubject("\x00", nil).Tag(ttpcron.NewTerms("event_count", "gte 5", nil, nil, 24*time.Hour), ttpcron.Slot(noon, 24*time.Hour)+40*slot)
		tag.Claim = ttpcron.Claim{RuleID: "C1", RuleVersion: 3, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
		c.Tags = append(c.Tags, tag)
	}
	commit(t, db, c)
	closed(t, db)
	to := path + ".new"
	if _, err := doctor.Recover(t.Context(), path, to, purgeOptions()); err != nil {
		t.Fatal(err)
	}
	checked(t, to)
	days, err := kvtest.OpenAt(t, to).MatchDays(t.Context(), 0)
	if err != nil || len(days) != 2 {
		t.Fatal(days, err)
	}
	for i, d := range days {
		if want := ttpcron.DayOf(noon) + ttpcron.Day(40*i); d.Day != want || len(d.Judged.Rules) != 1 || d.Judged.Rules[0] != (ttpcron.RuleDef{ID: "C1", Version: 3}) {
			t.Errorf("%s is judged by %v, want %s without a digest", d.Day, d.Judged.Rules, want)
		}
	}
}

// A value that others typed may be the purged address: the tag goes, since it may be about
// the purged attacker, and is found again from the others' events.
func TestPurgedByValueIsJudgedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	db := kvtest.OpenAt(t, path)
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: thinEvents(rand.New(rand.NewPCG(1, 1)), 20)}); err != nil {
		t.Fatal(err)
	}
	commit(t, db, ttpcron.Commit{Matches: matchesOf(eventsOf(t, db))})
	rules := []ttpcron.RuleDef{{ID: "C1", Version: 2, Digest: [16]byte{1}}, {ID: "C2", Version: 1, Digest: [16]byte{2}}}
	day := ttpcron.DayOf(noon)
	commit(t, db, ttpcron.Commit{Judged: []ttpcron.JudgedDay{{Day: day, Rules: rules}}})
	names := []string{"username"}
	subject := ttpcron.NewSubject("\x00t\x0d203.0.113.102", names)
	var tags []ttpcron.Tag
	for _, later := range []int64{0, 40} { // on days with and without base matches
		tag := subject.Tag(ttpcron.NewTerms("event_count", "gte 5", nil, names, 24*time.Hour), ttpcron.Slot(noon, 24*time.Hour)+later)
		tag.Claim = ttpcron.Claim{RuleID: "C1", RuleVersion: 2, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
		tags = append(tags, tag)
	}
	commit(t, db, ttpcron.Commit{Tags: tags})
	if _, err := db.Purge(t.Context(), kv.Purge{Attacker: "203.0.113.102"}); err != nil {
		t.Fatal(err)
	}
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[ttpcron.Day][]ttpcron.RuleDef{}
	for _, d := range days {
		got[d.Day] = d.Judged.Rules
	}
	begun := ttpcron.RuleDef{ID: "C1", Version: 2}
	if !slices.Equal(got[day], []ttpcron.RuleDef{begun, rules[1]}) || !slices.Equal(got[day+40], []ttpcron.RuleDef{begun}) {
		t.Errorf("judged are %v", got)
	}
	closed(t, db)
	checked(t, path)
}
