package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// do runs a job and fails the test when it fails.
func do(t *testing.T, j Job) Report {
	t.Helper()
	r, err := try(j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func try(j Job) (Report, error) {
	if j.Now == nil {
		j.Now = clock
	}
	if j.Source == "" {
		j.Source = SourceCommand
	}
	return j.Run(context.Background())
}

// line is a source's report in short, for comparing.
func line(s ttpcron.SourceReport) string {
	return fmt.Sprintf("%s events=%d commands=%d tagged=%d tags=%d inserted=%d known=%d skipped=%d bounded=%d",
		s.Source, s.Events, s.Commands, s.Tagged, s.Tags, s.Inserted, s.Known, s.Skipped, s.Bounded)
}

func wantLine(t *testing.T, r Report, want string) {
	t.Helper()
	if got := line(r.Run.Sources[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func texts(m *memory) []string {
	var out []string
	for _, tag := range m.tags {
		for _, e := range m.events {
			if e.ID == tag.SourceID {
				text, _ := e.Payload.Text("command_text")
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestFirstRunTakesEverything(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(400), "wget old"), command(daysAgo(5000), "wget of more than ten years ago"),
		command(daysAgo(6.9), "wget new"), command(daysAgo(1), ""), command(daysAgo(1), "slow"))
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=5 commands=4 tagged=3 tags=3 inserted=3 known=0 skipped=1 bounded=1")
	if !r.Run.Window.Since.IsZero() {
		t.Errorf("a first run has a window, since %v", r.Run.Window.Since)
	}
	if got := m.cursors[ttpcron.Command]; got.Seq != 5 || got.RunID != r.Run.ID {
		t.Errorf("cursor %+v, want seq 5", got)
	}
	if m.lastRun().Outcome != "done" || m.lastRun().Sources[0].Inserted != 3 {
		t.Errorf("record %+v", m.lastRun())
	}
}

func TestResumedRunTakesWhatArrivedHoweverOld(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(1), "wget a"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	add(m, command(daysAgo(3000), "wget late"), command(daysAgo(1), "wget b"), command(daysAgo(-2), "wget from the future"))
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=3 commands=3 tagged=3 tags=3 inserted=3 known=0 skipped=0 bounded=0")
	pages := m.pages
	r = do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=0 commands=0 tagged=0 tags=0 inserted=0 known=0 skipped=0 bounded=0")
	if m.pages != pages {
		t.Errorf("a run with nothing to do read %d pages", m.pages-pages)
	}
}

func TestWindowNeverHidesLateArrivals(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(1), "wget a"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	add(m, command(daysAgo(100), "wget late"), command(daysAgo(5), "wget edge, outside"), command(daysAgo(2), "wget b"))
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 3})
	wantLine(t, r, "command events=2 commands=2 tagged=2 tags=2 inserted=1 known=1 skipped=0 bounded=0")
	if got := m.cursors[ttpcron.Command].Seq; got != 1 {
		t.Fatalf("cursor moved to %d past events outside the window", got)
	}
	r = do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=2 commands=2 tagged=2 tags=2 inserted=2 known=0 skipped=0 bounded=0")
	if got := m.cursors[ttpcron.Command].Seq; got != 4 {
		t.Errorf("cursor at %d, want 4", got)
	}
}

func TestWindowOverOnlyPartOfADayKeepsTheCursor(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(1), "wget a"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	add(m, command(daysAgo(3.1), "wget same day, outside"), command(daysAgo(2.9), "wget inside"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 3})
	if got := m.cursors[ttpcron.Command].Seq; got != 1 {
		t.Fatalf("cursor moved to %d", got)
	}
	c := m.coverage[kindDay{ttpcron.Command, ttpcron.DayOf(daysAgo(3))}]
	if len(c) != 1 || !c[0].Since.Equal(daysAgo(3)) {
		t.Errorf("coverage %+v of a day that was read in part", c)
	}
	do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	if got := texts(m); !slices.Equal(got, []string{"wget a", "wget inside", "wget same day, outside"}) {
		t.Errorf("tagged %q", got)
	}
}

func TestWindowOverEverythingMovesTheCursor(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(100), "wget a"), command(daysAgo(1), "wget b"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 3650})
	if got := m.cursors[ttpcron.Command].Seq; got != 2 {
		t.Errorf("cursor at %d, want 2", got)
	}
	add(m, command(daysAgo(200), "wget c"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 1})
	if got := m.cursors[ttpcron.Command].Seq; got != 2 {
		t.Errorf("cursor at %d, want 2", got)
	}
}

func TestSecondPassReportsTheSameWithoutReading(t *testing.T) {
	m := newMemory()
	for i := range 50 {
		add(m, command(daysAgo(float64(i)), fmt.Sprint("wget ", i)), command(daysAgo(float64(i)), ""), command(daysAgo(float64(i)), "slow"))
	}
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 3650})
	wantLine(t, r, "command events=150 commands=100 tagged=50 tags=50 inserted=50 known=0 skipped=50 bounded=50")
	first := r.Run.Sources[0]
	pages := m.pages
	r = do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 3650})
	second := r.Run.Sources[0]
	if m.pages != pages {
		t.Errorf("second pass read %d pages", m.pages-pages)
	}
	if second.Inserted != 0 || second.Known != first.Tags {
		t.Errorf("second pass: %s", line(second))
	}
	second.Inserted, second.Known, second.Elapsed = first.Inserted, first.Known, first.Elapsed
	if first != second {
		t.Errorf("first  %s\nsecond %s", line(first), line(second))
	}
	// With other rules nothing is settled.
	r = do(t, Job{Store: storeOf(m), Rules: rules("wget", "slow"), SinceDays: 3650})
	if got := r.Run.Sources[0]; got.Events != first.Events || got.Inserted == 0 || m.pages == pages {
		t.Errorf("other rules: %s", line(got))
	}
}

func TestCoverageIsNeverAheadOfWhatWasLookedAt(t *testing.T) {
	m := newMemory()
	day := daysAgo(2)
	add(m, command(day, "wget 1"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")}) // covers the day up to 1
	add(m, command(day, "curl 2"))
	do(t, Job{Store: storeOf(m), Rules: rules("curl")}) // other rules look at event 2 alone
	add(m, command(day, "wget 3"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")}) // the first rules again, event 3 alone
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 10})
	wantLine(t, r, "command events=3 commands=3 tagged=2 tags=2 inserted=0 known=2 skipped=0 bounded=0")
	r = do(t, Job{Store: storeOf(m), Rules: rules("curl"), SinceDays: 10})
	wantLine(t, r, "command events=3 commands=3 tagged=1 tags=1 inserted=0 known=1 skipped=0 bounded=0")
}

func TestResumedRunsExtendCoverage(t *testing.T) {
	m := newMemory()
	day := daysAgo(2)
	for i := range 4 {
		add(m, command(day, fmt.Sprint("wget ", i)))
		do(t, Job{Store: storeOf(m), Rules: rules("wget")})
		add(m, command(daysAgo(1), fmt.Sprint("wget other day ", i)))
		do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	}
	pages := m.pages
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 10})
	wantLine(t, r, "command events=8 commands=8 tagged=8 tags=8 inserted=0 known=8 skipped=0 bounded=0")
	if m.pages != pages {
		t.Error("days that resumed runs covered were read again")
	}
}

func TestResumedRunRespectsACheckpointThatWasSet(t *testing.T) {
	m := newMemory()
	day := daysAgo(2)
	add(m, command(day, "wget 1"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")}) // covers the day up to 1
	add(m, command(day, "wget 2"), command(day, "wget 3"))
	m.cursors[ttpcron.Command] = ttpcron.Cursor{Kind: ttpcron.Command, Seq: 2}
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=1 commands=1 tagged=1 tags=1 inserted=1 known=0 skipped=0 bounded=0")
	// The event that was skipped is not taken for covered.
	r = do(t, Job{Store: storeOf(m), Rules: rules("wget"), SinceDays: 10})
	wantLine(t, r, "command events=3 commands=3 tagged=3 tags=3 inserted=1 known=2 skipped=0 bounded=0")
}

func TestDryRunWritesNothingAndCountsWhatItWould(t *testing.T) {
	m, scratch := newMemory(), newMemory()
	add(m, command(daysAgo(1), "wget a"))
	do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	add(m, command(daysAgo(1), "wget b"))
	writes := m.writes
	in := input("f", fakeFile{batches: []ttpcron.Batch{batchOf(command(daysAgo(1), "wget a"), command(daysAgo(900), "wget c"))}})
	r := do(t, Job{Store: storeOf(m), Scratch: ref(storeOf(scratch)), Rules: rules("wget"), Inputs: []Input{in}, DryRun: true})
	wantLine(t, r, "command events=2 commands=2 tagged=2 tags=2 inserted=2 known=0 skipped=0 bounded=0")
	if r.Files[0].New != 1 || r.Files[0].Known != 1 || !r.Run.Sources[0].DryRun {
		t.Errorf("files %+v", r.Files)
	}
	r = do(t, Job{Store: storeOf(m), Scratch: ref(storeOf(newMemory())), Rules: rules("wget"), Inputs: []Input{in}, DryRun: true, SinceDays: 30})
	wantLine(t, r, "command events=2 commands=2 tagged=2 tags=2 inserted=1 known=1 skipped=0 bounded=0")
	if len(r.Found.Techniques) != 1 || r.Found.Techniques[0].Tags != 2 {
		t.Errorf("picture %+v", r.Found)
	}
	if m.writes != writes || m.commits != 1+1 {
		t.Errorf("a dry run wrote: %d writes, %d commits", m.writes-writes, m.commits)
	}
}

func TestFailedCommitKeepsTheCheckpoint(t *testing.T) {
	full := errors.New("no space left on device")
	for fail := 1; fail <= 6; fail++ {
		t.Run(fmt.Sprint("commit ", fail), func(t *testing.T) {
			m := newMemory()
			for i := range 100 {
				add(m, command(daysAgo(float64(i%5)), fmt.Sprint("wget ", i)))
			}
			m.commitErr = func(n int, c ttpcron.Commit) error {
				if n >= fail && len(c.Tags)+len(c.Coverage)+len(c.Cursors) > 0 {
					return full
				}
				return nil
			}
			job := Job{Store: storeOf(m), Rules: rules("wget"), BatchSize: 10, Now: ticking(), Workers: 3}
			_, err := try(job)
			if !errors.Is(err, full) {
				t.Fatalf("error %v", err)
			}
			if c, ok := m.cursors[ttpcron.Command]; ok {
				t.Errorf("checkpoint moved to %v past a window that was not committed", c)
			}
			covered := 0
			for _, c := range m.coverage {
				covered += c[0].Tags
			}
			if covered != len(m.tags) {
				t.Errorf("coverage speaks of %d tags, the store has %d", covered, len(m.tags))
			}
			if !strings.Contains(m.lastRun().Outcome, "no space left") {
				t.Errorf("outcome %q", m.lastRun().Outcome)
			}
			m.commitErr = nil
			do(t, job)
			if len(m.tags) != 100 {
				t.Errorf("%d tags after the second run, want 100", len(m.tags))
			}
		})
	}
}

// ticking is a clock that makes every group due at once.
func ticking() func() time.Time {
	ticks := make(chan time.Time, 1)
	ticks <- noon
	return func() time.Time {
		now := <-ticks
		ticks <- now.Add(2 * time.Second)
		return now
	}
}

func TestGroupsHoldWholeBatches(t *testing.T) {
	m := newMemory()
	for i := range 1000 {
		add(m, command(daysAgo(1), fmt.Sprint("wget ", i)))
	}
	do(t, Job{Store: storeOf(m), Rules: rules("wget"), BatchSize: 70, Now: ticking()})
	for i, n := range m.groups {
		if n < 70 && i < len(m.groups)-1 {
			t.Errorf("group %d holds %d tags, fewer than a batch", i, n)
		}
	}
	if len(m.groups) < 5 {
		t.Errorf("groups %v", m.groups)
	}
}

func TestInterruptedRunKeepsWhatItTagged(t *testing.T) {
	m := newMemory()
	for i := range 3000 {
		add(m, command(daysAgo(float64(i%3)), fmt.Sprint("wget ", i)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.onPage = func(n int) {
		if n == 500 {
			cancel()
		}
	}
	job := Job{Store: storeOf(m), Rules: rules("wget"), Source: SourceAll, Now: clock}
	r, err := job.Run(ctx)
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v", err)
	}
	s := r.Run.Sources[0]
	if s.Inserted == 0 || s.Inserted != len(m.tags) || s.Inserted >= 3000 || len(r.Run.Sources) != 2 || r.Run.Sources[1].Source != "canary" {
		t.Errorf("%d in the store; %s", len(m.tags), line(s))
	}
	if _, ok := m.cursors[ttpcron.Command]; ok || m.lastRun().Outcome != "interrupted" {
		t.Errorf("cursors %v, outcome %q", m.cursors, m.lastRun().Outcome)
	}
	m.onPage = nil
	r = do(t, job)
	if rest := r.Run.Sources[0]; rest.Tags != 3000-s.Inserted || rest.Inserted != rest.Tags || len(m.tags) != 3000 {
		t.Errorf("continued after %d: %s", s.Inserted, line(rest))
	}
}

func TestInterruptedImportFinishesItsBatch(t *testing.T) {
	m := newMemory()
	ctx, cancel := context.WithCancel(context.Background())
	in := input("f", fakeFile{
		batches: []ttpcron.Batch{batchOf(command(daysAgo(1), "wget 1")), batchOf(command(daysAgo(1), "wget 2")), batchOf(command(daysAgo(1), "wget 3"))},
		each: func(i int) {
			if i == 1 {
				cancel()
			}
		},
	})
	r, err := (&Job{Store: storeOf(m), Rules: rules("wget"), Inputs: []Input{in}, Now: clock}).Run(ctx)
	if !errors.Is(err, ErrInterrupted) || r.Run.Imported.New != 2 || len(m.events) != 2 || len(r.Run.Sources) != 0 {
		t.Errorf("error %v, report %+v", err, r)
	}
	if m.lastRun().Outcome != "interrupted" {
		t.Errorf("outcome %q", m.lastRun().Outcome)
	}
}

func TestNoRules(t *testing.T) {
	canaryOnly := words{name: "C", kinds: bothKinds[1:], terms: []string{"x"}}
	tests := []struct {
		name   string
		rules  words
		source string
		want   bool
	}{
		{"none at all", words{name: "none"}, SourceAll, true},
		{"none for commands", canaryOnly, SourceCommand, true},
		{"some for canaries", canaryOnly, SourceCanary, false},
		{"some for one of all", canaryOnly, SourceAll, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory()
			add(m, command(daysAgo(1), "wget"))
			_, err := try(Job{Store: storeOf(m), Rules: tt.rules, Source: tt.source})
			if errors.Is(err, ErrNoRules) != tt.want {
				t.Errorf("error %v", err)
			}
			if _, ok := m.cursors[ttpcron.Command]; ok {
				t.Error("the cursor moved past commands that no rule looked at")
			}
			if len(m.runs) != 1 {
				t.Errorf("%d records", len(m.runs))
			}
		})
	}
}

func TestSettingsOutOfRange(t *testing.T) {
	for _, j := range []Job{{SinceDays: -1}, {SinceDays: 3651}, {BatchSize: -1}, {BatchSize: 100_001}, {Source: "commands"}, {DryRun: true, Inputs: []Input{{}}}} {
		j.Store, j.Rules = storeOf(newMemory()), rules("wget")
		if _, err := try(j); err == nil {
			t.Errorf("since-days %d, batch-size %d, source %q accepted", j.SinceDays, j.BatchSize, j.Source)
		}
	}
}

func TestAllSources(t *testing.T) {
	m := newMemory()
	event := func(kind ttpcron.SourceKind, at time.Time, text string) ttpcron.Event {
		e := command(at, text)
		e.Kind = kind
		return e
	}
	w := words{name: "W", kinds: append(slices.Clone(bothKinds), ttpcron.AuthAttempt), terms: []string{"wget"}}
	add(m, event(ttpcron.CanaryFingerprint, daysAgo(1), "wget"), event("other", daysAgo(1), "wget"), command(daysAgo(1), "wget"))
	names := func(r Report) (out []string) {
		for _, s := range r.Run.Sources {
			out = append(out, fmt.Sprint(s.Source, "=", s.Inserted))
		}
		return out
	}
	r := do(t, Job{Store: storeOf(m), Rules: w, Source: SourceAll})
	if got := names(r); !slices.Equal(got, []string{"command=1", "canary=1"}) {
		t.Errorf("sources %v", got)
	}
	if !slices.Equal(r.Run.Unclaimed, []ttpcron.SourceKind{"other"}) {
		t.Errorf("unclaimed %v", r.Run.Unclaimed)
	}
	add(m, event(ttpcron.AuthAttempt, daysAgo(500), "wget"), event(ttpcron.CanaryFingerprint, daysAgo(500), "wget"))
	r = do(t, Job{Store: storeOf(m), Rules: w, Source: SourceAll})
	if got := names(r); !slices.Equal(got, []string{"command=0", "canary=1", "auth_attempt=1"}) {
		t.Errorf("sources %v", got)
	}
	// A kind that was stored before any rule applied to it is read from its beginning.
	w.kinds = append(w.kinds, "other")
	add(m, event("other", daysAgo(500), "wget"))
	r = do(t, Job{Store: storeOf(m), Rules: w, Source: SourceAll})
	if got := names(r); !slices.Equal(got, []string{"command=0", "canary=0", "auth_attempt=0", "other=2"}) {
		t.Errorf("sources %v", got)
	}
	if len(r.Run.Unclaimed) > 0 {
		t.Errorf("unclaimed %v", r.Run.Unclaimed)
	}
}

func TestUnreadableInputsDoNotStopTheRun(t *testing.T) {
	m := newMemory()
	gone := errors.New("permission denied")
	closed := false
	inputs := []Input{
		{Name: "a", Open: func(context.Context, Known) (File, error) { return nil, gone }},
		{Name: "stray", Open: func(context.Context, Known) (File, error) {
			return nil, fmt.Errorf("%w: no log", ErrPassedOver)
		}},
		input("b", fakeFile{batches: []ttpcron.Batch{batchOf(command(daysAgo(1), "wget 1"))}, err: gone, closed: &closed}),
		input("c", fakeFile{batches: []ttpcron.Batch{batchOf(command(daysAgo(1), "wget 2"))}}),
	}
	r, err := try(Job{Store: storeOf(m), Rules: rules("wget"), Inputs: inputs})
	var bad *InputError
	if !errors.As(err, &bad) || !errors.Is(err, gone) || len(bad.Files) != 2 {
		t.Fatalf("error %v", err)
	}
	wantLine(t, r, "command events=2 commands=2 tagged=2 tags=2 inserted=2 known=0 skipped=0 bounded=0")
	if !closed || len(r.Files) != 4 || !r.Files[1].Passed || r.Run.Imported.New != 2 {
		t.Errorf("files %+v", r.Files)
	}
	if _, ok := m.cursors[ttpcron.Command]; !ok || !strings.HasPrefix(m.lastRun().Outcome, "2 inputs could not be read") {
		t.Errorf("outcome %q", m.lastRun().Outcome)
	}
}

func TestPanicCostsOneEvent(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(1), "wget 1"), command(daysAgo(1), "panic"), command(daysAgo(1), "wget 2"), command(daysAgo(2), "panic"))
	r := do(t, Job{Store: storeOf(m), Rules: rules("wget")})
	wantLine(t, r, "command events=4 commands=4 tagged=2 tags=2 inserted=2 known=0 skipped=0 bounded=0")
}

func TestUnreadableHistory(t *testing.T) {
	m := newMemory()
	add(m, command(daysAgo(1), "wget 1"))
	m.eventsErr = errors.New("bad block")
	_, err := try(Job{Store: storeOf(m), Rules: rules("wget")})
	if err == nil || !strings.Contains(err.Error(), "read command events of 2026-05-19: bad block") {
		t.Errorf("error %v", err)
	}
	if len(m.cursors) != 0 {
		t.Error("the cursor moved")
	}
}

func TestDistinct(t *testing.T) {
	tag := func(rule, technique string, confidence float64, tactic string) ttpcron.Tag {
		return ttpcron.Tag{Claim: ttpcron.Claim{RuleID: rule, TechniqueID: technique, Confidence: confidence, Tactic: tactic}}
	}
	tags := []ttpcron.Tag{
		tag("R1", "T1", 0.5, "other event"),
		tag("R1", "T1", 0.5, "TA1"), tag("R1", "T1", 0.8, "TA2"), tag("R1", "T1", 0.8, "TA3"), tag("R1", "T2", 0.29, "TA1"), tag("R2", "T1", 0.3, "TA1"),
	}
	var got []string
	for _, t := range distinct(tags, 1) {
		got = append(got, t.RuleID+t.TechniqueID+t.Tactic)
	}
	if want := []string{"R1T1other event", "R1T1TA2", "R2T1TA1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOrder shows that workers do not change what is committed, or its order.
func TestOrder(t *testing.T) {
	var want []string
	for _, workers := range []int{1, 2, 7} {
		m := newMemory()
		for i := range 5000 {
			add(m, command(daysAgo(float64(i%9)), fmt.Sprint("wget curl ", i)))
		}
		var got []string
		m.onCommit = func(_ int, c ttpcron.Commit) {
			for i := range c.Tags {
				got = append(got, c.Tags[i].UUID().String())
			}
		}
		do(t, Job{Store: storeOf(m), Rules: rules("wget", "curl"), SinceDays: 3650, Workers: workers})
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers commit other tags, or in another order", workers)
		}
	}
}

func TestPictureStaysBounded(t *testing.T) {
	tl := newTally(func(c *ttpcron.Claim) (float64, bool) { return c.Confidence, c.RuleID != "hidden" }, nil, nil)
	for i := range 3 * maxAttacker {
		tags := []ttpcron.Tag{{Claim: ttpcron.Claim{Tactic: "TA0002", TechniqueID: "T1059"}, AttackerUUID: fmt.Sprint(i)}}
		if i%10 == 0 {
			tags = append(tags, ttpcron.Tag{Claim: ttpcron.Claim{Tactic: "TA0002", TechniqueID: "T1105"}, AttackerUUID: "busy"})
			tags = append(tags, ttpcron.Tag{Claim: ttpcron.Claim{RuleID: "hidden", Tactic: "TA0002", TechniqueID: "T1083"}, AttackerUUID: "busy"})
		}
		tl.add(tags)
	}
	p := tl.picture()
	if len(tl.attackers) > maxAttacker || !p.Approximate || len(p.Attackers) != maxTop {
		t.Errorf("%d attackers kept, approximate %v", len(tl.attackers), p.Approximate)
	}
	if top := p.Attackers[0]; top.UUID != "busy" || top.Techniques != 1 {
		t.Errorf("top %+v", top)
	}
	if p.Techniques[0] != (TechniqueCount{"TA0002", "T1059", 3 * maxAttacker}) {
		t.Errorf("techniques %+v", p.Techniques)
	}
}

// names is a release in which T1 and T2 are T9, with another tactic.
type names struct{}

func (names) Shown(c *ttpcron.Claim) ttpcron.Claim {
	shown := *c
	if c.TechniqueID == "T1" || c.TechniqueID == "T2" {
		shown.TechniqueID, shown.Tactic = "T9", "TA9"
	}
	return shown
}

// TestPictureCountsOnce: techniques that are shown as one count once for each event and
// rule.
func TestPictureCountsOnce(t *testing.T) {
	tag := func(event, rule, tactic, technique string, confidence float64) ttpcron.Tag {
		return ttpcron.Tag{Claim: ttpcron.Claim{RuleID: rule, Tactic: tactic, TechniqueID: technique, Confidence: confidence}, SourceID: event, AttackerUUID: "a"}
	}
	tags := []ttpcron.Tag{
		tag("e1", "R1", "TA1", "T1", 0.5), tag("e1", "R1", "TA1", "T2", 0.7), tag("e1", "R2", "TA1", "T2", 0.5), tag("e1", "R1", "TA1", "T3", 0.5),
		tag("e2", "R1", "TA1", "T2", 0.5), tag("e2", "R1", "TA9", "T9", 0.5), tag("e2", "R1", "TA1", "T1", 0.5),
		tag("e3", "R2", "TA2", "T1", 0.5),
	}
	for _, c := range []struct {
		names      ttpcron.Naming
		techniques []TechniqueCount
		tags, of   int // of the attacker
	}{
		{names{}, []TechniqueCount{{"TA9", "T9", 4}, {"TA1", "T3", 1}}, 5, 2},
		{nil, []TechniqueCount{{"TA1", "T2", 3}, {"TA1", "T1", 2}, {"TA2", "T1", 1}, {"TA1", "T3", 1}, {"TA9", "T9", 1}}, 8, 5},
	} {
		tl := newTally(nil, nil, c.names)
		tl.add(tags)
		p := tl.picture()
		if !slices.Equal(p.Techniques, c.techniques) || p.Attackers[0].Tags != c.tags || p.Attackers[0].Techniques != c.of {
			t.Errorf("%+v", p)
		}
	}
}

// Which of several tags shown as one counts depends on the shown confidence, as in every
// other view.
func TestPictureCountsOnceWhatIsClipped(t *testing.T) {
	tl := newTally(func(c *ttpcron.Claim) (float64, bool) { return min(c.Confidence, 0.5), true }, nil, oneName{})
	tag := ttpcron.Tag{Claim: ttpcron.Claim{RuleID: "R1", Tactic: "TA1", TechniqueID: "T1", Confidence: 0.6}, SourceID: "e1", AttackerUUID: "a"}
	surer := tag
	surer.Tactic, surer.TechniqueID, surer.Confidence = "TA2", "T2", 0.9
	tl.add([]ttpcron.Tag{surer, tag})
	if p := tl.picture(); !slices.Equal(p.Techniques, []TechniqueCount{{"TA1", "T9", 1}}) {
		t.Errorf("%+v", p.Techniques)
	}
}

// oneName is a release in which every technique is T9, with its own tactic.
type oneName struct{}

func (oneName) Shown(c *ttpcron.Claim) ttpcron.Claim {
	shown := *c
	shown.TechniqueID = "T9"
	return shown
}

func TestPictureLeavesOutMarkedAddresses(t *testing.T) {
	own, err := ttpcron.ParseNetworks("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	tl := newTally(nil, own, nil)
	claim := ttpcron.Claim{Tactic: "TA0002", TechniqueID: "T1059"}
	tl.add([]ttpcron.Tag{
		{Claim: claim, AttackerUUID: "own", AttackerIP: "192.0.2.7"}, {Claim: claim, AttackerUUID: "own", AttackerIP: "192.0.2.7"},
		{Claim: claim, AttackerUUID: "resolver", AttackerIP: "198.51.100.1", ByResolver: true},
		{Claim: claim, AttackerUUID: "private", AttackerIP: "10.0.0.1"},
	})
	p := tl.picture()
	if p.Marked != 3 || len(p.Attackers) != 1 || p.Attackers[0].IP != "10.0.0.1" || p.Techniques[0].Tags != 4 {
		t.Errorf("%+v", p)
	}
}

func TestPictureBeginsAtMediumOnHosts(t *testing.T) {
	tl := newTally(nil, nil, nil)
	for i, l := range []ttpcron.Level{ttpcron.LevelInformational, ttpcron.LevelLow, 0, ttpcron.LevelHigh} {
		for _, v := range []ttpcron.Vantage{ttpcron.VantageHoneypot, ttpcron.VantageHost} {
			tl.add([]ttpcron.Tag{{Claim: ttpcron.Claim{Tactic: "TA0002", TechniqueID: fmt.Sprint("T", i), Level: l}, Vantage: v, AttackerUUID: v.String()}})
		}
	}
	p := tl.picture()
	if p.LeftOut != 2 || len(p.Techniques) != 4 || len(p.Attackers) != 2 {
		t.Fatalf("%+v", p)
	}
	if p.Attackers[0].Tags != 4 || p.Attackers[1].Tags != 2 {
		t.Errorf("attackers %+v", p.Attackers)
	}
}

// TestHistories plays random histories of arrivals, runs of every sort, interruptions and
// failures. After each resumed run, every event must have its tag, and coverage must be
// true.
func TestHistories(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 60
	}
	for seed := range n {
		if err := history(uint64(seed)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func keysOf(m map[ttpcron.UUID]ttpcron.Tag) map[string]bool {
	out := map[string]bool{}
	for _, t := range m {
		out[t.RuleID+"|"+t.SourceID] = true
	}
	return out
}
