package kv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

// The streams of lifeStore: by address, by text, by session of an address.
func lifeStreams() (all []*ttpcron.Stream) {
	for _, group := range [][]ttpcron.GroupField{
		{{Name: "attacker_ip", From: "attacker_ip"}}, {{Name: "command_text", From: "command_text"}},
		{{Name: "attacker_ip", From: "attacker_ip", Optional: true}, {Name: "session_id", From: "session_id"}},
	} {
		all = append(all, ttpcron.NewStream("R1", ttpcron.Command, group, []string{"session_id"}, [16]byte{1}))
	}
	return all
}

// lifeStore makes a store with the events of two attackers on some days, base matches of
// all, and two findings a day, one for each.
func lifeStore(t *testing.T, limits bool) (*kv.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.db")
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if limits {
		kv.LimitRuns(db, 1, 40, 3, 0)
	}
	var events []ttpcron.Event
	for i := range 200 {
		e := ttpcron.Event{
			Kind: ttpcron.Command, Time: noon.AddDate(0, 0, i%4).Add(time.Duration(i) * time.Second), AttackerIP: otherIP, SessionID: "other-session",
			DeckyID: "d", Payload: ttpcron.TextPayload("command_text", fmt.Sprint("uname ", i%7)),
		}
		if i%3 == 0 {
			e.AttackerIP, e.SessionID = purgedIP, "bad-session"
		}
		if i%21 == 0 {
			e.Payload.Set("command_text", "only the bad one")
		}
		events = append(events, e)
	}
	if _, err := db.Import(t.Context(), ttpcron.Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	for d := range ttpcron.Day(4) {
		day := ttpcron.DayOf(noon) + d
		for page, err := range db.Events(t.Context(), ttpcron.Command, day, 0, 1<<40) {
			if err != nil {
				t.Fatal(err)
			}
			for part := range slices.Chunk(page, 7) {
				var c ttpcron.Commit
				for i := range part {
					for _, s := range lifeStreams() {
						packed, n, ok := s.Append(nil, &part[i], nil)
						if !ok {
							t.Fatal("an event is not in a stream")
						}
						c.Matches = append(c.Matches, ttpcron.BaseMatch{Stream: s, Group: string(packed[:n]), Values: string(packed[n:]), Time: part[i].Time, Seq: part[i].Seq})
					}
				}
				if _, err := db.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
		}
		slot := int(day) * 24
		judged := ttpcron.Commit{
			Tags:   []ttpcron.Tag{finding("C1", 1, slot, purgedIP), finding("C1", 1, slot+5, otherIP)},
			Judged: []ttpcron.JudgedDay{{Day: day, Rules: []ttpcron.RuleDef{{ID: "C1", Version: 1}, {ID: "C2", Version: 1}}}},
		}
		days, err := db.MatchDays(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		judged.Settled = []ttpcron.SettledMatches{{Day: day, UpTo: days[0].Last}}
		if _, err := db.Commit(t.Context(), judged); err != nil {
			t.Fatal(err)
		}
	}
	return db, path
}

// matchesIn returns the matches of a grouping in text, and their days.
func matchesIn(t *testing.T, db *kv.DB, s *ttpcron.Stream) (texts []string, days []ttpcron.Day) {
	t.Helper()
	for m, err := range db.BaseMatches(t.Context(), ttpcron.MatchQuery{Grouping: s.Grouping()}) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, m.Group+" "+m.Values+textOf(m))
		days = append(days, ttpcron.DayOf(m.Time))
	}
	slices.Sort(days)
	return texts, slices.Compact(days)
}

// closeWhole closes a store and checks its file.
func closeWhole(t *testing.T, db *kv.DB, path string) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := doctor.Check(t.Context(), path, doctor.Options{})
	if err != nil || r.Damaged() {
		t.Errorf("%+v, %v", r.Findings, err)
	}
}

// Purging an attacker or a session removes the events' base matches, and findings of
// groups that name them. Other groups that had these matches count as changed, and name
// them nowhere.
func TestPurgeTakesBaseMatches(t *testing.T) {
	for name, p := range map[string]kv.Purge{
		"address":              {Attacker: purgedIP},
		"UUID":                 {Attacker: ttpcron.DeriveAttacker(purgedIP)},
		"session":              {Session: "bad-session"},
		"attacker and session": {Attacker: purgedIP, Session: "bad-session"},
	} {
		for _, limits := range []bool{false, true} {
			t.Run(fmt.Sprint(name, limits), func(t *testing.T) {
				db, path := lifeStore(t, limits)
				before, _ := matchesIn(t, db, lifeStreams()[1])
				if _, err := db.Purge(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				for _, s := range lifeStreams() {
					texts, _ := matchesIn(t, db, s)
					for _, m := range texts {
						if strings.Contains(m, "bad-session") || strings.Contains(m, "only the bad one") {
							t.Errorf("%q is left", m)
						}
					}
					if want := len(before) - 67; len(texts) != want {
						t.Errorf("%d matches by %s are left, want %d", len(texts), s.Grouping(), want)
					}
				}
				days, err := db.MatchDays(t.Context(), 0)
				if err != nil || len(days) != 4 {
					t.Fatal(days, err)
				}
				for _, d := range days {
					went := map[string]int{}
					for g, err := range db.Touched(t.Context(), d.Day, d.Last) {
						if err != nil {
							t.Fatal(err)
						}
						named := strings.Contains(string(g.Group), purgedIP)
						if !g.Went || strings.Contains(string(g.Group), "bad-session") || named != (g.Grouping == "attacker_ip") {
							t.Errorf("touched: %+v", g)
						}
						went[g.Grouping]++
					}
					byAddress := 0 // of an attacker who is gone nothing is left to judge
					if p.Session != "" {
						byAddress = 1
					}
					if went["command_text"] < 7 || went["attacker_ip"] != byAddress || len(went) != 1+byAddress {
						t.Errorf("on %s went %v", d.Day, went)
					}
				}
				tags := 0
				for tag, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
					if err != nil {
						t.Fatal(err)
					}
					if tags++; tag.AttackerIP == purgedIP && p.Session == "" {
						t.Errorf("finding %s is left", tag.SourceID)
					}
				}
				if want := map[bool]int{true: 4, false: 8}[p.Session == ""]; tags != want {
					t.Errorf("%d findings are left, want %d", tags, want)
				}
				closeWhole(t, db, path)
				if _, err := doctor.Compact(t.Context(), path, doctor.Options{}); err != nil {
					t.Fatal(err)
				}
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if p.Session == "" && strings.Contains(string(file), purgedIP) || strings.Contains(string(file), "bad-session") {
					t.Error("the compacted file names whom")
				}
			})
		}
	}
}

// A correlation may group by the address under another name.
func TestPurgeOfFindingsByAlias(t *testing.T) {
	db, _ := lifeStore(t, false)
	names := []string{"a", "who"}
	group := (&ttpcron.PackedValue{Text: purgedIP}).Append([]byte("\x00n"))
	tag := ttpcron.NewSubject(ttpcron.Group(group), names).Tag(ttpcron.NewTerms("event_count", "gte 5", nil, names, time.Hour), int64(ttpcron.DayOf(noon))*24)
	tag.Claim = ttpcron.Claim{RuleID: "C2", RuleVersion: 1, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5}
	whole := tag
	whole.Finding, whole.RuleVersion, whole.Evidence = nil, 2, tag.Finding.AppendEvidence(nil)
	commit(t, db, ttpcron.Commit{Tags: []ttpcron.Tag{tag, whole}})
	r, err := db.Purge(t.Context(), kv.Purge{Attacker: purgedIP})
	if err != nil || r.Tags != 6 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Pruned events take their base matches with them. Those of events that stay, because they
// have tags or are later, stay too, and so do findings. Later findings about events before
// the horizon are stored.
func TestPruneTakesBaseMatches(t *testing.T) {
	db, path := lifeStore(t, true)
	first := ttpcron.DayOf(noon)
	if h, err := db.EventHorizon(t.Context()); h != 0 || err != nil {
		t.Errorf("horizon %v, %v", h, err)
	}
	var stays ttpcron.Event
	for _, e := range eventsOf(t, db) {
		if ttpcron.DayOf(e.Time) == first+1 {
			stays = e
		}
	}
	commit(t, db, ttpcron.Commit{Tags: []ttpcron.Tag{tagOf(&stays, 1)}})
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 2}); err != nil {
		t.Fatal(err)
	}
	another := ttpcron.NewStream("R2", ttpcron.Command, lifeStreams()[0].Group, nil, [16]byte{2})
	packed, n, _ := another.Append(nil, &stays, nil)
	commit(t, db, ttpcron.Commit{Matches: []ttpcron.BaseMatch{{Stream: another, Group: string(packed[:n]), Values: string(packed[n:]), Time: stays.Time, Seq: stays.Seq}}})
	for i, s := range lifeStreams() {
		want := 2*50 + 1
		if i == 0 { // of which there is another stream
			want++
		}
		if texts, days := matchesIn(t, db, s); len(texts) != want || !reflect.DeepEqual(days, []ttpcron.Day{first + 1, first + 2, first + 3}) {
			t.Errorf("%d matches by %s are left of %v, want %d", len(texts), s.Grouping(), days, want)
		}
	}
	if days, err := db.MatchDays(t.Context(), 0); err != nil || len(days) != 3 {
		t.Errorf("days of base matches: %+v, %v", days, err)
	}
	if h, err := db.EventHorizon(t.Context()); h != first+2 || err != nil {
		t.Errorf("horizon %v, %v", h, err)
	}
	tags := 0
	for _, err := range db.Tags(t.Context(), ttpcron.TagQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		tags++
	}
	if tags != 9 {
		t.Errorf("%d tags are left", tags)
	}
	closeWhole(t, db, path)
}

// Once no horizon freezes slots any more, the days on which there were some are judged
// again, before the horizon and after it; a horizon that moves back for one kind alone
// changes nothing.
func TestForgottenHorizonIsJudgedAgain(t *testing.T) {
	db, path := lifeStore(t, false)
	first := ttpcron.DayOf(noon)
	rules := []ttpcron.RuleDef{{ID: "C1", Version: 1, Digest: [16]byte{1}}, {ID: "C2", Version: 3, Digest: [16]byte{2}}}
	if _, err := db.Prune(t.Context(), kv.Prune{EventsBefore: first + 2}); err != nil {
		t.Fatal(err)
	}
	var judged []ttpcron.JudgedDay
	for _, n := range []ttpcron.Day{1, 2, 3, 63, 64, 200} {
		judged = append(judged, ttpcron.JudgedDay{Day: first + n, Rules: rules})
	}
	commit(t, db, ttpcron.Commit{Judged: judged})
	again := func(kind ttpcron.SourceKind, want string) {
		t.Helper()
		if _, err := db.ForgetHorizon(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
		days, err := db.MatchDays(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range days {
			if len(d.Judged.Rules) != 2 || d.Judged.Rules[1].Version != 3 {
				t.Errorf("%s is judged by %+v", d.Day, d.Judged)
			} else if d.Judged.Rules[0].Digest == [16]byte{} && d.Judged.Rules[1].Digest == [16]byte{} {
				got += fmt.Sprint(int(d.Day-first), " ")
			}
		}
		if got != want {
			t.Errorf("with the horizon of %q forgotten the days %sare judged again, want %s", kind, got, want)
		}
	}
	again(ttpcron.Command, "")
	awaited := func(want ttpcron.Day) {
		t.Helper()
		if day, err := db.AwaitedBefore(t.Context()); err != nil || day != want {
			t.Errorf("events of days before %s are awaited, %v, want %s", day, err, want)
		}
	}
	awaited(0)
	again("", "1 2 3 63 ")
	again("", "1 2 3 63 ")
	arrive := func(day ttpcron.Day) {
		t.Helper()
		for _, kind := range []ttpcron.SourceKind{ttpcron.Command, ttpcron.AuthAttempt} {
			e := ttpcron.Event{Kind: kind, ID: fmt.Sprint("late", day), Time: day.Start(), AttackerIP: "192.0.2.1", Payload: ttpcron.TextPayload("command_text", "id")}
			if r, err := db.Import(t.Context(), ttpcron.Batch{Events: []ttpcron.Event{e}}); err != nil || r.New != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
		}
	}
	awaited(first + 2)
	arrive(first + 2)
	awaited(first + 2)
	arrive(first + 1)
	awaited(0)
	closeWhole(t, db, path)
}

// After the tags of a correlation were pruned by its id, it has judged nothing: when it is
// loaded again, it makes them again.
func TestPrunedRulesHaveJudgedNothing(t *testing.T) {
	db, path := lifeStore(t, false)
	if done, err := db.PruneRules(t.Context(), kv.PruneRules{Rules: []string{"C1"}}); err != nil || done.Removed != 8 {
		t.Fatalf("%+v, %v", done, err)
	}
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil || len(days) != 4 {
		t.Fatal(days, err)
	}
	for _, d := range days {
		if len(d.Judged.Rules) != 1 || d.Judged.Rules[0].ID != "C2" {
			t.Errorf("%s is judged by %+v", d.Day, d.Judged)
		}
	}
	closeWhole(t, db, path)
}

// A recovered store begins without base matches, and no rule set says that a stream has
// looked at anything, so the next run makes them again.
func TestRecoveredStoreLooksForBaseMatches(t *testing.T) {
	db, path := lifeStore(t, false)
	rules := []ttpcron.RuleDef{{ID: "R1", Version: 1}}
	for _, s := range lifeStreams() {
		rules = append(rules, s.Def())
	}
	set := ttpcron.NewRuleSet(rules)
	day := ttpcron.DayOf(noon)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{RuleSets: []ttpcron.RuleSet{set}, Coverage: []ttpcron.Coverage{{Kind: ttpcron.Command, Day: day, RuleSet: set.Fingerprint, UpTo: 200}}}); err != nil {
		t.Fatal(err)
	}
	closeWhole(t, db, path)
	to := filepath.Join(t.TempDir(), "r.db")
	if _, err := doctor.Recover(t.Context(), path, to, doctor.Options{}); err != nil {
		t.Fatal(err)
	}
	db, err := kv.Open(t.Context(), to, kv.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	days, err := db.MatchDays(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		if d.Matches > 0 || d.Touched > 0 {
			t.Errorf("%+v is left", d)
		}
	}
	history, err := db.DayPage(t.Context(), ttpcron.Command, day)
	if err != nil || len(history) == 0 || len(history[0].Coverage) != 1 {
		t.Fatalf("%+v, %v", history, err)
	}
	got, ok, err := db.RuleSet(t.Context(), history[0].Coverage[0].RuleSet)
	if want := ttpcron.NewRuleSet(rules[:1]); err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, %v, want %+v", got, ok, err, want)
	}
	closeWhole(t, db, to)
}

// Findings have no arrival: a query for arrivals since a time includes those made since.
func TestFindingsSince(t *testing.T) {
	db, _ := lifeStore(t, false)
	made := time.Date(2024, 10, 1, 0, 0, 0, 0, time.UTC)
	later := finding("C9", 1, int(ttpcron.DayOf(noon)+100)*24, otherIP) // on a day without events
	later.CreatedAt = made.Add(time.Hour)
	if _, err := db.Commit(t.Context(), ttpcron.Commit{Tags: []ttpcron.Tag{later}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    ttpcron.TagQuery
		want int
	}{
		"all":                      {ttpcron.TagQuery{}, 9},
		"of events alone":          {ttpcron.TagQuery{ArrivedAfter: 1}, 0},
		"from before":              {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made}, 9},
		"in the second":            {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made.Add(time.Second - 1)}, 9},
		"later":                    {ttpcron.TagQuery{ArrivedAfter: 1 << 40, FoundSince: made.Add(time.Minute)}, 1},
		"later, of another":        {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made.Add(time.Minute), Attacker: purgedIP}, 0},
		"later, by another rule":   {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made.Add(time.Minute), Rule: "C1"}, 0},
		"later than everything":    {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made.Add(2 * time.Hour)}, 0},
		"of a window, from before": {ttpcron.TagQuery{ArrivedAfter: 1, FoundSince: made, Window: ttpcron.Window{Until: noon.AddDate(0, 0, 50)}}, 8},
	} {
		n := 0
		for tag, err := range db.Tags(t.Context(), c.q) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; !c.q.Match(&tag) {
				t.Errorf("%s: %s does not match", name, tag.SourceID)
			}
		}
		if n != c.want {
			t.Errorf("%s: %d tags, want %d", name, n, c.want)
		}
	}
}
