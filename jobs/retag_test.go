package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// wordRule tags commands that hold a word. Its definition is the word.
type wordRule struct {
	id       string
	version  int
	word     string
	ceiling  float64
	disabled bool
}

func (r *wordRule) active() bool { return !r.disabled && r.ceiling >= ttpcron.MinConfidence }

// lexicon is a rule set of wordRules.
type lexicon []wordRule

func (l lexicon) Definitions() []ttpcron.RuleDef {
	var out []ttpcron.RuleDef
	for _, r := range l {
		if r.active() {
			sum := sha256.Sum256([]byte(r.word))
			out = append(out, ttpcron.RuleDef{ID: r.id, Version: r.version, Digest: [16]byte(sum[:16]), Ceiling: r.ceiling})
		}
	}
	return out
}

func (l lexicon) Fingerprint() string                  { return fmt.Sprint(l.Definitions()) }
func (l lexicon) InForce() int                         { return len(l.Definitions()) }
func (l lexicon) Applying(kind ttpcron.SourceKind) int { return len(l.Definitions()) }
func (l lexicon) Tagger() Tagger                       { return l }

func (l lexicon) Only(ids map[string]bool) Rules {
	var out lexicon
	for _, r := range l {
		if ids[r.id] {
			out = append(out, r)
		}
	}
	return out
}

func (l lexicon) Tag(e *ttpcron.Event, dst []ttpcron.Tag) ([]ttpcron.Tag, ttpcron.Verdict) {
	text, _ := e.Payload.Text("command_text")
	uuid, _ := e.Attacker()
	for _, r := range l {
		if r.active() && strings.Contains(text, r.word) {
			dst = append(dst, ttpcron.Tag{
				Claim:      ttpcron.Claim{RuleID: r.id, RuleVersion: r.version, Tactic: "TA0002", TechniqueID: "T1059", Confidence: r.ceiling},
				SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: uuid, EventTime: e.Time, Evidence: json.RawMessage(`{}`),
			})
		}
	}
	return dst, ttpcron.Verdict{}
}

func rule(id string, version int, word string) wordRule {
	return wordRule{id: id, version: version, word: word, ceiling: 1}
}

// tagged lists the tags of a store as rule@version text.
func tagged(m *memory) []string {
	text := map[string]string{}
	for _, e := range m.events {
		text[e.ID], _ = e.Payload.Text("command_text")
	}
	var out []string
	for _, t := range m.tags {
		out = append(out, fmt.Sprintf("%s@%d %s", t.RuleID, t.RuleVersion, text[t.SourceID]))
	}
	slices.Sort(out)
	return out
}

func retagLine(r Report) string {
	s := r.Run.Sources[0]
	var rules []string
	for _, c := range r.Changed {
		rules = append(rules, fmt.Sprintf("%s@%d %s %d tags", c.RuleID, c.Version, c.Why, c.Tags))
	}
	return fmt.Sprintf("events=%d inserted=%d retagged=%d tags=%d inserted=%d %v", s.Events, s.Inserted, s.Retagged, s.RetagTags, s.RetagInserted, rules)
}

// TestChangedRules runs one job after the other over a growing history: one
// event on each of two days, and one of long ago that the first run leaves out.
func TestChangedRules(t *testing.T) {
	old := lexicon{rule("A", 1, "wget"), rule("B", 1, "curl")}
	disabled, clipped, weak := rule("B", 1, "curl"), rule("B", 1, "curl"), rule("B", 1, "curl")
	disabled.disabled, clipped.ceiling, weak.ceiling = true, 0.5, 0.2
	steps := []struct {
		name  string
		rules lexicon
		want  string
	}{
		{"first run", old, "events=2 inserted=2 retagged=0 tags=0 inserted=0 []"},
		{"the same rules", old, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"a new rule", append(old[:2:2], rule("C", 1, "x")), "events=0 inserted=0 retagged=2 tags=2 inserted=2 [C@1 new 2 tags]"},
		{"and again", append(old[:2:2], rule("C", 1, "x")), "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"a new version", lexicon{rule("A", 2, "get"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=1 [A@2 version 1 tags]"},
		{"edited without a version", lexicon{rule("A", 2, "l"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=1 [A@2 edited 1 tags]"},
		{"rules removed", lexicon{old[1]}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"rules back", lexicon{rule("A", 2, "l"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"disabled", lexicon{rule("A", 2, "l"), disabled, rule("C", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"disabled, and another new", lexicon{rule("A", 2, "l"), disabled, rule("D", 1, "y")}, "events=0 inserted=0 retagged=2 tags=0 inserted=0 [D@1 new 0 tags]"},
		{"clipped away", lexicon{rule("A", 2, "l"), weak, rule("D", 1, "y")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"clipped", lexicon{rule("A", 2, "l"), clipped, rule("D", 1, "y")}, "events=0 inserted=0 retagged=2 tags=1 inserted=0 [B@1 new 1 tags]"},
		{"enabled", lexicon{rule("A", 2, "l"), old[1], rule("D", 1, "y")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"clipped again", lexicon{rule("A", 2, "l"), clipped, rule("D", 1, "y")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
	}
	for _, days := range []int{0, 1} { // a resumed run, and one with a window that holds nothing
		m := newMemory()
		add(m, command(daysAgo(400), "wget curl x left out"), command(daysAgo(2), "wget x"), command(daysAgo(3), "curl x"))
		for i, s := range steps {
			j := Job{Store: storeOf(m), Rules: s.rules}
			if i > 0 {
				j.SinceDays = days
			}
			if got := retagLine(do(t, j)); got != s.want {
				t.Errorf("%s:\ngot  %s\nwant %s", s.name, got, s.want)
			}
		}
		want := []string{"A@1 wget x", "A@2 curl x", "A@2 wget x", "B@1 curl x", "C@1 curl x", "C@1 wget x"}
		if got := tagged(m); !slices.Equal(got, want) {
			t.Errorf("tags %q", got)
		}
	}
}

// TestChangedRulesReachPartsOfDays covers a day in parts: what happened in the
// window of the first run, and what arrived after it.
func TestChangedRulesReachPartsOfDays(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(7.1), "x morning, left out"), command(daysAgo(6.9), "x afternoon"))
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x")}})
	add(m, command(daysAgo(7.1), "x morning, late"), command(daysAgo(300), "x old, late"))
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x")}})
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x"), rule("B", 1, "x")}})
	want := []string{"x afternoon", "x morning, late", "x old, late"}
	if got := texts(m); len(got) != 2*len(want) {
		t.Errorf("tagged %q", got)
	}
	for _, text := range texts(m) {
		if !slices.Contains(want, text) {
			t.Errorf("%q was left out on purpose and is tagged now", text)
		}
	}
	pages := m.pages
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x"), rule("B", 1, "x")}})
	if m.pages != pages {
		t.Error("read again with nothing changed")
	}
	// A store that does not know what the old rules were uses all.
	clear(m.sets)
	r := do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x"), rule("C", 1, "x")}})
	if got, want := retagLine(r), "events=0 inserted=0 retagged=3 tags=6 inserted=3 [A@1 unknown 3 tags C@1 unknown 3 tags]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDryRunShowsTheDifference(t *testing.T) {
	m := newMemory()
	for i := range 10 {
		add(m, command(daysAgo(float64(i)), fmt.Sprint("wget x ", i)))
	}
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "wget")}, SinceDays: 5})
	changed := lexicon{rule("A", 2, "wget"), rule("B", 1, "x")}
	want := "events=0 inserted=0 retagged=6 tags=12 inserted=12 [A@2 version 6 tags B@1 new 6 tags]"
	for _, dry := range []bool{true, true, false} {
		writes := m.writes
		r := do(t, Job{Store: storeOf(m), Rules: changed, ChangedOnly: true, DryRun: dry})
		if got := retagLine(r); got != want {
			t.Errorf("dry run %v:\ngot  %s\nwant %s", dry, got, want)
		}
		if dry && (r.Changed[0].New != 6 || r.Changed[0].Was != 1 || m.writes != writes) {
			t.Errorf("%+v", r.Changed)
		}
	}
	if got := m.cursors[ttpcron.Command]; got.Seq != 0 {
		t.Errorf("a run with changed rules only moved the cursor to %d", got.Seq)
	}
	// What a dry run takes as new it does not take again as covered.
	add(m, command(daysAgo(1), "wget x new"))
	r := do(t, Job{Store: storeOf(m), Rules: lexicon{rule("B", 1, "x"), rule("C", 1, "x")}, SinceDays: 3, DryRun: true})
	if got, want := retagLine(r), "events=5 inserted=6 retagged=2 tags=2 inserted=2 [C@1 new 2 tags]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := try(Job{Store: storeOf(m), Rules: changed, ChangedOnly: true, SinceDays: 3}); err == nil {
		t.Error("a window for changed rules only is accepted")
	}
}

// TestInterruptedRetagGoesOn interrupts looking again, and checks that the next
// run goes on where it stopped.
func TestInterruptedRetagGoesOn(t *testing.T) {
	m := newMemory()
	m.pageSize = 100
	for i := range 3000 {
		add(m, command(daysAgo(float64(i%2)), fmt.Sprint("x ", i)))
	}
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x")}})
	ctx, cancel := context.WithCancel(context.Background())
	stop := m.pages + 20
	m.onPage = func(n int) {
		if n == stop {
			cancel()
		}
	}
	j := Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x"), rule("B", 1, "x")}, Source: SourceCommand, Now: clock}
	r, err := j.Run(ctx)
	first := r.Run.Sources[0].RetagInserted
	if !errors.Is(err, ErrInterrupted) || first == 0 || first == 3000 {
		t.Fatalf("%v, %s", err, retagLine(r))
	}
	m.onPage = nil
	r = do(t, j)
	if s := r.Run.Sources[0]; s.RetagInserted != 3000-first || s.Retagged != 3000-first || len(m.tags) != 6000 {
		t.Errorf("after %d: %s", first, retagLine(r))
	}
}

// TestIncrementalEqualsFromScratch plays random histories of rule edits,
// arrivals, and runs of every sort, disturbed ones among them. After every run
// that ended well the tags of the rules in force must be exactly those that a
// run from scratch would make of the events that some run has looked at. A rule
// that never changes and tags every event says which these are.
func TestIncrementalEqualsFromScratch(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 60
	}
	retags, parts := 0, 0
	for seed := range n {
		r, p, err := edits(uint64(seed))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		retags, parts = retags+r, max(parts, p)
	}
	if retags < n || parts < 3 {
		t.Errorf("the histories are too tame: %d runs looked again, at most %d parts a day", retags, parts)
	}
}

var alphabet = strings.Fields("wget curl uname echo cat")

func edits(seed uint64) (retags, parts int, err error) {
	rnd := rand.New(rand.NewPCG(seed, 5))
	m := newMemory()
	m.pageSize = 1 + rnd.IntN(4)
	set := lexicon{rule("ALL", 1, "")}
	versions := map[string]int{}
	for step := range 40 {
		switch p := rnd.IntN(10); {
		case p < 3:
			for range rnd.IntN(6) {
				text := fmt.Sprint(alphabet[rnd.IntN(5)], " ", alphabet[rnd.IntN(5)], " ", step, rnd.Uint64())
				add(m, command(daysAgo(12*rnd.Float64()), text))
			}
			continue
		case p < 6:
			set = edited(rnd, set, versions)
			continue
		}
		j := Job{Store: storeOf(m), Rules: set, Source: SourceCommand, Now: clock, BatchSize: 1 + rnd.IntN(5), Workers: 1 + rnd.IntN(3)}
		if rnd.IntN(3) > 0 {
			j.Now = ticking()
		}
		switch rnd.IntN(5) {
		case 0:
			j.SinceDays = 1 + rnd.IntN(14)
		case 1:
			j.ChangedOnly = true
		}
		if j.ChangedOnly && rnd.IntN(2) == 0 {
			if err := m.foretold(&j); err != nil {
				return 0, 0, fmt.Errorf("step %d: %w", step, err)
			}
		}
		before := len(m.tags)
		complete, err := m.disturbed(rnd, &j)
		if err == nil && complete {
			err = m.asFromScratch(set)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("step %d: %w", step, err)
		}
		for _, r := range m.runs {
			if len(r.Sources) > 0 && r.Sources[0].RetagInserted > 0 && len(m.tags) > before {
				retags++
				break
			}
		}
		for _, list := range m.coverage {
			parts = max(parts, len(list))
		}
	}
	return retags, parts, nil
}

// edited changes one thing about a rule set, raising versions.
func edited(rnd *rand.Rand, l lexicon, versions map[string]int) lexicon {
	l = slices.Clone(l)
	id := string(rune('A' + rnd.IntN(4)))
	i := slices.IndexFunc(l, func(r wordRule) bool { return r.id == id })
	word := alphabet[rnd.IntN(5)]
	if i < 0 {
		versions[id]++
		return append(l, rule(id, versions[id], word))
	}
	switch rnd.IntN(5) {
	case 0:
		return slices.Delete(l, i, i+1)
	case 1:
		l[i].disabled = !l[i].disabled
	case 2:
		l[i].ceiling = []float64{0.2, 0.5, 1}[rnd.IntN(3)]
	default:
		versions[id]++
		l[i].version, l[i].word = versions[id], word
	}
	return l
}

// foretold checks that a dry run says what the run itself will do.
func (m *memory) foretold(j *Job) error {
	dry, writes := *j, m.writes
	dry.DryRun = true
	want, err := dry.Run(context.Background())
	if err != nil || m.writes != writes {
		return fmt.Errorf("dry run: %v, wrote %d", err, m.writes-writes)
	}
	got, err := j.Run(context.Background())
	if err != nil || retagLine(got) != retagLine(want) {
		return fmt.Errorf("a dry run says %s, the run does %s, %v", retagLine(want), retagLine(got), err)
	}
	return nil
}

// asFromScratch compares the tags of the rules in force with what they make of
// every event that has been looked at.
func (m *memory) asFromScratch(set lexicon) error {
	looked, have, want := map[string]bool{}, map[ttpcron.UUID]bool{}, map[ttpcron.UUID]bool{}
	force := map[string]int{}
	for _, d := range set.Definitions() {
		force[d.ID] = d.Version
	}
	for u, t := range m.tags {
		if t.RuleID == "ALL" {
			looked[t.SourceID] = true
		}
		if v, ok := force[t.RuleID]; ok && v == t.RuleVersion {
			have[u] = true
		}
	}
	for i := range m.events {
		if !looked[m.events[i].ID] {
			continue
		}
		tags, _ := set.Tag(&m.events[i], nil)
		for k := range tags {
			want[tags[k].UUID()] = true
		}
	}
	if maps.Equal(have, want) {
		return nil
	}
	for u := range want {
		if !have[u] {
			return fmt.Errorf("of %d tags one is missing; %d are there", len(want), len(have))
		}
	}
	return fmt.Errorf("%d tags too many", len(have)-len(want))
}
