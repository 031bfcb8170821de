package jobs

import (
	"cmp"
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

// wordRule tags commands that contain a word. Its definition is the word, its claim, and
// the kinds of event that it looks at.
type wordRule struct {
	id         string
	version    int
	word       string
	confidence float64
	kind       ttpcron.SourceKind // empty: commands
	disabled   bool
}

func (r *wordRule) active() bool { return !r.disabled }

func (r *wordRule) applies(kind ttpcron.SourceKind) bool {
	return r.active() && kind == cmp.Or(r.kind, ttpcron.Command) && r.confidence >= ttpcron.MinConfidence
}

// lexicon is a rule set of wordRules.
type lexicon []wordRule

func (l lexicon) Definitions() []ttpcron.RuleDef {
	var out []ttpcron.RuleDef
	for _, r := range l {
		if r.active() {
			sum := sha256.Sum256([]byte(fmt.Sprint(r.version, r.word, r.confidence, r.kind)))
			out = append(out, ttpcron.RuleDef{ID: r.id, Version: r.version, Digest: [16]byte(sum[:16])})
		}
	}
	return out
}

func (l lexicon) Fingerprint() string { return ttpcron.NewRuleSet(l.Definitions()).Fingerprint }
func (l lexicon) InForce() int        { return len(l.Definitions()) }
func (l lexicon) Tagger() Tagger      { return l }

func (l lexicon) Correlations() []Correlation { return nil }

func (l lexicon) Matches() []ttpcron.BaseMatch { return nil }

func (l lexicon) Applying(kind ttpcron.SourceKind) (n int) {
	for i := range l {
		if l[i].applies(kind) {
			n++
		}
	}
	return n
}

func (l lexicon) Applies(id string, kind ttpcron.SourceKind) bool {
	return slices.ContainsFunc(l, func(r wordRule) bool { return r.id == id && r.applies(kind) })
}

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
		if r.applies(e.Kind) && strings.Contains(text, r.word) {
			dst = append(dst, ttpcron.Tag{
				Claim:      ttpcron.Claim{RuleID: r.id, RuleVersion: r.version, Tactic: "TA0002", TechniqueID: "T1059", Confidence: r.confidence},
				SourceKind: e.Kind, SourceID: e.ID, AttackerUUID: uuid, EventTime: e.Time, Evidence: json.RawMessage(`{}`),
			})
		}
	}
	return dst, ttpcron.Verdict{}
}

func rule(id string, version int, word string) wordRule {
	return wordRule{id: id, version: version, word: word, confidence: 1}
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
		rules = append(rules, fmt.Sprintf("%s@%d %s %d tags +%d -%d ~%d", c.RuleID, c.Version, c.Why, c.Tags, c.Inserted, c.Removed, c.Replaced))
	}
	return fmt.Sprintf("events=%d inserted=%d retagged=%d tags=%d inserted=%d %v", s.Events, s.Inserted, s.Retagged, s.RetagTags, s.RetagInserted, rules)
}

// TestChangedRules runs one job after another over a growing history: an event on each of
// two days, and an old one that is skipped by a run over a week and a checkpoint set after
// it.
func TestChangedRules(t *testing.T) {
	old := lexicon{rule("A", 1, "wget"), rule("B", 1, "curl")}
	disabled, weak, sure := rule("B", 1, "curl"), rule("B", 1, "curl"), rule("B", 1, "curl")
	disabled.disabled, weak.confidence, sure.confidence = true, 0.2, 0.5
	left := rule("D", 1, "x")
	left.kind = "odd"
	steps := []struct {
		name  string
		rules lexicon
		want  string
	}{
		{"first run", old, "events=2 inserted=2 retagged=0 tags=0 inserted=0 []"},
		{"the same rules", old, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"a new rule", append(old[:2:2], rule("C", 1, "x")), "events=0 inserted=0 retagged=2 tags=2 inserted=2 [C@1 new 2 tags +2 -0 ~0]"},
		{"and again", append(old[:2:2], rule("C", 1, "x")), "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"a new version", lexicon{rule("A", 2, "get"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=1 [A@2 version 1 tags +1 -1 ~0]"},
		{"the old version", lexicon{rule("A", 1, "l"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=1 [A@1 version 1 tags +1 -1 ~0]"},
		{"edited without a version", lexicon{rule("A", 1, "get"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=1 [A@1 edited 1 tags +1 -1 ~0]"},
		{"rules removed", lexicon{old[1]}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"rules back", lexicon{rule("A", 1, "get"), old[1], rule("C", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"disabled", lexicon{rule("A", 1, "get"), disabled, rule("C", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"disabled, one gone, and another new", lexicon{rule("A", 1, "get"), disabled, rule("D", 1, "x")}, "events=0 inserted=0 retagged=2 tags=2 inserted=2 [D@1 new 2 tags +2 -0 ~0]"},
		{"enabled, and back", lexicon{rule("A", 1, "get"), old[1], rule("C", 1, "x"), rule("D", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
		{"less sure", lexicon{rule("A", 1, "get"), sure, rule("C", 1, "x"), rule("D", 1, "x")}, "events=0 inserted=0 retagged=2 tags=1 inserted=0 [B@1 edited 1 tags +0 -0 ~1]"},
		{"too weak", lexicon{rule("A", 1, "get"), weak, rule("C", 1, "x"), rule("D", 1, "x")}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 [B@1 kind 0 tags +0 -1 ~0]"},
		{"of another kind", lexicon{rule("A", 1, "get"), weak, rule("C", 1, "x"), left}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 [D@1 kind 0 tags +0 -2 ~0]"},
		{"and again", lexicon{rule("A", 1, "get"), weak, rule("C", 1, "x"), left}, "events=0 inserted=0 retagged=0 tags=0 inserted=0 []"},
	}
	for _, days := range []int{0, 1} { // a resumed run, and one with a window that holds nothing
		m := newMemory()
		add(m, command(daysAgo(400), "wget curl x left out"), command(daysAgo(2), "wget x"), command(daysAgo(3), "curl x"))
		for i, s := range steps {
			j := Job{Store: storeOf(m), Rules: s.rules, SinceDays: days}
			if i == 0 {
				j.SinceDays = 7
			}
			if got := retagLine(do(t, j)); got != s.want {
				t.Errorf("%s:\ngot  %s\nwant %s", s.name, got, s.want)
			}
			m.setCheckpoint()
		}
		want := []string{"A@1 wget x", "C@1 curl x", "C@1 wget x"}
		if got := tagged(m); !slices.Equal(got, want) {
			t.Errorf("tags %q", got)
		}
	}
}

// TestChangedRulesReachPartsOfDays covers a day in parts: the events in a run's window,
// after which the checkpoint was set, and those that arrived later.
func TestChangedRulesReachPartsOfDays(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(7.1), "x morning, left out"), command(daysAgo(6.9), "x afternoon"))
	do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x")}, SinceDays: 7})
	m.setCheckpoint()
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
	// A store that does not know the old rules uses all of the new ones.
	clear(m.sets)
	r := do(t, Job{Store: storeOf(m), Rules: lexicon{rule("A", 1, "x"), rule("C", 1, "x")}})
	if got, want := retagLine(r), "events=0 inserted=0 retagged=3 tags=6 inserted=3 [A@1 unknown 3 tags +0 -0 ~0 C@1 unknown 3 tags +3 -0 ~0]"; got != want {
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
	want := "events=0 inserted=0 retagged=6 tags=12 inserted=12 [A@2 version 6 tags +6 -6 ~0 B@1 new 6 tags +6 -0 ~0]"
	for _, dry := range []bool{true, true, false} {
		writes := m.writes
		r := do(t, Job{Store: storeOf(m), Rules: changed, ChangedOnly: true, DryRun: dry})
		if got := retagLine(r); got != want {
			t.Errorf("dry run %v:\ngot  %s\nwant %s", dry, got, want)
		}
		if dry && (r.Changed[0].Inserted != 6 || r.Changed[0].Was != 1 || m.writes != writes) {
			t.Errorf("%+v", r.Changed)
		}
	}
	if got := m.cursors[ttpcron.Command]; got.Seq != 0 {
		t.Errorf("a run with changed rules only moved the cursor to %d", got.Seq)
	}
	// What a dry run takes as new it does not take again as covered.
	add(m, command(daysAgo(1), "wget x new"))
	r := do(t, Job{Store: storeOf(m), Rules: lexicon{rule("B", 1, "x"), rule("C", 1, "x")}, SinceDays: 3, DryRun: true})
	if got, want := retagLine(r), "events=5 inserted=6 retagged=2 tags=2 inserted=2 [C@1 new 6 tags +7 -0 ~0]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := try(Job{Store: storeOf(m), Rules: changed, ChangedOnly: true, SinceDays: 3}); err == nil {
		t.Error("a window for changed rules only is accepted")
	}
}

// TestInterruptedRetagGoesOn interrupts a review, and checks that the next run continues
// where it stopped.
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

// TestIncrementalEqualsFromScratch plays random histories of rule edits, arrivals and runs
// of every sort, some disturbed. After every run that ended well, the tags of the rules in
// force must be exactly those that a run from scratch would make from the events that some
// run has looked at. To show which these are, each kind has a rule that never changes and
// tags every event.
func TestIncrementalEqualsFromScratch(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 60
	}
	var all edits
	for seed := range n {
		e := edits{rnd: rand.New(rand.NewPCG(uint64(seed), 5)), memory: newMemory(), most: []int{0, 2, 3}[seed%3]}
		if err := e.play(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		all.retags, all.removed, all.replaced, all.parts = all.retags+e.retags, all.removed+e.removed, all.replaced+e.replaced, max(all.parts, e.parts)
	}
	if all.retags < n || all.removed < n || all.replaced < n/2 || all.parts < 3 {
		t.Errorf("the histories are too tame: %d runs looked again, %d tags went, %d changed, at most %d parts a day", all.retags, all.removed, all.replaced, all.parts)
	}
}

var alphabet = strings.Fields("wget curl uname echo cat")

const stdin ttpcron.SourceKind = "stdin"

// edits is one such history.
type edits struct {
	*memory
	rnd  *rand.Rand
	set  lexicon
	most int // parts that a day's coverage may have

	retags, removed, replaced, parts int
}

func (e *edits) play() error {
	rnd, m := e.rnd, e.memory
	m.pageSize = 1 + rnd.IntN(4)
	input := rule("ALLSTDIN", 1, "")
	input.kind = stdin
	e.set = lexicon{rule("ALL", 1, ""), input}
	for step := range 40 {
		switch p := rnd.IntN(10); {
		case p < 3:
			for range rnd.IntN(6) {
				c := command(daysAgo(12*rnd.Float64()), fmt.Sprint(alphabet[rnd.IntN(5)], " ", alphabet[rnd.IntN(5)], " ", step, rnd.Uint64()))
				if rnd.IntN(3) == 0 {
					c.Kind = stdin
				}
				add(m, c)
			}
			continue
		case p < 6:
			e.edit()
			continue
		}
		j := Job{Store: storeOf(m), Rules: e.set, Now: clock, BatchSize: 1 + rnd.IntN(5), Workers: 1 + rnd.IntN(3), parts: e.most}
		if rnd.IntN(3) > 0 {
			j.Now = ticking()
		}
		switch rnd.IntN(5) {
		case 0:
			j.SinceDays = 1 + rnd.IntN(14)
		case 1:
			j.ChangedOnly = true
		}
		// Where parts are joined over events that no run has looked at, a dry run joins
		// other parts.
		if rnd.IntN(3) == 0 && e.most == 0 {
			if err := e.foretold(&j); err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
		}
		end, err := m.disturbed(rnd, &j)
		if err == nil && end == ended {
			err = e.asFromScratch()
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		for _, list := range m.coverage {
			e.parts = max(e.parts, len(list))
		}
	}
	for _, r := range m.runs {
		if slices.ContainsFunc(r.Sources, func(s ttpcron.SourceReport) bool { return s.Retagged > 0 }) {
			e.retags++
		}
	}
	e.removed, e.replaced = m.done.Removed, m.done.Replaced
	return nil
}

// edit changes one thing about one rule, in whatever direction.
func (e *edits) edit() {
	rnd := e.rnd
	l := slices.Clone(e.set)
	id := string(rune('A' + rnd.IntN(4)))
	i := slices.IndexFunc(l, func(r wordRule) bool { return r.id == id })
	if i < 0 {
		l = append(l, rule(id, 1+rnd.IntN(3), alphabet[rnd.IntN(5)]))
		i = len(l) - 1
	}
	switch r := &l[i]; rnd.IntN(9) {
	case 0:
		l = slices.Delete(l, i, i+1)
	case 1:
		r.disabled = !r.disabled
	case 2, 5:
		r.confidence = []float64{0.2, 0.5, 0.7, 1}[rnd.IntN(4)]
	case 3:
		r.kind = []ttpcron.SourceKind{"", stdin, "odd"}[rnd.IntN(3)]
	case 4:
		r.word = alphabet[rnd.IntN(5)]
	default:
		r.version, r.word = 1+rnd.IntN(3), alphabet[rnd.IntN(5)]
	}
	e.set = l
}

// foretold checks that a dry run predicts what the run does.
func (e *edits) foretold(j *Job) error {
	dry, writes := *j, e.writes
	dry.DryRun = true
	want, err := dry.Run(context.Background())
	if err != nil || e.writes != writes {
		return fmt.Errorf("dry run: %v, wrote %d", err, e.writes-writes)
	}
	got, err := j.Run(context.Background())
	if err != nil || !sameChanges(got, want) {
		return fmt.Errorf("a dry run says %+v %s, the run does %+v %s, %v", want.Tags, retagLine(want), got.Tags, retagLine(got), err)
	}
	return e.asFromScratch()
}

func sameChanges(a, b Report) bool {
	for _, r := range []*Report{&a, &b} {
		maps.DeleteFunc(r.Tags.Changes, func(_ ttpcron.RuleTechnique, n ttpcron.TagChanges) bool { return n == ttpcron.TagChanges{} })
	}
	return a.Tags.TagChanges == b.Tags.TagChanges && maps.Equal(a.Tags.Changes, b.Tags.Changes)
}

// asFromScratch compares the tags of the rules in force with those that they make from
// every event that a run has looked at.
func (e *edits) asFromScratch() error {
	looked, have, want := map[string]bool{}, map[string]int{}, map[string]int{}
	force := map[string]bool{}
	for _, d := range e.set.Definitions() {
		force[d.ID] = true
	}
	for _, t := range e.tags {
		if strings.HasPrefix(t.RuleID, "ALL") {
			looked[t.SourceID] = true
		}
		if force[t.RuleID] {
			have[fmt.Sprint(t.Claim, t.SourceID)]++
		}
	}
	for i := range e.events {
		if !looked[e.events[i].ID] {
			continue
		}
		tags, _ := e.set.Tag(&e.events[i], nil)
		for _, t := range tags {
			want[fmt.Sprint(t.Claim, t.SourceID)]++
		}
	}
	for k := range want {
		if have[k] == 0 {
			return fmt.Errorf("of %d tags one is missing, of %d that are there: %s", len(want), len(have), k)
		}
	}
	for k := range have {
		if want[k] == 0 {
			return fmt.Errorf("%d tags too many, such as %s", len(have)-len(want), k)
		}
	}
	return nil
}
